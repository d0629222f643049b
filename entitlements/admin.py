"""The admin shows what was given and what that makes; nothing is edited. What happens to overrides,
the services do."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest

from core import clock
from core.admin import ReadOnlyAdmin
from core.money import Money
from entitlements import override_services as services
from entitlements.models import CustomerRevision, Fact, Override, Timeline
from entitlements.overrides import MEANINGS, State


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    list_display = (
        "feature",
        "value",
        "customer",
        "subject",
        "source_id",
        "starts_at",
        "ends_at",
        "superseded_at",
    )
    list_filter = (
        ("superseded_at", admin.EmptyFieldListFilter),
        "source_type",
        "feature",
    )
    id_search_fields = ("id", "customer", "subject")
    search_fields = (
        "feature", "source_id", "customer__key", "customer__profile__email", "subject__key",
    )  # fmt: skip


@admin.register(Timeline)
class TimelineAdmin(ReadOnlyAdmin):
    list_display = ("customer", "subject", "starts_at", "next_boundary_at", "revision")
    list_filter = (("next_boundary_at", admin.EmptyFieldListFilter),)
    id_search_fields = ("customer", "subject")
    search_fields = ("customer__key", "customer__profile__email", "subject__key")


@admin.register(CustomerRevision)
class CustomerRevisionAdmin(ReadOnlyAdmin):
    list_display = ("customer", "epoch", "revision")
    id_search_fields = ("customer",)
    search_fields = ("customer__key", "customer__profile__email")


class StateFilter(admin.SimpleListFilter):
    """A state follows from dates, and each customer has a now of its own."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(state), f"{state}: {meaning}") for state, meaning in MEANINGS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Override)
class OverrideAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "customer", "subject", "feature", "mode", "value", "state", "starts_at",
        "expires_at", "gives_away", "of_customer", "created_by", "reason",
    )  # fmt: skip
    list_filter = (StateFilter, "mode", "feature", "needs_approval")
    id_search_fields = ("id", "customer", "subject", "feature")
    search_fields = (
        "reason", "created_by", "customer__key", "customer__profile__email", "subject__key",
        "feature__key",
    )  # fmt: skip
    actions = ("revoke", "approve", "reject")

    def get_queryset(self, request: HttpRequest) -> Any:
        now = clock.whole_second(clock.system_now())
        stated: Any = Override.objects.as_of_each_customer(now)
        alike = stated.filter(
            customer=OuterRef("customer"),
            currency=OuterRef("currency"),
            state__in=[State.ACTIVE, State.SCHEDULED],
        )
        total = alike.order_by().values("currency").annotate(total=Sum("value_given"))
        rows: Any = super().get_queryset(request)
        rows = rows.select_related("feature", "customer", "subject")
        return rows.as_of_each_customer(now).annotate(total_given=Subquery(total.values("total")))

    @admin.display(ordering="state")
    def state(self, row: Override) -> str:
        return row.state

    @admin.display(ordering="value_given", description="value given")
    def gives_away(self, row: Override) -> str | None:
        return _said(row.worth) if row.worth else None

    @admin.display(description="given to the customer in all")
    def of_customer(self, row: Any) -> str | None:
        """What all the customer's overrides give away that are in effect or to come."""
        return _said(Money(row.total_given, row.currency)) if row.total_given else None

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, rows: QuerySet[Override]) -> None:
        self.for_each(request, rows, lambda row: services.revoke(override_id=row.id))

    @admin.action(description="Approve")
    def approve(self, request: HttpRequest, rows: QuerySet[Override]) -> None:
        self.for_each(request, rows, lambda row: services.approve(override_id=row.id))

    @admin.action(description="Reject")
    def reject(self, request: HttpRequest, rows: QuerySet[Override]) -> None:
        self.for_each(request, rows, lambda row: services.reject(override_id=row.id))


def _said(amount: Money) -> str:
    return f"{amount.to_major():,f} {amount.currency}"
