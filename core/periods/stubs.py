"""What share of a price a piece of a period is. Exact; ``Money.times`` rounds, once.

By seconds, or by local calendar days (``by_day``), which counts both ends from local midnight.
"""

from datetime import datetime
from fractions import Fraction

from core.periods.anchors import Anchor
from core.periods.intervals import Interval
from core.periods.sequence import Period, period_at
from core.periods.zones import instant, to_local


def leading_stub(
    *, anchor: Anchor, interval: Interval, start: datetime, by_day: bool = False
) -> Fraction:
    """Return the share of a first period, from a start to the first boundary after it.

    The denominator is the full period that ends there, although it began before the start. A start
    on a boundary has no stub: its share is 1.

    :raises ValueError: for a start that is naive or finer than a second; and as ``boundary`` does
    """
    full = period_at(anchor, interval, instant(start))
    return _share(full, Period(start, full.end), anchor.zone, by_day)


def trailing_stub(
    *, anchor: Anchor, interval: Interval, end: datetime, by_day: bool = False
) -> Fraction:
    """Return the share of a last period, from the last boundary before an end to that end.

    The denominator is the full period that starts there, although it goes on after the end. An end
    on a boundary has no stub: its share is 0.

    :raises ValueError: for an end that is naive or finer than a second; and as ``boundary`` does
    """
    full = period_at(anchor, interval, instant(end))
    if end == full.start:
        return Fraction(0)
    return _share(full, Period(full.start, end), anchor.zone, by_day)


def day_fraction(*, full: Period, segment: Period, zone: str) -> Fraction:
    """Return the segment's share of a period in local calendar days, half open.

    The day on which the segment starts counts, the day on which it ends does not, at whatever hour.
    So a change and a change back on one local day are 0, and parts still add up.

    :raises ValueError: if the segment is not within the period, or the period within one day
    :raises UnknownZone: if the zone is none
    """
    segment.require_within(full)
    whole = _days(full, zone)
    if whole == 0:
        raise ValueError(f"{full} begins and ends on one day in {zone}: there is nothing to share")
    return Fraction(_days(segment, zone), whole)


def _share(full: Period, segment: Period, zone: str, by_day: bool) -> Fraction:
    if by_day:
        return day_fraction(full=full, segment=segment, zone=zone)
    return full.fraction(segment)


def _days(period: Period, zone: str) -> int:
    return (to_local(period.end, zone).date() - to_local(period.start, zone).date()).days
