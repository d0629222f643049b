"""How a change happens, and for which interval a plan is sold: the answers of the price list."""

import pytest

from plans.change_rules import AnchorRule, Timing
from plans.terms import Terms
from subscriptions.policy import (
    CurrencyNotSold,
    IntervalNotSold,
    as_data,
    choose_interval,
    decide_change,
    decide_fallback,
)
from tests.subscriptions.given import BUSINESS, FREE, PRO, on

NOW, END = Timing.NOW, Timing.PERIOD_END
KEEP, RESTART = AnchorRule.KEEP, AnchorRule.RESTART


@pytest.mark.parametrize(
    ("before", "interval", "after", "wanted", "rule", "timing", "anchor"),
    [
        (FREE, "month", PRO, "month", "free_to_paid", NOW, RESTART),
        (FREE, "month", PRO, "year", "free_to_paid", NOW, RESTART),
        (PRO, "month", BUSINESS, "month", "rank_up", NOW, KEEP),
        (PRO, "month", BUSINESS, "year", "rank_up", NOW, RESTART),
        (PRO, "month", PRO, "year", "longer_interval", NOW, RESTART),
        (PRO, "year", PRO, "month", "shorter_interval", END, RESTART),
        (BUSINESS, "month", PRO, "month", "rank_down", END, KEEP),
        (BUSINESS, "month", PRO, "year", "rank_down", END, RESTART),
        (PRO, "month", FREE, "month", "rank_down", END, KEEP),
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
    decision = decide_change(on(before, "2026-01-10", interval), after, wanted)
    assert (decision.rule, decision.timing, decision.anchor) == (rule, timing, anchor)


def test_a_decision_is_kept_and_shown_as_text() -> None:
    assert as_data(decide_change(on(FREE, "2026-01-10"), PRO, "month")) == {
        "timing": "now",
        "anchor": "restart",
        "proration": "second",
        "settlement": "credit",
        "rule": "free_to_paid",
    }


def test_an_interval_is_the_wanted_one_else_the_present_one_else_the_plans_first() -> None:
    assert choose_interval(PRO, currency="USD", wanted="year", current="month") == "year"
    assert choose_interval(PRO, currency="USD", wanted=None, current="year") == "year"
    assert choose_interval(FREE, currency="USD", wanted=None, current="year") == "month"
    with pytest.raises(IntervalNotSold):
        choose_interval(FREE, currency="USD", wanted="year")
    with pytest.raises(CurrencyNotSold):
        choose_interval(PRO, currency="EUR", wanted=None)


def test_a_fallback_goes_on_for_the_interval_it_is_sold_for() -> None:
    interval, decision = decide_fallback(on(PRO, "2026-01-10", "year"), FREE)
    assert (interval, decision.rule, decision.anchor) == ("month", "rank_down", RESTART)
    interval, decision = decide_fallback(on(BUSINESS, "2026-01-10", "year"), PRO)
    assert (interval, decision.rule, decision.anchor) == ("year", "rank_down", KEEP)
