"""Boundaries: counted from the anchor in local time, stored as instants. Dated tables."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from core.errors import DomainError
from core.periods import (
    DAY,
    MONTH,
    ONCE,
    WEEK,
    YEAR,
    Anchor,
    AnchorNotAllowed,
    BeyondCalendar,
    Interval,
    NoBoundaries,
    Period,
    UnknownZone,
    after_zone_change,
    boundary,
    index_at,
    instant,
    is_zone,
    next_boundary,
    period_at,
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at_wall(zone: str, text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def anchored(text: str, zone: str = "UTC", day_of_month: int | None = None) -> Anchor:
    return Anchor(at_wall(zone, text), zone, day_of_month)


def dates(anchor: Anchor, interval: str, first: int, last: int) -> list[str]:
    """The boundaries as local dates, which is how people read them."""
    counted = Interval.parse(interval)
    local = [
        boundary(anchor, counted, n).astimezone(ZoneInfo(anchor.zone))
        for n in range(first, last + 1)
    ]
    return [f"{each:%Y-%m-%d}" for each in local]


# --- counting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "interval", "expected"),
    [
        # 31 January clamps to the end of February, and comes back.
        ("2025-01-31", "month", ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"]),
        ("2024-01-31", "month", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        # The 30th is the 30th: it never becomes "the end of the month".
        ("2025-01-30", "month", ["2025-01-30", "2025-02-28", "2025-03-30", "2025-04-30"]),
        ("2025-04-30", "month", ["2025-04-30", "2025-05-30", "2025-06-30", "2025-07-30"]),
        ("2025-02-28", "month", ["2025-02-28", "2025-03-28", "2025-04-28", "2025-05-28"]),
        # 29 February returns in the next leap year.
        ("2024-02-29", "year", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28"]),
        ("2024-02-29", "4 years", ["2024-02-29", "2028-02-29", "2032-02-29", "2036-02-29"]),
        ("2025-01-31", "3 months", ["2025-01-31", "2025-04-30", "2025-07-31", "2025-10-31"]),
        ("2025-11-30", "month", ["2025-11-30", "2025-12-30", "2026-01-30", "2026-02-28"]),
        ("2025-02-27", "day", ["2025-02-27", "2025-02-28", "2025-03-01", "2025-03-02"]),
        ("2025-01-01", "30 days", ["2025-01-01", "2025-01-31", "2025-03-02", "2025-04-01"]),
        ("2025-01-06", "2 weeks", ["2025-01-06", "2025-01-20", "2025-02-03", "2025-02-17"]),
        ("2025-03-01", "12 months", ["2025-03-01", "2026-03-01", "2027-03-01", "2028-03-01"]),
    ],
)
def test_boundary_n_is_the_anchor_plus_n_intervals(
    start: str, interval: str, expected: list[str]
) -> None:
    assert dates(anchored(start), interval, 0, 3) == expected


def test_counting_goes_back_as_well_as_forward() -> None:
    assert dates(anchored("2025-03-31"), "month", -2, 1) == [
        "2025-01-31",
        "2025-02-28",
        "2025-03-31",
        "2025-04-30",
    ]
    assert boundary(anchored("2025-01-08"), WEEK, -1) == utc("2025-01-01")


def test_29_february_returns_after_four_years() -> None:
    anchor = anchored("2024-02-29")
    assert boundary(anchor, YEAR, 4) == utc("2028-02-29")
    assert boundary(anchor, MONTH, 12) == utc("2025-02-28")
    assert boundary(anchor, MONTH, 13) == utc("2025-03-29")


def test_a_day_of_the_month_outlives_the_short_month_it_began_in() -> None:
    anchor = anchored("2025-02-28", day_of_month=31)
    assert dates(anchor, "month", -1, 3) == [
        "2025-01-31",
        "2025-02-28",
        "2025-03-31",
        "2025-04-30",
        "2025-05-31",
    ]
    assert dates(anchor, "year", 2, 3) == ["2027-02-28", "2028-02-29"]


# --- local time --------------------------------------------------------------------------------


def test_thirty_days_from_5_march_at_1212_in_berlin_end_4_april_at_1212() -> None:
    anchor = anchored("2025-03-05 12:12", "Europe/Berlin")
    assert anchor.at == utc("2025-03-05 11:12")
    period = period_at(anchor, Interval("day", 30), anchor.at)
    assert period == Period(utc("2025-03-05 11:12"), utc("2025-04-04 10:12"))
    assert period.seconds == 30 * 86_400 - 3_600


def test_in_a_gap_the_boundary_goes_forward_and_the_next_is_counted_from_the_anchor() -> None:
    anchor = anchored("2025-02-28 02:30", "Europe/Berlin", 30)
    assert boundary(anchor, MONTH, 1) == at_wall("Europe/Berlin", "2025-03-30 03:30")
    assert boundary(anchor, MONTH, 1) == utc("2025-03-30 01:30")
    assert boundary(anchor, MONTH, 2) == at_wall("Europe/Berlin", "2025-04-30 02:30")


def test_co_terming_takes_the_moved_boundary_as_it_stands() -> None:
    anchor = anchored("2025-02-28 02:30", "Europe/Berlin", 30)
    before = period_at(anchor, MONTH, utc("2025-03-30 01:29:59"))
    after = period_at(anchor, MONTH, utc("2025-03-30 01:30:00"))
    assert before.end == after.start == utc("2025-03-30 01:30")
    assert after.end == utc("2025-04-30 00:30")


def test_in_an_overlap_the_boundary_is_the_first_of_the_two() -> None:
    anchor = anchored("2025-09-26 02:30", "Europe/Berlin")
    assert boundary(anchor, MONTH, 1) == utc("2025-10-26 00:30")  # 02:30 summer time
    assert boundary(anchor, MONTH, 2) == utc("2025-11-26 01:30")


def test_an_anchor_in_the_second_pass_of_an_overlap_is_where_it_is() -> None:
    anchor = Anchor(at_wall("Europe/Berlin", "2025-10-26 02:30", fold=1), "Europe/Berlin")
    assert anchor.at == utc("2025-10-26 01:30")
    assert boundary(anchor, DAY, 0) == utc("2025-10-26 01:30")
    assert boundary(anchor, DAY, 1) == utc("2025-10-27 01:30")
    assert boundary(anchor, YEAR, 6) == utc("2031-10-26 00:30")  # an overlap again: the first
    assert index_at(anchor, DAY, utc("2025-10-26 00:30")) == -1


def test_lord_howe_moves_its_clocks_by_half_an_hour() -> None:
    anchor = anchored("2025-09-05 02:15", "Australia/Lord_Howe")
    assert boundary(anchor, MONTH, 0) == utc("2025-09-04 15:45")  # +10:30
    assert boundary(anchor, MONTH, 1) == utc("2025-10-04 15:45")  # 02:15 is not; it is 02:45
    assert boundary(anchor, MONTH, 2) == utc("2025-11-04 15:15")  # +11


def test_kathmandu_is_a_quarter_of_an_hour_off() -> None:
    anchor = anchored("2025-01-31", "Asia/Kathmandu")
    assert anchor.at == utc("2025-01-30 18:15")
    assert boundary(anchor, MONTH, 1) == utc("2025-02-27 18:15")


def test_the_day_that_apia_skipped_makes_boundaries_fall_on_the_next_day() -> None:
    monthly = anchored("2011-11-30", "Pacific/Apia")
    assert dates(monthly, "month", 0, 2) == ["2011-11-30", "2011-12-31", "2012-01-30"]
    daily = anchored("2011-12-29", "Pacific/Apia")
    assert dates(daily, "day", 0, 3) == ["2011-12-29", "2011-12-31", "2011-12-31", "2012-01-01"]
    # The day that never was is never the period of any instant.
    found = [period_at(daily, DAY, daily.at + timedelta(days=n)) for n in range(3)]
    assert [each.seconds for each in found] == [86_400] * 3
    assert [each.start for each in found[1:]] == [each.end for each in found[:-1]]


def test_an_anchor_on_the_day_that_apia_skipped_goes_on_with_its_day() -> None:
    anchor = Anchor(utc("2011-12-30 10:00"), "Pacific/Apia", 30)
    assert dates(anchor, "month", 0, 1) == ["2011-12-31", "2012-01-30"]


# --- finding the period ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "n"),
    [
        ("2025-01-31 00:00:00", 0),
        ("2025-02-27 23:59:59.999999", 0),
        ("2025-02-28 00:00:00", 1),
        ("2025-03-30 23:59:59", 1),
        ("2025-03-31 00:00:00", 2),
        ("2025-01-30 23:59:59.999999", -1),
        ("2024-12-31 00:00:00", -1),
        ("2024-12-30 23:59:59", -2),
        ("2035-01-31 00:00:00", 120),
    ],
)
def test_a_boundary_belongs_to_the_period_it_begins(at: str, n: int) -> None:
    assert index_at(anchored("2025-01-31"), MONTH, utc(at)) == n


def test_the_period_of_an_instant_is_half_open() -> None:
    period = period_at(anchored("2025-01-31"), MONTH, utc("2025-02-14"))
    assert period == Period(utc("2025-01-31"), utc("2025-02-28"))
    assert period.contains(utc("2025-01-31"))
    assert period.contains(utc("2025-02-27 23:59:59.999999"))
    assert not period.contains(utc("2025-02-28"))
    assert not period.contains(utc("2025-01-30 23:59:59.999999"))


def test_clocks_that_go_back_over_midnight_do_not_bring_back_yesterdays_period() -> None:
    """In St. John's, 00:01 on 7 November 2010 was followed by 23:01 on the 6th."""
    anchor = anchored("2010-11-05", "America/St_Johns")
    begins = boundary(anchor, DAY, 2)
    assert begins == utc("2010-11-07 02:30")
    on_the_6th_again = utc("2010-11-07 02:45")
    assert index_at(anchor, DAY, begins) == 2
    assert index_at(anchor, DAY, on_the_6th_again) == 2
    assert index_at(anchor, DAY, begins - timedelta(seconds=1)) == 1


def test_a_wall_time_that_comes_twice_begins_a_period_once() -> None:
    anchor = anchored("2010-11-05 23:30", "America/St_Johns")
    assert boundary(anchor, DAY, 1) == utc("2010-11-07 02:00")
    assert index_at(anchor, DAY, utc("2010-11-07 03:00")) == 1  # 23:30 once more


def test_an_old_anchor_is_not_walked_up_from() -> None:
    anchor = anchored("1970-01-01")
    period = period_at(anchor, DAY, utc("2999-12-31 12:00"))
    assert period == Period(utc("2999-12-31"), utc("3000-01-01"))
    assert index_at(anchor, DAY, utc("2999-12-31")) == 376_199


def test_keeping_the_anchor_ends_the_first_new_period_at_the_next_boundary_from_it() -> None:
    assert next_boundary(anchored("2025-02-20"), YEAR, utc("2025-06-01")) == utc("2026-02-20")
    assert next_boundary(anchored("2025-02-20"), WEEK, utc("2025-02-27")) == utc("2025-03-06")


# --- once, and what is refused -----------------------------------------------------------------


def test_once_has_no_boundaries() -> None:
    anchor = anchored("2025-01-31")
    for ask in (
        lambda: boundary(anchor, ONCE, 0),
        lambda: index_at(anchor, ONCE, anchor.at),
        lambda: period_at(anchor, ONCE, anchor.at),
    ):
        with pytest.raises(NoBoundaries):
            ask()


@pytest.mark.parametrize("interval", [DAY, WEEK, Interval("day", 30), Interval("week", 2)])
def test_a_day_of_the_month_does_not_anchor_days_or_weeks(interval: Interval) -> None:
    anchor = anchored("2025-02-05", day_of_month=5)
    for ask in (
        lambda: boundary(anchor, interval, 0),
        lambda: period_at(anchor, interval, anchor.at),
        lambda: next_boundary(anchor, interval, anchor.at),
    ):
        with pytest.raises(AnchorNotAllowed) as refused:
            ask()
        assert isinstance(refused.value, DomainError)
        assert (refused.value.code, refused.value.status) == ("anchor_not_allowed", 422)


NAIVE = datetime(2025, 1, 31)  # noqa: DTZ001 - being naive is what is tested
FINE = datetime(2025, 1, 31, microsecond=1, tzinfo=UTC)


@pytest.mark.parametrize(("at", "why"), [(NAIVE, "naive"), (FINE, "whole second")])
def test_instants_that_move_money_are_aware_whole_seconds(at: datetime, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        instant(at)
    with pytest.raises(ValueError, match=why):
        Anchor(at, "UTC")
    with pytest.raises(ValueError, match=why):
        Period(at, utc("2025-02-28"))
    with pytest.raises(ValueError, match=why):
        Period(utc("2025-01-01"), at)


def test_a_period_is_not_looked_up_for_a_naive_time() -> None:
    with pytest.raises(ValueError, match="naive"):
        index_at(anchored("2025-01-31"), MONTH, NAIVE)


def test_instants_are_kept_in_utc_wherever_they_were_written() -> None:
    tokyo = datetime(2025, 2, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert instant(tokyo) == utc("2025-02-01")
    assert instant(tokyo).tzinfo is UTC
    assert Anchor(tokyo, "Asia/Tokyo").at.tzinfo is UTC
    assert Period(tokyo, utc("2025-03-01")).start.tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "end"), [("2025-02-01", "2025-02-01"), ("2025-02-02", "2025-02-01")]
)
def test_nothing_is_not_a_period(start: str, end: str) -> None:
    with pytest.raises(ValueError, match="cannot end at"):
        Period(utc(start), utc(end))


@pytest.mark.parametrize(
    "zone",
    [
        *["", "Berlin", "europe/berlin", "Europe", "localtime", "Factory", "CEST", "+02:00"],
        *["../../etc/passwd", "/etc/localtime", "posix/UTC", "right/UTC", "Europe/Berlin\0"],
    ],
)
def test_a_zone_is_a_name_of_the_time_zone_database(zone: str) -> None:
    assert not is_zone(zone)
    with pytest.raises(UnknownZone):
        Anchor(utc("2025-01-31"), zone)


@pytest.mark.parametrize("day", [0, 32, -1, True])
def test_a_day_of_the_month_is_1_to_31(day: int) -> None:
    with pytest.raises(ValueError, match="a day of the month is"):
        Anchor(utc("2025-01-01"), "UTC", day)


@pytest.mark.parametrize(
    ("at", "day"), [("2025-01-20", 5), ("2025-02-28", 27), ("2025-03-28", 31), ("2025-01-30", 31)]
)
def test_an_anchor_lies_on_its_day_of_the_month(at: str, day: int) -> None:
    with pytest.raises(ValueError, match="is not on day"):
        Anchor(utc(at), "UTC", day)


def test_counting_stops_at_the_ends_of_the_calendar() -> None:
    anchor = anchored("2025-01-31")
    for interval, n in [(YEAR, 7975), (YEAR, -2025), (DAY, 10**7), (DAY, 10**30), (MONTH, 10**30)]:
        with pytest.raises(BeyondCalendar):
            boundary(anchor, interval, n)
    with pytest.raises(BeyondCalendar):
        period_at(anchor, YEAR, utc("9999-12-31"))
    with pytest.raises(BeyondCalendar):
        boundary(anchored("2025-01-31 20:00", "America/New_York"), DAY, 2_912_777)
    with pytest.raises(BeyondCalendar):
        period_at(anchored("2025-01-31", "Asia/Tokyo"), YEAR, utc("9999-12-31 23:00"))
    with pytest.raises(BeyondCalendar):
        instant(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))))


# --- a change of zone --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("America/New_York", "2025-03-01 05:00"),  # six hours longer
        ("Asia/Tokyo", "2025-02-28 15:00"),  # eight hours shorter
        ("Europe/Paris", "2025-02-28 23:00"),
    ],
)
def test_after_a_change_of_zone_the_next_period_starts_where_the_last_ended(
    zone: str, end: str
) -> None:
    anchor = anchored("2025-01-01", "Europe/Berlin")
    ended_at = boundary(anchor, MONTH, 1)
    moved, period = after_zone_change(anchor=anchor, interval=MONTH, ended_at=ended_at, zone=zone)
    assert period == Period(utc("2025-01-31 23:00"), utc(end))
    assert moved == Anchor(at_wall(zone, "2025-01-01"), zone)
    following = period_at(moved, MONTH, period.end)
    assert following == Period(utc(end), at_wall(zone, "2025-04-01"))


def test_a_change_of_zone_keeps_the_day_of_the_month() -> None:
    anchor = anchored("2025-02-28", "Europe/Berlin", 31)
    moved, period = after_zone_change(
        anchor=anchor, interval=MONTH, ended_at=anchor.at, zone="Asia/Tokyo"
    )
    assert moved.day_of_month == 31
    assert period == Period(anchor.at, at_wall("Asia/Tokyo", "2025-03-31"))


def test_a_daily_period_survives_the_farthest_change_of_zone() -> None:
    anchor = anchored("2025-01-10", "Pacific/Pago_Pago")
    moved, period = after_zone_change(
        anchor=anchor, interval=DAY, ended_at=anchor.at, zone="Pacific/Kiritimati"
    )
    assert period == Period(utc("2025-01-10 11:00"), utc("2025-01-11 10:00"))
    assert period_at(moved, DAY, period.end).start == period.end
