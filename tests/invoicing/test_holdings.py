"""From a subscription's history to what is charged."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.periods import Anchor, Cycle, Interval, Period
from invoicing.holdings import open_since, stretches_of
from plans.terms import (
    AddOnTerms,
    Due,
    PauseMode,
    PriceTerms,
    ProductTerms,
    QuantityTerms,
    Scope,
    Terms,
)
from subscriptions.agreement import AddOnHeld, Agreement, Pause
from subscriptions.history import Entry, History
from subscriptions.states import State
from tests.invoicing.given import Books, flat, seats, utc

JUNE_1, JUNE_11, JUNE_16, JUNE_21 = (utc(f"2025-06-{day}T00:00:00") for day in ("01", 11, 16, 21))
JULY_1 = utc("2025-07-01T00:00:00")
PRODUCT = ProductTerms(
    id="prd_1",
    key="team",
    name="Team",
    scope=Scope.CUSTOMER,
    subject_kind="",
    exclusive=True,
    co_terms=False,
    default_plan_id=None,
    fallback_plan_id=None,
    change_rules=(),
)
SETUP = flat("99.00", "once", key="setup", sold_interval="month")


def plan(key: str, *prices: PriceTerms) -> Terms:
    return Terms(
        sold={"month": ("EUR",)},
        prices=prices,
        version_id=f"plv_{key}",
        version=1,
        status="published",
        plan_id=f"pln_{key}",
        plan_key=key,
        plan_name=key,
        rank=1,
        product=PRODUCT,
        features={},
        billing_zone="customer",
        trial=None,
        contract=False,
        externally_managed=False,
        access_while_paused=False,
    )


def add_on(key: str, *prices: PriceTerms) -> AddOnTerms:
    return AddOnTerms(
        sold={"month": ("EUR",)},
        prices=prices,
        version_id=f"aov_{key}",
        version=1,
        status="published",
        add_on_id=f"ado_{key}",
        add_on_key=key,
        add_on_name=key,
        available_for=frozenset(),
        included_in=frozenset(),
        features={},
        quantity=QuantityTerms(),
    )


PRO = plan("pro", flat("30.00"))
FREE = plan("free")


def agreed(terms: Terms = PRO, state: State = State.ACTIVE, **more: Any) -> Agreement:
    values: dict[str, Any] = {
        "interval": "month",
        "currency": "EUR",
        "quantity": 1,
        "cycle": Cycle(Anchor(JUNE_1, "UTC")),
        "period": Period(JUNE_1, JULY_1),
    }
    return Agreement(terms=terms, state=state, **{**values, **more})


def history(*entries: tuple[Any, ...], ahead: Sequence[tuple[Any, ...]] = ()) -> History:
    """Make a history of (instant, agreement) and maybe (…, decision)."""
    return History(
        subscription_id="sub_1",
        customer_id="cus_1",
        subject_id=None,
        product_key="team",
        entries=tuple(_entry(f"trm_{number}", *each) for number, each in enumerate(entries)),
        agreed=tuple(_entry("", *each) for each in ahead),
    )


def _entry(name: str, at: Any, agreement: Agreement, decision: Any = None) -> Entry:
    return Entry(name, at, agreement, "", decision or {}, at if name else None)


def look(books: Books, found: History, at: Any) -> list[str]:
    """Assess as the app does: with what is agreed, and only what can have changed."""
    return books.assessed(
        stretches_of(found),
        at,
        agreed=stretches_of(found, with_agreed=True),
        since=open_since(found, at, recorded_since=at),
    )


def test_nothing_is_charged_before_a_start_in_a_trial_or_outside_billing() -> None:
    for agreement in (
        agreed(state=State.PENDING),
        agreed(state=State.TRIALING),
        agreed(is_billed=False),
        agreed(state=State.CANCELED),
    ):
        assert stretches_of(history((JUNE_1, agreement))) == []
    for state in (State.ACTIVE, State.PAST_DUE):
        assert len(stretches_of(history((JUNE_1, agreed(state=state))))) == 1


def test_what_does_not_change_is_one_stretch() -> None:
    """A failed payment, and add-ons beside it, do not touch the plan's own price."""
    more = AddOnHeld(add_on("more", seats("6.00")), 2)
    found = history(
        (JUNE_1, agreed(quantity=3)),
        (JUNE_11, agreed(quantity=5, state=State.PAST_DUE)),
        (JUNE_16, agreed(quantity=5, add_ons=(more,))),
    )
    of_plan, of_add_on = stretches_of(found)
    assert (of_plan.item, of_plan.start.at, of_plan.end) == ("plan", JUNE_1, None)
    assert of_plan.quantity == 1  # a flat price counts nothing
    assert (of_add_on.item, of_add_on.start.at, of_add_on.quantity) == (
        "add_on:more",
        JUNE_16,
        2,
    )
    assert of_add_on.version_id == "aov_more"


def test_use_is_not_charged_by_holding() -> None:
    metered = plan("metered", flat("5.00"), seats("0.01", key="builds", meter="builds"))
    assert [each.price.key for each in stretches_of(history((JUNE_1, agreed(metered))))] == ["base"]


def test_a_pause_with_credit_gives_back_and_a_pause_that_extends_does_not() -> None:
    for mode, paused, resumed in (
        (PauseMode.CREDIT, ["credit -20.00"], ["advance 10.00"]),
        (PauseMode.EXTEND, [], []),
    ):
        books = Books()
        on = history((JUNE_1, agreed()))
        assert look(books, on, JUNE_1) == ["advance 30.00"]
        pause = agreed(state=State.PAUSED, pause=Pause(JUNE_11, mode))
        off = history((JUNE_1, agreed()), (JUNE_11, pause))
        assert look(books, off, JUNE_11) == paused
        cycle = agreed().cycle
        if mode == PauseMode.EXTEND:
            cycle = cycle.moved_on(10 * 86_400)
        again = history((JUNE_1, agreed()), (JUNE_11, pause), (JUNE_21, agreed(cycle=cycle)))
        assert look(books, again, JUNE_21) == resumed
        renews = JULY_1 + timedelta(days=10 if mode == PauseMode.EXTEND else 0)
        assert look(books, again, renews - timedelta(seconds=1)) == []
        assert look(books, again, renews) == ["advance 30.00"]


def test_an_end_in_a_pause_that_extends_credits_what_was_left_when_it_began() -> None:
    books = Books()
    pause = agreed(state=State.PAUSED, pause=Pause(JUNE_11, PauseMode.EXTEND))
    look(books, history((JUNE_1, agreed())), JUNE_1)
    look(books, history((JUNE_1, agreed()), (JUNE_11, pause)), JUNE_11)
    over = history(
        (JUNE_1, agreed()),
        (JUNE_11, pause),
        (utc("2025-09-01T00:00:00"), agreed(state=State.CANCELED), {"settlement": "refund"}),
    )
    (draft,) = books.assess(stretches_of(over), "2025-09-01T00:00:00")
    assert (draft.amount, draft.settlement) == (-2000, "refund")


def test_billing_may_outlive_access() -> None:
    """Access ends on the 11th, billing on the 10th of July: a period begins in between."""
    books = Books()
    look(books, history((JUNE_1, agreed())), JUNE_1)
    until = {"billed_until": "2025-07-11T00:00:00Z"}
    found = history((JUNE_1, agreed()), (JUNE_11, agreed(state=State.CANCELED), until))
    assert look(books, found, JUNE_11) == []
    assert look(books, found, JULY_1) == ["advance 9.68"]  # 30.00 x 10/31: its end is known
    assert look(books, found, utc("2025-07-11T00:00:00")) == []


def test_a_known_end_of_billing_is_credited_when_it_comes() -> None:
    books = Books()
    look(books, history((JUNE_1, agreed())), JUNE_1)
    until = {"billed_until": "2025-06-21T00:00:00Z"}
    found = history((JUNE_1, agreed()), (JUNE_11, agreed(state=State.CANCELED), until))
    assert look(books, found, JUNE_11) == []
    assert look(books, found, JUNE_21) == ["credit -10.00"]


def test_a_change_says_how_it_counts_and_settles() -> None:
    decision = {"proration": "none", "settlement": "refund"}
    other = plan("other", flat("60.00"))
    first, second = stretches_of(history((JUNE_1, agreed()), (JUNE_11, agreed(other), decision)))
    assert first.end is not None
    assert (first.end.proration, first.end.settlement, first.end.goes_on) == (
        "none",
        "refund",
        True,
    )
    assert second.start.proration == "none"


def test_arrears_of_a_plan_wait_even_if_the_next_plan_is_free() -> None:
    later = plan("later", flat("30.00", due=Due.ARREARS))
    books = Books()
    found = history((JUNE_1, agreed(later)), (JUNE_11, agreed(FREE)))
    assert look(books, found, JUNE_11) == []
    assert look(books, found, JULY_1) == ["arrears 10.00"]
    restarted = agreed(FREE, cycle=Cycle(Anchor(JUNE_11, "UTC")))
    cut = history((JUNE_1, agreed(later)), (JUNE_11, restarted))
    assert look(Books(), cut, JUNE_11) == ["arrears 10.00"]


def test_a_setup_fee_is_asked_when_an_item_is_first_paid_for() -> None:
    terms, newer = plan("pro", SETUP, flat("30.00")), plan("newer", SETUP, flat("30.00"))
    trial = agreed(terms, State.TRIALING)
    pause = agreed(terms, State.PAUSED, pause=Pause(JUNE_16, PauseMode.CREDIT))
    found = history(
        (JUNE_1, trial),
        (JUNE_11, agreed(terms)),
        (JUNE_16, pause),
        (JUNE_21, agreed(newer)),
    )
    fees = [each for each in stretches_of(found) if each.is_one_time and each.is_first]
    assert [(each.start.at, each.version_id) for each in fees] == [(JUNE_11, "plv_pro")]
    # Given up and bought again, it is asked again.
    again = history((JUNE_1, agreed(terms)), (JUNE_11, agreed(FREE)), (JUNE_21, agreed(terms)))
    fees = [each for each in stretches_of(again) if each.is_one_time and each.is_first]
    assert [each.start.at for each in fees] == [JUNE_1, JUNE_21]


def test_what_is_agreed_elsewhere_leaves_the_plan_charged_in_full() -> None:
    """An add-on that will end does not cut the plan's price; its own is charged up to its end."""
    more = AddOnHeld(add_on("more", flat("6.00")), 1)
    found = history((JUNE_1, agreed(add_ons=(more,))), ahead=[(JUNE_16, agreed())])
    assert look(Books(), found, JUNE_1) == ["advance 3.00", "advance 30.00"]


def test_only_open_periods_are_looked_at() -> None:
    found = history((JUNE_1, agreed()))
    assert open_since(found, JUNE_1) == JUNE_1
    assert open_since(found, utc("2025-09-10T00:00:00")) == utc("2025-09-01T00:00:00")
    # At a boundary, the period that ends there is looked at.
    assert open_since(found, utc("2025-09-01T00:00:00")) == utc("2025-08-01T00:00:00")
    # Pauses have moved boundaries on: in served time they are where they were.
    moved = history((JUNE_1, agreed(cycle=agreed().cycle.moved_on(86_400))))
    assert open_since(moved, utc("2025-09-10T00:00:00")) == utc("2025-09-01T00:00:00")


def test_a_word_about_the_past_opens_its_period_again() -> None:
    on, said = agreed(), utc("2025-09-10T00:00:00")
    wrong = history((JUNE_1, on))
    books = Books()
    for month in ("06", "07", "08", "09"):
        look(books, wrong, utc(f"2025-{month}-01T00:00:00"))
    right = history((JUNE_1, on), (JUNE_16, agreed(FREE)))
    first, second = right.entries
    right = replace(right, entries=(first, replace(second, recorded_at=said)))
    assert look(books, right, said) == [
        "credit -15.00",
        "credit -30.00",
        "credit -30.00",
        "credit -30.00",
    ]


def test_periods_shorter_than_the_plans_are_all_looked_at() -> None:
    monthly = seats("9.00", sold_interval="year", interval="month")
    yearly = replace(plan("yearly", monthly), sold={"year": ("EUR",)})
    agreement = agreed(
        yearly, interval="year", quantity=2, period=Period(JUNE_1, utc("2026-06-01T00:00:00"))
    )
    assert agreement.every == Interval("year")
    found = history((JUNE_1, agreement))
    books = Books()
    assert look(books, found, utc("2025-10-15T00:00:00")) == ["advance 18.00"] * 5
