"""Why somebody has what they have, as sentences for people. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from entitlements.decisions import Decision, amount_of, is_unlimited
from entitlements.resolution import Step
from entitlements.timelines import Standing
from plans import values
from plans.terms import FeatureTerms
from plans.values import Combine, Comparison, NumberSet, Range, Value

ENDED = "ended"  # the rule of a step that nothing is left of

_WON: Mapping[str, str] = {
    Combine.ANY: "one plan that includes it is enough",
    Combine.MAX: "the highest of what plans give counts",
    Combine.MIN: "the lowest of what plans give counts",
    Combine.SUM: "what plans give is added up",
    Combine.UNION: "what plans give is taken together",
    Combine.SINGLE: "the plan held the longest counts",
}
_LOST: Mapping[str, str] = {
    Combine.ANY: "another plan decides",
    Combine.MAX: "another plan gives as much or more",
    Combine.MIN: "another plan gives as little or less",
    Combine.SINGLE: "only one plan can count, and another has been held longer",
    ENDED: "what it gave has ended",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """What sentences need to know besides values: names, and where the reader's calendar is.

    ``plans`` are plans' names by the identifier of their version.
    """

    owner: str
    zone: str
    plans: Mapping[str, str]

    def day(self, at: datetime) -> str:
        local = at.astimezone(ZoneInfo(self.zone))
        return f"{local.day} {local:%B %Y}"


def in_words(
    feature: FeatureTerms,
    standing: Standing,
    decision: Decision,
    steps: Sequence[Step],
    telling: Telling,
) -> str:
    """Tell what the owner has, what gives it, whether it is blocked, and what changes next."""
    sentences = [f"{_opening(feature, standing, decision, telling)}: {_grounds(steps, telling)}."]
    sentences += [
        f"{_gives(step, telling)}, but {_LOST[step.rule]}."
        for step in steps
        if not step.won and standing.current is not None
    ]
    sentences.append("Not blocked.")
    if standing.changes_at is not None:
        sentences.append(_next(standing, telling.day(standing.changes_at), telling))
    return " ".join(sentences)


def because(step: Step, steps: Sequence[Step]) -> str:
    """Tell why one source decides the value, or does not."""
    if step.won:
        return _WON[step.rule] if len(steps) > 1 else "nothing else gives it"
    return _LOST[step.rule]


def amount(value: Value, unit: str = "") -> str:
    """Write a value for people: grouped digits, its unit, "no limit"."""
    if is_unlimited(value):
        return "no limit"
    number = amount_of(value)
    if number is not None:
        return f"{number:,f} {_plural(unit, number)}".strip()
    match value:
        case NumberSet():
            return ", ".join(f"{each:,f}" for each in value.numbers) or "no number"
        case Range():
            return f"from {value.lowest:,f} to {value.highest:,f}"
        case _:
            return f"“{value}”" if isinstance(value, str) else "its settings"


def _opening(
    feature: FeatureTerms, standing: Standing, decision: Decision, telling: Telling
) -> str:
    value = standing.current.value if standing.current else None
    if value is None or value is False:
        return f"{telling.owner} does not have {feature.name}"
    if value is True:
        return f"{telling.owner} has {feature.name}"
    if is_unlimited(value):
        return f"{telling.owner} may use {feature.name} without a limit"
    if amount_of(value) is not None:
        verb = "may use" if decision.allowed else "may not use more of"
        return f"{telling.owner} {verb} {feature.name} up to {amount(value, feature.unit)}"
    return f"{telling.owner} has {feature.name} {amount(value)}"


def _grounds(steps: Sequence[Step], telling: Telling) -> str:
    winners = [step for step in steps if step.won]
    if winners:
        return ", ".join(
            f"{_gives(step, telling)} since {telling.day(step.fact.starts_at)}" for step in winners
        )
    ended = [
        f"{telling.plans[step.fact.source.plan_version]} gave it until"
        f" {telling.day(step.fact.ends_at)}"
        for step in steps
        if step.fact.ends_at is not None
    ]
    return ", ".join(ended) or "nothing gives it"


def _gives(step: Step, telling: Telling) -> str:
    plan, value = telling.plans[step.fact.source.plan_version], step.fact.value
    if value is False:
        return f"{plan} does not include it"
    return f"{plan} gives {'it' if value is True else amount(value)}"


def _next(standing: Standing, day: str, telling: Telling) -> str:
    before, after = standing.current, standing.following
    if after is None:
        return f"Ends on {day}."
    plans = ", ".join(telling.plans[source.plan_version] for source in after.sources)
    if before is None:
        return f"Begins on {day}, with {plans}."
    verb = {Comparison.MORE: "Rises", Comparison.LESS: "Falls"}.get(
        values.compare(before.value, after.value), "Changes"
    )
    if isinstance(after.value, bool):
        return f"{'Begins' if after.value else 'Ends'} on {day}, when {plans} follows."
    return f"{verb} to {amount(after.value)} on {day}, when {plans} follows."


def _plural(unit: str, number: Decimal) -> str:
    is_word = unit.isalpha() and unit.islower() and not unit.endswith("s")
    return f"{unit}s" if is_word and number != 1 else unit
