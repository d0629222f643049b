"""The admin shows what was given, what that makes, and changes none of it."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from entitlements.models import CustomerRevision, Fact, Timeline


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
