"""Windows of metered use: from when to when use counts against one allowance. Pure.

A window is never stored. Its rule is, and is evaluated for the instant that is asked about, so no
job has to run at a reset.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.periods import MONTH, WEEK, YEAR, Anchor, Cycle, Interval, Period, boundary, period_at
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
    """When use starts over. ``every`` is an interval or calendar unit.

    Billing periods are counted by a ``cycle``; ``open`` is the one that a pause has made longer
    than the cycle says. Everything else is counted in ``zone``, from ``anchor`` where there is one.
    """

    kind: ResetKind
    every: str = ""
    zone: str = ""
    anchor: datetime | None = None
    cycle: Cycle | None = None
    open: Period | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """``[start, end)``; None: use counts from the beginning, or for good."""

    start: datetime | None
    end: datetime | None
    reset: ResetKind


def window_rule(
    reset: Reset, *, interval: str, cycle: Cycle, period: Period, zone: str
) -> WindowRule:
    """Return the rule of a value that is granted with a subscription.

    ``interval`` and ``cycle`` are those of its billing periods, ``period`` is the one that is open
    when the value begins; ``zone`` is where the value's own calendar is read.
    """
    if reset.kind == ResetKind.PRICE_PERIOD and interval != _ONCE:
        longer = _longer(cycle, Interval.parse(interval), period)
        return WindowRule(reset.kind, interval, cycle=cycle, open=longer)
    return own_window_rule(reset, zone=zone, anchor=cycle.anchor.at)


def own_window_rule(reset: Reset, *, zone: str, anchor: datetime) -> WindowRule:
    """Return the rule of a value that is granted without billing periods: ``price_period`` never
    resets. Durations are counted from ``anchor``."""
    match reset.kind:
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
    if rule.cycle is not None:
        period = rule.cycle.period_at(Interval.parse(rule.every), at)
        if rule.open is not None and rule.open.contains(at):
            period = rule.open
        return Window(period.start, period.end, rule.kind)
    if rule.kind == ResetKind.SLIDING:
        begins = boundary(Anchor(at, rule.zone), Interval.parse(rule.every), -1)
        return Window(begins, at, rule.kind)
    anchor = Anchor(rule.anchor or resolve(_CALENDAR_BEGINS, rule.zone), rule.zone)
    period = period_at(anchor, _CALENDAR.get(rule.every) or Interval.parse(rule.every), at)
    return Window(period.start, period.end, rule.kind)


def _longer(cycle: Cycle, every: Interval, period: Period) -> Period | None:
    """Return an open period that began before the cycle's last one, because of a pause in it."""
    counted = cycle.period_at(every, period.end - timedelta(seconds=1))
    return period if cycle.shift_seconds and period.start < counted.start else None
