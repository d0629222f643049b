"""How one agreement counts its periods: from an anchor, maybe moved on by pauses or by a zone.

A pause that extends moves the end of the open period and all later boundaries by the seconds it
took. So that money stays exact, a cycle also gives *served time*: the time of the agreement with
those pauses taken out. In served time a period has its own length again, and the parts before and
after a pause lie side by side.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from core.periods.anchors import Anchor
from core.periods.intervals import Interval
from core.periods.sequence import Period, after_zone_change, period_at
from core.periods.zones import instant

# The most by which clocks are put forward or back.
_CLOCK_CHANGE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Cycle:
    """An ``anchor``, and what has moved the count since.

    ``shift_seconds`` is what pauses have added. ``joined_at`` is the boundary at which the count
    came over from ``left_zone``: the period that starts there is a full one of its own length.
    Both are in served time.

    :raises ValueError: if one of ``joined_at`` and ``left_zone`` is there without the other
    """

    anchor: Anchor
    shift_seconds: int = 0
    joined_at: datetime | None = None
    left_zone: str | None = None

    def __post_init__(self) -> None:
        if (self.joined_at is None) != (self.left_zone is None):
            raise ValueError("a count joins a zone at an instant, from another zone")
        if self.joined_at is not None:
            object.__setattr__(self, "joined_at", instant(self.joined_at))

    @property
    def zone(self) -> str:
        return self.anchor.zone

    def served(self, at: datetime) -> datetime:
        """Return an instant in served time: with the pauses so far taken out."""
        return (at - timedelta(seconds=self.shift_seconds)).astimezone(UTC)

    def real(self, served: datetime) -> datetime:
        """Return the instant at which served time has come to this."""
        return (served + timedelta(seconds=self.shift_seconds)).astimezone(UTC)

    def served_period_at(self, interval: Interval, served: datetime) -> Period:
        """Return the full period, in served time, that contains an instant of served time."""
        first = self._first_in_zone(interval)
        if first is not None and first.contains(served):
            return first
        return period_at(self.anchor, interval, served)

    def period_at(self, interval: Interval, at: datetime) -> Period:
        """Return the full period that contains an instant; it may have begun before the cycle."""
        full = self.served_period_at(interval, self.served(at))
        return Period(self.real(full.start), self.real(full.end))

    def next_boundary(self, interval: Interval, at: datetime) -> datetime:
        """Return the first boundary after an instant."""
        return self.period_at(interval, at).end

    def moved_on(self, seconds: int) -> Self:
        """Return the cycle after a pause of so many seconds that extends the open period."""
        return replace(self, shift_seconds=self.shift_seconds + seconds)

    def in_zone(self, zone: str, *, ended_at: datetime) -> Self:
        """Return the cycle that goes on in another zone from a boundary of this one.

        :raises UnknownZone: if the zone is none
        """
        return replace(
            self,
            anchor=self.anchor.in_zone(zone),
            joined_at=self.served(ended_at),
            left_zone=self.zone,
        )

    def _first_in_zone(self, interval: Interval) -> Period | None:
        """Return the period that began where the count left the other zone.

        There is none for an interval that had no boundary there, such as the year of an agreement
        whose month ended. The other zone's count may be off by a clock change: if this zone skips
        the anchor's wall time, the anchor shows another one.
        """
        if self.joined_at is None or self.left_zone is None:
            return None
        before = self.anchor.in_zone(self.left_zone)
        ended_at = period_at(before, interval, self.joined_at + _CLOCK_CHANGE).start
        if abs(ended_at - self.joined_at) > _CLOCK_CHANGE:
            return None
        _, first = after_zone_change(
            anchor=before,
            interval=interval,
            ended_at=max(ended_at, self.joined_at),
            zone=self.zone,
        )
        return Period(self.joined_at, first.end)
