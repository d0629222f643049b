"""The admin shows change sets and their items; decisions go through the services."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from changes import services
from changes.models import ChangeSet, ChangeSetItem
from core.admin import ReadOnlyAdmin


@admin.register(ChangeSet)
class ChangeSetAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "state", "customer", "undoes", "created_at", "created_by", "approved_by",
        "expires_at", "finished_at", "reason",
    )  # fmt: skip
    list_filter = ("state", "all_or_nothing")
    id_search_fields = ("id", "customer", "undoes")
    search_fields = ("created_by", "approved_by", "reason", "customer__key")
    actions = ("approve", "apply", "pause", "stop", "discard", "undo")

    @admin.action(description="Approve")
    def approve(self, request: HttpRequest, rows: QuerySet[ChangeSet]) -> None:
        self.for_each(request, rows, lambda row: services.approve(change_set_id=row.id))

    @admin.action(description="Apply, or go on applying")
    def apply(self, request: HttpRequest, rows: QuerySet[ChangeSet]) -> None:
        self.for_each(request, rows, lambda row: services.apply(change_set_id=row.id))

    @admin.action(description="Pause")
    def pause(self, request: HttpRequest, rows: QuerySet[ChangeSet]) -> None:
        self.for_each(request, rows, lambda row: services.pause(change_set_id=row.id))

    @admin.action(description="Stop for good; what was applied stays")
    def stop(self, request: HttpRequest, rows: QuerySet[ChangeSet]) -> None:
        self.for_each(request, rows, lambda row: services.stop(change_set_id=row.id))

    @admin.action(description="Discard")
    def discard(self, request: HttpRequest, rows: QuerySet[ChangeSet]) -> None:
        self.for_each(request, rows, lambda row: services.discard(change_set_id=row.id))

    @admin.action(description="Make the change set that undoes it")
    def undo(self, request: HttpRequest, rows: QuerySet[ChangeSet]) -> None:
        self.for_each(request, rows, lambda row: services.undo(change_set_id=row.id))


@admin.register(ChangeSetItem)
class ChangeSetItemAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "change_set", "place", "customer", "subscription", "state", "effective_at",
        "error_code", "attempts", "lease_until", "applied_at",
    )  # fmt: skip
    list_filter = ("state", "error_code")
    list_select_related = ("customer",)
    id_search_fields = ("id", "change_set", "customer", "subject", "subscription")
    search_fields = ("error_code", "customer__key")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("change_set")
