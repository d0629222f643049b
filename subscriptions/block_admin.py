from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.acting import current
from core.admin import ReadOnlyAdmin
from subscriptions import services
from subscriptions.models import Block


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "customer", "scope", "subject", "subscription", "product", "name", "source",
        "effects", "starts_at", "ends_at", "lifted_at",
    )  # fmt: skip
    list_filter = (("lifted_at", admin.EmptyFieldListFilter), "scope", "name")
    id_search_fields = ("id", "customer", "subject", "subscription")
    search_fields = (
        "name", "source", "customer__key", "customer__profile__email", "subject__key",
    )  # fmt: skip
    actions = ("lift",)

    @admin.action(description="Lift")
    def lift(self, request: HttpRequest, rows: QuerySet[Block]) -> None:
        """Staff who may operate may lift what any source has placed."""
        self.for_each(
            request,
            rows,
            lambda row: services.lift_block(
                block_id=row.id, source=current().actor, of_others=True
            ),
        )
