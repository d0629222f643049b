"""What a piece of a period costs: the rule book's own numbers, by the second and by the day."""

from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from core.money import Money
from core.periods import (
    DAY,
    MONTH,
    YEAR,
    Anchor,
    Period,
    day_fraction,
    day_of_month_anchor,
    leading_stub,
    next_boundary,
    period_at,
    trailing_stub,
)

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def usd(amount: str) -> Money:
    return Money.from_major(amount, "USD")


# --- by the second -----------------------------------------------------------------------------


def test_a_second_zone_pays_up_to_the_customers_own_date() -> None:
    """Pro at 25.00 since 10 January; a second zone on 20 January joins it."""
    share = leading_stub(
        anchor=Anchor(at("2025-01-10"), "UTC"), interval=MONTH, start=at("2025-01-20")
    )
    assert share == Fraction(21, 31)
    assert usd("25.00").times(share) == usd("16.94")


def test_a_yearly_stub_is_shared_by_the_year_that_ends_at_the_first_anchor() -> None:
    start = at("2025-01-20")
    anchor = day_of_month_anchor(day=5, interval=YEAR, zone="UTC", start=start)
    share = leading_stub(anchor=anchor, interval=YEAR, start=start)
    assert share == Fraction(16, 366)  # 5 February 2024 to 2025 has a 29 February
    assert usd("240.00").times(share) == usd("10.49")


def test_keeping_the_anchor_from_monthly_to_yearly_charges_up_to_the_anchors_year() -> None:
    anchor, change = Anchor(at("2025-02-20"), "UTC"), at("2025-06-01")
    assert next_boundary(anchor, YEAR, change) == at("2026-02-20")
    share = leading_stub(anchor=anchor, interval=YEAR, start=change)
    assert share == Fraction(264, 365)
    assert usd("240.00").times(share) == usd("173.59")


@pytest.mark.parametrize(
    ("start", "leading"),
    [
        ("2025-02-28", Fraction(1)),  # on a boundary: a full period
        ("2025-03-01", Fraction(30, 31)),  # 28 February to 31 March
        ("2025-02-01", Fraction(27, 28)),  # 31 January to 28 February
        ("2025-04-29", Fraction(1, 30)),
        ("2024-12-31", Fraction(1)),  # before the anchor as after it
        ("2025-01-01", Fraction(30, 31)),
    ],
)
def test_a_leading_stub_is_a_share_of_the_full_period_that_ends_with_it(
    start: str, leading: Fraction
) -> None:
    anchor = Anchor(at("2025-01-31"), "UTC")
    assert leading_stub(anchor=anchor, interval=MONTH, start=at(start)) == leading


@pytest.mark.parametrize(
    ("end", "trailing"),
    [
        ("2025-02-28", Fraction(0)),  # on a boundary: nothing is left over
        ("2025-03-01", Fraction(1, 31)),
        ("2025-02-14", Fraction(14, 28)),
        ("2025-04-15", Fraction(15, 30)),
        ("2025-04-15 12:00", Fraction(31, 60)),
    ],
)
def test_a_trailing_stub_is_a_share_of_the_full_period_that_starts_with_it(
    end: str, trailing: Fraction
) -> None:
    anchor = Anchor(at("2025-01-31"), "UTC")
    assert trailing_stub(anchor=anchor, interval=MONTH, end=at(end)) == trailing


def test_the_leading_and_the_trailing_stub_at_one_instant_are_the_whole() -> None:
    anchor = Anchor(at("2025-01-31"), "UTC")
    leading = leading_stub(anchor=anchor, interval=MONTH, start=at("2025-03-07 01:02:03"))
    trailing = trailing_stub(anchor=anchor, interval=MONTH, end=at("2025-03-07 01:02:03"))
    assert leading + trailing == 1


def test_an_hour_that_is_skipped_is_not_shared() -> None:
    """30 March 2025 has 23 hours in Berlin; by 12:00 eleven of them are gone."""
    anchor = Anchor(at("2025-03-30", BERLIN), BERLIN)
    noon = at("2025-03-30 12:00", BERLIN)
    assert trailing_stub(anchor=anchor, interval=DAY, end=noon) == Fraction(11, 23)
    assert leading_stub(anchor=anchor, interval=DAY, start=noon) == Fraction(12, 23)


def test_a_paused_year_is_credited_and_resumed_by_the_same_arithmetic() -> None:
    """1,200.00 a year from 1 February 2025, paused on 11 March, resumed on 20 April."""
    anchor = Anchor(at("2025-02-01"), "UTC")
    rest = leading_stub(anchor=anchor, interval=YEAR, start=at("2025-03-11"))
    assert rest == Fraction(327, 365)
    assert usd("1200.00").times(-rest) == usd("-1075.07")
    resumed = Anchor(period_at(anchor, MONTH, at("2025-04-20")).start, "UTC")
    assert resumed.at == at("2025-04-01")
    share = leading_stub(anchor=resumed, interval=YEAR, start=at("2025-04-20"))
    assert share == Fraction(346, 365)
    assert usd("1200.00").times(share) == usd("1137.53")


# --- a period and its segments -----------------------------------------------------------------

JUNE = Period(at("2025-06-01"), at("2025-07-01"))


def test_a_segment_is_an_exact_share_of_its_period() -> None:
    assert JUNE.seconds == 2_592_000
    assert JUNE.fraction(JUNE) == 1
    assert JUNE.fraction(Period(at("2025-06-01"), at("2025-06-10"))) == Fraction(9, 30)
    second = Period(at("2025-06-30 23:59:59"), at("2025-07-01"))
    assert JUNE.fraction(second) == Fraction(1, 2_592_000)


@pytest.mark.parametrize(
    ("start", "end"),
    [("2025-05-31 23:59:59", "2025-06-10"), ("2025-06-10", "2025-07-01 00:00:01")],
)
def test_a_segment_lies_within_its_period(start: str, end: str) -> None:
    outside = Period(at(start), at(end))
    with pytest.raises(ValueError, match="is not within"):
        JUNE.fraction(outside)
    with pytest.raises(ValueError, match="is not within"):
        day_fraction(full=JUNE, segment=outside, zone="UTC")


# --- by the day --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2025-06-01", "2025-07-01", 30),
        ("2025-06-10 15:00", "2025-06-20 01:00", 10),  # both ends from midnight
        ("2025-06-10 23:59:59", "2025-06-11 00:00:00", 1),
        ("2025-06-10 08:00", "2025-06-10 20:00", 0),  # there and back on one day
        ("2025-06-30 12:00", "2025-07-01", 1),
    ],
)
def test_days_are_local_and_half_open(start: str, end: str, days: int) -> None:
    june = Period(at("2025-06-01", BERLIN), at("2025-07-01", BERLIN))
    segment = Period(at(start, BERLIN), at(end, BERLIN))
    assert day_fraction(full=june, segment=segment, zone=BERLIN) == Fraction(days, 30)


def test_a_day_is_the_day_of_the_zone() -> None:
    """23:30 UTC on 9 June is already 10 June in Berlin."""
    june = Period(at("2025-06-01", BERLIN), at("2025-07-01", BERLIN))
    segment = Period(at("2025-06-09 23:30"), at("2025-06-20 12:00"))
    assert day_fraction(full=june, segment=segment, zone=BERLIN) == Fraction(10, 30)
    assert day_fraction(full=june, segment=segment, zone="UTC") == Fraction(11, 30)


def test_days_of_23_hours_count_like_any_other() -> None:
    march = Period(at("2025-03-01", BERLIN), at("2025-04-01", BERLIN))
    one = Period(at("2025-03-30", BERLIN), at("2025-03-31", BERLIN))
    assert day_fraction(full=march, segment=one, zone=BERLIN) == Fraction(1, 31)
    assert march.fraction(one) == Fraction(23, 31 * 24 - 1)


def test_stubs_by_the_day_count_the_day_of_the_change() -> None:
    start = at("2025-01-20 15:00")
    anchor = day_of_month_anchor(day=5, interval=YEAR, zone="UTC", start=start)
    share = leading_stub(anchor=anchor, interval=YEAR, start=start, by_day=True)
    assert share == Fraction(16, 366)
    monthly = Anchor(at("2025-01-10 09:00"), "UTC")
    noon = at("2025-01-20 12:00")
    assert trailing_stub(anchor=monthly, interval=MONTH, end=noon, by_day=True) == Fraction(10, 31)
    assert leading_stub(anchor=monthly, interval=MONTH, start=noon, by_day=True) == Fraction(21, 31)


def test_hours_on_one_local_day_have_no_days_to_share() -> None:
    hours = Period(at("2025-06-10 08:00"), at("2025-06-10 20:00"))
    with pytest.raises(ValueError, match="nothing to share"):
        day_fraction(full=hours, segment=hours, zone="UTC")


@pytest.mark.parametrize(
    "instant",
    [datetime(2025, 1, 20), datetime(2025, 1, 20, microsecond=1, tzinfo=UTC)],  # noqa: DTZ001 - being naive is what is tested
)
def test_stubs_are_cut_at_aware_whole_seconds(instant: datetime) -> None:
    anchor = Anchor(at("2025-01-10"), "UTC")
    with pytest.raises(ValueError, match="an instant"):
        leading_stub(anchor=anchor, interval=MONTH, start=instant)
    with pytest.raises(ValueError, match="an instant"):
        trailing_stub(anchor=anchor, interval=MONTH, end=instant)
