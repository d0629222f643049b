"""The admin shows what was given, what that makes, and changes none of it."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from entitlements.models import CustomerRevision, Fact, Timeline


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    list_display = (
        "feature",
        "value",
        "customer_id",
        "subject_id",
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
    search_fields = ("feature", "source_id", "customer__key", "subject__key")


@admin.register(Timeline)
class TimelineAdmin(ReadOnlyAdmin):
    list_display = ("owner", "customer_id", "starts_at", "next_boundary_at", "revision")
    list_filter = (("next_boundary_at", admin.EmptyFieldListFilter),)
    id_search_fields = ("customer", "subject")
    search_fields = ("customer__key", "subject__key")


@admin.register(CustomerRevision)
class CustomerRevisionAdmin(ReadOnlyAdmin):
    list_display = ("customer_id", "epoch", "revision")
    id_search_fields = ("customer",)
    search_fields = ("customer__key",)
