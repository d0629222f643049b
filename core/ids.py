"""Identifiers: TypeIDs (``sub_01jd…``), and the keys that callers choose themselves.

A TypeID is a UUIDv7 written as 26 Crockford base32 digits behind a prefix that names its type
(the TypeID specification, version 0.3). The database stores the native ``uuid``; Python and
the API only ever see the text. A key never looks like a TypeID, so either can be accepted where
an object is named, and nothing is ever looked up twice.
"""

import re
import secrets
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models

from core import clock
from core.errors import BadRequest

# Work on many rows reads and writes the same identifiers over and over.
REMEMBERED = 16_384
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _DIGITS for low in _DIGITS]
_AS_PYTHON_READS_BASE_32 = str.maketrans(_DIGITS, "0123456789abcdefghijklmnopqrstuv")
_TYPE_ID = re.compile(r"([a-z]{2,12})_([0-7][0-9a-hjkmnp-tv-z]{25})", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}", re.ASCII)


class MalformedId(BadRequest, ValueError):
    """The text is not an identifier of the type that is meant here.

    A ``ValueError`` too: that is how the admin learns that a path or a filter names nothing.
    """

    code = "malformed_id"


class MalformedKey(BadRequest):
    """The text cannot be a key."""

    code = "malformed_key"


def new_uuid() -> UUID:
    """Return a UUIDv7: 48 bits of milliseconds, then 74 random bits (RFC 9562, section 5.7)."""
    milliseconds = int(clock.system_now().timestamp() * 1000)
    tail = secrets.randbits(74)
    high = tail >> 62
    low = tail & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def new_id(prefix: str) -> str:
    """Return a fresh TypeID."""
    return encode(prefix, new_uuid())


@lru_cache(maxsize=REMEMBERED)
def encode(prefix: str, value: UUID) -> str:
    """Write a UUID as a TypeID."""
    number = value.int
    pairs = [_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(pairs)}"


@lru_cache(maxsize=REMEMBERED)
def decode(text: str, *, prefix: str) -> UUID:
    """Read a TypeID of the given type.

    :raises MalformedId: if it is not one, or of another type
    """
    match = _TYPE_ID.fullmatch(text)
    if match is None or match[1] != prefix:
        raise MalformedId(f"expected an identifier that begins with {prefix}_")
    return UUID(int=int(match[2].translate(_AS_PYTHON_READS_BASE_32), 32))


def is_type_id(text: str, *, prefix: str | None = None) -> bool:
    """Tell whether a text has the shape of a TypeID (of one type, if a prefix is given)."""
    match = _TYPE_ID.fullmatch(text)
    return match is not None and (prefix is None or match[1] == prefix)


def check_key(text: str) -> str:
    """Return a caller's own key, if it may be one.

    :raises MalformedKey: for other characters, more than 128 of them, or the shape of a TypeID
    """
    if _KEY.fullmatch(text) is None:
        raise MalformedKey(
            "a key has 1 to 128 of the characters A-Z a-z 0-9 . _ : @ - and begins with a "
            "letter or digit"
        )
    if is_type_id(text):
        raise MalformedKey("a key must not have the shape of an identifier")
    return text


if TYPE_CHECKING:
    _UuidField = models.CharField  # what Python sees is text
else:
    _UuidField = models.UUIDField


class TypeIdField(_UuidField):
    """A ``uuid`` column whose value in Python is the TypeID text.

    ``new=True`` gives each row a fresh identifier; use it on primary keys.
    """

    def __init__(self, prefix: str = "", *, new: bool = False, **kwargs: Any) -> None:
        self.prefix = prefix
        self.new = new
        if new:
            kwargs["default"] = partial(new_id, prefix)
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.new:
            del kwargs["default"]
        return name, path, args, {**kwargs, "prefix": self.prefix, "new": self.new}

    def from_db_value(self, value: UUID | None, *_: Any) -> str | None:
        return None if value is None else encode(self.prefix, value)

    def to_python(self, value: Any) -> str | None:
        if isinstance(value, UUID):
            return encode(self.prefix, value)
        return None if value is None else str(value)

    def get_prep_value(self, value: Any) -> UUID | None:
        if value is None or isinstance(value, UUID):
            return value
        return decode(str(value), prefix=self.prefix)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if prepared else self.get_prep_value(value)

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))

    def formfield(self, *_: Any, **kwargs: Any) -> Any:
        return models.CharField(max_length=40).formfield(**kwargs)


def primary_key(prefix: str) -> TypeIdField:
    """Return the primary key column that every table with an identifier of its own has."""
    return TypeIdField(prefix, new=True, primary_key=True, editable=False)
