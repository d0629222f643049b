"""When grants can be used, and what becomes of what is left of them."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from core.periods import ONCE, Anchor, AnchorNotAllowed, Interval
from tests.usage.given import EMPTY, adds_up, after, every, grant, left, on, rolls, use, used, went
from usage.entries import Use
from usage.grants import ALLOWANCE, Recurrence
from usage.states import End, State

SECOND = timedelta(seconds=1)


def test_a_grant_is_there_from_its_beginning_and_gone_at_its_end() -> None:
    grants = [grant("a", 100, since=on(5), until=on(10))]
    assert after(grants, at=on(5) - SECOND).left == 0
    assert after(grants, at=on(5)).left == 100
    assert after(grants, at=on(10) - SECOND).left == 100
    over = after(grants, at=on(10))
    assert over.left == 0
    assert over.grants["a"].end == End.EXPIRED
    assert over.grants["a"].expired == 100


def test_use_at_the_beginning_is_paid_by_it_and_use_at_the_end_is_not() -> None:
    grants = [grant("a", 100, since=on(5), until=on(10))]
    balance = after(grants, use(on(5), 30), use(on(10), 30), at=on(10))
    assert used(balance) == {"a": 30}
    assert balance.overage == 30
    assert balance.grants["a"].expired == 70


def test_without_grants_all_use_is_overage() -> None:
    balance = after([], use(on(2), 50), at=on(30))
    assert (balance.overage, balance.used, balance.left) == (50, 50, 0)


def test_what_is_left_of_a_voided_grant_is_gone_what_was_used_stays_used() -> None:
    grants = [grant("a", 100, voided_at=on(2, 1))]
    balance = after(grants, use(on(2), 50), use(on(2, 1), 50), at=on(3))
    assert balance.overage == 50
    account = balance.grants["a"]
    assert (account.used, account.voided, account.expired, account.left) == (50, 50, 0, 0)
    assert account.end == End.VOIDED


@pytest.mark.parametrize("voided_at", [on(3), on(5)])
def test_a_grant_that_is_voided_before_it_begins_never_does(voided_at: datetime) -> None:
    balance = after([grant("a", 100, since=on(5), voided_at=voided_at)], at=on(30))
    assert balance.grants == {}


@pytest.mark.parametrize(
    ("voided_at", "end"), [(on(9), End.VOIDED), (on(10), End.EXPIRED), (on(11), End.EXPIRED)]
)
def test_a_grant_ends_once(voided_at: datetime, end: End) -> None:
    account = after([grant("a", 100, until=on(10), voided_at=voided_at)], at=on(30)).grants["a"]
    assert account.end == end
    assert account.expired == (100 if end == End.EXPIRED else 0)
    assert account.voided == (100 if end == End.VOIDED else 0)


def test_a_grant_can_be_voided_after_a_state_was_kept() -> None:
    kept = went([grant("a", 100)], use(on(2), 40), until=on(3))
    assert after([grant("a", 100, voided_at=on(4))], state=kept, at=on(5)).left == 0
    with pytest.raises(ValueError, match="belongs before the state"):
        after([grant("a", 100, voided_at=on(2))], state=kept, at=on(5))


def test_overage_is_paid_by_the_next_grant() -> None:
    grants = [grant("a", 10), grant("b", 50, since=on(5)), grant("c", 50, since=on(5), paid=True)]
    assert after(grants, use(on(2), 40), at=on(4)).overage == 30
    balance = after(grants, use(on(2), 40), at=on(5))
    assert balance.overage == 0
    assert left(balance) == {"a": 0, "b": 20, "c": 50}
    assert balance.used == 40


def test_a_grant_that_is_smaller_than_the_overage_pays_what_it_can() -> None:
    balance = after([grant("a", 10, since=on(5))], use(on(2), 40), at=on(5))
    assert (balance.left, balance.overage) == (0, 30)


def test_quantities_are_exact() -> None:
    grants = [grant("a", "9007199254740991.000000000001"), grant("b", "0.1", since=on(2))]
    uses = [Use(on(3, 0, 0, second), Decimal("0.1")) for second in range(3)]
    balance = after(grants, *uses, at=on(4))
    assert balance.left == Decimal("9007199254740990.800000000001")
    assert sum((a.used for a in balance.grants.values()), Decimal(0)) == Decimal("0.3")


def test_use_finer_than_a_second_is_after_what_begins_in_its_second() -> None:
    late = on(5) + timedelta(milliseconds=900)
    early = on(5) + timedelta(milliseconds=100)
    assert after([grant("a", 10, since=late)], use(early, 3), at=on(6)).left == 7


def test_the_order_of_uses_at_one_instant_does_not_matter_and_none_is_lost() -> None:
    balance = after([grant("a", 10)], use(on(2), 3), use(on(2), 4), at=on(2))
    assert balance.left == 3
    kept = went([grant("a", 10)], use(on(2), 3), until=on(2))
    assert after([grant("a", 10)], use(on(2), 4), state=kept, at=on(2)).left == 3


def test_entries_after_the_instant_are_left_alone() -> None:
    assert after([grant("a", 10)], use(on(2), 3), use(on(3), 4), at=on(2, 23)).left == 7


def test_accounts_of_grants_that_ended_stay_and_add_up_without_their_grants() -> None:
    kept = went([grant("a", 10, until=on(3))], use(on(2), 4), until=on(3))
    later = after([], state=kept, at=on(9))
    assert adds_up(later.grants["a"])
    assert later.grants["a"].expired == 6


# --- what is refused ---------------------------------------------------------------------------


def test_a_state_goes_forward_only() -> None:
    kept = went([], until=on(5))
    with pytest.raises(ValueError, match="later than"):
        after([], state=kept, at=on(4))
    with pytest.raises(ValueError, match=r"use at .* belongs before the state"):
        after([], use(on(4), 1), state=kept, at=on(6))
    with pytest.raises(ValueError, match=r"grant late at .* belongs before the state"):
        after([grant("late", 1, since=on(4))], state=kept, at=on(6))


def test_an_open_grant_may_not_be_forgotten_nor_listed_twice() -> None:
    kept = went([grant("a", 10)], until=on(2))
    with pytest.raises(ValueError, match="missing"):
        after([], state=kept, at=on(3))
    with pytest.raises(ValueError, match="twice"):
        after([grant("a", 10), grant("a", 20)], at=on(3))


@pytest.mark.parametrize("number", ["-1", "NaN", "Infinity"])
def test_a_quantity_is_zero_or_more(number: str) -> None:
    with pytest.raises(ValueError, match="zero or more"):
        Use(on(2), Decimal(number))
    with pytest.raises(ValueError, match="zero or more"):
        grant("a", number)
    with pytest.raises(ValueError, match="zero or more"):
        rolls(0, -1)


def test_an_instant_knows_its_zone() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - being naive is what is tested
    with pytest.raises(ValueError, match="naive"):
        use(naive, 1)
    with pytest.raises(ValueError, match="naive"):
        grant("a", 1, since=naive)
    with pytest.raises(ValueError, match="naive"):
        State(naive)


@pytest.mark.parametrize("until", [on(5), on(4), on(5) + timedelta(milliseconds=5)])
def test_a_grant_expires_after_it_begins(until: datetime) -> None:
    with pytest.raises(ValueError, match="expires before it takes effect"):
        grant("a", 1, since=on(5), until=until)


def test_no_grant_has_the_allowances_name() -> None:
    with pytest.raises(ValueError, match="no grant is called"):
        grant(ALLOWANCE, 1)


def test_what_cannot_be_counted_does_not_recur() -> None:
    with pytest.raises(ValueError, match="once"):
        Recurrence(Anchor(on(1), "UTC"), ONCE)
    with pytest.raises(AnchorNotAllowed):
        Recurrence(Anchor(on(5), "UTC", 5), Interval.parse("week"))
    assert every("month").begins(1) == on(32)


def test_an_empty_state_has_nothing() -> None:
    balance = after([], at=EMPTY.at)
    assert (balance.left, balance.used, balance.overage, balance.order) == (0, 0, 0, ())
