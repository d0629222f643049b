"""Write JSON: instants end in Z, decimals are texts, so that no number loses a digit."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def dumps(value: Any, *, sorted_keys: bool = False) -> bytes:
    """Write a value as JSON, in UTF-8.

    :raises TypeError: for a value that has no place in an answer, such as a naive datetime
    """
    return orjson.dumps(value, _plain, _OPTIONS | (orjson.OPT_SORT_KEYS if sorted_keys else 0))


def plain_decimal(value: Decimal) -> str:
    """Write a finite decimal without exponent and without zeros at its end.

    :raises ValueError: for NaN and infinities
    """
    if not value.is_finite():
        raise ValueError(f"{value} is no amount")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain_instant(value: datetime) -> str:
    """Write an aware instant in UTC, with a fraction only if it has one.

    :raises ValueError: for a naive one
    """
    if value.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class JsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else dumps(data)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, datetime):
        return plain_instant(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")
