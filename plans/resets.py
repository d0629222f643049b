"""When a metered feature's use starts over, and what happens beyond the allowance."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.periods import ONCE, Interval, MalformedInterval, is_zone
from plans import numbers
from plans.numbers import malformed

CALENDAR_UNITS = ("day", "week", "month", "quarter", "year")


class ResetKind(StrEnum):
    """``price_period``: with the subscription's period; ``calendar``: days, weeks from Monday,
    months, quarters, years; ``fixed``: durations counted from the anchor; ``sliding``: the last
    so-long at any moment."""

    PRICE_PERIOD = "price_period"
    CALENDAR = "calendar"
    FIXED = "fixed"
    SLIDING = "sliding"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Reset:
    """``every`` is a calendar unit or an interval ("7 days"), or empty where none is needed."""

    kind: ResetKind
    every: str = ""


class OverageKind(StrEnum):
    BLOCK = "block"
    ALLOW = "allow"
    ALLOW_TO_PERCENT = "allow_to_percent"


@dataclass(frozen=True, slots=True)
class Overage:
    """``percent`` of the allowance is where use ends, for ``allow_to_percent`` only."""

    kind: OverageKind
    percent: Decimal | None = None


def parse_reset(form: Any) -> Reset:
    """Read ``"price_period"``, ``"never"``, or one of ``{"calendar": "day"}``,
    ``{"fixed": "7 days"}``, ``{"sliding": "30 days"}``."""
    if form in (ResetKind.PRICE_PERIOD, ResetKind.NEVER):
        return Reset(ResetKind(form))
    if not isinstance(form, dict) or len(form) != 1:
        raise malformed("/reset", "a reset is price_period, never, calendar, fixed or sliding")
    [(kind, every)] = form.items()
    if kind == ResetKind.CALENDAR:
        if every not in CALENDAR_UNITS:
            raise malformed("/reset/calendar", f"one of {', '.join(CALENDAR_UNITS)}")
        return Reset(ResetKind.CALENDAR, every)
    if kind not in (ResetKind.FIXED, ResetKind.SLIDING):
        raise malformed("/reset", "a reset is price_period, never, calendar, fixed or sliding")
    return Reset(ResetKind(kind), _duration(every, f"/reset/{kind}"))


def _duration(text: Any, pointer: str) -> str:
    try:
        interval = Interval.parse(text) if isinstance(text, str) else ONCE
    except MalformedInterval as error:
        raise malformed(pointer, error.detail) from error
    if interval == ONCE:
        raise malformed(pointer, 'a duration is written like "7 days"')
    return str(interval)


def reset_to_json(reset: Reset) -> str | Mapping[str, str]:
    return {str(reset.kind): reset.every} if reset.every else str(reset.kind)


def parse_overage(form: Any) -> Overage:
    """Read ``"block"``, ``"allow"`` or ``{"allow_to_percent": 120}``."""
    if form in (OverageKind.BLOCK, OverageKind.ALLOW):
        return Overage(OverageKind(form))
    if isinstance(form, dict) and form.keys() == {OverageKind.ALLOW_TO_PERCENT.value}:
        pointer = "/overage/allow_to_percent"
        percent = numbers.parse(form["allow_to_percent"], pointer, lowest=Decimal(100))
        return Overage(OverageKind.ALLOW_TO_PERCENT, percent)
    raise malformed("/overage", 'an overage is block, allow or {"allow_to_percent": 120}')


def overage_to_json(overage: Overage) -> str | Mapping[str, int | str]:
    if overage.percent is None:
        return str(overage.kind)
    return {str(overage.kind): numbers.to_json(overage.percent)}


def parse_zone(form: Any) -> str | None:
    """Read an IANA name or ``customer``; absent: the zone of the subscription."""
    if form is None or form == "customer":
        return form  # type: ignore[no-any-return]  # None or "customer"
    if not isinstance(form, str) or not is_zone(form):
        raise malformed("/zone", "a zone is customer or an IANA name like Europe/Berlin")
    return form
