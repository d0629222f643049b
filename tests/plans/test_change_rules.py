"""How a change of plan happens, by the default rules and by a product's own."""

from itertools import product

import pytest

from core.periods import Length
from plans.change_rules import (
    DEFAULT_RULES,
    AnchorRule,
    ChangeRule,
    Decision,
    Proration,
    RankChange,
    Settlement,
    Situation,
    Timing,
    compare_ranks,
    decide,
)

UP, SAME, DOWN = RankChange.UP, RankChange.SAME, RankChange.DOWN
LONGER, SHORTER, EQUAL = Length.LONGER, Length.SHORTER, Length.SAME
EVERY = [Situation(*each) for each in product(RankChange, Length, (False, True))]


@pytest.mark.parametrize(
    ("rank", "interval", "free_to_paid", "timing", "anchor", "rule"),
    [
        (UP, EQUAL, False, "now", "keep", "rank_up"),
        (UP, LONGER, False, "now", "restart", "rank_up"),
        (UP, SHORTER, False, "now", "restart", "rank_up"),
        (UP, EQUAL, True, "now", "restart", "free_to_paid"),
        (DOWN, EQUAL, True, "now", "restart", "free_to_paid"),
        (SAME, LONGER, False, "now", "restart", "longer_interval"),
        (SAME, SHORTER, False, "period_end", "restart", "shorter_interval"),
        (SAME, EQUAL, False, "now", "keep", "same_rank"),
        (DOWN, EQUAL, False, "period_end", "keep", "rank_down"),
        (DOWN, LONGER, False, "period_end", "restart", "rank_down"),
        (DOWN, SHORTER, False, "period_end", "restart", "rank_down"),
    ],
)
def test_the_default_rules(
    rank: RankChange, interval: Length, free_to_paid: bool, timing: str, anchor: str, rule: str
) -> None:
    decision = decide((), Situation(rank, interval, free_to_paid))
    assert decision == Decision(
        Timing(timing), AnchorRule(anchor), Proration.SECOND, Settlement.CREDIT, rule
    )


@pytest.mark.parametrize("situation", EVERY)
def test_every_situation_is_decided_by_a_rule_that_matches_it(situation: Situation) -> None:
    decision = decide((), situation)
    by_name = {rule.name: rule for rule in DEFAULT_RULES}
    assert by_name[decision.rule].matches(situation)


OWN = (
    ChangeRule("loyal", Timing.PERIOD_END, rank=UP, interval=SHORTER),
    ChangeRule(
        "hurry",
        Timing.NOW,
        rank=DOWN,
        anchor=AnchorRule.RESTART,
        proration=Proration.NONE,
        settlement=Settlement.NONE,
    ),
)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (Situation(UP, SHORTER, False), ("period_end", "restart", "second", "credit", "loyal")),
        (Situation(UP, EQUAL, False), ("now", "keep", "second", "credit", "rank_up")),
        (Situation(DOWN, EQUAL, False), ("now", "restart", "none", "none", "hurry")),
        (Situation(DOWN, EQUAL, True), ("now", "restart", "none", "none", "hurry")),
    ],
)
def test_own_rules_come_first_and_leave_the_rest_to_the_default_ones(
    situation: Situation, expected: tuple[str, ...]
) -> None:
    decision = decide(OWN, situation)
    assert (
        decision.timing,
        decision.anchor,
        decision.proration,
        decision.settlement,
        decision.rule,
    ) == expected


def test_ranks_compare() -> None:
    assert [compare_ranks(1, after) for after in (0, 1, 2)] == [DOWN, SAME, UP]
