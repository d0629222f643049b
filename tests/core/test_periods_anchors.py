"""Anchors: the next such day, the calendar's own beginnings, and which anchor applies."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

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
    boundary,
    calendar_anchor,
    choose_anchor,
    day_of_month_anchor,
)

BERLIN = "Europe/Berlin"


def at_wall(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# --- a day of the month ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "day", "first"),
    [
        ("2025-01-20 10:00", 5, "2025-02-05"),
        ("2025-01-20 10:00", 25, "2025-01-25"),
        ("2025-01-05 00:00", 5, "2025-01-05"),  # at the very instant: no stub
        ("2025-01-05 00:00:01", 5, "2025-02-05"),
        ("2025-01-04 23:59:59", 5, "2025-01-05"),
        ("2025-02-10 10:00", 31, "2025-02-28"),
        ("2024-02-10 10:00", 30, "2024-02-29"),
        ("2025-02-28 10:00", 31, "2025-03-31"),
        ("2025-12-20 10:00", 5, "2026-01-05"),
        ("2025-12-31 00:00", 31, "2025-12-31"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", BERLIN, "Asia/Kathmandu"])
def test_a_day_of_the_month_is_the_next_such_day_at_midnight_there(
    start: str, day: int, first: str, zone: str
) -> None:
    anchor = day_of_month_anchor(day=day, interval=MONTH, zone=zone, start=at_wall(start, zone))
    assert anchor == Anchor(at_wall(first, zone), zone, day)


def test_a_yearly_interval_takes_the_next_such_day_then_counts_years() -> None:
    anchor = day_of_month_anchor(day=5, interval=YEAR, zone="UTC", start=at_wall("2025-01-20"))
    assert boundary(anchor, YEAR, 0) == at_wall("2025-02-05")
    assert boundary(anchor, YEAR, 1) == at_wall("2026-02-05")


@pytest.mark.parametrize("interval", [DAY, WEEK, Interval("day", 30), ONCE])
def test_a_day_of_the_month_is_for_intervals_of_months(interval: Interval) -> None:
    with pytest.raises(AnchorNotAllowed):
        day_of_month_anchor(day=5, interval=interval, zone="UTC", start=at_wall("2025-01-20"))


@pytest.mark.parametrize("day", [0, 32])
def test_there_is_no_such_day_of_the_month(day: int) -> None:
    with pytest.raises(ValueError, match="a day of the month is"):
        day_of_month_anchor(day=day, interval=MONTH, zone="UTC", start=at_wall("2025-01-20"))


def test_where_midnight_is_skipped_the_resolved_time_stands() -> None:
    """Clocks in Cairo went from 00:00 to 01:00 on 25 April 2025."""
    cairo = "Africa/Cairo"
    anchor = day_of_month_anchor(
        day=25, interval=MONTH, zone=cairo, start=at_wall("2025-04-10", cairo)
    )
    assert anchor.at == at_wall("2025-04-25 01:00", cairo)
    assert boundary(anchor, MONTH, 1) == at_wall("2025-05-25 01:00", cairo)
    # Counted from an earlier midnight, only the boundary in the gap is moved.
    earlier = day_of_month_anchor(
        day=25, interval=MONTH, zone=cairo, start=at_wall("2025-03-10", cairo)
    )
    assert boundary(earlier, MONTH, 1) == anchor.at
    assert boundary(earlier, MONTH, 2) == at_wall("2025-05-25 00:00", cairo)


# --- the calendar ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "start", "first"),
    [
        ("day", "2025-01-15 10:00", "2025-01-16"),
        ("day", "2025-01-15 00:00", "2025-01-15"),
        ("week", "2025-01-15 10:00", "2025-01-20"),  # a Wednesday; the next Monday
        ("week", "2025-01-20 00:00", "2025-01-20"),
        ("week", "2025-01-20 00:00:01", "2025-01-27"),
        ("7 days", "2025-01-15 10:00", "2025-01-20"),
        ("month", "2025-01-15 10:00", "2025-02-01"),
        ("month", "2025-12-15 10:00", "2026-01-01"),
        ("month", "2025-01-01 00:00", "2025-01-01"),
        ("2 months", "2025-01-15 10:00", "2025-03-01"),
        ("3 months", "2025-01-15 10:00", "2025-04-01"),
        ("3 months", "2025-04-01 00:00", "2025-04-01"),
        ("3 months", "2025-11-15 10:00", "2026-01-01"),
        ("6 months", "2025-06-30 10:00", "2025-07-01"),
        ("year", "2025-01-15 10:00", "2026-01-01"),
        ("year", "2025-01-01 00:00", "2025-01-01"),
        ("12 months", "2025-07-01 00:00", "2026-01-01"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", BERLIN, "America/Sao_Paulo"])
def test_a_calendar_anchor_is_where_the_calendars_own_period_begins(
    interval: str, start: str, first: str, zone: str
) -> None:
    anchor = calendar_anchor(
        interval=Interval.parse(interval), zone=zone, start=at_wall(start, zone)
    )
    assert anchor == Anchor(at_wall(first, zone), zone)


@pytest.mark.parametrize("text", ["2 days", "2 weeks", "5 months", "24 months", "2 years", "once"])
def test_the_calendar_does_not_number_every_interval(text: str) -> None:
    with pytest.raises(AnchorNotAllowed):
        calendar_anchor(interval=Interval.parse(text), zone="UTC", start=at_wall("2025-01-15"))


@pytest.mark.parametrize("year", [1, 9999])
def test_anchors_are_not_sought_at_the_ends_of_the_calendar(year: int) -> None:
    start = datetime(year, 12, 31, tzinfo=UTC)
    with pytest.raises(BeyondCalendar):
        calendar_anchor(interval=MONTH, zone="UTC", start=start)
    with pytest.raises(BeyondCalendar):
        day_of_month_anchor(day=5, interval=MONTH, zone="UTC", start=start)


@pytest.mark.parametrize("start", [datetime(2025, 1, 15), at_wall("2025-01-15 00:00:00.5")])  # noqa: DTZ001 - being naive is what is tested
def test_a_start_is_an_aware_whole_second(start: datetime) -> None:
    with pytest.raises(ValueError, match="an instant"):
        calendar_anchor(interval=MONTH, zone="UTC", start=start)
    with pytest.raises(ValueError, match="an instant"):
        day_of_month_anchor(day=5, interval=MONTH, zone="UTC", start=start)


# --- which one applies -------------------------------------------------------------------------

START = at_wall("2025-01-20 15:00")
TRIAL_END = START + timedelta(days=14)
EXPLICIT = Anchor(at_wall("2025-02-05"), BERLIN, 5)
BILLING = Anchor(at_wall("2025-01-10"), "UTC")


@pytest.mark.parametrize(
    ("explicit", "billing", "co_terms", "interval", "trial_end", "expected"),
    [
        (EXPLICIT, BILLING, True, MONTH, TRIAL_END, EXPLICIT),
        (EXPLICIT, None, False, YEAR, None, EXPLICIT),
        (None, BILLING, True, MONTH, TRIAL_END, BILLING),
        (None, BILLING, True, MONTH, None, BILLING),
        (None, BILLING, True, YEAR, TRIAL_END, Anchor(TRIAL_END, BERLIN)),  # not monthly
        (None, BILLING, True, Interval("month", 3), None, Anchor(START, BERLIN)),
        (None, BILLING, False, MONTH, TRIAL_END, Anchor(TRIAL_END, BERLIN)),  # does not co-term
        (None, None, True, MONTH, TRIAL_END, Anchor(TRIAL_END, BERLIN)),  # nothing to join
        (None, BILLING, False, MONTH, None, Anchor(START, BERLIN)),
        (None, None, True, MONTH, None, Anchor(START, BERLIN)),
        (None, BILLING, True, ONCE, None, Anchor(START, BERLIN)),
    ],
)
def test_the_first_anchor_that_applies_is_chosen(
    explicit: Anchor | None,
    billing: Anchor | None,
    co_terms: bool,
    interval: Interval,
    trial_end: datetime | None,
    expected: Anchor,
) -> None:
    chosen = choose_anchor(
        explicit=explicit,
        billing_anchor=billing,
        co_terms=co_terms,
        interval=interval,
        trial_end=trial_end,
        start=START,
        zone=BERLIN,
    )
    assert chosen == expected


def test_an_explicit_day_of_the_month_is_refused_for_weeks() -> None:
    with pytest.raises(AnchorNotAllowed):
        choose_anchor(
            explicit=EXPLICIT,
            billing_anchor=None,
            co_terms=False,
            interval=WEEK,
            trial_end=None,
            start=START,
            zone=BERLIN,
        )
