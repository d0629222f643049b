from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.acting import because
from core.admin import ReadOnlyAdmin
from subscriptions import services
from subscriptions.block_admin import BlockAdmin as BlockAdmin  # registered with the others
from subscriptions.models import Import, PendingChange, SpentTrial, Subscription, Term
from subscriptions.services.cancel import When

_CUSTOMER = ("customer__key", "customer__profile__email")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "customer", "subject", "product", "plan_version", "interval", "state",
        "period_start", "period_end",
    )  # fmt: skip
    list_filter = ("state", "product", "interval")
    id_search_fields = ("id", "customer", "subject", "plan_version")
    search_fields = (*_CUSTOMER, "subject__key", "plan_version__plan__key")
    actions = ("cancel_at_period_end", "cancel_now", "uncancel")

    @admin.action(description="Cancel at the end of the period")
    def cancel_at_period_end(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        self.for_each(
            request, rows, lambda row: services.cancel(subscription_id=row.id, when=When.PERIOD_END)
        )

    @admin.action(description="Cancel now")
    def cancel_now(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        with because("canceled by staff in the admin"):
            self.for_each(
                request, rows, lambda row: services.cancel(subscription_id=row.id, when=When.NOW)
            )

    @admin.action(description="Take the cancellation back")
    def uncancel(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        self.for_each(request, rows, lambda row: services.uncancel(subscription_id=row.id))


@admin.register(PendingChange)
class PendingChangeAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "customer", "subscription", "kind", "effective_at", "plan_version", "status",
    )  # fmt: skip
    list_filter = ("status", "kind")
    id_search_fields = ("id", "subscription", "customer")
    search_fields = _CUSTOMER
    actions = ("take_back",)

    @admin.action(description="Take back")
    def take_back(self, request: HttpRequest, rows: QuerySet[PendingChange]) -> None:
        self.for_each(
            request,
            rows,
            lambda row: services.unschedule(subscription_id=row.subscription_id, change_id=row.id),
        )


@admin.register(Term)
class TermAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "customer", "subscription", "plan_version", "interval", "quantity", "state",
        "starts_at", "cause", "superseded_at",
    )  # fmt: skip
    list_filter = ("cause", "state")
    id_search_fields = ("subscription", "customer", "id")
    search_fields = _CUSTOMER


@admin.register(SpentTrial)
class SpentTrialAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "subject", "subscription", "product", "starts_at")
    id_search_fields = ("subscription", "customer", "subject", "id")
    search_fields = _CUSTOMER


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "external_id", "customer", "subscription", "billed_through", "at", "recorded_at",
    )  # fmt: skip
    id_search_fields = ("subscription", "customer", "id")
    search_fields = (*_CUSTOMER, "external_id")
