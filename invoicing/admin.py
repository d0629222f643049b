"""The admin shows what was charged and credited, and changes none of it."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from invoicing.models import Charge, CreditBalance, CreditEntry, NextCharge, RefundIntent


class _MoneyAdmin(ReadOnlyAdmin):
    @admin.display(description="amount")
    def total(self, row: Charge | CreditEntry | CreditBalance | RefundIntent) -> str:
        return f"{row.money.to_major()} {row.currency}"


@admin.register(Charge)
class ChargeAdmin(_MoneyAdmin):
    list_display = (
        "id", "customer", "subscription", "item", "price_key", "kind", "total", "quantity",
        "period_start", "period_end", "at",
    )  # fmt: skip
    list_filter = ("kind", "part", "currency", "is_imported")
    id_search_fields = ("id", "customer", "subscription")
    search_fields = ("customer__key", "item", "version")


@admin.register(CreditEntry)
class CreditEntryAdmin(_MoneyAdmin):
    list_display = ("id", "customer", "kind", "total", "subscription", "charge", "reason", "at")
    list_filter = ("kind", "currency")
    id_search_fields = ("id", "customer", "subscription", "charge")
    search_fields = ("customer__key", "reason")


@admin.register(CreditBalance)
class CreditBalanceAdmin(_MoneyAdmin):
    list_display = ("customer", "total")
    list_filter = ("currency",)
    id_search_fields = ("customer",)
    search_fields = ("customer__key",)


@admin.register(RefundIntent)
class RefundIntentAdmin(_MoneyAdmin):
    list_display = ("id", "customer", "subscription", "total", "at")
    list_filter = ("currency",)
    id_search_fields = ("id", "customer", "subscription")
    search_fields = ("customer__key",)


@admin.register(NextCharge)
class NextChargeAdmin(ReadOnlyAdmin):
    list_display = ("subscription", "customer", "at")
    id_search_fields = ("subscription", "customer")
