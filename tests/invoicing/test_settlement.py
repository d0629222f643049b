"""What becomes of an amount in the customer's favour. All amounts in cents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.settlement import Paid, Split, settle
from plans.change_rules import Settlement

# 25.00 for June, 20.00 of it paid, canceled on the 16th: 12.50 were used.
JUNE = Paid(billed=2500, paid=2000, captured=2000, used=1250)
NONE, CREDIT, REFUND = Settlement.NONE, Settlement.CREDIT, Settlement.REFUND


@pytest.mark.parametrize(
    ("settlement", "split"),
    [
        (NONE, Split()),
        (CREDIT, Split(off_open=500, to_balance=750)),
        (REFUND, Split(off_open=500, to_refund=750)),
    ],
)
def test_june_is_canceled_in_the_middle(settlement: Settlement, split: Split) -> None:
    assert settle(1250, settlement, JUNE) == split


@pytest.mark.parametrize(
    ("paid", "split"),
    [
        # all was paid
        (Paid(2500, 2500, 2500, 1250), Split(to_refund=1250)),
        # nothing was paid: it is not owed any more
        (Paid(2500, 0, 0, 1250), Split(off_open=1250)),
        # 15.00 came from the balance and go back there, before 10.00 that came from outside
        (Paid(2500, 2500, 1000, 500), Split(to_refund=500, to_balance=1500)),
        # 5.00 were refunded before
        (Paid(2500, 2500, 2500, 1250, refunded=500), Split(to_refund=750)),
        # 5.00 of credit were given for it, and are spent
        (Paid(2500, 2500, 2500, 1250, credited=500), Split(to_refund=750)),
        # 5.00 of credit were given for it, of which 4.00 are unspent
        (
            Paid(2500, 2500, 2500, 1250, credited=500, unspent=400),
            Split(to_refund=1150, taken_back=400),
        ),
    ],
)
def test_a_refund_never_exceeds_what_came_in_and_was_not_used(paid: Paid, split: Split) -> None:
    amount = paid.billed - paid.used
    assert settle(amount, REFUND, paid) == split


AMOUNT = st.integers(0, 10_000)


@st.composite
def paid(draw: st.DrawFn) -> Paid:
    billed = draw(AMOUNT)
    paid_ = draw(st.integers(0, billed))
    credited = draw(st.integers(0, 2_000))
    return Paid(
        billed=billed,
        paid=paid_,
        captured=draw(st.integers(0, paid_)),
        used=draw(st.integers(0, billed)),
        refunded=draw(st.integers(0, 2_000)),
        credited=credited,
        unspent=draw(st.integers(0, credited)),
    )


@given(paid=paid(), settlement=st.sampled_from([CREDIT, REFUND]))
def test_nobody_gets_more_than_was_paid_and_not_used(paid: Paid, settlement: Settlement) -> None:
    split = settle(paid.billed - paid.used, settlement, paid)
    given_back = split.to_balance + split.to_refund - split.taken_back
    assert given_back <= max(paid.paid - paid.used - paid.refunded - paid.credited, 0)
    assert split.off_open <= paid.billed - paid.paid
    assert split.off_open + split.to_balance + split.to_refund <= paid.billed - paid.used
    assert 0 <= split.taken_back <= paid.unspent
    remaining = paid.credited - split.taken_back
    assert split.to_refund <= max(paid.captured - paid.used - paid.refunded - remaining, 0)
