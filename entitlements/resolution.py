"""What an owner may use at an instant, and why: from facts to values. Pure.

``resolve`` is the one place where values are decided. A check, a list, an explanation and a stored
timeline are all views of it, so they cannot disagree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from entitlements import overrides
from entitlements.facts import ADD_ON, KEPT, OVERRIDE, PLAN, Fact, Source, in_order
from entitlements.overrides import Mode
from entitlements.windows import WindowRule
from plans import values
from plans.terms import Effect, FeatureTerms
from plans.values import COMBINES, Combine, Comparison, FeatureType, Value


@dataclass(frozen=True, slots=True)
class Step:
    """What one fact did to the value of one feature.

    Each step begins with the value that the one before left; the last one's ``value_out`` is the
    result. ``won`` tells whether the result still shows what the fact gives; ``outdone_by`` is the
    later step because of which it does not.
    """

    step: str
    fact: Fact
    value_in: Value | None
    value_out: Value | None
    rule: str
    won: bool
    outdone_by: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One feature's value, None where nothing gives one, and the steps that led to it.

    ``held_in`` is the window that an override found, and leaves as it is.
    """

    value: Value | None
    steps: tuple[Step, ...]
    held_in: WindowRule | None = None

    @property
    def winners(self) -> tuple[Fact, ...]:
        return tuple(step.fact for step in self.steps if step.won)

    @property
    def window(self) -> WindowRule | None:
        """The window of the value: that of the first fact that won, unless an override won in the
        window of what it was put on."""
        if self.held_in is not None:
            return self.held_in
        return self.winners[0].window if self.steps else None

    @property
    def paused(self) -> bool:
        """Whether all that gives the value is withheld, some of it because it is paused."""
        return any(fact.paused for fact in self.winners)

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """The blocks that withhold all that gives the value."""
        return tuple(sorted({name for fact in self.winners for name in fact.blocked_by}))


@dataclass(frozen=True, slots=True)
class Resolution:
    """All features that have a value at ``at``."""

    at: datetime
    outcomes: Mapping[str, Outcome]

    def value(self, feature: str) -> Value | None:
        outcome = self.outcomes.get(feature)
        return None if outcome is None else outcome.value


@dataclass(frozen=True, slots=True)
class Segment:
    """One feature's value from one instant to another, half open, and the sources that give it.

    ``paused`` and ``blocked_by`` say why access is denied though the value is there.
    """

    feature: str
    starts_at: datetime
    ends_at: datetime | None
    value: Value
    sources: tuple[Source, ...]
    window: WindowRule | None
    paused: bool = False
    blocked_by: tuple[str, ...] = ()

    def is_in_effect(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


class ResolutionStep(Protocol):
    """One stage of the order: takes what the stages before left, adds its own steps."""

    def __call__(
        self, feature: FeatureTerms, facts: Sequence[Fact], before: Outcome
    ) -> Outcome: ...


def base_plans(feature: FeatureTerms, facts: Sequence[Fact], before: Outcome) -> Outcome:
    """Combine what plans give, as the feature says: any, max, min, sum or union.

    Where there can be only a ``single`` value, the first in order keeps it.
    """
    given = [fact for fact in facts if fact.source.type == PLAN]
    return _combining(feature, given, before)


def replacing_add_ons(feature: FeatureTerms, facts: Sequence[Fact], before: Outcome) -> Outcome:
    """Put what add-ons replace in the place of what plans give; several combine as plans do."""
    given = [fact for fact in facts if fact.effect == Effect.REPLACE]
    if not given:
        return before
    combined = _combining(feature, given, Outcome(None, ()))
    first, *rest = (replace(step, rule="replace") for step in combined.steps)
    steps = (replace(first, value_in=before.value), *rest)
    return Outcome(combined.value, (*_outdone(before.steps, "replace"), *steps))


def adding_add_ons(feature: FeatureTerms, facts: Sequence[Fact], before: Outcome) -> Outcome:
    """Add what add-ons add: amounts are summed, sets and ranges united, one true is enough."""
    value, steps = before.value, list(before.steps)
    for fact in facts:
        if fact.source.type == ADD_ON and fact.effect == Effect.ADD:
            after = fact.value if value is None else _added(feature, value, fact.value)
            steps.append(Step(ADD_ON, fact, value, after, "add", won=True))
            value = after
    return Outcome(value, tuple(steps))


def overridden(feature: FeatureTerms, facts: Sequence[Fact], before: Outcome) -> Outcome:
    """Let an override raise the value, take its place, or add to it. It needs no other value."""
    result = before
    for fact in facts:
        if fact.source.type == OVERRIDE:
            result = _OVERRIDING[Mode(fact.source.mode)](feature, fact, result)
    return result


def kept(feature: FeatureTerms, facts: Sequence[Fact], before: Outcome) -> Outcome:
    """Let what a downgrade left for a while count as long as it is more."""
    result = before
    for fact in facts:
        if fact.source.type == KEPT:
            value, steps = result.value, result.steps
            is_more = value is None or values.compare(value, fact.value) == Comparison.MORE
            after = fact.value if is_more else value
            step = Step(KEPT, fact, value, after, "keep", won=is_more)
            others = _outdone(steps, "keep") if is_more else steps
            result = Outcome(after, (*others, step), None if is_more else result.held_in)
    return result


# The order of rules: each stage sees the result of those before it.
STEPS: tuple[ResolutionStep, ...] = (
    base_plans, replacing_add_ons, adding_add_ons, overridden, kept,
)  # fmt: skip


def resolve(
    facts: Iterable[Fact], features: Mapping[str, FeatureTerms], at: datetime
) -> Resolution:
    """Resolve one owner's facts at an instant. The order in which facts are given does not matter.

    Facts of features that are not in ``features`` are left out.
    """
    in_effect: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.feature in features and fact.is_in_effect(at):
            in_effect.setdefault(fact.feature, []).append(fact)
    return Resolution(
        at, {key: outcome(features[key], in_effect[key]) for key in sorted(in_effect)}
    )


def outcome(feature: FeatureTerms, facts: Iterable[Fact]) -> Outcome:
    """Take one feature's facts that are in effect through all steps.

    Withheld facts count only if there are no others. Beside others they change nothing, and are
    listed last.
    """
    ordered = in_order(facts)
    giving = [fact for fact in ordered if not fact.is_withheld]
    result = Outcome(None, ())
    for step in STEPS:
        result = step(feature, giving or ordered, result)
    idle = [fact for fact in ordered if fact.is_withheld] if giving else []
    return replace(result, steps=(*result.steps, *(_idle(fact, result.value) for fact in idle)))


def segments(
    facts: Iterable[Fact], features: Mapping[str, FeatureTerms], from_: datetime
) -> tuple[Segment, ...]:
    """Return when which value holds, by feature and time, from an instant on.

    A segment that is in effect at ``from_`` is given whole, with its true beginning. Of a feature
    without one, the last that ended before stays: it tells "expired" from "never had". Neighbours
    that say the same are one segment, however the facts were cut.
    """
    of_feature: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.feature in features:
            of_feature.setdefault(fact.feature, []).append(fact)
    found: list[Segment] = []
    for key in sorted(of_feature):
        found += _track(features[key], of_feature[key])
    return clipped(found, from_)


def clipped(found: Iterable[Segment], from_: datetime) -> tuple[Segment, ...]:
    """Leave out what is past at an instant, but for the last of a feature that has none now."""
    kept: list[Segment] = []
    for segment in found:
        last = kept[-1] if kept else None
        if last is not None and last.feature == segment.feature and segment.starts_at <= from_:
            kept[-1] = segment
        else:
            kept.append(segment)
    return tuple(kept)


def _track(feature: FeatureTerms, facts: Sequence[Fact]) -> list[Segment]:
    instants = {fact.starts_at for fact in facts}
    instants |= {fact.ends_at for fact in facts if fact.ends_at is not None}
    boundaries = sorted(instants)
    track: list[Segment] = []
    for place, start in enumerate(boundaries):
        in_effect = [fact for fact in facts if fact.is_in_effect(start)]
        result = outcome(feature, in_effect)
        if result.value is not None:
            end = boundaries[place + 1] if place + 1 < len(boundaries) else None
            sources = tuple(dict.fromkeys(fact.source for fact in result.winners))
            following = Segment(
                feature=feature.key,
                starts_at=start,
                ends_at=end,
                value=result.value,
                sources=sources,
                window=result.window,
                paused=result.paused,
                blocked_by=result.blocked_by,
            )
            _extend(track, following)
    return track


def _extend(track: list[Segment], following: Segment) -> None:
    """Add a segment, or make the last one longer if they say the same."""
    if track and track[-1].ends_at == following.starts_at:
        longer = replace(track[-1], ends_at=following.ends_at)
        if longer == replace(following, starts_at=longer.starts_at):
            track[-1] = longer
            return
    track.append(following)


def _combining(feature: FeatureTerms, facts: Sequence[Fact], before: Outcome) -> Outcome:
    value, steps = before.value, list(before.steps)
    for fact in facts:
        after = _combined(feature, value, fact.value)
        steps.append(Step(fact.source.type, fact, value, after, feature.combine, won=False))
        value = after
    return Outcome(value, tuple(_with_winners(feature, value, steps)))


def _combined(feature: FeatureTerms, value: Value | None, other: Value) -> Value:
    if value is None:
        return other
    if feature.combine == Combine.SINGLE:
        return value
    return values.combine(feature.type, feature.combine, [value, other])


def _added(feature: FeatureTerms, value: Value, more: Value) -> Value:
    """:raises ValueError: for a type that can only be replaced; the catalog refuses those"""
    ways = COMBINES[FeatureType(feature.type)]
    return values.combine(
        feature.type, Combine.SUM if Combine.SUM in ways else ways[0], [value, more]
    )


def _at_least(feature: FeatureTerms, fact: Fact, before: Outcome) -> Outcome:
    """What an override unites with what is there shows both; else the higher one alone."""
    if before.value is None:
        return _put(fact, before, overrides.alone(fact.value), Mode.AT_LEAST)
    value = overrides.raised(feature, before.value, fact.value)
    if value == before.value:
        step = Step(OVERRIDE, fact, value, value, Mode.AT_LEAST, won=False)
        return replace(before, steps=(*before.steps, step))
    if feature.combine == Combine.UNION:
        return _put(fact, before, value, Mode.AT_LEAST)
    others = _outdone(before.steps, Mode.AT_LEAST)
    return _put(fact, Outcome(before.value, (*others,), before.window), value, Mode.AT_LEAST)


def _set(_feature: FeatureTerms, fact: Fact, before: Outcome) -> Outcome:
    if before.value is None:
        return _put(fact, before, overrides.alone(fact.value), Mode.SET)
    held_in = before.window if overrides.resets_as_below(fact.value) else None
    others = Outcome(before.value, (*_outdone(before.steps, Mode.SET),), held_in)
    return _put(fact, others, overrides.on(fact.value, before.value), Mode.SET)


def _add(feature: FeatureTerms, fact: Fact, before: Outcome) -> Outcome:
    if before.value is None:
        return _put(fact, before, overrides.alone(fact.value), Mode.ADD)
    return _put(fact, before, _added(feature, before.value, fact.value), Mode.ADD)


def _put(fact: Fact, before: Outcome, value: Value, mode: Mode) -> Outcome:
    step = Step(OVERRIDE, fact, before.value, value, mode, won=True)
    return replace(before, value=value, steps=(*before.steps, step))


_OVERRIDING: Mapping[Mode, Callable[[FeatureTerms, Fact, Outcome], Outcome]] = {
    Mode.AT_LEAST: _at_least,
    Mode.SET: _set,
    Mode.ADD: _add,
}


def _idle(fact: Fact, value: Value | None) -> Step:
    rule = "blocked" if fact.blocked_by else "paused"
    return Step(fact.source.type, fact, value, value, rule, won=False)


def _outdone(steps: Iterable[Step], by: str) -> Iterable[Step]:
    return [replace(step, won=False, outdone_by=by) if step.won else step for step in steps]


def _with_winners(
    feature: FeatureTerms, result: Value | None, steps: Sequence[Step]
) -> Iterable[Step]:
    """Mark what the result shows: all parts of a sum or union, else the first of equals."""
    together = feature.combine in (Combine.SUM, Combine.UNION)
    decided = False
    for step in steps:
        won = together or (not decided and step.fact.value == result)
        decided = decided or won
        yield replace(step, won=won)
