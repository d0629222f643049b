"""Find what a caller names, among what the caller may see."""

from typing import TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet

from core import ids
from core.errors import NotFound
from core.principals import Principal

M = TypeVar("M", bound=Model)


def find(
    queryset: QuerySet[M],
    reference: str,
    *,
    prefix: str,
    missing: type[NotFound],
    principal: Principal | None,
    key_field: str | None = "key",
    customer_field: str = "customer_id",
) -> M:
    """Return the one row that an id or a key names.

    What has the shape of a TypeID is only ever looked up as an id. A wrong prefix, another tenant's
    row and a row that does not exist all answer the same. ``principal=None`` means that everybody
    who may call may see every row, as in the catalog. A key that is unique per customer only finds
    its row in a queryset of one customer.

    :raises NotFound: the given ``missing``
    """
    seen = (
        queryset
        if principal is None
        else visible(queryset, principal, customer_field=customer_field)
    )
    found: list[M] = []
    if ids.is_type_id(reference):
        if ids.is_type_id(reference, prefix=prefix):
            found = list(seen.filter(id=reference)[:1])
    elif key_field is not None and "\x00" not in reference:
        found = list(seen.filter(**{key_field: reference})[:2])
    if len(found) != 1:
        raise missing(f"there is no such {queryset.model._meta.verbose_name}")
    return found[0]


def visible(
    queryset: QuerySet[M], principal: Principal, *, customer_field: str = "customer_id"
) -> QuerySet[M]:
    """Keep the rows of the customer that the caller is limited to; all of them without a limit.

    :raises FieldDoesNotExist: if the rows have no such column, whoever calls: a missing limit
        shows in the first test, not in the first leak
    """
    if "__" not in customer_field:
        _check_column(queryset.model, customer_field)
    if principal.customer_id is None:
        return queryset
    return queryset.filter(**{customer_field: principal.customer_id})


def _check_column(model: type[Model], name: str) -> None:
    if not any(name in (field.name, getattr(field, "attname", "")) for field in model._meta.fields):
        raise FieldDoesNotExist(
            f"{model.__name__} has no {name}: pass customer_field, or principal=None where "
            "everybody may see every row"
        )
