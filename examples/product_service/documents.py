"""Documents as they come in: read strictly, because what is not understood cannot be applied."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

STATES = ("active", "suspended", "deleted")
TYPES = ("boolean", "limit", "number_set", "range", "string", "config", "metered")
MOST_ENTITLEMENTS = 10_000
LARGEST_GENERATION = 2**53 - 1
_MEMBERS = frozenset(
    {
        "target",
        "service",
        "customer",
        "subject",
        "generation",
        "state",
        "delete_after",
        "entitlements",
        "blocks",
        "hash",
    }
)
_TARGET = re.compile(r"tgt_[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
_HASH = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


class NotJson(Exception):
    """The body is not one JSON object."""


class CannotApply(Exception):
    """The document is not one that this service can apply; ``code`` says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What one feature is worth. ``until``: it ends then by itself; None: nothing ends it yet."""

    type: str
    value: Any
    until: datetime | None
    trim: bool

    def is_in_effect(self, at: datetime) -> bool:
        return self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class Document:
    """All that a customer or a subject may do here, as of one generation."""

    target: str
    service: str
    customer: Mapping[str, Any]
    subject: Mapping[str, Any] | None
    generation: int
    hash: str
    state: str
    delete_after: datetime | None
    blocks: tuple[str, ...]
    entitlements: Mapping[str, Entitlement]

    def allowed(self, at: datetime) -> dict[str, Entitlement]:
        """Return what may be used at an instant: nothing unless active and not blocked, and nothing
        whose end has come. Features that are absent may not be used."""
        if self.state != "active" or self.blocks:
            return {}
        return {key: each for key, each in self.entitlements.items() if each.is_in_effect(at)}


def read_json(body: bytes) -> dict[str, Any]:
    """Read one JSON object: UTF-8, no name twice, no number that is not exact.

    :raises NotJson:
    """
    try:
        form = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_once,
            parse_float=_inexact,
            parse_constant=_inexact,
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error) or "nested too deeply") from None
    if not isinstance(form, dict):
        raise NotJson("not an object")
    return form


def parse(form: Mapping[str, Any]) -> Document:
    """Read a document.

    :raises CannotApply: if a part is missing, unknown or not of its kind
    """
    if form.keys() != _MEMBERS:
        odd = ", ".join(sorted(_MEMBERS ^ form.keys()))
        raise CannotApply("malformed_document", f"missing or unknown: {odd}")
    return Document(
        target=_text(form, "target", _TARGET),
        service=_text(form, "service"),
        customer=_owner(form, "customer", {"id", "key"}),
        subject=None if form["subject"] is None else _owner(form, "subject", {"id", "key", "kind"}),
        generation=_generation(form),
        hash=_text(form, "hash", _HASH),
        state=_one_of(form, "state", STATES),
        delete_after=_instant(form, "delete_after"),
        blocks=_blocks(form),
        entitlements=_entitlements(form),
    )


def _entitlements(form: Mapping[str, Any]) -> dict[str, Entitlement]:
    entries = form["entitlements"]
    _require(
        isinstance(entries, dict) and len(entries) <= MOST_ENTITLEMENTS,
        f"entitlements is an object with at most {MOST_ENTITLEMENTS} features",
    )
    return {key: _entitlement(key, entry) for key, entry in entries.items()}


def _entitlement(key: str, entry: Any) -> Entitlement:
    known = {"type", "value", "until", "trim"}
    _require(
        isinstance(entry, dict) and entry.keys() == known,
        f"the entitlement {key} has the members {', '.join(sorted(known))}",
    )
    kind = _one_of(entry, "type", TYPES)
    _require(_FITS[kind](entry["value"]), f"the value of {key} is none of type {kind}")
    _require(isinstance(entry["trim"], bool), f"trim of {key} is true or false")
    return Entitlement(kind, entry["value"], _instant(entry, "until"), entry["trim"])


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,12})?", value, re.ASCII) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    return _is_number(value) or value == {"unlimited": True}


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "limit": _is_amount,
    "number_set": lambda value: isinstance(value, list) and all(map(_is_number, value)),
    "range": lambda value: (
        isinstance(value, dict)
        and value.keys() == {"min", "max"}
        and all(map(_is_number, value.values()))
    ),
    "string": lambda value: isinstance(value, str),
    "config": lambda value: isinstance(value, dict),
    "metered": lambda value: isinstance(value, dict) and _is_amount(value.get("included")),
}


def _owner(form: Mapping[str, Any], name: str, known: set[str]) -> Mapping[str, Any]:
    owner = form[name]
    _require(
        isinstance(owner, dict)
        and owner.keys() == known
        and isinstance(owner["id"], str)
        and all(each is None or isinstance(each, str) for each in owner.values()),
        f"{name} is an object with {', '.join(sorted(known))}",
    )
    found: Mapping[str, Any] = owner
    return found


def _generation(form: Mapping[str, Any]) -> int:
    generation = form["generation"]
    _require(
        isinstance(generation, int)
        and not isinstance(generation, bool)
        and 1 <= generation <= LARGEST_GENERATION,
        "generation is a number from 1",
    )
    return int(generation)


def _blocks(form: Mapping[str, Any]) -> tuple[str, ...]:
    blocks = form["blocks"]
    _require(
        isinstance(blocks, list) and all(isinstance(each, str) for each in blocks),
        "blocks is a list of names",
    )
    return tuple(blocks)


def _instant(form: Mapping[str, Any], name: str) -> datetime | None:
    text = form[name]
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise CannotApply("malformed_document", f"{name} is an instant or null") from None
    _require(at.tzinfo is not None, f"{name} has no offset")
    return at


def _text(form: Mapping[str, Any], name: str, shape: re.Pattern[str] | None = None) -> str:
    text = form[name]
    _require(
        isinstance(text, str) and (shape is None or shape.fullmatch(text) is not None),
        f"{name} is malformed",
    )
    return str(text)


def _one_of(form: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    _require(form[name] in known, f"{name} is one of {', '.join(known)}")
    return str(form[name])


def _require(holds: bool, detail: str) -> None:
    if not holds:
        raise CannotApply("malformed_document", detail)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    form = dict(pairs)
    if len(form) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return form


def _inexact(text: str) -> Any:
    raise ValueError(f"{text[:20]} is not exact: decimals are strings")
