"""How a value came about: the steps, what changes next, what would give more. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from entitlements import answers, overrides, words
from entitlements.decisions import Decision, amount_of, decide, is_unlimited
from entitlements.facts import OVERRIDE, Fact
from entitlements.resolution import Step, outcome, segments
from entitlements.timelines import Standing, standing
from entitlements.windows import window_at
from entitlements.words import Telling
from plans import values
from plans.terms import FeatureTerms, Terms
from plans.values import Comparison, Value
from usage.counting import NOT_KNOWN, Usage

OVERRIDE_ENDED = "override_ended"


@dataclass(frozen=True, slots=True)
class Record:
    """Who made a fact known, why and when; None where the reader may not know."""

    recorded_at: datetime
    actor: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One feature of one owner at one instant: the standing, and every fact that had a part."""

    feature: FeatureTerms
    at: datetime
    standing: Standing
    decision: Decision
    steps: tuple[Step, ...]
    cause_of_change: str
    usage: Usage = NOT_KNOWN


def explain(
    feature: FeatureTerms, facts: Iterable[Fact], at: datetime, *, blocks: Iterable[str] = ()
) -> Explanation:
    """Explain one feature from all facts on its path.

    ``blocks`` are the names of those that are in effect for the whole owner. Where nothing is in
    effect, the last facts that ended are the steps: they changed nothing, but they are what the
    question is about.
    """
    known = [fact for fact in facts if fact.feature == feature.key]
    found = standing(segments(known, {feature.key: feature}, at), at)
    result = outcome(feature, [fact for fact in known if fact.is_in_effect(at)])
    steps = result.steps or tuple(_ended(known, at))
    cause = words.ENDED
    if found.changes_at is not None:
        cause = cause_of(feature, known, before=at, after=found.changes_at)
    return Explanation(feature, at, found, decide(found, Decimal(1), blocks=blocks), steps, cause)


def with_use(explanation: Explanation, usage: Usage, *, blocks: Iterable[str] = ()) -> Explanation:
    """Explain the same, with how much is used and held."""
    decision = decide(explanation.standing, Decimal(1), blocks=blocks, taken=usage.taken)
    return replace(explanation, decision=decision, usage=usage)


def cause_of(
    feature: FeatureTerms, facts: Sequence[Fact], *, before: datetime, after: datetime
) -> str:
    """Tell why a feature is at one instant what it was not at another before it: because of an
    override that has begun or ended, else by the cause of what counts now."""
    then, now = (
        outcome(feature, [fact for fact in facts if fact.is_in_effect(instant)])
        for instant in (before, after)
    )
    were, are = ({fact.source for fact in each.winners} for each in (then, now))
    if any(each.type == OVERRIDE for each in are - were):
        return overrides.CAUSE
    if any(each.type == OVERRIDE for each in were - are):
        return OVERRIDE_ENDED
    return now.winners[0].cause if now.winners else words.ENDED


def described(
    explanation: Explanation,
    *,
    telling: Telling,
    records: Mapping[Fact, Record],
    remedies: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Write an explanation as the API answers it; the caller adds the owner and ``known_at``."""
    feature, found = explanation.feature, explanation.standing
    value = found.current.value if found.current else None
    rule = found.current.window if found.current else None
    return {
        "feature": feature.key,
        "result": {
            "allowed": explanation.decision.allowed,
            "reason": explanation.decision.reason,
            "type": feature.type,
            "value": answers.shown(value),
            "unlimited": is_unlimited(value),
            "unit": feature.unit or None,
        },
        "in_words": words.in_words(
            feature, found, explanation.decision, explanation.steps, telling, explanation.usage
        ),
        "steps": [
            _step(each, explanation, records[each.fact], telling) for each in explanation.steps
        ],
        "window": answers.window(None if rule is None else window_at(rule, explanation.at)),
        "usage": _usage(value, explanation.usage),
        "blocked_by": list(explanation.decision.blocked_by),
        "next_change": _next_change(explanation),
        "remedies": list(remedies),
    }


def remedies(
    feature: FeatureTerms, value: Value | None, offers: Iterable[Terms], held: Iterable[str]
) -> list[dict[str, Any]]:
    """Name the plans that would give more, the lowest rank first; ``held`` are product keys.

    What a plan gives per unit is taken in the quantity that it is sold in without a word.
    """
    products = set(held)
    gives = [
        (terms, values.at_quantity(terms.features[feature.key].value, terms.quantity.default))
        for terms in offers
        if feature.key in terms.features
    ]
    better = [(terms, other) for terms, other in gives if _is_better(value, other)]
    return [
        {
            "code": _remedy(terms, products),
            "plan": terms.plan_key,
            "gives": answers.said(other),
        }
        for terms, other in sorted(
            better, key=lambda each: (each[0].product.key, each[0].rank, each[0].plan_key)
        )
    ]


def _ended(facts: Sequence[Fact], at: datetime) -> Iterable[Step]:
    past = [fact for fact in facts if fact.has_ended(at)]
    last = max((fact.ends_at for fact in past if fact.ends_at), default=None)
    for fact in past:
        if fact.ends_at == last:
            yield Step(fact.source.type, fact, None, None, words.ENDED, won=False)


def _usage(value: Value | None, usage: Usage) -> dict[str, Any] | None:
    if usage.used is None:
        return None
    return {
        "used": usage.used,
        "held": usage.held,
        "remaining": answers.remaining(value, usage),
    }


def _step(step: Step, explanation: Explanation, record: Record, telling: Telling) -> dict[str, Any]:
    fact = step.fact
    return {
        "step": step.step,
        "source": answers.source(fact.source),
        "from": fact.starts_at,
        "until": fact.ends_at,
        "value_in": answers.said(step.value_in),
        "value_out": answers.said(step.value_out),
        "rule": step.rule,
        "won": step.won,
        "because": words.because(step, explanation.steps, telling),
        "actor": record.actor,
        "reason": record.reason,
        "recorded_at": record.recorded_at,
    }


def _next_change(explanation: Explanation) -> dict[str, Any] | None:
    found = explanation.standing
    if found.changes_at is None:
        return None
    return {
        "at": found.changes_at,
        "from": answers.said(found.current.value if found.current else None),
        "to": answers.said(found.following.value if found.following else None),
        "cause": explanation.cause_of_change,
    }


def _is_better(value: Value | None, other: Value) -> bool:
    if value is None:
        return other is not False and amount_of(other) != 0
    return values.compare(value, other) == Comparison.MORE


def _remedy(terms: Terms, held: set[str]) -> str:
    if terms.contract or terms.externally_managed:
        return "contact_sales"
    return "upgrade" if terms.product.key in held else "subscribe"
