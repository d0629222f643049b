"""The admin shows everything and edits almost nothing: state changes go through services."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ERROR_FLAG, SEARCH_VAR
from django.contrib.auth import get_permission_codename
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.paginator import Paginator
from django.db.models import Field, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from core import events, ids
from core.errors import DomainError
from core.models import AuditEntry, Delivery, Event, EventSequence, IdempotencyKey

M = TypeVar("M", bound=Model)

MOST_LISTED = 10_000


class BoundedPaginator(Paginator):
    """Counts and pages through the first 10,000 rows; what is beyond is found by searching.

    A full count reads the whole table for every page that is shown of it.
    """

    template_name = "core/pagination.html"  # unfold includes it below the list

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MOST_LISTED].count())

    @property
    def is_cut(self) -> bool:
        """Whether there may be more than is counted."""
        return self.count >= MOST_LISTED


class CheckedAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no type stubs
    """Answers in words what no page of ours sends: filters and rows that cannot exist."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Answer the list; a filter by U+0000, which no column holds, as Django does wrong ones."""
        if any("\x00" in value for name, value in request.GET.items() if name != SEARCH_VAR):
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> Any:
        """Run the action, unless a row is chosen by what cannot be its identifier."""
        identifier = self.model._meta.pk
        try:
            for each in request.POST.getlist(ACTION_CHECKBOX_NAME):
                identifier.run_validators(identifier.to_python(each))
                identifier.get_prep_value(each)
        except (ValueError, ValidationError):
            messages.warning(request, "No row has such an identifier.")
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset)


class ReadOnlyAdmin(CheckedAdmin):
    """A list, a search and a page per row. Actions call services; nothing is edited.

    Every TypeID column named in ``id_search_fields`` is searchable by its exact identifier, beside
    the text columns in ``search_fields``. A column of ``list_display`` that refers to another row
    shows that row's name, as its own admin gives it, and leads there; ``named_by`` are the
    relations that ``name_of`` reads, so that no list makes a query per row.
    """

    list_per_page = 50
    list_disable_select_all = True  # an action runs on the rows of one page, and tells of each
    show_full_result_count = False
    paginator = BoundedPaginator
    id_search_fields: tuple[str, ...] = ("id",)
    named_by: tuple[str, ...] = ()

    def name_of(self, row: Any) -> str:
        """Return what lists call a row: its key, if it has one."""
        return getattr(row, "key", None) or str(row)

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

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Replace references by links; the first column leads to the row itself."""
        references = dict(self._references())
        return [
            _reference(references[name], is_link=place > 0) if name in references else name
            for place, name in enumerate(self.list_display)
        ]

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        joined = list(self.list_select_related or ())
        for name, column in self._references():
            if column.is_relation:
                page = admin.site._registry.get(column.related_model)
                joined += [name, *(f"{name}__{each}" for each in getattr(page, "named_by", ()))]
        return joined

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Add the keys of rows that are only referred to by identifier."""
        rows: QuerySet = super().get_queryset(request)
        keys = {
            _key_of(name): Subquery(
                _model_of(column).objects.filter(pk=OuterRef(name)).values("key")
            )
            for name, column in self._references()
            if not column.is_relation
        }
        annotated: QuerySet = rows.annotate(**keys)
        return annotated

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

    def _references(self) -> Iterator[tuple[str, Any]]:
        """Find the columns of the list that refer to rows with an admin of their own."""
        for name in self.list_display:
            try:
                column: Any = self.model._meta.get_field(name)
            except FieldDoesNotExist:
                continue
            if column.is_relation or (not column.unique and _model_of(column) is not None):
                yield name, column


def _reference(column: Any, *, is_link: bool) -> Callable[[Any], Any]:
    """Return a column of a list that names what another column refers to."""
    has_key = not column.is_relation or _has_key(column.related_model)
    ordering = f"{column.name}__key" if column.is_relation else _key_of(column.name)

    @admin.display(ordering=ordering if has_key else column.name, description=column.verbose_name)
    def show(row: Any) -> Any:
        found = getattr(row, column.name)
        if found is None:
            return None
        if not column.is_relation:
            return _link(_model_of(column), found, getattr(row, _key_of(column.name)) or found)
        page = admin.site._registry.get(type(found))
        name = page.name_of(found) if isinstance(page, ReadOnlyAdmin) else str(found)
        if not is_link:
            return format_html('<span title="{}">{}</span>', found.pk, name)
        return _link(type(found), found.pk, name)

    return show


def _link(model: type[Model], pk: Any, name: str) -> str:
    options = model._meta
    address = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[quote(pk)])
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" href="{}" title="{}">{}</a>',
        address,
        pk,
        name,
    )


def _model_of(identifier: Field) -> Any:
    """Return the model with a key whose identifiers a plain column holds; None: there is none."""
    prefix = getattr(identifier, "prefix", "")
    for model in admin.site._registry if prefix else ():
        if getattr(model._meta.pk, "prefix", "") == prefix and _has_key(model):
            return model
    return None


def _has_key(model: type[Model]) -> bool:
    return any(field.name == "key" for field in model._meta.fields)


def _key_of(name: str) -> str:
    return f"{name}_named"


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


@admin.register(EventSequence)
class EventSequenceAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer_id", "last")
    id_search_fields = ("customer_id",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("event", "handler", "attempts", "attempt_after", "delivered_at", "parked_at")
    list_filter = ("handler", ("parked_at", admin.EmptyFieldListFilter))
    id_search_fields = ("event__id",)
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
