"""Windows: allowances, resets, rollover, overage, and changes in between."""

from datetime import timedelta

import pytest

from tests.usage.given import (
    ALLOWANCE,
    adds_up,
    after,
    change,
    every,
    grant,
    hold,
    left,
    on,
    reset,
    rolls,
    use,
    used,
    went,
)
from usage.entries import manual_reset
from usage.grants import Rollover

SECOND = timedelta(seconds=1)
THREE_WINDOWS = [reset(on(1), on(11), 100), reset(on(11), on(21), 100), reset(on(21), on(31), 100)]


def test_an_allowance_is_given_anew_in_every_window_and_what_is_left_of_it_expires() -> None:
    uses = [use(on(2), 30), use(on(12), 100)]
    assert after([], *THREE_WINDOWS, *uses, at=on(11) - SECOND).left == 70
    assert after([], *THREE_WINDOWS, *uses, at=on(11)).left == 100
    assert after([], *THREE_WINDOWS, *uses, at=on(20)).left == 0
    balance = after([], *THREE_WINDOWS, *uses, at=on(21))
    account = balance.grants[ALLOWANCE]
    assert (account.granted, account.used, account.expired, account.left) == (300, 130, 70, 100)
    assert balance.used == 0


def test_use_on_a_boundary_is_the_new_windows() -> None:
    balance = after([], *THREE_WINDOWS, use(on(11), 30), at=on(11))
    assert (balance.left, balance.used) == (70, 30)
    assert balance.window is not None
    assert (balance.window.starts_at, balance.window.ends_at) == (on(11), on(21))


@pytest.mark.parametrize(
    ("rollover", "spent", "over"),
    [
        (None, 30, 0),
        (rolls(0), 30, 0),
        (rolls(50), 30, 50),
        (rolls(50), 60, 40),
        (rolls(50), 100, 0),
        (rolls(50, 20), 90, 20),
        (rolls(50, 20), 150, 20),  # 50 of overage are left behind
        (rolls(50, 50), 0, 50),
    ],
)
def test_what_is_left_of_an_allowance_rolls_over(
    rollover: Rollover | None, spent: int, over: int
) -> None:
    windows = [reset(on(1), on(11), 100, rollover), reset(on(11), on(21), 100)]
    balance = after([], *windows, use(on(2), spent), at=on(11))
    assert balance.left == 100 + over
    assert balance.overage == 0
    assert balance.grants[ALLOWANCE].carried == over
    assert adds_up(balance.grants[ALLOWANCE])
    # The second window has no rollover: all of it is lost at its end.
    assert after([], *windows, reset(on(21)), use(on(2), spent), at=on(21)).left == 0


def test_what_rolled_over_is_used_first_and_rolls_again_up_to_the_most() -> None:
    windows = [
        reset(on(1), on(11), 100, rolls(150)),
        reset(on(11), on(21), 100, rolls(150)),
        reset(on(21), on(31), 100, rolls(150)),
        reset(on(31), on(41), 100, rolls(150)),
    ]
    spent = use(on(12), 130)
    account = after([], *windows, spent, at=on(12)).grants[ALLOWANCE]
    assert (account.carried, account.fresh) == (0, 70)
    assert [int(after([], *windows, spent, at=on(day)).left) for day in (1, 11, 21, 31)] == [
        100,
        200,
        170,
        250,
    ]


@pytest.mark.parametrize(
    ("rollover", "spent", "then"),
    [
        (None, 10, 90),  # without a rule a reset leaves a grant as it is
        (rolls(0), 10, 0),
        (rolls(50), 10, 50),
        (rolls(100), 10, 90),
        (rolls(50, 50), 110, 50),
        (rolls(500, 500), 10, 500),
        (rolls(10, 20), 10, 10),
    ],
)
def test_a_reset_rolls_grants_by_their_own_rules(
    rollover: Rollover | None, spent: int, then: int
) -> None:
    grants = [grant("a", 100, until=on(31), rollover=rollover)]
    balance = after(grants, reset(on(1), on(5)), reset(on(5)), use(on(2), spent), at=on(5))
    assert balance.grants["a"].left == then
    assert adds_up(balance.grants["a"])
    assert after(grants, reset(on(1), on(5)), reset(on(5)), at=on(31)).left == 0


def test_each_grant_rolls_over_on_its_own() -> None:
    grants = [
        grant("first", 1000, priority=1, rollover=rolls(1000)),
        grant("second", 1000, priority=3, rollover=rolls(100)),
        grant("third", 1000, since=on(6), priority=1, rollover=rolls(1000)),
    ]
    entries = [
        reset(on(1), on(5)),
        use(on(2), 600),
        reset(on(5), on(9)),
        use(on(5, 1), 300),
        reset(on(9)),
    ]
    assert left(after(grants, *entries, at=on(5))) == {ALLOWANCE: 0, "first": 400, "second": 100}
    assert left(after(grants, *entries, at=on(9))) == {
        ALLOWANCE: 0,
        "first": 100,
        "second": 100,
        "third": 1000,
    }


def test_a_grant_that_expires_at_a_reset_does_not_roll_over() -> None:
    grants = [grant("a", 100, until=on(5), rollover=rolls(100, 50))]
    balance = after(grants, reset(on(1), on(5)), reset(on(5)), use(on(2), 80), at=on(5))
    account = balance.grants["a"]
    assert balance.left == 0
    # Had it rolled first, its least would have given 30 on top.
    assert (account.granted, account.expired) == (100, 20)


def test_a_grant_that_begins_at_a_reset_is_not_touched_by_it() -> None:
    grants = [grant("a", 100, since=on(5), rollover=rolls(0))]
    assert after(grants, reset(on(1), on(5)), reset(on(5)), at=on(5)).left == 100


# --- overage -----------------------------------------------------------------------------------


def test_overage_is_left_behind_at_a_reset_and_the_next_grants_do_not_pay_it() -> None:
    grants = [grant("a", 100, since=on(11))]
    state = went(grants, *THREE_WINDOWS, use(on(2), 130), until=on(11))
    assert (state.overage, state.unpaid) == (0, 30)
    assert used(state) == {ALLOWANCE: 100}
    assert left(after(grants, state=state, at=on(11))) == {ALLOWANCE: 100, "a": 100}


def test_within_the_window_the_next_grant_pays_it() -> None:
    grants = [grant("a", 100, since=on(10))]
    balance = after(grants, *THREE_WINDOWS, use(on(2), 130), at=on(10))
    assert (balance.overage, balance.grants["a"].left) == (0, 70)


@pytest.mark.parametrize(
    ("spent", "then", "overage"), [(110, 40, 0), (150, 0, 0), (160, 0, 10), (90, 50, 0)]
)
def test_a_reset_that_keeps_overage_takes_it_from_what_there_is_then(
    spent: int, then: int, overage: int
) -> None:
    grants = [grant("a", 100, rollover=rolls(50, 50))]
    entries = [reset(on(1), on(5)), use(on(2), spent), reset(on(5), keeps_overage=True)]
    balance = after(grants, *entries, at=on(5))
    assert (balance.left, balance.overage) == (then, overage)
    assert balance.used == 0


def test_kept_overage_is_paid_by_the_new_allowance() -> None:
    entries = [
        reset(on(1), on(5), 100),
        use(on(2), 130),
        reset(on(5), on(9), 100, keeps_overage=True),
    ]
    balance = after([], *entries, at=on(5))
    assert (balance.left, balance.overage) == (70, 0)
    assert balance.grants[ALLOWANCE].used == 130


# --- a reset between two boundaries ------------------------------------------------------------


def test_a_manual_reset_acts_at_once_rolls_over_and_keeps_the_schedule() -> None:
    terms = [reset(on(1), on(11), 100, rolls(20)), reset(on(11), on(21), 100, rolls(20))]
    state = went([], *terms, use(on(2), 60), until=on(5))
    by_hand = manual_reset(state, at=on(5))
    at_once = after([], by_hand, state=state, at=on(5))
    assert (at_once.left, at_once.used) == (120, 0)
    assert at_once.window is not None
    assert (at_once.window.starts_at, at_once.window.ends_at) == (on(5), on(11))
    assert after([], by_hand, terms[1], state=state, at=on(11)).left == 120


def test_a_manual_reset_does_not_move_a_recurrence() -> None:
    grants = [grant("a", 100, recurs=every("week"))]
    state = went(grants, reset(on(1)), use(on(2), 60), until=on(5))
    by_hand = manual_reset(state, at=on(5), keeps_overage=True)
    assert by_hand.keeps_overage
    assert after(grants, by_hand, state=state, at=on(7)).grants["a"].left == 40
    assert after(grants, by_hand, state=state, at=on(8)).grants["a"].left == 100


def test_a_manual_reset_on_a_boundary_comes_after_the_one_that_was_due() -> None:
    terms = [reset(on(1), on(11), 100, rolls(20)), reset(on(11), on(21), 100, rolls(20))]
    by_hand = manual_reset(went([], *terms, until=on(11)), at=on(11))
    balance = after([], *terms, by_hand, at=on(11))
    assert (balance.left, balance.grants[ALLOWANCE].granted) == (120, 300)


def test_without_a_window_there_is_nothing_to_reset_or_change() -> None:
    with pytest.raises(ValueError, match="no window is open"):
        manual_reset(went([], until=on(2)), at=on(2))
    with pytest.raises(ValueError, match="no window is open"):
        went([], change(on(2), None, 10), until=on(3))


# --- a window that changes ---------------------------------------------------------------------


def test_900_of_1000_used_then_5000_included_leaves_4100() -> None:
    entries = [reset(on(1), on(31), 1000), use(on(2), 900), change(on(5), on(31), 5000)]
    balance = after([], *entries, at=on(5))
    assert (balance.left, balance.used) == (4100, 900)


def test_a_lower_allowance_takes_what_is_left_and_what_was_used_stays_used() -> None:
    entries = [reset(on(1), on(31), 1000), use(on(2), 900), change(on(5), on(31), 500)]
    balance = after([], *entries, at=on(5))
    account = balance.grants[ALLOWANCE]
    assert (balance.left, balance.overage, account.used, account.granted) == (0, 0, 900, 900)
    back = after([], *entries, change(on(6), on(31), 1000), at=on(6))
    assert back.left == 100
    assert adds_up(back.grants[ALLOWANCE])


def test_a_higher_allowance_pays_overage() -> None:
    entries = [reset(on(1), on(31), 100), use(on(2), 130), change(on(5), on(31), 200)]
    assert after([], *entries, at=on(4)).overage == 30
    balance = after([], *entries, at=on(5))
    assert (balance.left, balance.overage) == (70, 0)


def test_a_change_leaves_what_rolled_over_and_tells_what_rolls_next() -> None:
    entries = [
        reset(on(1), on(11), 100, rolls(40)),
        reset(on(11), on(21), 100, rolls(40)),
        change(on(12), on(21), 0, rolls(10)),
        reset(on(21), on(31), 100),
    ]
    assert after([], *entries, at=on(12)).left == 40
    assert after([], *entries, at=on(21)).left == 110


def test_a_lower_allowance_does_not_take_what_rolled_over() -> None:
    entries = [
        reset(on(1), on(11), 100, rolls(40)),
        reset(on(11), on(21), 100),
        hold("h", on(12), 40, on(12, 1)),  # all that rolled over, so the use is of the new 100
        use(on(12), 80),
        change(on(13), on(21), 0),
    ]
    assert after([], *entries, at=on(12, 1)).left == 60
    account = after([], *entries, at=on(13)).grants[ALLOWANCE]
    assert (account.fresh, account.carried, account.used) == (0, 40, 80)


def test_a_window_that_a_pause_makes_longer_ends_later() -> None:
    entries = [reset(on(1), on(11), 100), change(on(5), on(15), 100), reset(on(15), on(25), 100)]
    balance = after([], *entries, use(on(12), 30), at=on(12))
    assert (balance.left, balance.used) == (70, 30)
    assert after([], *entries, use(on(12), 30), at=on(15)).left == 100


# --- ends --------------------------------------------------------------------------------------


def test_somebody_says_what_follows_a_window() -> None:
    with pytest.raises(ValueError, match="no reset says what follows"):
        after([], reset(on(1), on(11), 100), at=on(11))
    longer = [reset(on(1), on(11), 100), change(on(5), on(15), 100)]
    assert after([], *longer, at=on(14)).left == 100
    with pytest.raises(ValueError, match="no reset says what follows"):
        after([], *longer, at=on(15))
    kept = went([], reset(on(1), on(11), 100), until=on(10))
    with pytest.raises(ValueError, match="no reset says what follows"):
        after([], state=kept, at=on(12))


def test_after_the_last_window_grants_are_still_there() -> None:
    grants = [grant("a", 50)]
    entries = [reset(on(1), on(11), 100), reset(on(11)), use(on(12), 20)]
    assert left(after(grants, *entries, at=on(12))) == {ALLOWANCE: 0, "a": 30}


def test_a_window_without_an_end_gives_its_allowance_once() -> None:
    entries = [reset(on(1), None, 100), use(on(2), 30), use(on(400), 30)]
    assert after([], *entries, at=on(400)).left == 40


@pytest.mark.parametrize("ends_at", [on(5), on(4), on(5) + timedelta(milliseconds=5)])
def test_a_window_ends_after_it_begins(ends_at: object) -> None:
    with pytest.raises(ValueError, match="ends after that"):
        reset(on(5), ends_at)  # type: ignore[arg-type]


def test_use_before_the_first_window_is_of_no_window() -> None:
    balance = after([], use(on(1), 10), reset(on(2), None, 100), at=on(2))
    assert (balance.left, balance.used, balance.overage) == (100, 0, 0)
    assert after([], use(on(1), 10), reset(on(2), None, 100), at=on(1)).overage == 10
