"""The admin shows everything and edits almost nothing: state changes go through services."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ERROR_FLAG, SEARCH_VAR
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from unfold.admin import ModelAdmin

from core import events, ids
from core.errors import DomainError
from core.models import AuditEntry, Delivery, Event, IdempotencyKey

M = TypeVar("M", bound=Model)


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no type stubs
    """A list, a search and a page per row. Actions call services; nothing is edited.

    Every TypeID column named in ``id_search_fields`` is searchable by its exact identifier, beside
    the text columns in ``search_fields``.
    """

    list_per_page = 50
    show_full_result_count = False
    id_search_fields: tuple[str, ...] = ("id",)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> Any:
        """Staff who may only look get no actions; operating needs the change permission."""
        options = self.model._meta
        codename = get_permission_codename("change", options)
        if not request.user.has_perm(f"{options.app_label}.{codename}"):
            return {}
        return super().get_actions(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Answer the list; a filter by U+0000, which no column holds, as Django does wrong ones."""
        if any("\x00" in value for name, value in request.GET.items() if name != SEARCH_VAR):
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> Any:
        """Run the action, unless a row is chosen by what cannot be its identifier."""
        try:
            for each in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.model._meta.pk.get_prep_value(each)
        except (ValueError, ValidationError):
            messages.warning(request, "No row has such an identifier.")
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset)

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self.search_fields or self.id_search_fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Look an identifier up as one; search any other text in the text columns."""
        term = search_term.strip()
        if not ids.is_type_id(term):
            if term and not self.search_fields:
                return queryset.none(), False
            found: tuple[QuerySet, bool] = super().get_search_results(request, queryset, term)
            return found
        for name in self.id_search_fields:
            column = _column(queryset.model, name)
            if getattr(column, "prefix", None) and ids.is_type_id(term, prefix=column.prefix):
                return queryset.filter(**{name: term}), False
        return queryset.none(), False

    def for_each(
        self, request: HttpRequest, rows: Iterable[M], command: Callable[[M], object]
    ) -> None:
        """Run a service on each chosen row and tell the operator how each one went."""
        for row in rows:
            try:
                command(row)
            except DomainError as error:
                messages.error(request, f"{row}: {error.detail}")
            else:
                messages.success(request, f"{row}: done")


def _column(model: type[Model], path: str) -> Any:
    """Follow ``customer__id`` to the column it names; a relation stands for its target's key."""
    column: Any = None
    for name in path.split("__"):
        column = model._meta.get_field(name)
        if column.is_relation:
            model = column.related_model
    return column.target_field if column.is_relation else column


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "customer_id", "sequence", "position", "occurred_at", "actor")
    list_filter = ("type",)
    id_search_fields = ("id", "customer_id", "subject_id")
    search_fields = ("type",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("event", "handler", "attempts", "attempt_after", "delivered_at", "parked_at")
    list_filter = ("handler", ("parked_at", admin.EmptyFieldListFilter))
    list_select_related = ("event",)
    search_fields = ("handler", "error")
    actions = ("retry",)

    @admin.action(description="Try parked reactions again")
    def retry(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        self.for_each(request, rows, lambda row: events.retry_parked([row.pk]))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "operation", "table_name", "row_id", "customer_id", "reason")
    list_filter = ("operation", "table_name")
    id_search_fields = ("customer_id",)
    search_fields = ("actor", "reason", "request_id", "row_id")


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("principal", "route", "key", "status", "created_at")
    search_fields = ("principal", "route", "key")
