"""What each kind of price asks, and when: arrears, seats, tiers, fees, caps, commitments."""

from dataclasses import replace
from decimal import Decimal

import pytest

from invoicing.drafts import Kind
from invoicing.stretches import Stretch
from invoicing.upcoming import next_change
from plans.change_rules import Proration
from plans.terms import Due, PriceModel, Tier
from tests.invoicing.given import Books, counted, edge, flat, held, seats, utc

JUNE = counted("2025-06-01T00:00:00")
NONE, DAY = Proration.NONE, Proration.DAY


def test_arrears_wait_for_the_periods_end() -> None:
    arrears = flat("30.00", due=Due.ARREARS)
    on = held(arrears, "2025-06-01T00:00:00", cycle=JUNE)
    books = Books()
    assert books.assessed([on], "2025-06-30T23:59:59") == []
    (draft,) = books.assess([on], "2025-07-01T00:00:00")
    assert (draft.kind, draft.amount, draft.due_at) == (
        Kind.ARREARS,
        3000,
        utc("2025-07-01T00:00:00"),
    )


def test_arrears_wait_for_the_end_after_a_mere_change_but_not_after_an_end() -> None:
    change = edge("2025-06-11T00:00:00", goes_on=True)
    old = held(flat("30.00", due=Due.ARREARS), "2025-06-01T00:00:00", change, cycle=JUNE)
    new = held(flat("60.00", due=Due.ARREARS), change, cycle=JUNE)
    books = Books()
    assert books.assessed([old, new], "2025-06-11T00:00:00") == []
    over = [old, replace(new, end=edge("2025-06-16T00:00:00"))]
    assert books.assessed(over, "2025-06-16T00:00:00") == ["arrears 10.00", "arrears 10.00"]
    assert books.assessed(over, "2025-07-01T00:00:00") == []
    other = Books()
    assert other.assessed([old], "2025-06-11T00:00:00") == []  # it goes on without this price
    assert other.assessed([old], "2025-07-01T00:00:00") == ["arrears 10.00"]


def test_a_price_may_be_charged_more_often_than_its_plan() -> None:
    monthly = seats("9.99", sold_interval="year", interval="month")
    held_ = held(monthly, "2025-01-31T00:00:00", cycle=counted("2025-01-31T00:00:00"), quantity=3)
    books = Books()
    assert books.assessed([held_], "2025-03-30T00:00:00") == ["advance 29.97"] * 2
    (draft,) = books.assess([held_], "2025-03-31T00:00:00")
    assert (draft.amount, draft.unit_price) == (2997, "9.99 each")
    assert draft.explanation == "29.97 x 1 = 29.97 -> 29.97"


def test_a_one_time_fee_is_asked_once_in_full() -> None:
    setup = flat("99.00", key="setup", interval="once")
    first = held(setup, "2025-06-11T00:00:00", "2025-06-16T00:00:00", cycle=JUNE, is_first=True)
    other = held(setup, "2025-06-16T00:00:00", cycle=JUNE, version="v2")
    books = Books()
    (draft,) = books.assess([replace(first, end=None)], "2025-06-11T00:00:00")
    assert (draft.amount, draft.period_end) == (9900, None)
    assert books.assessed([first, other], "2025-06-16T00:00:00") == []
    assert books.assessed([first], "2026-06-16T00:00:00") == []
    never = replace(first, end=first.start)
    assert books.assessed([never], "2026-06-16T00:00:00") == ["credit -99.00"]


def test_more_seats_pay_for_the_rest() -> None:
    change = edge("2025-06-16T00:00:00", goes_on=True)
    three = held(seats("10.00"), "2025-06-01T00:00:00", change, cycle=JUNE, quantity=3)
    five = held(seats("10.00"), change, cycle=JUNE, quantity=5)
    books = Books()
    books.assess([replace(three, end=None)], "2025-06-01T00:00:00")
    assert books.assessed([three, five], "2025-06-16T00:00:00") == [
        "credit -15.00",
        "advance 25.00",
    ]


def test_tiers_price_the_whole_quantity_and_then_the_share() -> None:
    tiers = (Tier(Decimal(5), Decimal("10.00")), Tier(None, Decimal("6.00")))
    price = seats("0", model=PriceModel.GRADUATED, tiers=tiers)
    eight = held(price, "2025-06-16T00:00:00", cycle=JUNE, quantity=8)
    (draft,) = Books().assess([eight], "2025-06-16T00:00:00")
    assert draft.explanation == "68.00 x 1/2 = 34.00 -> 34.00"
    assert draft.unit_price == "graduated tiers"


def test_the_cap_is_never_prorated() -> None:
    capped = seats("10.00", maximum=Decimal("40.00"))
    half = held(capped, "2025-06-16T00:00:00", cycle=JUNE, quantity=6)
    assert Books().assessed([half], "2025-06-16T00:00:00") == ["advance 30.00"]
    change = edge("2025-06-16T00:00:00", goes_on=True)
    six = held(capped, "2025-06-01T00:00:00", change, cycle=JUNE, quantity=6)
    nine = held(capped, change, cycle=JUNE, quantity=9)
    books = Books()
    assert books.assessed([replace(six, end=None)], "2025-06-01T00:00:00") == ["advance 40.00"]
    # 30.00 for the half with six, and of 45.00 for the half with nine what the cap leaves.
    assert books.assessed([six, nine], "2025-06-16T00:00:00") == ["credit -10.00", "advance 10.00"]


def test_a_commitment_is_made_up_once_at_the_periods_end() -> None:
    change = edge("2025-06-16T00:00:00", goes_on=True)
    low = seats("5.00", minimum=Decimal("100.00"))
    high = seats("8.00", minimum=Decimal("200.00"))
    old = held(low, "2025-06-01T00:00:00", change, cycle=JUNE, quantity=4)
    new = held(high, change, cycle=JUNE, quantity=4)
    books = Books()
    assert books.assessed([replace(old, end=None)], "2025-06-01T00:00:00") == ["advance 20.00"]
    assert books.assessed([old, new], "2025-06-16T00:00:00") == ["credit -10.00", "advance 16.00"]
    # 50.00 + 100.00 are committed, 26.00 were charged; then July begins.
    assert books.assessed([old, new], "2025-07-01T00:00:00") == ["arrears 124.00", "advance 32.00"]
    assert books.written[-2].explanation == "150.00 committed - 26.00 = 124.00"


def test_a_commitment_ends_with_its_item() -> None:
    price = seats("5.00", minimum=Decimal("60.00"))
    on = held(price, "2025-06-01T00:00:00", "2025-06-16T00:00:00", cycle=JUNE, quantity=4)
    books = Books()
    books.assess([replace(on, end=None)], "2025-06-01T00:00:00")
    assert books.assessed([on], "2025-06-16T00:00:00") == ["credit -10.00", "arrears 20.00"]


MONTHLY = flat("30.00")
ARREARS = flat("30.00", due=Due.ARREARS)


@pytest.mark.parametrize(
    ("stretch", "at", "next_at"),
    [
        (held(MONTHLY, "2025-06-11", cycle=JUNE), "2025-06-11", "2025-07-01"),
        (held(MONTHLY, "2025-06-11", cycle=JUNE), "2025-07-01", "2025-08-01"),
        # an end that is known comes before the boundary, or after it
        (held(MONTHLY, "2025-06-11", "2025-06-21", cycle=JUNE), "2025-06-11", "2025-06-21"),
        (held(MONTHLY, "2025-06-11", "2025-08-21", cycle=JUNE), "2025-06-11", "2025-07-01"),
        (held(MONTHLY, "2025-06-11", "2025-06-21", cycle=JUNE), "2025-06-21", None),
        # only what goes on otherwise waits for the period's end, in arrears
        (held(ARREARS, "2025-06-11", "2025-06-21", cycle=JUNE), "2025-06-21", None),
        (
            held(ARREARS, "2025-06-11", edge("2025-06-21", goes_on=True), cycle=JUNE),
            "2025-06-21",
            "2025-07-01",
        ),
        (
            held(ARREARS, "2025-06-11", edge("2025-06-21", goes_on=True), cycle=JUNE),
            "2025-07-01",
            None,
        ),
        # time stands, or it was asked once
        (
            held(MONTHLY, "2025-06-11", cycle=JUNE, frozen_at=utc("2025-06-16")),
            "2025-06-16",
            None,
        ),
        (held(flat("9.00", "once"), "2025-06-11", cycle=JUNE), "2025-06-11", None),
    ],
)
def test_when_to_look_again(stretch: Stretch, at: str, next_at: str | None) -> None:
    assert next_change([stretch], utc(at)) == (None if next_at is None else utc(next_at))
