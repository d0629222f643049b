"""Fields that take exactly what they say, and say exactly what they take.

DRF's own fields turn ``true`` into 1, ``"1_0"`` into 10, and a naive text into an instant. These
refuse whatever is not written as documented, and each knows its JSON Schema, so that the schema,
the check and the documentation cannot drift apart.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar

from rest_framework import serializers

from core import ids
from core.api.field_base import Strict as Strict  # importable from here too
from core.api.field_base import TextLike
from core.api.field_patterns import (
    ALL_BLANK,
    ASCII_INTEGER,
    CONTROL,
    CURRENCIES,
    DECIMAL,
    HAS_CONTROL,
    INSTANT,
    KEY_PATTERN,
    SPACES,
    ZONE,
    ref,
)
from core.api.rendering import dumps, plain_decimal, plain_instant
from core.errors import DomainError
from core.money import Money

MAX_INT4 = 2**31 - 1
MAX_AMOUNT = 10**15
MAX_OBJECT_BYTES = 16 * 1024


class Text(TextLike):
    """One line of text without control characters, at most ``max_length`` code points, as given.

    Blank text (nothing, or only spaces) is refused unless ``allow_blank``.
    """

    default_error_messages = {
        "blank": "This must not be blank.",
        "too_long": "This must have at most {max_length} characters.",
        "control_character": "This must not hold control characters.",
    }

    def __init__(self, *, max_length: int, allow_blank: bool = False, **kwargs: Any) -> None:
        self.max_length = max_length
        self.blank_allowed = allow_blank  # drf-spectacular gives DRF's own name a meaning
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = self.text(data)
        if len(text) > self.max_length:
            self.fail("too_long", max_length=self.max_length)
        if HAS_CONTROL.search(text):
            self.fail("control_character")
        if not self.blank_allowed and ALL_BLANK.fullmatch(text):
            self.fail("blank")
        return text

    def json_schema(self) -> dict[str, Any]:
        some = f"[^{CONTROL}{SPACES}][^{CONTROL}]*" if not self.blank_allowed else ""
        schema = {
            "type": "string",
            "maxLength": self.max_length,
            "pattern": f"^[^{CONTROL}]*{some}$",
        }
        return schema if self.blank_allowed else {**schema, "minLength": 1}


class Key(TextLike):
    """A key that the caller chooses. Never the shape of a TypeID."""

    default_error_messages = {
        "malformed_key": "A key has 1 to 128 of A-Z a-z 0-9 . _ : @ - and begins with a letter or "
        "digit; it must not look like an identifier."
    }

    def to_internal_value(self, data: Any) -> str:
        text = self.text(data)
        try:
            return ids.check_key(text)
        except DomainError:
            self.fail("malformed_key")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": 128, "pattern": KEY_PATTERN}


class Id(TextLike):
    """A TypeID of one type."""

    default_error_messages = {"malformed_id": "This must be an identifier like {prefix}_…"}

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = self.text(data)
        if not ids.is_type_id(text, prefix=self.prefix):
            self.fail("malformed_id", prefix=self.prefix)
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"}


class Reference(TextLike):
    """The id or the key of an object. Only its shape is checked: ``core.api.lookups`` finds it."""

    default_error_messages = {"malformed_reference": "This must be an identifier or a key."}

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = self.text(data)
        if not is_reference(text):
            self.fail("malformed_reference")
        return text

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "maxLength": 128,
            "pattern": KEY_PATTERN,
            "examples": [f"{self.prefix}_01jd0000000000000000000000"],
        }


def is_reference(text: str) -> bool:
    """Tell whether a text has the shape of an identifier or of a key."""
    if ids.is_type_id(text):
        return True
    try:
        ids.check_key(text)
    except DomainError:
        return False
    return True


class Instant(TextLike):
    """An instant as RFC 3339 writes it, with its offset, from 1970 to 2200; answered in UTC.

    Money and access know whole seconds only, so a fraction other than zero is refused, not
    truncated; ``whole=False`` takes up to six places.
    """

    default_error_messages = {
        "malformed_instant": "This must be an instant like 2025-01-31T09:00:00Z, with its offset, "
        "from 1970 to 2200.",
        "whole_seconds_only": "This must be a whole second.",
    }

    def __init__(self, *, whole: bool = True, **kwargs: Any) -> None:
        self.whole = whole
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        text = self.text(data)
        match = INSTANT.fullmatch(text)
        if match is None:
            self.fail("malformed_instant")
        if self.whole and match[2] and match[2].strip(".0"):
            self.fail("whole_seconds_only")
        # in UTC: PostgreSQL refuses offsets beyond 15:59, which RFC 3339 allows
        return datetime.fromisoformat(text).astimezone(UTC)

    def to_representation(self, value: Any) -> str:
        return plain_instant(value)

    def json_schema(self) -> dict[str, Any]:
        return ref("Instant" if self.whole else "PreciseInstant")


class Integer(Strict):
    """A JSON integer; by default from 0 to what four bytes hold. No bool, text or fraction."""

    default_error_messages = {
        "not_an_integer": "This must be an integer.",
        "too_small": "This must be at least {min_value}.",
        "too_large": "This must be at most {max_value}.",
    }

    def __init__(self, *, min_value: int = 0, max_value: int = MAX_INT4, **kwargs: Any) -> None:
        self.min_value = min_value
        self.max_value = max_value
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("not_an_integer")
        if data < self.min_value:
            self.fail("too_small", min_value=self.min_value)
        if data > self.max_value:
            self.fail("too_large", max_value=self.max_value)
        return data

    def from_parameter(self, text: str) -> Any:
        return self.run_validation(int(text) if ASCII_INTEGER.fullmatch(text) else text)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.min_value, "maximum": self.max_value}


class DecimalText(TextLike):
    """A decimal number in a text: up to 20 digits, and up to 12 after the point.

    Never a JSON number, which many readers would take for a float.
    """

    default_error_messages = {
        "malformed_decimal": 'This must be a decimal in quotes, like "12.5".',
        "negative": "This must not be negative.",
    }
    negative_allowed: ClassVar[bool] = True

    def to_internal_value(self, data: Any) -> Decimal:
        text = self.text(data)
        if DECIMAL.fullmatch(text) is None:
            self.fail("malformed_decimal")
        if text.startswith("-") and not self.negative_allowed:
            self.fail("negative")
        return Decimal(text)

    def to_representation(self, value: Any) -> str:
        return plain_decimal(Decimal(value))

    def json_schema(self) -> dict[str, Any]:
        sign = "-?" if self.negative_allowed else ""
        return {"type": "string", "pattern": rf"^{sign}[0-9]{{1,20}}(\.[0-9]{{1,12}})?$"}


class Quantity(DecimalText):
    """How much of something: a decimal text that is not negative."""

    negative_allowed = False


class CurrencyCode(TextLike):
    """A currency of ISO 4217."""

    default_error_messages = {"unknown_currency": "This must be a currency code of ISO 4217."}

    def to_internal_value(self, data: Any) -> str:
        text = self.text(data)
        if text not in CURRENCIES:
            self.fail("unknown_currency")
        return text

    def json_schema(self) -> dict[str, Any]:
        return ref("CurrencyCode")


class MoneyField(Strict):
    """``{"amount": 4900, "currency": "EUR"}``: minor units; the value is a ``Money``."""

    default_error_messages = {
        "not_an_object": "This must be an object with amount and currency.",
        "unknown_field": "There is no such field.",
    }

    def __init__(self, *, min_value: int = 0, max_value: int = MAX_AMOUNT, **kwargs: Any) -> None:
        self.parts: dict[str, Strict] = {
            "amount": Integer(min_value=min_value, max_value=max_value),
            "currency": CurrencyCode(),
        }
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Money:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        values: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, field in self.parts.items():
            try:
                values[name] = field.run_validation(data.get(name, serializers.empty))
            except serializers.ValidationError as error:
                errors[name] = error.detail
        for name in data.keys() - self.parts.keys():
            errors[name] = [
                serializers.ErrorDetail(str(self.error_messages["unknown_field"]), "unknown_field")
            ]
        if errors:
            raise serializers.ValidationError(errors)
        return Money(values["amount"], values["currency"])

    def to_representation(self, value: Money) -> dict[str, Any]:
        return {"amount": value.amount, "currency": value.currency}

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {name: field.json_schema() for name, field in self.parts.items()},
            "required": ["amount", "currency"],
            "additionalProperties": False,
        }


class Zone(TextLike):
    """The name of a time zone. Only its shape: whether there is one, a service finds out."""

    default_error_messages = {"malformed_zone": "This must be a zone like Europe/Berlin."}

    def to_internal_value(self, data: Any) -> str:
        text = self.text(data)
        if ZONE.fullmatch(text) is None:
            self.fail("malformed_zone")
        return text

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "maxLength": 64,
            "pattern": "^[A-Za-z][A-Za-z0-9_+/-]{0,63}$",
            "examples": ["Europe/Berlin"],
        }


class StrictBoolean(Strict):
    """``true`` or ``false``, and nothing that resembles them."""

    default_error_messages = {"not_a_boolean": "This must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("not_a_boolean")
        return data

    def from_parameter(self, text: str) -> Any:
        return self.run_validation({"true": True, "false": False}.get(text, text))

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Choice(TextLike):
    """One of some texts; an enum's values, if an enum is given."""

    default_error_messages = {"unknown_choice": "This must be one of: {choices}."}

    def __init__(self, choices: type[Enum] | Iterable[str], **kwargs: Any) -> None:
        self.choices = tuple(
            str(each.value) if isinstance(each, Enum) else str(each) for each in choices
        )
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = self.text(data)
        if text not in self.choices:
            self.fail("unknown_choice", choices=", ".join(self.choices))
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}


class JsonObject(Strict):
    """Any JSON object of at most ``max_bytes`` as we write it (16 KiB unless told)."""

    default_error_messages = {
        "not_an_object": "This must be an object.",
        "too_large": "This must have at most {max_bytes} bytes.",
    }

    def __init__(self, *, max_bytes: int = MAX_OBJECT_BYTES, **kwargs: Any) -> None:
        self.max_bytes = max_bytes
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        if len(dumps(data)) > self.max_bytes:
            self.fail("too_large", max_bytes=self.max_bytes)
        return data

    def to_representation(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return dict(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}
