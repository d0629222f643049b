"""How a change of plan happens: a table of rules per product, first match wins.

A rule looks at the situation (does the rank rise, is the new interval longer, does something free
become paid) and gives up to four independent answers. What a rule leaves open, the defaults below
answer. A product's own rules come first; the default rules follow, so there is always a match.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.periods import Length


class RankChange(StrEnum):
    UP = "up"
    SAME = "same"
    DOWN = "down"


class Timing(StrEnum):
    """``date``: at the instant that the request names."""

    NOW = "now"
    PERIOD_END = "period_end"
    DATE = "date"


class AnchorRule(StrEnum):
    KEEP = "keep"
    RESTART = "restart"


class Proration(StrEnum):
    SECOND = "second"
    DAY = "day"
    NONE = "none"


class Settlement(StrEnum):
    """What becomes of an amount in the customer's favour."""

    NONE = "none"
    CREDIT = "credit"
    REFUND = "refund"


class EndTiming(StrEnum):
    """When something ends that is canceled without a word about when."""

    NOW = "now"
    PERIOD_END = "period_end"


@dataclass(frozen=True, slots=True)
class CancelPolicy:
    """What canceling means where the request leaves it open: when access ends, when billing ends,
    and what becomes of what is paid beyond that."""

    access_end: EndTiming = EndTiming.PERIOD_END
    billing_end: EndTiming = EndTiming.PERIOD_END
    settlement: Settlement = Settlement.NONE


@dataclass(frozen=True, slots=True)
class Situation:
    """What a change does. ``rank`` and ``interval`` compare the new plan with the old one."""

    rank: RankChange
    interval: Length
    free_to_paid: bool


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """A condition left None holds always; an answer left None is the default's."""

    name: str
    timing: Timing
    rank: RankChange | None = None
    interval: Length | None = None
    free_to_paid: bool | None = None
    anchor: AnchorRule | None = None
    proration: Proration | None = None
    settlement: Settlement | None = None

    def matches(self, situation: Situation) -> bool:
        return (
            self.rank in (None, situation.rank)
            and self.interval in (None, situation.interval)
            and self.free_to_paid in (None, situation.free_to_paid)
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """How a change happens, and the name of the rule that decided it."""

    timing: Timing
    anchor: AnchorRule
    proration: Proration
    settlement: Settlement
    rule: str


DEFAULT_RULES: tuple[ChangeRule, ...] = (
    ChangeRule("free_to_paid", Timing.NOW, free_to_paid=True),
    ChangeRule("rank_up", Timing.NOW, rank=RankChange.UP),
    ChangeRule("longer_interval", Timing.NOW, rank=RankChange.SAME, interval=Length.LONGER),
    ChangeRule(
        "shorter_interval", Timing.PERIOD_END, rank=RankChange.SAME, interval=Length.SHORTER
    ),
    ChangeRule("same_rank", Timing.NOW, rank=RankChange.SAME),
    ChangeRule("rank_down", Timing.PERIOD_END, rank=RankChange.DOWN),
)


def compare_ranks(before: int, after: int) -> RankChange:
    """Tell where the new plan stands beside the old one."""
    if before == after:
        return RankChange.SAME
    return RankChange.UP if after > before else RankChange.DOWN


def decide(rules: Sequence[ChangeRule], situation: Situation) -> Decision:
    """Answer how a change happens: the first of ``rules``, then of the default rules, that matches.

    The default anchor restarts when free becomes paid and when the interval changes, and is kept
    otherwise; the default proration is by the second; what is in the customer's favour is credited.
    """
    rule = next(rule for rule in (*rules, *DEFAULT_RULES) if rule.matches(situation))
    restarts = situation.free_to_paid or situation.interval != Length.SAME
    return Decision(
        timing=rule.timing,
        anchor=rule.anchor or (AnchorRule.RESTART if restarts else AnchorRule.KEEP),
        proration=rule.proration or Proration.SECOND,
        settlement=rule.settlement or Settlement.CREDIT,
        rule=rule.name,
    )
