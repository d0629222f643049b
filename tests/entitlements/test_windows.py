"""Windows of metered use: which one an instant lies in."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.periods import Anchor, Cycle, Period
from entitlements.windows import Window, WindowRule, window_at, window_rule
from plans.resets import Reset, ResetKind
from tests.entitlements.given import at

ANCHOR = at("2025-01-31 09:30")
CYCLE = Cycle(Anchor(ANCHOR, "UTC"))
FIRST = Period(ANCHOR, at("2025-02-28 09:30"))


def rule(
    reset: Reset,
    *,
    interval: str = "month",
    zone: str = "Europe/Berlin",
    cycle: Cycle = CYCLE,
    period: Period = FIRST,
) -> WindowRule:
    return window_rule(reset, interval=interval, cycle=cycle, period=period, zone=zone)


def calendar(unit: str, zone: str = "Europe/Berlin") -> WindowRule:
    return rule(Reset(ResetKind.CALENDAR, unit), zone=zone)


PERIODS = rule(Reset(ResetKind.PRICE_PERIOD))
YEARS = rule(Reset(ResetKind.PRICE_PERIOD), interval="year")
WEEKS = rule(Reset(ResetKind.FIXED, "7 days"), zone="UTC")
LAST_30_DAYS = rule(Reset(ResetKind.SLIDING, "30 days"), zone="UTC")


@pytest.mark.parametrize(
    ("of", "instant", "start", "end"),
    [
        # with the subscription's periods, counted in its own zone: 31 January comes back in March
        (PERIODS, "2025-03-01", "2025-02-28 09:30", "2025-03-31 09:30"),
        (YEARS, "2025-06-01", "2025-01-31 09:30", "2026-01-31 09:30"),
        # the calendar of Berlin, which is an hour ahead in winter and two in summer
        (calendar("day"), "2025-03-30 12:00", "2025-03-29 23:00", "2025-03-30 22:00"),
        (calendar("week"), "2025-03-12", "2025-03-09 23:00", "2025-03-16 23:00"),
        (calendar("month"), "2025-03-31 22:00", "2025-03-31 22:00", "2025-04-30 22:00"),
        (calendar("month"), "2025-03-31 21:59:59", "2025-02-28 23:00", "2025-03-31 22:00"),
        (calendar("quarter"), "2025-05-05", "2025-03-31 22:00", "2025-06-30 22:00"),
        (calendar("year"), "2025-05-05", "2024-12-31 23:00", "2025-12-31 23:00"),
        (calendar("day", "UTC"), "2025-03-30 12:00", "2025-03-30", "2025-03-31"),
        # from the anchor on, so many days each
        (WEEKS, "2025-02-10", "2025-02-07 09:30", "2025-02-14 09:30"),
        # the last so many days, up to now
        (LAST_30_DAYS, "2025-03-31 12:00", "2025-03-01 12:00", "2025-03-31 12:00"),
    ],
)
def test_the_window_of_an_instant(of: WindowRule, instant: str, start: str, end: str) -> None:
    found = window_at(of, at(instant))
    assert (found.start, found.end, found.reset) == (at(start), at(end), of.kind)


@pytest.mark.parametrize(
    "of",
    [
        rule(Reset(ResetKind.NEVER)),
        rule(Reset(ResetKind.PRICE_PERIOD), interval="once"),  # paid for good: one endless period
    ],
)
def test_use_that_never_starts_over_has_no_ends(of: WindowRule) -> None:
    found = window_at(of, at("2025-03-01"))
    assert (found.start, found.end, found.reset) == (None, None, ResetKind.NEVER)


def periods(
    cycle: Cycle, period: Period, *instants: str, interval: str = "month"
) -> list[tuple[str, str]]:
    """The windows that instants lie in, as days, with the hour where it is not midnight."""
    of = rule(Reset(ResetKind.PRICE_PERIOD), cycle=cycle, period=period, interval=interval)

    def written(instant: datetime | None) -> str:
        return f"{instant:%d %b %H:%M}".removesuffix(" 00:00")

    return [
        (written(each.start), written(each.end)) for each in map(partial(_window, of), instants)
    ]


def _window(of: WindowRule, instant: str) -> Window:
    return window_at(of, at(instant))


def test_a_day_of_the_month_is_remembered_where_the_first_month_was_too_short() -> None:
    cycle = Cycle(Anchor(at("2025-02-28"), "UTC", 31))
    assert periods(
        cycle, Period(at("2025-02-28"), at("2025-03-31")), "2025-03-01", "2025-04-01"
    ) == [("28 Feb", "31 Mar"), ("31 Mar", "30 Apr")]


def test_a_pause_that_extends_makes_its_window_longer_and_moves_those_after_it() -> None:
    """Paused from 10 to 15 January: the period of 1 January ends five days later."""
    cycle = Cycle(Anchor(at("2025-01-01"), "UTC"), shift_seconds=5 * 24 * 3600)
    extended = Period(at("2025-01-01"), at("2025-02-06"))
    assert periods(cycle, extended, "2025-01-03", "2025-02-05", "2025-02-06", "2025-03-05") == [
        ("01 Jan", "06 Feb"),
        ("01 Jan", "06 Feb"),
        ("06 Feb", "06 Mar"),
        ("06 Feb", "06 Mar"),
    ]


def test_an_open_period_that_no_pause_has_made_longer_is_the_cycles_own() -> None:
    cycle = Cycle(Anchor(at("2025-01-01"), "UTC"), shift_seconds=5 * 24 * 3600)
    of = rule(
        Reset(ResetKind.PRICE_PERIOD),
        cycle=cycle,
        period=Period(at("2025-02-06"), at("2025-03-06")),
    )
    assert of.open is None
    assert rule(Reset(ResetKind.PRICE_PERIOD)).open is None


def test_a_zone_change_begins_its_window_where_the_last_one_ended() -> None:
    """From Berlin to New York at the boundary of 1 February: six hours later, a period of its own
    length."""
    berlin = Cycle(Anchor(at("2024-12-31 23:00"), "Europe/Berlin"))
    moved = berlin.in_zone("America/New_York", ended_at=at("2025-01-31 23:00"))
    first = Period(at("2025-01-31 23:00"), at("2025-03-01 05:00"))
    assert periods(moved, first, "2025-02-10", "2025-03-02") == [
        ("31 Jan 23:00", "01 Mar 05:00"),
        ("01 Mar 05:00", "01 Apr 04:00"),
    ]


def test_windows_that_do_not_follow_periods_run_on_through_a_pause() -> None:
    moved = replace(CYCLE, shift_seconds=24 * 3600)
    for reset in (Reset(ResetKind.FIXED, "7 days"), Reset(ResetKind.CALENDAR, "month")):
        assert rule(reset, cycle=moved) == rule(reset)


@given(
    kind=st.sampled_from(
        [
            Reset(ResetKind.PRICE_PERIOD),
            Reset(ResetKind.FIXED, "7 days"),
            *(
                Reset(ResetKind.CALENDAR, unit)
                for unit in ("day", "week", "month", "quarter", "year")
            ),
        ]
    ),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
    minutes=st.integers(0, 3 * 365 * 24 * 60),
)
def test_windows_tile_time(kind: Reset, zone: str, minutes: int) -> None:
    of = rule(kind, zone=zone)
    instant = at("2025-01-01") + timedelta(minutes=minutes)
    found = window_at(of, instant)
    assert found.start is not None
    assert found.end is not None
    assert found.start <= instant < found.end
    assert window_at(of, found.end).start == found.end
    assert window_at(of, found.end - timedelta(seconds=1)) == found
