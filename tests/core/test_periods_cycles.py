"""What moves a count on: pauses that extend, and another zone. By numbers, and for every anchor."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.periods import MONTH, WEEK, YEAR, Anchor, Cycle, Interval, Period, boundary, period_at
from tests.core.test_periods_properties import INSTANTS, ZONES, anchors, counted

SECOND = timedelta(seconds=1)
DAY_SECONDS = 86_400


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def walked(cycle: Cycle, interval: Interval, at: datetime, number: int) -> list[Period]:
    """So many periods, each found at the end of the one before."""
    found = [cycle.period_at(interval, at)]
    while len(found) < number:
        found.append(cycle.period_at(interval, found[-1].end))
    return found


def days(periods: list[Period]) -> list[str]:
    return [f"{each.start:%d %b} - {each.end:%d %b}" for each in periods]


def test_without_a_pause_a_cycle_is_its_anchors_count() -> None:
    cycle = Cycle(Anchor(utc(2025, 1, 31), "UTC"))
    assert days(walked(cycle, MONTH, utc(2025, 1, 31), 3)) == [
        "31 Jan - 28 Feb",
        "28 Feb - 31 Mar",
        "31 Mar - 30 Apr",
    ]
    assert cycle.next_boundary(MONTH, utc(2025, 2, 27)) == utc(2025, 2, 28)
    assert cycle.next_boundary(MONTH, utc(2025, 2, 28)) == utc(2025, 3, 31)


def test_a_pause_moves_all_later_boundaries_by_its_seconds_and_another_one_adds_to_it() -> None:
    # monthly from the 1st: 10 days in March, then 5 more in May
    once = Cycle(Anchor(utc(2025, 3, 1), "UTC")).moved_on(10 * DAY_SECONDS)
    assert days(walked(once, MONTH, utc(2025, 4, 11), 3)) == [
        "11 Apr - 11 May",
        "11 May - 11 Jun",
        "11 Jun - 11 Jul",
    ]
    twice = once.moved_on(5 * DAY_SECONDS)
    assert twice.shift_seconds == 15 * DAY_SECONDS
    assert days(walked(twice, MONTH, utc(2025, 5, 16), 2)) == ["16 May - 16 Jun", "16 Jun - 16 Jul"]


def test_a_moved_month_end_is_clamped_before_it_is_moved() -> None:
    # the 31st: served time ends on 28 February and 31 March, two days earlier than real time
    cycle = Cycle(Anchor(utc(2025, 1, 31), "UTC")).moved_on(2 * DAY_SECONDS)
    assert days(walked(cycle, MONTH, utc(2025, 2, 2), 3)) == [
        "02 Feb - 02 Mar",
        "02 Mar - 02 Apr",
        "02 Apr - 02 May",
    ]
    assert cycle.served_period_at(MONTH, utc(2025, 2, 10)) == Period(
        utc(2025, 1, 31), utc(2025, 2, 28)
    )


def test_another_zone_begins_with_a_full_period_of_its_own_length() -> None:
    # monthly on the 1st in Berlin, in New York from the end of January on: 5 hours later there
    berlin = Cycle(Anchor(utc(2024, 12, 31, 23), "Europe/Berlin"))
    moved = berlin.in_zone("America/New_York", ended_at=utc(2025, 1, 31, 23))
    assert walked(moved, MONTH, utc(2025, 1, 31, 23), 2) == [
        Period(utc(2025, 1, 31, 23), utc(2025, 3, 1, 5)),
        Period(utc(2025, 3, 1, 5), utc(2025, 4, 1, 4)),
    ]
    assert (moved.zone, moved.left_zone) == ("America/New_York", "Europe/Berlin")


def test_after_a_pause_and_another_zone_both_count() -> None:
    # ten days of pause; the boundary of 11 February, 23:00 UTC is served time's 1 February, 23:00
    berlin = Cycle(Anchor(utc(2024, 12, 31, 23), "Europe/Berlin")).moved_on(10 * DAY_SECONDS)
    moved = berlin.in_zone("America/New_York", ended_at=utc(2025, 2, 10, 23))
    assert moved.joined_at == utc(2025, 1, 31, 23)
    assert walked(moved, MONTH, utc(2025, 2, 10, 23), 2) == [
        Period(utc(2025, 2, 10, 23), utc(2025, 3, 11, 5)),
        Period(utc(2025, 3, 11, 5), utc(2025, 4, 11, 4)),
    ]
    later = moved.moved_on(DAY_SECONDS)
    assert later.period_at(MONTH, utc(2025, 3, 12, 5)).start == utc(2025, 3, 12, 5)


def test_another_interval_after_another_zone_counts_whole_intervals_from_the_anchor() -> None:
    # joined New York on 20 May; a year that keeps the anchor has 365 days, not those since May
    berlin = Cycle(Anchor(utc(2025, 2, 19, 23), "Europe/Berlin"))
    moved = berlin.in_zone("America/New_York", ended_at=utc(2025, 5, 19, 22))
    assert moved.period_at(YEAR, utc(2025, 6, 1)) == Period(
        utc(2025, 2, 20, 5), utc(2026, 2, 20, 5)
    )


def test_an_anchor_that_the_new_zone_skips_does_not_make_a_period_of_hours() -> None:
    # 9 March 2025, 02:30 in Berlin; in New York that night has no 02:30: it is 03:30, and stays so
    berlin = Cycle(Anchor(utc(2025, 3, 9, 1, 30), "Europe/Berlin"))
    ended_at = utc(2025, 5, 9, 0, 30)
    assert berlin.next_boundary(MONTH, utc(2025, 5, 1)) == ended_at
    moved = berlin.in_zone("America/New_York", ended_at=ended_at)
    assert walked(moved, MONTH, ended_at, 2) == [
        Period(ended_at, utc(2025, 6, 9, 7, 30)),
        Period(utc(2025, 6, 9, 7, 30), utc(2025, 7, 9, 7, 30)),
    ]


def test_a_count_that_came_over_says_when_and_from_where() -> None:
    anchor = Anchor(utc(2025, 1, 1), "UTC")
    with pytest.raises(ValueError, match="joins a zone"):
        Cycle(anchor, joined_at=utc(2025, 2, 1))
    with pytest.raises(ValueError, match="joins a zone"):
        Cycle(anchor, left_zone="Europe/Berlin")


SHIFTS = st.integers(0, 400 * DAY_SECONDS)


@given(case=counted(), shift=SHIFTS, at=INSTANTS)
def test_served_and_real_time_are_each_others_way_back(
    case: tuple[Anchor, Interval], shift: int, at: datetime
) -> None:
    cycle = Cycle(case[0], shift)
    assert cycle.real(cycle.served(at)) == at
    assert cycle.served(at) + timedelta(seconds=shift) == at


@given(case=counted(), shift=SHIFTS, at=INSTANTS)
def test_moved_periods_tile(case: tuple[Anchor, Interval], shift: int, at: datetime) -> None:
    anchor, interval = case
    periods = walked(Cycle(anchor, shift), interval, at, 14)
    assert periods[0].contains(at)
    assert all(one.end == following.start for one, following in pairwise(periods))


@given(case=counted(), shift=SHIFTS, more=SHIFTS, at=INSTANTS)
def test_pauses_leave_the_served_periods_untouched(
    case: tuple[Anchor, Interval], shift: int, more: int, at: datetime
) -> None:
    anchor, interval = case
    before, after = Cycle(anchor, shift), Cycle(anchor, shift).moved_on(more)
    served = before.served_period_at(interval, at)
    assert after.served_period_at(interval, at) == served == period_at(anchor, interval, at)
    real = after.period_at(interval, after.real(at))
    assert (real.start, real.end) == (after.real(served.start), after.real(served.end))


@given(case=counted(), zone=st.sampled_from(ZONES), n=st.integers(0, 30), shift=SHIFTS)
def test_the_count_in_another_zone_tiles_and_no_period_is_a_scrap(
    case: tuple[Anchor, Interval], zone: str, n: int, shift: int
) -> None:
    """The first period there is at most as much shorter or longer as the zones are apart."""
    anchor, interval = case
    before = Cycle(anchor, shift)
    ended_at = before.real(boundary(anchor, interval, n))
    moved = before.in_zone(zone, ended_at=ended_at)
    periods = walked(moved, interval, ended_at, 4)
    assert periods[0].start == ended_at
    assert all(one.end == following.start for one, following in pairwise(periods))
    assert all(moved.period_at(interval, each.end - SECOND) == each for each in periods)
    usual = before.period_at(interval, ended_at).seconds
    apart = 27 * 3600
    assert abs(periods[0].seconds - usual) <= apart or interval.days == 1
    assert periods[0].seconds <= usual + 2 * DAY_SECONDS + 2 * 3600
    # after the first, all are those of the anchor with the same wall time
    assert moved.served_period_at(interval, moved.served(periods[1].start)) == period_at(
        anchor.in_zone(zone), interval, moved.served(periods[1].start)
    )


@given(anchor=anchors(), zone=st.sampled_from(ZONES), n=st.integers(1, 11))
def test_a_year_after_another_zone_is_the_anchors_year(anchor: Anchor, zone: str, n: int) -> None:
    """A month's boundary at which the zone changed is none of the year's."""
    moved = Cycle(anchor).in_zone(zone, ended_at=boundary(anchor, MONTH, n))
    at = boundary(anchor, MONTH, n) + timedelta(days=2)
    assert moved.period_at(YEAR, at) == period_at(anchor.in_zone(zone), YEAR, at)


@given(anchor=anchors(last_day=28), zone=st.sampled_from(ZONES), shift=SHIFTS)
def test_a_week_later_is_a_week_later(anchor: Anchor, zone: str, shift: int) -> None:
    """Half a year of weeks through a zone change: as many periods as weeks."""
    before = Cycle(anchor, shift)
    ended_at = before.real(boundary(anchor, WEEK, 3))
    periods = walked(before.in_zone(zone, ended_at=ended_at), WEEK, ended_at, 26)
    off = periods[-1].end - before.real(boundary(anchor, WEEK, 29))
    assert abs(off) <= timedelta(hours=28)
