"""Windows of metered use: from when to when use counts against one allowance. Pure.

A window is never stored. Its rule is, and is evaluated for the instant that is asked about, so no
job has to run at a reset.
"""

from dataclasses import dataclass
from datetime import datetime

from core.periods import MONTH, WEEK, YEAR, Anchor, Interval, boundary, period_at
from core.periods.zones import resolve
from plans.resets import Reset, ResetKind

# A Monday and a 1 January: days, weeks, months, quarters and years can all be counted from it.
_CALENDAR_BEGINS = datetime(2001, 1, 1)  # noqa: DTZ001 - local time of whatever zone is asked
_CALENDAR = {
    "day": Interval("day"),
    "week": WEEK,
    "month": MONTH,
    "quarter": Interval("month", 3),
    "year": YEAR,
}
_ONCE = "once"


@dataclass(frozen=True, slots=True)
class WindowRule:
    """When use starts over. ``every`` is an interval or calendar unit, counted in ``zone``, from
    ``anchor`` where there is one."""

    kind: ResetKind
    every: str = ""
    zone: str = ""
    anchor: datetime | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """``[start, end)``; None: use counts from the beginning, or for good."""

    start: datetime | None
    end: datetime | None
    reset: ResetKind


def window_rule(
    reset: Reset, *, interval: str, anchor: datetime, billing_zone: str, zone: str
) -> WindowRule:
    """Return the rule of a value that is granted with a subscription.

    ``interval``, ``anchor`` and ``billing_zone`` are those of its billing periods; ``zone`` is
    where the value's own calendar is read.
    """
    match reset.kind:
        case ResetKind.PRICE_PERIOD if interval != _ONCE:
            return WindowRule(reset.kind, interval, billing_zone, anchor)
        case ResetKind.CALENDAR | ResetKind.SLIDING:
            return WindowRule(reset.kind, reset.every, zone)
        case ResetKind.FIXED:
            return WindowRule(reset.kind, reset.every, zone, anchor)
        case _:
            return WindowRule(ResetKind.NEVER)


def window_at(rule: WindowRule, at: datetime) -> Window:
    """Return the window that an instant, in whole seconds, lies in; a sliding one ends with it."""
    if rule.kind == ResetKind.NEVER:
        return Window(None, None, rule.kind)
    if rule.kind == ResetKind.SLIDING:
        begins = boundary(Anchor(at, rule.zone), Interval.parse(rule.every), -1)
        return Window(begins, at, rule.kind)
    anchor = Anchor(rule.anchor or resolve(_CALENDAR_BEGINS, rule.zone), rule.zone)
    period = period_at(anchor, _CALENDAR.get(rule.every) or Interval.parse(rule.every), at)
    return Window(period.start, period.end, rule.kind)
