"""Overrides: what somebody gives one owner beside all that is sold, for a stated reason. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from core.errors import FieldProblem, Unprocessable
from entitlements.facts import OVERRIDE, Fact, Source
from entitlements.windows import own_window_rule
from plans import values
from plans.numbers import MalformedValue, malformed
from plans.resets import Reset, ResetKind
from plans.terms import FeatureTerms
from plans.values import Comparison, FeatureType, Metered, NumberSet, Range, Value

V = TypeVar("V", bound=Value)

CAUSE = "override"  # why a fact is there


class Mode(StrEnum):
    """What an override does to the value that is there without it."""

    AT_LEAST = "at_least"
    SET = "set"
    ADD = "add"


class State(StrEnum):
    """How an override stands at an instant of its customer."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    ENDED = "ended"
    REVOKED = "revoked"
    REJECTED = "rejected"


MEANINGS: Mapping[str, str] = {
    State.WAITING: "has no effect until somebody else approves it",
    State.SCHEDULED: "begins later",
    State.ACTIVE: "in effect",
    State.ENDED: "expired, or another one was put in its place",
    State.REVOKED: "taken back before it was over",
    State.REJECTED: "not approved; it never had an effect",
}
# Values with an order of more and less, and how the modes act on them: amounts are compared and
# summed, sets and ranges are united by both.
_ORDERED = frozenset(
    {FeatureType.LIMIT, FeatureType.METERED, FeatureType.NUMBER_SET, FeatureType.RANGE}
)
_LIFTED_WITHOUT_A_WORD = frozenset({FeatureType.LIMIT, FeatureType.METERED})


class ModeNotAllowed(Unprocessable):
    """Values of this feature can only be set: they are neither compared nor added up."""

    code = "mode_not_allowed"


class WindowRequired(Unprocessable):
    """Nothing else gives this metered feature then, so the override must say when use starts over:
    mode `set`, with a `reset` other than `price_period`."""

    code = "window_required"


@dataclass(frozen=True, slots=True)
class Given:
    """One override that counts, in ``[starts_at, ends_at)``. ``feature`` is a key."""

    id: str
    customer_id: str
    subject_id: str | None
    feature: str
    mode: Mode
    value: Value
    starts_at: datetime
    ends_at: datetime | None


def default_mode(type: str) -> Mode:
    """Return the mode of an override that names none."""
    return Mode.AT_LEAST if type in _LIFTED_WITHOUT_A_WORD else Mode.SET


def check_mode(feature: FeatureTerms, mode: Mode) -> None:
    """:raises ModeNotAllowed: for at_least and add, of what has no order"""
    if mode != Mode.SET and feature.type not in _ORDERED:
        raise ModeNotAllowed(
            f"{feature.key} is of type {feature.type}, which can only be set",
            errors=[FieldProblem("/mode", ModeNotAllowed.code, f"a {feature.type} is set")],
        )


def parse(feature: FeatureTerms, mode: Mode, form: Any, pointer: str = "/value") -> Value:
    """Read the value of an override. Amounts are told as they are: an override has no quantity.
    ``at_least`` and ``add`` act on what a metered value includes, and say no more than that.

    :raises MalformedValue: with a pointer that begins with the given one
    """
    try:
        value = values.parse(feature.type, form)
        if values.is_per_unit(value):
            raise malformed("", "an override has no quantity; say how much in all")
        if isinstance(value, Metered) and mode != Mode.SET:
            _refuse_rules(form, mode)
    except MalformedValue as error:
        raise MalformedValue(
            error.detail,
            errors=[
                FieldProblem(pointer + each.pointer, each.code, each.detail)
                for each in error.errors
            ],
        ) from None
    return value


def check_window(mode: Mode, value: Value, below: Value | None) -> None:
    """Check that use of a metered feature has something to be counted in.

    :raises WindowRequired: where neither the override nor anything else says what
    """
    if not isinstance(value, Metered) or below is not None:
        return
    if mode != Mode.SET or value.reset.kind == ResetKind.PRICE_PERIOD:
        raise WindowRequired("nothing else gives this: set it, with a reset of its own")


def fact_of(given: Given, *, zone: str) -> Fact:
    """Return what an override gives. ``zone`` is the customer's own, where no other is named."""
    value = given.value
    window = None
    if isinstance(value, Metered):
        own_zone = zone if value.zone in (None, "customer") else value.zone
        window = own_window_rule(value.reset, zone=own_zone, anchor=given.starts_at)
    return Fact(
        customer_id=given.customer_id,
        subject_id=given.subject_id,
        feature=given.feature,
        value=value,
        source=Source(
            type=OVERRIDE, id=given.id, product="", plan="", plan_version="", mode=given.mode
        ),
        starts_at=given.starts_at,
        ends_at=given.ends_at,
        window=window,
        cause=CAUSE,
    )


def raised(feature: FeatureTerms, value: Value, least: Value) -> Value:
    """Return the value, or so much more that it is at least another one."""
    if isinstance(value, Metered) and isinstance(least, Metered):
        return replace(value, included=_higher(value.included, least.included))
    if isinstance(value, NumberSet | Range):
        return values.combine(feature.type, feature.combine, [value, least])
    return _higher(value, least)


def on(value: Value, below: Value) -> Value:
    """Return a value that is set on another: a metered one that resets with the price period counts
    in the window of what it is put on."""
    if resets_as_below(value) and isinstance(value, Metered) and isinstance(below, Metered):
        return replace(value, reset=below.reset, zone=below.zone)
    return value


def alone(value: Value) -> Value:
    """Return a value that nothing else gives. Without a price period, use never starts over."""
    if resets_as_below(value) and isinstance(value, Metered):
        return replace(value, reset=Reset(ResetKind.NEVER))
    return value


def resets_as_below(value: Value) -> bool:
    """Tell whether use of what is given is counted in the window of something else."""
    return isinstance(value, Metered) and value.reset.kind == ResetKind.PRICE_PERIOD


def _higher(value: V, other: V) -> V:
    return other if values.compare(value, other) == Comparison.MORE else value


def _refuse_rules(form: Any, mode: Mode) -> None:
    for name in sorted(form.keys() & {"reset", "zone", "overage"}):
        raise malformed(f"/{name}", f"{mode} acts on what is included; only set says {name}")
