"""Grants that give their amount anew."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.usage.given import (
    BEGINNING,
    adds_up,
    after,
    every,
    grant,
    left,
    on,
    reset,
    rolls,
    use,
    used,
    went,
)
from usage.grants import Rollover
from usage.states import End


def test_what_was_left_of_a_turn_is_replaced() -> None:
    grants = [grant("a", 100, recurs=every("week"))]
    balance = after(grants, use(on(2), 20), at=on(8))
    assert balance.left == 100
    account = balance.grants["a"]
    assert (account.granted, account.used, account.expired) == (200, 20, 80)


def test_a_recurrence_pays_overage() -> None:
    grants = [grant("a", 100, recurs=every("day"))]
    assert after(grants, use(on(1, 1), 120), at=on(1, 2)).overage == 20
    balance = after(grants, use(on(1, 1), 120), at=on(2, 1))
    assert (balance.left, balance.overage) == (80, 0)


def test_overage_waits_for_as_many_recurrences_as_it_takes() -> None:
    grants = [grant("a", 10, recurs=every("day"))]
    assert after(grants, use(on(1, 1), 35), at=on(3)).overage == 5
    balance = after(grants, use(on(1, 1), 35), at=on(4))
    assert (balance.left, balance.overage) == (5, 0)
    assert adds_up(balance.grants["a"])


def test_a_grant_gives_all_of_it_when_it_begins_and_then_at_the_boundaries_of_its_anchor() -> None:
    grants = [
        grant("a", 100, priority=3),
        grant("b", 100, since=on(2), priority=1, recurs=every("week", on(4))),
    ]
    uses = [use(on(1, 1), 20), use(on(2), 20), use(on(4), 20)]
    assert left(after(grants, *uses, at=on(3))) == {"a": 80, "b": 80}
    assert left(after(grants, *uses, at=on(10, 23))) == {"a": 80, "b": 80}
    assert left(after(grants, *uses, at=on(11))) == {"a": 80, "b": 100}


def test_a_boundary_at_its_beginning_does_not_give_twice() -> None:
    account = after([grant("a", 100, since=on(8), recurs=every("week"))], at=on(8)).grants["a"]
    assert account.granted == 100
    assert account.turn == 1


def test_a_grant_ends_with_its_expiry_whatever_its_recurrence() -> None:
    grants = [grant("a", 100, recurs=every("week"), until=on(15))]
    assert after(grants, at=on(14)).grants["a"].granted == 200
    over = after(grants, use(on(15), 1), at=on(30)).grants["a"]
    assert (over.granted, over.expired, over.used) == (200, 200, 0)
    assert over.end == End.EXPIRED
    # Nothing happens before it expires, so its turns are caught up with: not with the fourth.
    longer = [grant("a", 100, recurs=every("week"), until=on(22))]
    assert after(longer, at=on(22)).grants["a"].granted == 300


def test_a_voided_grant_does_not_recur() -> None:
    grants = [grant("a", 100, recurs=every("week"), voided_at=on(8))]
    account = after(grants, at=on(30)).grants["a"]
    assert (account.granted, account.voided) == (100, 100)


@pytest.mark.parametrize(
    ("rollover", "spent", "then"),
    [
        (None, 30, 100),
        (rolls(0), 30, 100),
        (rolls(50), 30, 150),  # 70 are left, 50 go over
        (rolls(100), 30, 170),
        (rolls(50, 20), 90, 120),  # 10 are left, 20 go over
        (rolls(50, 20), 100, 120),
        (rolls(20, 20), 0, 120),
        (rolls(10, 20), 30, 110),  # never more than most
    ],
)
def test_what_is_left_of_a_turn_rolls_over(
    rollover: Rollover | None, spent: int, then: int
) -> None:
    grants = [grant("a", 100, recurs=every("week"), rollover=rollover)]
    balance = after(grants, use(on(2), spent), at=on(8))
    assert balance.left == then
    assert adds_up(balance.grants["a"])


def test_what_rolled_over_rolls_again_up_to_the_most() -> None:
    grants = [grant("a", 100, recurs=every("week"), rollover=rolls(250))]
    assert [int(after(grants, at=on(day)).left) for day in (1, 8, 15, 22, 29)] == [
        100,
        200,
        300,
        350,
        350,
    ]
    account = after(grants, at=on(29)).grants["a"]
    assert (account.granted, account.carried, account.expired) == (500, 250, 150)


def test_what_a_rollovers_least_gives_on_top_is_granted() -> None:
    grants = [grant("a", 10, recurs=every("week"), rollover=rolls(50, 20))]
    account = after(grants, use(on(2), 10), at=on(8)).grants["a"]
    assert (account.granted, account.used, account.carried, account.fresh) == (40, 10, 20, 10)


def test_months_clamp_and_come_back() -> None:
    last_of_month = datetime(2026, 1, 31, tzinfo=UTC)
    grants = [grant("a", 10, since=last_of_month, recurs=every("month", last_of_month))]
    spent = use(last_of_month, 10)
    given = [
        datetime(2026, 2, 28, tzinfo=UTC),
        datetime(2026, 3, 31, tzinfo=UTC),
        datetime(2026, 4, 30, tzinfo=UTC),
    ]
    for times, at in enumerate(given, start=1):
        before = after(grants, spent, at=at - timedelta(seconds=1)).grants["a"]
        assert before.granted == 10 * times
        assert after(grants, spent, at=at).grants["a"].granted == 10 * times + 10


def test_days_are_those_of_the_zone() -> None:
    """Clocks in Berlin went forward on 29 March 2026, so that day had 23 hours."""
    midnight = datetime(2026, 3, 28, 23, tzinfo=UTC)
    grants = [grant("a", 10, since=midnight, recurs=every("day", midnight, "Europe/Berlin"))]
    spent = use(midnight, 10)
    assert after(grants, spent, at=datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC)).left == 0
    assert after(grants, spent, at=datetime(2026, 3, 29, 22, tzinfo=UTC)).left == 10


def test_a_reset_rolls_a_recurring_grant_too_and_the_next_turn_comes_as_planned() -> None:
    grants = [grant("a", 100, recurs=every("week"), rollover=rolls(30))]
    windows = [reset(on(1), on(11)), reset(on(11), on(21))]
    assert after(grants, *windows, at=on(10)).left == 130
    assert after(grants, *windows, at=on(11)).left == 30
    assert after(grants, *windows, at=on(15)).left == 130


def test_a_reset_leaves_a_recurring_grant_without_a_rollover_alone() -> None:
    grants = [grant("a", 100, recurs=every("week"))]
    windows = [reset(on(1), on(11)), reset(on(11), on(21))]
    assert after(grants, *windows, use(on(9), 40), at=on(11)).left == 60


def test_a_reset_and_a_recurrence_at_one_instant_roll_once() -> None:
    grants = [grant("a", 100, recurs=every("week"), rollover=rolls(50, 20))]
    windows = [reset(on(1), on(8)), reset(on(8), on(15))]
    balance = after(grants, *windows, use(on(2), 90), at=on(8))
    account = balance.grants["a"]
    # 10 were left, the least gives 10 on top, and the turn gives 100.
    assert (balance.left, account.granted, account.expired) == (120, 210, 0)


# --- many turns at once ------------------------------------------------------------------------


def test_ten_years_of_months_are_caught_up_with_at_once() -> None:
    grants = [grant("a", 100, recurs=every("month"), rollover=rolls(250))]
    end = datetime(2036, 1, 1, tzinfo=UTC)
    account = after(grants, use(on(2), 60), at=end).grants["a"]
    # 121 amounts; 40, then 140 and 240 roll over; from then on 250 of 340 or 350 do.
    assert (account.granted, account.used, account.carried) == (12_100, 60, 250)
    assert account.expired == 12_100 - 60 - 250 - 100
    assert account.turn == 120


def test_turns_nobody_noticed_cost_no_work_each(monkeypatch: pytest.MonkeyPatch) -> None:
    from usage import accounts

    calls = []
    real = accounts.renewed
    monkeypatch.setattr(accounts, "renewed", lambda *a, **k: (calls.append(1), real(*a, **k))[1])
    grants = [grant("a", 1, recurs=every("day"), rollover=rolls(5))]
    centuries = datetime(2326, 1, 1, tzinfo=UTC)
    account = after(grants, at=centuries).grants["a"]
    assert account.granted == (centuries - BEGINNING).days + 1
    assert account.expired == account.granted - 6
    assert len(calls) == 1


def test_a_state_stays_as_small_as_it_was() -> None:
    grants = [grant("a", 1, recurs=every("day"))]
    early, late = went(grants, until=on(2)), went(grants, until=datetime(2056, 1, 1, tzinfo=UTC))
    assert early.accounts.keys() == late.accounts.keys() == {"a"}
    assert used(late) == {}
