"""Intervals: one spelling, a nominal length, and which makes up which."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.periods import DAY, MONTH, ONCE, WEEK, YEAR, Interval, Length, MalformedInterval

INTERVALS = st.builds(
    Interval, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 999)
) | st.just(ONCE)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("day", DAY),
        ("week", WEEK),
        ("month", MONTH),
        ("year", YEAR),
        ("once", ONCE),
        ("30 days", Interval("day", 30)),
        ("2 weeks", Interval("week", 2)),
        ("3 months", Interval("month", 3)),
        ("999 years", Interval("year", 999)),
    ],
)
def test_an_interval_has_one_spelling(text: str, interval: Interval) -> None:
    assert Interval.parse(text) == interval
    assert str(interval) == text


def test_one_month_is_read_as_a_month() -> None:
    assert str(Interval.parse("1 month")) == "month"


@pytest.mark.parametrize(
    "text",
    [
        *["", "months", "1 months", "3 month", "0 days", "-1 days", "01 days", "1000 days"],
        *["3  days", "3days", " month", "month ", "month\n", "Month", "P1M", "quarter", "hour"],
        *["1 once", "٣ days"],
    ],
)
def test_nothing_else_is_an_interval(text: str) -> None:
    with pytest.raises(MalformedInterval):
        Interval.parse(text)


@pytest.mark.parametrize(
    ("unit", "count"),
    [("hour", 1), ("day", 0), ("day", -1), ("day", 1000), ("day", True), ("day", 1.0), ("once", 2)],
)
def test_units_and_counts_are_checked_where_an_interval_is_made(unit: Any, count: Any) -> None:
    with pytest.raises(MalformedInterval):
        Interval(unit, count)


@given(interval=INTERVALS)
def test_every_interval_is_read_back_from_its_spelling(interval: Interval) -> None:
    assert Interval.parse(str(interval)) == interval


SAME = [("12 months", "year"), ("7 days", "week"), ("24 months", "2 years"), ("once", "once")]
ASCENDING = [
    *["day", "6 days", "week", "4 weeks", "30 days", "month", "31 days", "5 weeks", "2 months"],
    *["11 months", "365 days", "year", "366 days", "999 years", "once"],
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_intervals_of_the_same_length_are_two_intervals(one: str, other: str) -> None:
    assert Interval.parse(one).compared_with(Interval.parse(other)) == Length.SAME
    assert Interval.parse(other).compared_with(Interval.parse(one)) == Length.SAME


def test_intervals_are_ordered_by_nominal_length() -> None:
    intervals = [Interval.parse(text) for text in ASCENDING]
    for i, one in enumerate(intervals):
        for j, other in enumerate(intervals):
            expected = Length.SAME if i == j else Length.LONGER if i > j else Length.SHORTER
            assert one.compared_with(other) == expected, f"{one} beside {other}"


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("month", "month"),
        ("month", "year"),
        ("3 months", "year"),
        ("6 months", "18 months"),
        ("year", "2 years"),
        ("year", "12 months"),
        ("day", "week"),
        ("week", "2 weeks"),
        ("week", "14 days"),
        ("once", "month"),
        ("once", "once"),
    ],
)
def test_one_interval_divides_another(part: str, whole: str) -> None:
    assert Interval.parse(part).divides(Interval.parse(whole))


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("year", "month"),
        ("5 months", "year"),
        ("day", "month"),
        ("week", "month"),
        ("week", "year"),
        ("month", "30 days"),
        ("2 days", "week"),
        ("month", "once"),
    ],
)
def test_one_interval_does_not_divide_another(part: str, whole: str) -> None:
    assert not Interval.parse(part).divides(Interval.parse(whole))


def test_a_once_and_a_count_of_days_or_months_exclude_each_other() -> None:
    assert [(each.days, each.months) for each in (Interval("day", 3), WEEK, YEAR, ONCE)] == [
        (3, 0),
        (7, 0),
        (0, 12),
        (0, 0),
    ]
