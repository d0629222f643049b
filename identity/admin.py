"""Who may call us, as staff see it. Digests and keys are never shown, not even sealed ones."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core import clock
from core.admin import ReadOnlyAdmin
from identity import services
from identity.models import Client, ClientSecret, DirectoryVersion, RevokedToken, SigningKey


@admin.register(Client)
class ClientAdmin(ReadOnlyAdmin):
    list_display = ("id", "key", "name", "customer", "product_service", "created_at", "disabled_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter), "product_service")
    id_search_fields = ("id", "customer")
    search_fields = ("key", "name", "customer__key", "customer__profile__email")
    fields = (
        "id", "key", "name", "scopes", "customer", "product_service", "created_at",
        "disabled_at", "tokens_from",
    )  # fmt: skip
    actions = ("disable", "enable", "take_back_tokens")

    def name_of(self, row: Client) -> str:
        return row.key or row.name

    @admin.action(description="Disable: refuse the client and all its tokens")
    def disable(self, request: HttpRequest, rows: QuerySet[Client]) -> None:
        now = clock.system_now()
        self.for_each(request, rows, lambda row: services.disable_client(client_id=row.id, now=now))

    @admin.action(description="Enable")
    def enable(self, request: HttpRequest, rows: QuerySet[Client]) -> None:
        now = clock.system_now()
        self.for_each(request, rows, lambda row: services.enable_client(client_id=row.id, now=now))

    @admin.action(description="Take back all tokens given so far")
    def take_back_tokens(self, request: HttpRequest, rows: QuerySet[Client]) -> None:
        now = clock.system_now()
        self.for_each(
            request, rows, lambda row: services.revoke_all_tokens(client_id=row.id, now=now)
        )


@admin.register(ClientSecret)
class ClientSecretAdmin(ReadOnlyAdmin):
    list_display = ("id", "client", "prefix", "created_at", "expires_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    id_search_fields = ("id", "client")
    search_fields = ("prefix", "client__key", "client__name")
    fields = ("id", "client", "slot", "prefix", "created_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke: the secret opens nothing any more")
    def revoke(self, request: HttpRequest, rows: QuerySet[ClientSecret]) -> None:
        now = clock.system_now()
        self.for_each(request, rows, lambda row: services.revoke_secret(secret_id=row.id, now=now))


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ("id", "state_now", "not_before", "not_after", "created_at")
    fields = ("id", "state_now", "not_before", "not_after", "created_at")

    @admin.display(description="state")
    def state_now(self, key: SigningKey) -> str:
        return str(key.state(at=clock.system_now()).label)


@admin.register(RevokedToken)
class RevokedTokenAdmin(ReadOnlyAdmin):
    list_display = ("id", "client", "revoked_at", "expires_at")
    id_search_fields = ("id", "client")
    search_fields = ("client__key", "client__name")
    fields = ("id", "client", "revoked_at", "expires_at")


@admin.register(DirectoryVersion)
class DirectoryVersionAdmin(ReadOnlyAdmin):
    list_display = ("id", "version")
    id_search_fields = ()
