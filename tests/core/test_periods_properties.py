"""What holds for every anchor, in any zone, over any years."""

import calendar
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from core.periods import (
    Anchor,
    Interval,
    Period,
    boundary,
    calendar_anchor,
    day_fraction,
    day_of_month_anchor,
    index_at,
    leading_stub,
    period_at,
    trailing_stub,
)

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Apia",  # skipped 30 December 2011
    "Asia/Kathmandu",  # +05:45
    "America/Sao_Paulo",
    "Africa/Casablanca",  # goes back for Ramadan
    "America/New_York",
    "America/St_Johns",
    "Pacific/Chatham",
    "Africa/Cairo",  # changes at midnight
    "America/Havana",  # the same
]
DAYS = [Interval("day"), Interval("day", 30), Interval("week"), Interval("week", 2)]
MONTHS = [Interval("month", count) for count in (1, 2, 3, 5, 12)] + [Interval("year")]
SECOND = timedelta(seconds=1)


@st.composite
def anchors(draw: st.DrawFn, *, last_day: int = 31) -> Anchor:
    """A local time from 2024 to 2032, on a day of the month, in one of twelve zones."""
    zone = draw(st.sampled_from(ZONES))
    year, month = draw(st.integers(2024, 2032)), draw(st.integers(1, 12))
    day = draw(st.integers(1, last_day))
    last = calendar.monthrange(year, month)[1]
    hour, minute = draw(st.integers(0, 23)), draw(st.integers(0, 59))
    local = datetime(year, month, min(day, last), hour, minute, tzinfo=ZoneInfo(zone))
    at = local.replace(fold=draw(st.integers(0, 1))).astimezone(UTC)
    # A day beyond the month's last is remembered, as when a month's 31 begins on 28 February.
    return Anchor(at, zone, day if day > last else None)


def counted() -> st.SearchStrategy[tuple[Anchor, Interval]]:
    by_days = st.tuples(anchors(last_day=28), st.sampled_from(DAYS))
    return by_days | st.tuples(anchors(), st.sampled_from(MONTHS))


INSTANTS = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2033, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
)


@given(case=counted(), n=st.integers(-40, 200))
def test_boundaries_strictly_increase(case: tuple[Anchor, Interval], n: int) -> None:
    anchor, interval = case
    assert boundary(anchor, interval, n) < boundary(anchor, interval, n + 1)


@given(case=counted(), n=st.integers(-20, 60))
def test_periods_tile(case: tuple[Anchor, Interval], n: int) -> None:
    anchor, interval = case
    this = period_at(anchor, interval, boundary(anchor, interval, n))
    following = period_at(anchor, interval, this.end)
    before = period_at(anchor, interval, this.start - SECOND)
    assert this.start == boundary(anchor, interval, n)
    assert (before.end, following.start) == (this.start, this.end)


@settings(deadline=None)
@given(case=counted(), at=INSTANTS)
def test_the_period_of_an_instant_is_the_one_found_by_walking(
    case: tuple[Anchor, Interval], at: datetime
) -> None:
    anchor, interval = case
    n = 0
    while boundary(anchor, interval, n + 1) <= at:
        n += 1
    while boundary(anchor, interval, n) > at:
        n -= 1
    assert index_at(anchor, interval, at) == n
    assert period_at(anchor, interval, at).contains(at)


@given(case=counted(), n=st.integers(-40, 100))
def test_a_boundary_and_the_microsecond_before_it_are_in_two_periods(
    case: tuple[Anchor, Interval], n: int
) -> None:
    anchor, interval = case
    at = boundary(anchor, interval, n)
    assert index_at(anchor, interval, at) == n
    assert index_at(anchor, interval, at - timedelta(microseconds=1)) == n - 1


@given(anchor=anchors(), interval=st.sampled_from(MONTHS), n=st.integers(-40, 100))
def test_month_ends_clamp_and_come_back(anchor: Anchor, interval: Interval, n: int) -> None:
    zone = ZoneInfo(anchor.zone)
    local, first = (boundary(anchor, interval, k).astimezone(zone) for k in (n, 0))
    months = (local.year - first.year) * 12 + local.month - first.month
    day = anchor.day_of_month or first.day
    assert months == n * interval.months
    assert local.day == min(day, calendar.monthrange(local.year, local.month)[1])


@given(case=counted(), n=st.integers(-40, 100))
def test_the_wall_time_is_the_anchors_unless_it_is_skipped_and_is_the_first_of_two(
    case: tuple[Anchor, Interval], n: int
) -> None:
    anchor, interval = case
    zone = ZoneInfo(anchor.zone)
    found = boundary(anchor, interval, n)
    local, wall = found.astimezone(zone), anchor.at.astimezone(zone)
    if n == 0:
        assert found == anchor.at
        return
    meant = local.replace(hour=wall.hour, minute=wall.minute, fold=0)
    shown = meant.astimezone(UTC).astimezone(zone)
    if shown.replace(tzinfo=None) == meant.replace(tzinfo=None):
        assert local.time() == wall.time()
        assert local.fold == 0
    else:
        assert local.replace(tzinfo=None) == shown.replace(tzinfo=None)
        assert local.time() > wall.time()


@given(
    day=st.integers(1, 31),
    zone=st.sampled_from(ZONES),
    start=INSTANTS,
    interval=st.sampled_from(MONTHS),
)
def test_the_next_such_day_is_never_past_and_never_more_than_a_month_away(
    day: int, zone: str, start: datetime, interval: Interval
) -> None:
    start = start.replace(microsecond=0)
    anchor = day_of_month_anchor(day=day, interval=interval, zone=zone, start=start)
    local = anchor.at.astimezone(ZoneInfo(zone))
    assert start <= anchor.at <= start + timedelta(days=31, hours=1)
    assert local.day == min(day, calendar.monthrange(local.year, local.month)[1])
    assert (local.hour, local.minute, local.second) in {(0, 0, 0), (1, 0, 0)}


@given(
    zone=st.sampled_from(ZONES),
    start=INSTANTS,
    interval=st.sampled_from([Interval("day"), Interval("week"), Interval("month", 3)]),
)
def test_a_calendar_anchor_is_the_first_of_its_own_beginnings(
    zone: str, start: datetime, interval: Interval
) -> None:
    start = start.replace(microsecond=0)
    anchor = calendar_anchor(interval=interval, zone=zone, start=start)
    assert boundary(anchor, interval, -1) < start <= anchor.at


@given(case=counted(), at=INSTANTS, by_day=st.booleans())
def test_stubs_before_and_after_an_instant_make_the_whole(
    case: tuple[Anchor, Interval], at: datetime, by_day: bool
) -> None:
    anchor, interval = case
    at = at.replace(microsecond=0)
    leading = leading_stub(anchor=anchor, interval=interval, start=at, by_day=by_day)
    trailing = trailing_stub(anchor=anchor, interval=interval, end=at, by_day=by_day)
    assert leading + trailing == 1
    assert 0 <= trailing < 1 or by_day


@given(
    zone=st.sampled_from(ZONES),
    cuts=st.lists(st.integers(1, 30 * 86_400 - 1), min_size=1, max_size=6, unique=True),
)
def test_segments_add_up_to_their_period(zone: str, cuts: list[int]) -> None:
    june = Period(datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC))
    ends = [june.start + timedelta(seconds=cut) for cut in sorted(cuts)]
    pieces = [
        Period(start, end)
        for start, end in zip([june.start, *ends], [*ends, june.end], strict=True)
    ]
    assert sum((june.fraction(each) for each in pieces), Fraction(0)) == 1
    by_day = (day_fraction(full=june, segment=each, zone=zone) for each in pieces)
    assert sum(by_day, Fraction(0)) == 1
