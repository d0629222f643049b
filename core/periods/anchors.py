"""Where the counting of periods begins, and which beginning applies."""

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta

from core.errors import Unprocessable
from core.periods.intervals import MONTH, Interval
from core.periods.zones import BeyondCalendar, instant, midnight, on_day, resolve, to_local


class AnchorNotAllowed(Unprocessable):
    """The interval cannot be counted from such an anchor."""

    code = "anchor_not_allowed"


@dataclass(frozen=True, slots=True)
class Anchor:
    """An instant that periods are counted from, and the zone whose calendar counts them.

    Boundaries keep the local wall time of ``at``. They keep its day too, or ``day_of_month`` where
    the two differ: day 31 whose first boundary was a 28 February goes on with 31 March.

    :raises ValueError: if ``at`` is naive or finer than a second, or not on ``day_of_month``
    :raises UnknownZone: if the zone is none
    """

    at: datetime
    zone: str
    day_of_month: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", instant(self.at))
        wall = self.wall
        if self.day_of_month is None:
            return
        _check_day(self.day_of_month)
        due = on_day(wall, year=wall.year, month=wall.month, day=self.day_of_month)
        # The second way is a day that a zone skipped as a whole: its boundary is on the next.
        if due != wall and resolve(due, self.zone) != self.at:
            raise ValueError(f"the anchor {self.at} is not on day {self.day_of_month}")

    @property
    def wall(self) -> datetime:
        """What clocks in the zone show at the anchor, without a zone."""
        return to_local(self.at, self.zone)

    @property
    def day(self) -> int:
        """The day of the month that month-based boundaries fall on, or before if it is missing."""
        return self.day_of_month or self.wall.day

    def require_counts(self, interval: Interval) -> None:
        """:raises AnchorNotAllowed: for a day of the month with an interval of days or weeks"""
        if self.day_of_month is not None and interval.days:
            raise AnchorNotAllowed(f"a day of the month cannot anchor an interval of {interval}")

    def in_zone(self, zone: str) -> "Anchor":
        """Return the anchor that shows the same wall time in another zone."""
        return Anchor(resolve(self.wall, zone), zone, self.day_of_month)


def day_of_month_anchor(*, day: int, interval: Interval, zone: str, start: datetime) -> Anchor:
    """Return the next such day at 00:00 local, at or after the start; 31 may be a 30th or a 28th.

    :raises AnchorNotAllowed: unless the interval is counted in months or years
    :raises ValueError: for a day outside 1 … 31, a naive start or one finer than a second
    """
    _check_day(day)
    if not interval.months:
        raise AnchorNotAllowed(f"a day of the month cannot anchor an interval of {interval}")
    local = _today(start, zone)
    this_month = on_day(local, year=local.year, month=local.month, day=day)
    next_month = on_day(
        local, year=local.year + local.month // 12, month=local.month % 12 + 1, day=day
    )
    return Anchor(_first(start, this_month, next_month, zone), zone, day)


def calendar_anchor(*, interval: Interval, zone: str, start: datetime) -> Anchor:
    """Return where the calendar's own period begins, at 00:00 local, at or after the start.

    Days at midnight, weeks on Monday, months on the 1st; two, three, four and six months and years
    from January.

    :raises AnchorNotAllowed: for what the calendar does not number (2 weeks, 5 months, 2 years)
    :raises ValueError: for a naive start or one finer than a second
    """
    today = _today(start, zone)
    if interval.days in (1, 7):
        this = today - timedelta(days=today.weekday() if interval.days == 7 else 0)
        following = this + timedelta(days=interval.days)
    elif interval.months and 12 % interval.months == 0:
        january_on = today.month - 1
        begun = january_on - january_on % interval.months
        this = today.replace(month=begun + 1, day=1)
        years, month = divmod(begun + interval.months, 12)
        following = this.replace(year=this.year + years, month=month + 1)
    else:
        raise AnchorNotAllowed(f"the calendar does not say where an interval of {interval} begins")
    return Anchor(_first(start, this, following, zone), zone)


def choose_anchor(
    *,
    explicit: Anchor | None,
    billing_anchor: Anchor | None,
    co_terms: bool,
    interval: Interval,
    trial_end: datetime | None,
    start: datetime,
    zone: str,
) -> Anchor:
    """Return the anchor of a subscription: the first of these that applies.

    1. ``explicit``, asked for in so many words;
    2. the customer's ``billing_anchor``, if the product co-terms and the price is monthly;
    3. the end of the trial;
    4. ``start``: the instant of the start, of free becoming paid, or of a restart.

    Only paid monthly purchases set a ``billing_anchor``, so a free plan never binds a paid one.

    :raises AnchorNotAllowed: if the explicit anchor is a day of the month and the interval is not
    :raises ValueError: for instants that are naive or finer than a second
    """
    if explicit is not None:
        explicit.require_counts(interval)
        return explicit
    if billing_anchor is not None and co_terms and interval == MONTH:
        return billing_anchor
    return Anchor(start if trial_end is None else trial_end, zone)


def _today(start: datetime, zone: str) -> datetime:
    local = midnight(to_local(instant(start), zone))
    if not MINYEAR < local.year < MAXYEAR:
        raise BeyondCalendar("the next boundary may be outside the calendar")
    return local


def _first(start: datetime, this: datetime, following: datetime, zone: str) -> datetime:
    begins = resolve(this, zone)
    return begins if begins >= start else resolve(following, zone)


def _check_day(day: int) -> None:
    if type(day) is not int or not 1 <= day <= 31:
        raise ValueError(f"a day of the month is 1 … 31, not {day}")
