"""Which units are used first."""

from datetime import timedelta
from itertools import permutations

import pytest

from tests.usage.given import ALLOWANCE, after, every, grant, left, on, reset, rolls, use, used
from usage.grants import Grant

FIRST_AND_LAST = [
    pytest.param(
        grant("a", 100, priority=1),
        grant("b", 100, until=on(3), priority=2),
        id="a lower priority number, though the other expires first",
    ),
    pytest.param(
        grant("b", 100, until=on(20), paid=True),
        grant("a", 100, until=on(21)),
        id="an earlier expiry, though it was paid for",
    ),
    pytest.param(grant("b", 100, until=on(31)), grant("a", 100), id="an expiry before none at all"),
    pytest.param(
        grant("b", 100, since=on(2)),
        grant("a", 100, paid=True),
        id="free before paid, though the paid one is older",
    ),
    pytest.param(grant("b", 100), grant("a", 100, since=on(2)), id="the older one"),
    pytest.param(grant("a", 100), grant("b", 100), id="the smaller id, if all else is equal"),
    pytest.param(
        grant("a", 100, until=on(20) + timedelta(milliseconds=900)),
        grant("b", 100, until=on(20) + timedelta(milliseconds=100)),
        id="expiries within one second are equal",
    ),
    pytest.param(
        grant("a", 100, since=on(2) + timedelta(milliseconds=900)),
        grant("b", 100, since=on(2) + timedelta(milliseconds=100)),
        id="so are beginnings",
    ),
]


@pytest.mark.parametrize(("first", "last"), FIRST_AND_LAST)
def test_120_units_use_up_the_first_grant_and_20_of_the_last(first: Grant, last: Grant) -> None:
    for grants in permutations([first, last]):
        balance = after(grants, use(on(2, 1), 120), at=on(2, 2))
        assert left(balance) == {first.id: 0, last.id: 80}
        assert balance.order == (last.id,)


@pytest.mark.parametrize(("first", "last"), FIRST_AND_LAST)
def test_what_is_used_next_is_told_beforehand(first: Grant, last: Grant) -> None:
    assert after([last, first], at=on(2, 1)).order == (first.id, last.id)


def test_the_allowance_is_free_has_priority_50_and_ends_with_its_window() -> None:
    grants = [grant("49", 10, priority=49), grant("50", 10, priority=50), grant("51", 10)]
    window = reset(on(1), on(11), 10)
    assert after(grants, window, at=on(1)).order == ("49", ALLOWANCE, "50", "51")
    sooner = [grant("sooner", 10, until=on(10), priority=50, paid=True)]
    assert after(sooner, window, at=on(1)).order == ("sooner", ALLOWANCE)
    same_end = [grant("paid", 10, until=on(11), priority=50, paid=True)]
    assert after(same_end, window, at=on(1)).order == (ALLOWANCE, "paid")


def test_an_allowance_that_never_resets_is_used_after_those_of_its_priority_that_expire() -> None:
    grants = [grant("later", 10, until=on(31), priority=50)]
    assert after(grants, reset(on(1), None, 10), at=on(1)).order == ("later", ALLOWANCE)


def test_use_goes_through_as_many_grants_as_it_takes_and_the_rest_is_overage() -> None:
    grants = [grant("a", 10, priority=1), grant("b", 20, priority=2), grant("c", 30, priority=3)]
    balance = after(grants, use(on(2), 65), at=on(2))
    assert used(balance) == {"a": 10, "b": 20, "c": 30}
    assert (balance.left, balance.overage, balance.used) == (0, 5, 65)


def test_what_rolled_over_a_reset_is_used_by_the_end_of_its_window_not_by_its_own_expiry() -> None:
    rolling = grant("rolling", 10, until=on(31), rollover=rolls(10))
    fixed = grant("fixed", 10, until=on(25))
    first, second = reset(on(1), on(11)), reset(on(11), on(21))
    assert after([rolling, fixed], first, at=on(10)).order == ("fixed", "rolling")
    assert after([rolling, fixed], first, second, at=on(11)).order == ("rolling", "fixed")


def test_what_rolled_over_is_used_by_its_own_expiry_if_that_comes_before() -> None:
    rolling = grant("rolling", 10, until=on(18), rollover=rolls(10))
    fixed = grant("fixed", 10, until=on(20))
    entries = [reset(on(1), on(11)), reset(on(11), on(21))]
    assert after([rolling, fixed], *entries, at=on(11)).order == ("rolling", "fixed")


def test_what_rolled_over_a_recurrence_is_used_by_the_end_of_its_turn() -> None:
    weekly = grant("weekly", 10, recurs=every("week"), rollover=rolls(5))
    fixed = grant("fixed", 10, until=on(20))
    balance = after([weekly, fixed], use(on(9), 7), at=on(9))
    # 5 were carried until the 15th and go first; then the one that expires; what never does, last.
    assert used(balance) == {"weekly": 5, "fixed": 2}
    balance = after([weekly, fixed], use(on(9), 17), at=on(9))
    assert used(balance) == {"weekly": 7, "fixed": 10}


def test_a_grant_that_recurs_is_used_by_its_expiry_not_by_its_turn() -> None:
    daily = grant("daily", 10, recurs=every("day"), until=on(31))
    fixed = grant("fixed", 10, until=on(20))
    assert after([daily, fixed], at=on(5)).order == ("fixed", "daily")
