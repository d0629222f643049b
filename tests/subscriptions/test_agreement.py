"""What a subscription is at one instant, read off the whole agreement."""

from dataclasses import replace

import pytest

from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Agreement
from tests.subscriptions.given import BUSINESS, FREE, PRO, TRIED, add_on, at, on, plan

LASTING = plan("lasting", 1, access_while_paused=True, month="25")
SINCE = at("2026-01-15")


def paused(held: Agreement, mode: PauseMode) -> Agreement:
    return moves.paused(held, mode=mode, at=SINCE)


PRO_HELD = on(PRO, "2026-01-10")
TRIED_HELD = on(TRIED, "2026-01-10", trial_until="2026-01-24")


@pytest.mark.parametrize(
    ("held", "is_entitled", "is_charged", "is_paid_monthly"),
    [
        (PRO_HELD, True, True, True),
        (on(PRO, "2026-01-10", "year"), True, True, False),
        (on(FREE, "2026-01-10"), True, True, False),
        (moves.begin_later(PRO_HELD), False, False, False),
        (TRIED_HELD, True, False, True),
        (moves.payment_failed(PRO_HELD), True, True, True),
        (paused(PRO_HELD, PauseMode.CREDIT), False, False, True),
        (paused(PRO_HELD, PauseMode.EXTEND), False, True, True),
        (paused(on(LASTING, "2026-01-10"), PauseMode.CREDIT), True, False, True),
        (moves.billing_over(PRO_HELD), True, False, True),
        (paused(moves.billing_over(PRO_HELD), PauseMode.EXTEND), False, False, True),
        (moves.ended(PRO_HELD), False, False, False),
    ],
)
def test_what_it_grants_and_owes(
    held: Agreement, is_entitled: bool, is_charged: bool, is_paid_monthly: bool
) -> None:
    assert (held.is_entitled, held.is_charged, held.is_paid_monthly) == (
        is_entitled,
        is_charged,
        is_paid_monthly,
    )


def test_free_is_what_costs_nothing_for_its_interval_and_a_contract_never_is() -> None:
    half = plan("half", 0, month="0", year="10")
    assert on(half, "2026-01-10").is_free
    assert not on(half, "2026-01-10", "year").is_free
    assert not on(replace(half, contract=True), "2026-01-10").is_free


def test_an_add_on_is_found_by_its_key() -> None:
    held = on(BUSINESS, "2026-01-10", add_ons=[add_on("logs", 3)])
    assert held.add_on("logs") == add_on("logs", 3)
    assert held.add_on("mail") is None


def test_the_period_of_a_later_instant_is_the_one_that_renewals_lead_to() -> None:
    held = on(PRO, "2026-01-31")
    assert held.period_at(at("2026-02-27")) == held.period
    march = held.period_at(at("2026-03-30"))
    assert (march.start, march.end) == (at("2026-02-28"), at("2026-03-31"))


def test_a_trial_and_a_pause_do_not_renew() -> None:
    for held in (TRIED_HELD, paused(PRO_HELD, PauseMode.EXTEND), moves.begin_later(PRO_HELD)):
        assert held.period_at(at("2027-01-01")) == held.period
