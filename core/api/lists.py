"""Lists: named filters, and a cursor that goes on exactly after the last row.

Nothing is counted and nothing skipped by number, so page 1,000 costs what page 1 does.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest
from typing import Any, ClassVar

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.crypto import salted_hmac

from core import ids
from core.api import fields
from core.api.field_base import Strict
from core.api.parameters import MalformedParameter, Parameter
from core.api.rendering import dumps
from core.errors import BadRequest

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_CURSOR = 512
_MAC_BYTES = 16

Rows = QuerySet[Any]


class MalformedCursor(BadRequest):
    """The cursor is not one that this list gave, with these filters, to this caller."""

    code = "malformed_cursor"


@dataclass(frozen=True, slots=True)
class Filter:
    """A documented filter: what it may be, and what it keeps of the rows."""

    field: Strict
    keep: Callable[[Rows, Any], Rows]
    description: str

    @classmethod
    def reference(
        cls, prefix: str, path: str, description: str, *, key_path: str | None = None
    ) -> "Filter":
        """Rows whose ``path`` is an id, or whose ``key_path`` is a key."""

        def keep(rows: Rows, reference: str) -> Rows:
            if ids.is_type_id(reference):
                if not ids.is_type_id(reference, prefix=prefix):
                    raise MalformedParameter(f"an identifier here begins with {prefix}_")
                return rows.filter(**{path: reference})
            return rows.filter(**{key_path: reference}) if key_path else rows.none()

        field = fields.Reference(prefix) if key_path else fields.Id(prefix)
        return cls(field, keep, description)

    @classmethod
    def choice(cls, choices: type[Enum] | Iterable[str], path: str, description: str) -> "Filter":
        """Rows whose ``path`` is one of some documented texts."""
        return cls(fields.Choice(choices), _equal(path), description)

    @classmethod
    def key(cls, path: str, description: str) -> "Filter":
        """Rows whose ``path`` is a key, such as a feature's."""
        return cls(fields.Key(), _equal(path), description)

    @classmethod
    def text(cls, path: str, description: str, *, max_length: int) -> "Filter":
        """Rows whose ``path`` is exactly this text."""
        return cls(fields.Text(max_length=max_length), _equal(path), description)

    @classmethod
    def boolean(cls, path: str, description: str, *, negate: bool = False) -> "Filter":
        """Rows whose ``path`` is true, or false; the other way round with ``negate``, which suits a
        path that ends in ``__isnull``."""
        return cls(
            fields.StrictBoolean(),
            lambda rows, value: rows.filter(**{path: value != negate}),
            description,
        )

    @classmethod
    def after(cls, path: str, description: str) -> "Filter":
        """Rows at or after an instant. Name it ``…_after``."""
        return cls(fields.Instant(whole=False), _equal(f"{path}__gte"), description)

    @classmethod
    def before(cls, path: str, description: str) -> "Filter":
        """Rows before an instant. Name it ``…_before``; with ``after``: half open, as ever."""
        return cls(fields.Instant(whole=False), _equal(f"{path}__lt"), description)


class Filters:
    """The filters of one list, as class attributes: ``state = Filter.choice(State, "state", "…")``.

    A subclass has its parent's filters too.
    """

    declared: ClassVar[Mapping[str, Filter]] = {}

    def __init_subclass__(cls) -> None:
        own = {
            name.removesuffix("_"): each  # from_: Python keeps the bare word for itself
            for name, each in vars(cls).items()
            if isinstance(each, Filter)
        }
        cls.declared = {**cls.declared, **own}


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the cursor of the next page; None after the last row."""

    rows: list[Model]
    next_cursor: str | None


def parameters(filters: type[Filters]) -> tuple[Parameter, ...]:
    """Return the query parameters of a list."""
    named = (
        Parameter(name, each.field, each.description) for name, each in filters.declared.items()
    )
    return (
        *named,
        Parameter(
            "limit",
            fields.Integer(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT),
            "How many to answer at most.",
        ),
        Parameter(
            "cursor",
            _CursorField(),
            "Where to go on: the `next_cursor` of the page before, with the same filters.",
        ),
    )


def page(
    queryset: Rows,
    values: Mapping[str, Any],
    *,
    filters: type[Filters],
    bound_to: str,
    order: str = "-id",
) -> Page:
    """Return one page of the rows that the filters keep, newest first unless told.

    ``values`` are the checked query parameters. ``order`` is one column whose values are unique.
    ``bound_to`` names the list and whoever may read it: a cursor is good for nothing else.

    :raises MalformedCursor: 400
    """
    chosen = {name: value for name, value in values.items() if name in filters.declared}
    for name, value in chosen.items():
        queryset = filters.declared[name].keep(queryset, value)
    binding = dumps([bound_to, order, chosen], sorted_keys=True)
    descending, column = order.startswith("-"), order.removeprefix("-")
    if "cursor" in values:
        last = _open(values["cursor"], binding)
        queryset = _beyond(queryset, f"{column}__{'lt' if descending else 'gt'}", last)
    limit = values.get("limit", DEFAULT_LIMIT)
    rows = list(queryset.order_by(order)[: limit + 1])
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], _seal(getattr(rows[limit - 1], column), binding))


class _CursorField(fields.Text):
    """A cursor is only ever given back; its content is nobody's business."""

    def __init__(self) -> None:
        super().__init__(max_length=MAX_CURSOR)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": MAX_CURSOR, "minLength": 1}


def _equal(path: str) -> Callable[[Rows, Any], Rows]:
    return lambda rows, value: rows.filter(**{path: value})


def _beyond(queryset: Rows, lookup: str, last: Any) -> Rows:
    try:
        return queryset.filter(**{lookup: last})
    except (BadRequest, ValidationError, ValueError, TypeError):
        raise MalformedCursor("this cursor is not of this list") from None


def _seal(last: Any, binding: bytes) -> str:
    content = orjson.dumps(last)
    return urlsafe_b64encode(_mac(content, binding) + content).decode().rstrip("=")


def _open(cursor: str, binding: bytes) -> Any:
    try:
        sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (UnicodeEncodeError, binascii.Error):
        raise MalformedCursor("this is not a cursor") from None
    mac, content = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
    if not compare_digest(mac, _mac(content, binding)):
        raise MalformedCursor("this cursor is not of this list, these filters and this caller")
    return orjson.loads(content)


def _mac(content: bytes, binding: bytes) -> bytes:
    digest: bytes = salted_hmac(
        "core.api.lists.cursor", content + b"\x00" + binding, algorithm="sha256"
    ).digest()
    return digest[:_MAC_BYTES]
