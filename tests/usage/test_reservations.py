"""Units that are held until it is known how many were used."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.usage.given import (
    ALLOWANCE,
    EMPTY,
    adds_up,
    after,
    every,
    finalize,
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
from usage import reservations
from usage.burndown import HoldGone
from usage.reservations import MoreThanHeld, NotEnoughLeft
from usage.states import State

A_AND_B = [grant("a", 30, priority=1), grant("b", 100, priority=2)]


def settle(state: State, quantity: int, hour: int = 1, *, allow_more: bool = False) -> State:
    return reservations.finalize(
        state,
        grants=A_AND_B,
        hold_id="h",
        at=on(2, hour),
        quantity=Decimal(quantity),
        allow_more=allow_more,
    )


def held(quantity: int, *, allow_more: bool = False, state: State = EMPTY) -> State:
    return reservations.hold(
        state,
        grants=A_AND_B,
        hold=hold("h", on(2), quantity, on(2, 2)),
        allow_more=allow_more,
    )


def test_a_hold_takes_units_in_the_order_in_which_they_would_be_used() -> None:
    state = held(50)
    taken = [(each.grant_id, int(each.quantity)) for each in state.holds["h"].slices]
    assert taken == [("a", 30), ("b", 20)]
    balance = after(A_AND_B, state=state, at=on(2))
    assert left(balance) == {"a": 0, "b": 80}
    assert (balance.held, balance.used, balance.left) == (50, 0, 80)


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (50, {"a": 0, "b": 80}),
        (40, {"a": 0, "b": 90}),  # 10 go back to b, where they were taken last
        (30, {"a": 0, "b": 100}),
        (20, {"a": 10, "b": 100}),
        (0, {"a": 30, "b": 100}),
    ],
)
def test_what_was_not_used_goes_back_last_taken_first(
    quantity: int, expected: dict[str, int]
) -> None:
    balance = after(A_AND_B, state=settle(held(50), quantity), at=on(2, 1))
    assert left(balance) == expected
    assert (balance.held, balance.used) == (0, quantity)
    assert all(adds_up(account) for account in balance.grants.values())


def test_it_goes_back_to_its_slices_even_if_others_took_their_turn() -> None:
    state = went(A_AND_B, use(on(2, 0, 30), 40), state=held(50), until=on(2, 0, 30))
    balance = after(A_AND_B, state=settle(state, 20), at=on(2, 1))
    assert used(balance) == {"a": 20, "b": 40}


def test_a_hold_that_expires_gives_everything_back() -> None:
    state = held(50)
    assert after(A_AND_B, state=state, at=on(2, 1, 59, 59)).left == 80
    balance = after(A_AND_B, state=state, at=on(2, 2))
    assert (balance.left, balance.held, balance.used) == (130, 0, 0)


def test_a_hold_that_has_expired_cannot_be_finalized_nor_one_twice() -> None:
    with pytest.raises(HoldGone):
        settle(held(50), 10, hour=2)
    with pytest.raises(HoldGone):
        settle(settle(held(50), 10), 10)
    with pytest.raises(HoldGone):
        went(A_AND_B, finalize("other", on(3), 1), until=on(3))


def test_a_hold_that_was_finalized_does_not_expire_later() -> None:
    balance = after(A_AND_B, state=settle(held(50), 40), at=on(3))
    assert (balance.left, balance.used) == (90, 40)


def test_no_more_is_held_than_is_left() -> None:
    assert held(130).holds["h"].quantity == 130
    with pytest.raises(NotEnoughLeft):
        held(131)
    with pytest.raises(NotEnoughLeft):
        reservations.hold(held(100), grants=A_AND_B, hold=hold("other", on(2), 31, on(2, 2)))


def test_with_allow_more_what_is_left_is_held_and_the_rest_is_overage_once_used() -> None:
    state = held(150, allow_more=True)
    assert after(A_AND_B, state=state, at=on(2)).held == 130
    assert after(A_AND_B, state=state, at=on(2)).overage == 0
    assert after(A_AND_B, state=settle(state, 130), at=on(2, 1)).overage == 0
    balance = after(A_AND_B, state=settle(state, 145), at=on(2, 1))
    assert (balance.overage, balance.used, balance.held) == (15, 145, 0)


def test_more_than_was_held_needs_to_be_allowed_and_is_taken_from_what_is_left() -> None:
    with pytest.raises(MoreThanHeld):
        settle(held(50), 51)
    balance = after(A_AND_B, state=settle(held(50), 60, allow_more=True), at=on(2, 1))
    assert used(balance) == {"a": 30, "b": 30}
    beyond = after(A_AND_B, state=settle(held(50), 135, allow_more=True), at=on(2, 1))
    assert (beyond.left, beyond.overage) == (0, 5)


def test_the_same_hold_again_changes_nothing_another_of_its_name_is_refused() -> None:
    assert held(50, state=held(50)) == held(50)
    with pytest.raises(ValueError, match="open already"):
        held(51, state=held(50))


def test_twenty_holds_of_75_on_500_units_are_six() -> None:
    grants = [grant("a", 500)]
    state, granted = EMPTY, 0
    for number in range(20):
        try:
            state = reservations.hold(
                state, grants=grants, hold=hold(str(number), on(2), 75, on(2, 1))
            )
            granted += 1
        except NotEnoughLeft:
            pass
    assert granted == 6
    assert after(grants, state=state, at=on(2)).held == 450


def test_units_that_come_back_pay_overage() -> None:
    state = went(A_AND_B, use(on(2, 0, 30), 90), state=held(50), until=on(2, 0, 30))
    assert state.overage == 10
    balance = after(A_AND_B, state=settle(state, 20), at=on(2, 1))
    assert (balance.overage, balance.left) == (0, 20)
    lapsed = after(A_AND_B, state=state, at=on(2, 2))
    assert (lapsed.overage, lapsed.left, lapsed.used) == (0, 40, 90)


def test_use_is_dated_at_the_hold() -> None:
    windows = [reset(on(2), on(3), 100), reset(on(3), on(4), 100)]
    grants = [grant("paid", 0)]
    placed = hold("h", on(2, 23), 40, on(3, 1))
    balance = after(grants, *windows, placed, finalize("h", on(3), 25), at=on(3))
    assert (balance.used, balance.left) == (0, 100)
    account = balance.grants[ALLOWANCE]
    assert (account.used, account.expired) == (25, 75)
    assert adds_up(account)


def test_what_comes_back_after_a_reset_rolls_over_as_far_as_there_is_room() -> None:
    windows = [reset(on(2), on(3), 100, rolls(70)), reset(on(3), on(4), 100, rolls(70))]
    placed = hold("h", on(2, 23), 40, on(3, 1))
    assert after([], *windows, placed, at=on(3)).left == 160
    assert after([], *windows, placed, at=on(3, 1)).left == 170
    account = after([], *windows, placed, finalize("h", on(3), 35), at=on(3)).grants[ALLOWANCE]
    assert (account.left, account.expired, account.used) == (165, 0, 35)


def test_what_comes_back_to_a_grant_that_has_ended_is_lost() -> None:
    placed = hold("h", on(2), 40, on(2, 2))
    expired = after([grant("a", 100, until=on(2, 1))], placed, at=on(3)).grants["a"]
    assert (expired.left, expired.expired, expired.voided) == (0, 100, 0)
    voided = after([grant("a", 100, voided_at=on(2, 1))], placed, at=on(3)).grants["a"]
    assert (voided.left, voided.expired, voided.voided) == (0, 0, 100)
    # What of it was used is used, although the grant ended before that was known.
    settled = [placed, finalize("h", on(2, 1, 30), 10)]
    account = after([grant("a", 100, until=on(2, 1))], *settled, at=on(3)).grants["a"]
    assert (account.used, account.expired) == (10, 90)


def test_what_comes_back_to_a_turn_that_is_over_is_lost_without_a_rollover() -> None:
    grants = [grant("a", 100, recurs=every("day"))]
    placed = hold("h", on(2, 23), 40, on(3, 1))
    account = after(grants, placed, at=on(3, 1)).grants["a"]
    assert (account.left, account.held) == (100, 0)
    assert adds_up(account)


def test_carried_units_go_back_to_the_carried() -> None:
    grants = [grant("a", 10, recurs=every("week"), rollover=rolls(5))]
    placed = hold("h", on(9), 8, on(9, 1))
    held_now = went(grants, placed, until=on(9))
    assert [(each.carried, int(each.quantity)) for each in held_now.holds["h"].slices] == [
        (True, 5),
        (False, 3),
    ]
    account = after(grants, placed, finalize("h", on(9, 0, 30), 2), at=on(9, 1)).grants["a"]
    assert (account.carried, account.fresh) == (3, 10)


def test_a_hold_expires_after_it_begins() -> None:
    with pytest.raises(ValueError, match="expires before it begins"):
        hold("h", on(2), 1, on(2))


def test_a_grant_that_ends_before_a_hold_does_may_be_forgotten() -> None:
    kept = went([grant("a", 100, until=on(2, 1))], hold("h", on(2), 40, on(2, 2)), until=on(2, 1))
    later = after([], state=kept, at=on(2, 2) + timedelta(seconds=1))
    assert later.grants["a"].expired == 100
