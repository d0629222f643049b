"""Where somebody wants periods to be counted from. Pure."""

from dataclasses import dataclass
from datetime import datetime

from core.periods import Anchor, Interval, calendar_anchor, day_of_month_anchor, period_at


@dataclass(frozen=True, slots=True)
class AnchorWish:
    """An instant, a day of the month, or, without either, the calendar."""

    at: datetime | None = None
    day_of_month: int | None = None

    def resolve(self, *, interval: Interval, zone: str, start: datetime) -> Anchor:
        """Return the anchor; days and the calendar begin at 00:00 local, at or after the start.

        :raises AnchorNotAllowed: if the interval cannot be counted so
        """
        if self.at is not None:
            return Anchor(self.at, zone)
        if self.day_of_month is not None:
            return day_of_month_anchor(
                day=self.day_of_month, interval=interval, zone=zone, start=start
            )
        return calendar_anchor(interval=interval, zone=zone, start=start)


def counts(anchor: Anchor, interval: Interval) -> bool:
    """Tell whether an interval can be counted from an anchor."""
    return not (anchor.day_of_month is not None and interval.days)


def next_anchor(anchor: Anchor, interval: Interval, *, at: datetime) -> datetime:
    """Return the first boundary that an anchor counts at or after an instant."""
    period = period_at(anchor, interval, at)
    return at if period.start == at else period.end
