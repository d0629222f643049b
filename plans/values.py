"""What a feature may be worth: the seven types of values, read, written, combined, compared.

A value's JSON form is what documents, versions, facts and target documents hold. Numbers are
integers or decimal strings, never floats. ``{"unlimited": true}`` is the highest value; null is
none at all. ``{"per_unit": n}`` waits for a quantity: see ``at_quantity``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from plans import numbers
from plans.numbers import malformed
from plans.resets import (
    Overage,
    Reset,
    overage_to_json,
    parse_overage,
    parse_reset,
    parse_zone,
    reset_to_json,
)

LONGEST_STRING = 1000
LONGEST_CONFIG_BYTES = 16 * 1024
MOST_NUMBERS = 1000


class FeatureType(StrEnum):
    BOOLEAN = "boolean"
    LIMIT = "limit"
    NUMBER_SET = "number_set"
    RANGE = "range"
    STRING = "string"
    CONFIG = "config"
    METERED = "metered"


class Combine(StrEnum):
    """How the values of several base plans become one; ``single``: there is only ever one."""

    ANY = "any"
    MAX = "max"
    MIN = "min"
    SUM = "sum"
    UNION = "union"
    SINGLE = "single"


# What each type can be combined by; the first is the default.
COMBINES: Mapping[str, tuple[Combine, ...]] = {
    FeatureType.BOOLEAN: (Combine.ANY,),
    FeatureType.LIMIT: (Combine.MAX, Combine.MIN, Combine.SUM),
    FeatureType.NUMBER_SET: (Combine.UNION,),
    FeatureType.RANGE: (Combine.UNION,),
    FeatureType.STRING: (Combine.SINGLE,),
    FeatureType.CONFIG: (Combine.SINGLE,),
    FeatureType.METERED: (Combine.MAX, Combine.MIN, Combine.SUM),
}


class Comparison(StrEnum):
    """What one value is beside another; ``different`` values have no order."""

    SAME = "same"
    MORE = "more"
    LESS = "less"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Unlimited:
    """The highest of all amounts."""


UNLIMITED = Unlimited()


@dataclass(frozen=True, slots=True)
class PerUnit:
    """An amount that is multiplied by the subscription's quantity."""

    each: Decimal


Amount = Decimal | Unlimited | PerUnit


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Numbers in ascending order, each once."""

    numbers: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Everything from ``lowest`` to ``highest``, both included."""

    lowest: Decimal
    highest: Decimal


@dataclass(frozen=True, slots=True)
class Config:
    """A JSON object, kept as its canonical text so that equal objects are equal values."""

    text: str

    @property
    def data(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.text)
        return decoded


@dataclass(frozen=True, slots=True)
class Metered:
    """An allowance of use per window. ``zone`` is an IANA name, ``customer``, or None: the zone
    of the subscription."""

    included: Amount
    reset: Reset
    zone: str | None
    overage: Overage


Value = bool | Decimal | Unlimited | PerUnit | NumberSet | Range | str | Config | Metered


def parse(type: str, form: Any) -> Value:
    """Read the JSON form of a value.

    :raises plans.numbers.MalformedValue: with a pointer into the form
    """
    return _PARSERS[FeatureType(type)](form)


def to_json(value: Value) -> Any:
    """Write the one canonical JSON form of a value."""
    match value:
        case bool() | str():
            return value
        case Decimal():
            return numbers.to_json(value)
        case Unlimited():
            return {"unlimited": True}
        case PerUnit():
            return {"per_unit": numbers.to_json(value.each)}
        case NumberSet():
            return [numbers.to_json(number) for number in value.numbers]
        case Range():
            return {
                "min": numbers.to_json(value.lowest),
                "max": numbers.to_json(value.highest),
            }
        case Config():
            return value.data
    return _metered_to_json(value)


def _metered_to_json(value: Metered) -> dict[str, Any]:
    form = {
        "included": to_json(value.included),
        "reset": reset_to_json(value.reset),
        "overage": overage_to_json(value.overage),
    }
    return form if value.zone is None else {**form, "zone": value.zone}


def at_quantity(value: Value, quantity: int) -> Value:
    """Return the value for a subscription of ``quantity`` units: per-unit amounts multiplied."""
    if isinstance(value, PerUnit):
        return value.each * quantity
    if isinstance(value, Metered) and isinstance(value.included, PerUnit):
        return replace(value, included=value.included.each * quantity)
    return value


def is_per_unit(value: Value) -> bool:
    """Tell whether the value waits for a quantity."""
    return isinstance(value.included if isinstance(value, Metered) else value, PerUnit)


def combine(type: str, how: str, values: Sequence[Value]) -> Value:
    """Make one value of those that several base plans give; all at their quantity.

    Of metered values the allowances are combined; window, zone and overage are those of the value
    that won, or of the first one where they are summed. A range's union is the smallest range
    around all.

    :raises ValueError: without a value, or for several where only one can be
    """
    if not values:
        raise ValueError("there is nothing to combine")
    if len(values) == 1:
        return values[0]
    if how not in COMBINES[type] or how == Combine.SINGLE:
        raise ValueError(f"values of type {type} cannot be combined by {how}")
    return _COMBINERS[Combine(how)](values)


def compare(before: Value, after: Value) -> Comparison:
    """Tell what ``after`` is beside ``before``; both of one type and at their quantity."""
    if before == after:
        return Comparison.SAME
    if _covers(after, before):
        return Comparison.MORE
    if _covers(before, after):
        return Comparison.LESS
    return Comparison.DIFFERENT


def _covers(larger: Value, smaller: Value) -> bool:
    """Tell whether one value gives everything that the other gives."""
    match larger, smaller:
        case Metered(), Metered():
            same_rules = replace(larger, included=smaller.included) == smaller
            return same_rules and _amount(larger) >= _amount(smaller)
        case NumberSet(), NumberSet():
            return set(larger.numbers) >= set(smaller.numbers)
        case Range(), Range():
            return larger.lowest <= smaller.lowest and larger.highest >= smaller.highest
        case (str() | Config(), str() | Config()):
            return False
        case _:
            return _amount(larger) >= _amount(smaller)


def _amount(value: Value) -> Decimal:
    """Return a number to order amounts by. It compares; it is never calculated with."""
    match value:
        case Metered():
            return _amount(value.included)
        case Unlimited():
            return Decimal("Infinity")
        case bool() | Decimal():
            return Decimal(value)
        case _:
            raise ValueError(f"{value} has no amount; is its quantity known?")


def _sum(values: Sequence[Value]) -> Value:
    first = values[0]
    amounts = [value.included if isinstance(value, Metered) else value for value in values]
    total: Amount = UNLIMITED
    if UNLIMITED not in amounts:
        total = sum((_amount(amount) for amount in amounts), Decimal(0))
    return replace(first, included=total) if isinstance(first, Metered) else total


def _union(values: Sequence[Value]) -> Value:
    ranges = [value for value in values if isinstance(value, Range)]
    if ranges:
        return Range(min(each.lowest for each in ranges), max(each.highest for each in ranges))
    sets = [value.numbers for value in values if isinstance(value, NumberSet)]
    return NumberSet(tuple(sorted({number for each in sets for number in each})))


_COMBINERS: Mapping[Combine, Callable[[Sequence[Value]], Value]] = {
    Combine.ANY: lambda values: any(value is True for value in values),
    Combine.MAX: lambda values: max(values, key=_amount),
    Combine.MIN: lambda values: min(values, key=_amount),
    Combine.SUM: _sum,
    Combine.UNION: _union,
}


def _parse_boolean(form: Any) -> Value:
    if not isinstance(form, bool):
        raise malformed("", "a boolean is true or false")
    return form


def _parse_limit(form: Any) -> Amount:
    return _parse_amount(form, "", whole=True)


def _parse_amount(form: Any, pointer: str, *, whole: bool) -> Amount:
    if not isinstance(form, dict):
        return numbers.parse(form, pointer, lowest=Decimal(0), whole=whole)
    if form == {"unlimited": True} and form["unlimited"] is True:
        return UNLIMITED
    if form.keys() == {"per_unit"}:
        each = numbers.parse(
            form["per_unit"], f"{pointer}/per_unit", lowest=Decimal(0), whole=whole
        )
        return PerUnit(each)
    raise malformed(pointer, 'an amount is a number, {"per_unit": n} or {"unlimited": true}')


def _parse_number_set(form: Any) -> Value:
    if not isinstance(form, list) or len(form) > MOST_NUMBERS:
        raise malformed("", f"a number set is a list of at most {MOST_NUMBERS} numbers")
    found = [numbers.parse(number, f"/{place}") for place, number in enumerate(form)]
    if len(set(found)) < len(found):
        raise malformed("", "a number stands twice in the set")
    return NumberSet(tuple(sorted(found)))


def _parse_range(form: Any) -> Value:
    if not isinstance(form, dict) or form.keys() != {"min", "max"}:
        raise malformed("", 'a range is {"min": n, "max": n}')
    lowest = numbers.parse(form["min"], "/min")
    highest = numbers.parse(form["max"], "/max")
    if lowest > highest:
        raise malformed("/max", "a range ends at or after its beginning")
    return Range(lowest, highest)


def _parse_string(form: Any) -> Value:
    if not isinstance(form, str) or len(form) > LONGEST_STRING:
        raise malformed("", f"a string has at most {LONGEST_STRING} characters")
    return form


def _parse_config(form: Any) -> Value:
    if not isinstance(form, dict):
        raise malformed("", "a config is a JSON object")
    numbers.refuse_floats(form, "")
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > LONGEST_CONFIG_BYTES:
        raise malformed("", f"a config has at most {LONGEST_CONFIG_BYTES} bytes")
    return Config(text)


def _parse_metered(form: Any) -> Value:
    """Read an allowance; ``{"unlimited": true}`` and ``{"per_unit": n}`` alone are short forms."""
    if not isinstance(form, dict):
        raise malformed("", "a metered value is an object with included, reset, zone, overage")
    if form.keys() <= {"unlimited", "per_unit"}:
        form = {"included": form, "overage": "allow" if "unlimited" in form else "block"}
    unknown = sorted(form.keys() - {"included", "reset", "zone", "overage"})
    if unknown:
        raise malformed(f"/{unknown[0]}", f"a metered value has no {unknown[0]}")
    if "included" not in form:
        raise malformed("/included", "say how much is included, or that it is unlimited")
    return Metered(
        included=_parse_amount(form["included"], "/included", whole=False),
        reset=parse_reset(form.get("reset", "price_period")),
        zone=parse_zone(form.get("zone")),
        overage=parse_overage(form.get("overage", "block")),
    )


_PARSERS: Mapping[FeatureType, Callable[[Any], Value]] = {
    FeatureType.BOOLEAN: _parse_boolean,
    FeatureType.LIMIT: _parse_limit,
    FeatureType.NUMBER_SET: _parse_number_set,
    FeatureType.RANGE: _parse_range,
    FeatureType.STRING: _parse_string,
    FeatureType.CONFIG: _parse_config,
    FeatureType.METERED: _parse_metered,
}
