"""The periods themselves: boundary n is anchor + n intervals, from the anchor, always.

Counting from the period before would let 31 January become 28 February and stay there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache

from core.periods.anchors import Anchor
from core.periods.intervals import Interval
from core.periods.zones import BeyondCalendar, instant, on_day, resolve, to_local


class NoBoundaries(ValueError):
    """``once`` was asked for a boundary: its period is open, so the question is a defect."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` until just before ``end``, whole seconds in UTC.

    :raises ValueError: if an end is naive or finer than a second, or nothing lies between them
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", instant(self.start))
        object.__setattr__(self, "end", instant(self.end))
        if self.start >= self.end:
            raise ValueError(f"a period that starts at {self.start} cannot end at {self.end}")

    @property
    def seconds(self) -> int:
        """How long it is. Days have 23 or 25 hours where clocks change."""
        return (self.end - self.start) // timedelta(seconds=1)

    def contains(self, at: datetime) -> bool:
        """Tell whether an instant, of any precision, lies in ``[start, end)``."""
        return self.start <= at < self.end

    def require_within(self, full: "Period") -> None:
        """:raises ValueError: if any of it lies outside the full period"""
        if self.start < full.start or self.end > full.end:
            raise ValueError(f"{self} is not within {full}")

    def fraction(self, segment: "Period") -> Fraction:
        """Return the segment's exact share of this period, by seconds.

        :raises ValueError: if the segment is not within the period
        """
        segment.require_within(self)
        return Fraction(segment.seconds, self.seconds)


def boundary(anchor: Anchor, interval: Interval, n: int) -> datetime:
    """Return anchor + n intervals as an instant in UTC; n = 0 is the anchor, n may be negative.

    Months clamp to their last day and come back: 31 January, 28 February, 31 March. The wall time
    is the anchor's, resolved by the zone's rules on that day: in a gap forward, in an overlap the
    first. A boundary that a gap moved does not move the ones after it.

    :raises AnchorNotAllowed: for a day of the month with an interval of days or weeks
    :raises NoBoundaries: for ``once``
    :raises BeyondCalendar: outside the years 1 … 9999
    """
    _require_boundaries(anchor, interval)
    if n == 0:
        return anchor.at
    return resolve(_count(anchor, interval, n), anchor.zone)


def index_at(anchor: Anchor, interval: Interval, at: datetime) -> int:
    """Return n of the period that contains an instant: boundary n <= at < boundary n + 1.

    Computed from the calendar and put right by a step or two, however long ago the anchor is. The
    instant may be finer than a second: it is looked up, not stored.

    :raises ValueError: if the instant is naive; and as ``boundary`` does
    """
    if at.utcoffset() is None:
        raise ValueError("an instant knows its zone; this one is naive")
    _require_boundaries(anchor, interval)
    local, wall = to_local(at, anchor.zone), anchor.wall
    if interval.months:
        n = ((local.year - wall.year) * 12 + local.month - wall.month) // interval.months
    else:
        n = (local.date() - wall.date()).days // interval.days
    while boundary(anchor, interval, n) > at:
        n -= 1
    while boundary(anchor, interval, n + 1) <= at:
        n += 1
    return n


@lru_cache(maxsize=4096)
def period_at(anchor: Anchor, interval: Interval, at: datetime) -> Period:
    """Return the period that contains an instant, which may lie before the anchor.

    Remembered: all rules about one subscription ask for the same few periods, and many
    subscriptions are counted alike.

    :raises ValueError: if the instant is naive; and as ``boundary`` does
    """
    n = index_at(anchor, interval, at)
    return Period(boundary(anchor, interval, n), boundary(anchor, interval, n + 1))


def next_boundary(anchor: Anchor, interval: Interval, at: datetime) -> datetime:
    """Return the first boundary after an instant.

    This is what keeping the anchor means when the interval changes: the new interval is counted
    from the old anchor, and its first boundary after the change ends the first period.

    :raises ValueError: if the instant is naive; and as ``boundary`` does
    """
    return period_at(anchor, interval, at).end


def after_zone_change(
    *, anchor: Anchor, interval: Interval, ended_at: datetime, zone: str
) -> tuple[Anchor, Period]:
    """Return the anchor in the new zone, and the period that follows the one that has ended.

    It starts where the last ended, so nothing is left out or billed twice, and ends at the next
    boundary of the new zone's count. It is a full period, though hours longer or shorter than its
    neighbours: it is billed in full and is its own denominator. ``period_at`` finds the ones
    after it from the new anchor; this one is kept as stored.

    :param ended_at: the boundary at which the last period of the old zone ended
    :raises UnknownZone: if the new zone is none; and as ``boundary`` does
    """
    n = index_at(anchor, interval, ended_at) + 1
    moved = anchor.in_zone(zone)
    # From Pago Pago to Kiritimati is 25 hours: a daily boundary may already have passed.
    while (end := boundary(moved, interval, n)) <= ended_at:
        n += 1
    return moved, Period(ended_at, end)


def _require_boundaries(anchor: Anchor, interval: Interval) -> None:
    anchor.require_counts(interval)
    if interval.unit == "once":
        raise NoBoundaries("once has no boundaries: it is paid for good")


def _count(anchor: Anchor, interval: Interval, n: int) -> datetime:
    """Return the local time of boundary n."""
    wall = anchor.wall
    try:
        if interval.days:
            return wall + timedelta(days=interval.days * n)
        year, month = divmod(wall.year * 12 + wall.month - 1 + interval.months * n, 12)
        return on_day(wall, year=year, month=month + 1, day=anchor.day)
    except (OverflowError, ValueError) as error:
        raise BeyondCalendar("the boundary is outside the calendar") from error
