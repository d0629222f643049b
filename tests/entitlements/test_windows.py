"""Windows of metered use: which one an instant lies in."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlements.windows import WindowRule, window_at, window_rule
from plans.resets import Reset, ResetKind
from tests.entitlements.given import at

ANCHOR = at("2025-01-31 09:30")


def rule(reset: Reset, *, interval: str = "month", zone: str = "Europe/Berlin") -> WindowRule:
    return window_rule(reset, interval=interval, anchor=ANCHOR, billing_zone="UTC", zone=zone)


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
