"""What changes and time make of an agreement, as a pure function."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.change_rules import AnchorRule, Timing
from plans.terms import Due, PriceModel, PriceTerms, ProductTerms, Scope, Terms
from subscriptions.agreement import (
    Agreement,
    CurrencyNotSold,
    IntervalNotSold,
    Kind,
    Planned,
    arrive,
    begin,
    changed,
    choose_interval,
    decide_change,
)
from subscriptions.states import State

ZONE = ProductTerms(
    id="prd_zone",
    key="zone",
    name="Zone",
    scope=Scope.SUBJECT,
    subject_kind="zone",
    exclusive=True,
    co_terms=True,
    default_plan_id="pln_free",
    fallback_plan_id="pln_free",
    change_rules=(),
)


def price(interval: str, amount: str) -> PriceTerms:
    return PriceTerms(
        id=f"prc_{interval}",
        key="base",
        sold_interval=interval,
        currency="USD",
        interval=interval,
        model=PriceModel.FLAT,
        due=Due.ADVANCE,
        amount=Decimal(amount),
    )


def plan(key: str, rank: int, **amounts: str) -> Terms:
    return Terms(
        version_id=f"plv_{key}",
        version=1,
        status="published",
        plan_id=f"pln_{key}",
        plan_key=key,
        plan_name=key,
        rank=rank,
        product=ZONE,
        sold={interval: ("USD",) for interval in amounts},
        prices=tuple(price(interval, amount) for interval, amount in amounts.items()),
        features={},
        billing_zone="UTC",
        trial=None,
        contract=False,
        externally_managed=False,
        access_while_paused=False,
    )


FREE = plan("free", 0, month="0")
PRO = plan("pro", 1, month="25", year="240")
BUSINESS = plan("business", 2, month="250", year="2400")
JANUARY_10 = datetime(2026, 1, 10, tzinfo=UTC)


def on(terms: Terms, at: datetime = JANUARY_10, interval: str = "month") -> Agreement:
    return begin(terms, interval=interval, currency="USD", zone="UTC", at=at, shared=None)


@pytest.mark.parametrize(
    ("before", "interval", "after", "wanted", "rule", "timing", "anchor"),
    [
        (FREE, "month", PRO, "month", "free_to_paid", Timing.NOW, AnchorRule.RESTART),
        (FREE, "month", PRO, "year", "free_to_paid", Timing.NOW, AnchorRule.RESTART),
        (PRO, "month", BUSINESS, "month", "rank_up", Timing.NOW, AnchorRule.KEEP),
        (PRO, "month", BUSINESS, "year", "rank_up", Timing.NOW, AnchorRule.RESTART),
        (PRO, "month", PRO, "year", "longer_interval", Timing.NOW, AnchorRule.RESTART),
        (PRO, "year", PRO, "month", "shorter_interval", Timing.PERIOD_END, AnchorRule.RESTART),
        (BUSINESS, "month", PRO, "month", "rank_down", Timing.PERIOD_END, AnchorRule.KEEP),
        (BUSINESS, "month", PRO, "year", "rank_down", Timing.PERIOD_END, AnchorRule.RESTART),
        (PRO, "month", FREE, "month", "rank_down", Timing.PERIOD_END, AnchorRule.KEEP),
    ],
)
def test_the_default_policy_decides(
    before: Terms,
    interval: str,
    after: Terms,
    wanted: str,
    rule: str,
    timing: Timing,
    anchor: AnchorRule,
) -> None:
    decision = decide_change(on(before, interval=interval), after, wanted)
    assert (decision.rule, decision.timing, decision.anchor) == (rule, timing, anchor)


def test_an_interval_is_the_wanted_one_else_the_present_one_else_the_plans_first() -> None:
    assert choose_interval(PRO, currency="USD", wanted="year", current="month") == "year"
    assert choose_interval(PRO, currency="USD", wanted=None, current="year") == "year"
    assert choose_interval(FREE, currency="USD", wanted=None, current="year") == "month"
    with pytest.raises(IntervalNotSold):
        choose_interval(FREE, currency="USD", wanted="year")
    with pytest.raises(CurrencyNotSold):
        choose_interval(PRO, currency="EUR", wanted=None)


def test_keeping_the_anchor_keeps_the_open_period() -> None:
    january_20 = JANUARY_10 + timedelta(days=10)
    after = changed(
        on(PRO), BUSINESS, interval="month", anchor=AnchorRule.KEEP, at=january_20, shared=None
    )
    assert after.period == on(PRO).period


def test_keeping_the_anchor_with_another_interval_runs_to_the_anchors_next_year() -> None:
    # anchored 20 February 2025, monthly to yearly on 1 June: the year ends 20 February 2026
    anchored = datetime(2025, 2, 20, tzinfo=UTC)
    june = datetime(2025, 6, 1, tzinfo=UTC)
    monthly = replace(on(PRO, anchored), period=on(PRO, june).period)
    after = changed(monthly, PRO, interval="year", anchor=AnchorRule.KEEP, at=june, shared=None)
    assert (after.period.start, after.period.end) == (june, datetime(2026, 2, 20, tzinfo=UTC))


def test_before_its_time_nothing_arrives() -> None:
    pro = on(PRO)
    planned = [Planned("pch_1", Kind.END, pro.period.end, FREE, "month", {"anchor": "keep"})]
    early = pro.period.end - timedelta(seconds=1)
    assert arrive(pro, planned, at=early, shared=None) is None


def test_an_end_goes_before_a_change_and_voids_it() -> None:
    business = on(BUSINESS)
    end = Planned("pch_1", Kind.END, business.period.end, FREE, "month", {"anchor": "keep"})
    change = Planned(
        id="pch_2",
        kind=Kind.PLAN,
        at=business.period.end,
        terms=PRO,
        interval="month",
        decision={"anchor": "keep"},
    )
    arrival = arrive(business, [change, end], at=end.at, shared=None)
    assert arrival is not None
    assert (arrival.what, arrival.agreement.terms, arrival.applied) == ("changed", FREE, end)
    assert arrival.superseded == (change,)

    for_good = Planned("pch_1", Kind.END, business.period.end)
    gone = arrive(business, [change, for_good], at=end.at, shared=None)
    assert gone is not None
    assert (gone.what, gone.agreement.state) == ("ended", State.CANCELED)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([FREE, PRO, BUSINESS]),
        st.sampled_from(["month", "year"]),
        st.sampled_from(list(AnchorRule)),
        st.integers(0, 500),
    ),
    max_size=8,
)


@given(st.integers(1, 31), STEPS)
def test_periods_tile_whatever_is_changed(
    day: int, steps: list[tuple[Terms, str, AnchorRule, int]]
) -> None:
    """Renew whenever a period is over, change in between: each period begins where the last one
    was cut or ended."""
    now = datetime(2026, 1, day, tzinfo=UTC)
    agreement = on(FREE, now)
    for terms, interval, anchor, days in steps:
        now += timedelta(days=days)
        while agreement.period.end <= now:
            arrival = arrive(agreement, [], at=agreement.period.end, shared=None)
            assert arrival is not None
            assert arrival.agreement.period.start == agreement.period.end
            agreement = arrival.agreement
        sold = choose_interval(
            terms, currency="USD", wanted=interval if interval in terms.sold else None
        )
        after = changed(agreement, terms, interval=sold, anchor=anchor, at=now, shared=None)
        assert after.period == agreement.period or after.period.start == now
        assert after.period.contains(now)
        agreement = after
