"""Why somebody has what they have, as sentences for people. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from entitlements.decisions import Decision, Reason, amount_of, is_unlimited
from entitlements.facts import KEPT, OVERRIDE, Source
from entitlements.overrides import Mode
from entitlements.resolution import Segment, Step
from entitlements.timelines import Standing
from plans import values
from plans.terms import Effect, FeatureTerms
from plans.values import Combine, Comparison, NumberSet, Range, Value
from usage.counting import NOT_KNOWN, Usage

ENDED = "ended"  # the rule of a step that nothing is left of

_WON: Mapping[str, str] = {
    Combine.ANY: "one plan that includes it is enough",
    Combine.MAX: "the highest of what plans give counts",
    Combine.MIN: "the lowest of what plans give counts",
    Combine.SUM: "what plans give is added up",
    Combine.UNION: "what plans give is taken together",
    Combine.SINGLE: "the plan held the longest counts",
    "replace": "an add-on takes the place of what plans give",
    "add": "an add-on adds to what is there",
    "keep": "what was there before a downgrade is kept for a while",
}
_LOST: Mapping[str, str] = {
    Combine.ANY: "another plan decides",
    Combine.MAX: "another plan gives as much or more",
    Combine.MIN: "another plan gives as little or less",
    Combine.SINGLE: "only one plan can count, and another has been held longer",
    ENDED: "what it gave has ended",
    "replace": "another add-on counts",
    "keep": "there is as much without it",
    Mode.AT_LEAST: "there is as much without it",
    "paused": "it is paused",
    "blocked": "it is blocked",
}
_OUTDONE: Mapping[str, str] = {
    "replace": "an add-on takes its place",
    "keep": "more is kept from before a downgrade",
    Mode.AT_LEAST: "an override gives more",
    Mode.SET: "an override takes its place",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """What sentences need to know besides values: names, and where the reader's calendar is.

    ``plans`` and ``add_ons`` are names by the identifier of a version; ``versions`` are the numbers
    of plan versions. ``reasons`` are those of overrides, by identifier, as far as the reader may
    know them.
    """

    owner: str
    zone: str
    plans: Mapping[str, str]
    add_ons: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def name(self, source: Source) -> str:
        if source.type == OVERRIDE:
            return "an override"
        if source.add_on_version:
            return f"add-on {self.add_ons[source.add_on_version]}"
        return self.plans[source.plan_version]

    def day(self, at: datetime) -> str:
        local = at.astimezone(ZoneInfo(self.zone))
        return f"{local.day} {local:%B %Y}"


def in_words(
    feature: FeatureTerms,
    standing: Standing,
    decision: Decision,
    steps: Sequence[Step],
    telling: Telling,
    usage: Usage = NOT_KNOWN,
) -> str:
    """Tell what the owner has, what gives it, how much of it is used, whether it is blocked, and
    what changes next."""
    sentences = [f"{_opening(feature, standing, decision, telling)}: {_grounds(steps, telling)}."]
    sentences += [
        f"{_capital(_gives(step, telling))}{_until(step, telling)}, but {_lost(step)}."
        for step in steps
        if not step.won and standing.current is not None
    ]
    if usage.used is not None:
        sentences.append(_used(feature, standing, usage.used, usage.held))
    sentences.append(_barred(decision))
    if standing.changes_at is not None:
        sentences.append(_next(standing, telling.day(standing.changes_at), telling))
    return " ".join(sentences)


def because(step: Step, steps: Sequence[Step], telling: Telling) -> str:
    """Tell why one source decides the value, or does not."""
    if not step.won:
        return _lost(step)
    if step.fact.source.type == OVERRIDE:
        return f"{_gives(step, telling)}{_until(step, telling)}{_why(step, telling)}"
    reason = _WON[step.rule] if len(steps) > 1 else "nothing else gives it"
    kept = _kept(step.fact.source, telling)
    return f"{reason}; version {kept} gave more, and its limits are kept" if kept else reason


def _lost(step: Step) -> str:
    return _OUTDONE[step.outdone_by] if step.outdone_by else _LOST[step.rule]


def _used(feature: FeatureTerms, standing: Standing, used: Decimal, held: Decimal) -> str:
    number = amount_of(standing.current.value) if standing.current else None
    said = f"{amount(used, feature.unit)} used" + (f", {held:,f} reserved" if held else "")
    return f"{said}." if number is None else f"{said}, {max(number - used - held, 0):,f} left."


def _barred(decision: Decision) -> str:
    if decision.blocked_by:
        return f"Blocked by {', '.join(decision.blocked_by)}."
    return "Paused." if decision.reason == Reason.PAUSED else "Not blocked."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


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
    if decision.reason in (Reason.BLOCKED, Reason.PAUSED):
        return f"{telling.owner} may not use {feature.name} now"
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
            f"{_gives(step, telling)} since {telling.day(step.fact.starts_at)}"
            f"{_until(step, telling)}{_why(step, telling)}"
            for step in winners
        )
    ended = [
        f"{telling.name(step.fact.source)} gave it until {telling.day(step.fact.ends_at)}"
        for step in steps
        if step.fact.ends_at is not None
    ]
    return ", ".join(ended) or "nothing gives it"


def _until(step: Step, telling: Telling) -> str:
    """Say when an override ends; what else ends is told with what follows it."""
    if step.fact.source.type != OVERRIDE or step.fact.ends_at is None:
        return ""
    return f" until {telling.day(step.fact.ends_at)}"


def _why(step: Step, telling: Telling) -> str:
    reason = telling.reasons.get(step.fact.source.id, "").rstrip(". ")
    return f", because {reason}" if reason else ""


def _of_override(step: Step) -> str:
    value = step.fact.value
    if isinstance(value, bool):
        return "an override gives it" if value else "an override takes it away"
    match Mode(step.fact.source.mode):
        case Mode.AT_LEAST:
            return f"an override of at least {amount(value)}"
        case Mode.ADD:
            return f"an override that adds {amount(value)}"
        case _:
            return f"an override of {amount(value)}"


def _gives(step: Step, telling: Telling) -> str:
    if step.fact.source.type == OVERRIDE:
        return _of_override(step)
    name, value = telling.name(step.fact.source), step.fact.value
    if value is False:
        return f"{name} does not include it"
    verb = "adds" if step.fact.effect == Effect.ADD else "gives"
    if step.fact.source.type == KEPT:
        name, verb = f"what {name} gave before", "leaves"
    kept = _kept(step.fact.source, telling)
    since = f" (kept from version {kept})" if kept else ""
    return f"{name} {verb} {'it' if value is True else amount(value)}{since}"


def _kept(source: Source, telling: Telling) -> int | None:
    """Return the number of the version whose limits are kept."""
    return telling.versions[source.kept_from] if source.kept_from else None


def _next(standing: Standing, day: str, telling: Telling) -> str:
    before, after = standing.current, standing.following
    if after is None:
        return f"Ends on {day}."
    if before is None:
        return f"Begins on {day}, with {_names(after.sources, telling)}."
    return f"{_turn(before, after)} on {day}, {_occasion(before, after, telling)}."


def _occasion(before: Segment, after: Segment, telling: Telling) -> str:
    """Say what happens: an add-on begins or ends beside what stays, or something else follows."""
    ended = [each for each in before.sources if each not in after.sources]
    begun = [each for each in after.sources if each not in before.sources]
    if any(each.type == OVERRIDE for each in ended):
        return "when an override ends"
    if any(each.type == OVERRIDE for each in begun):
        return "when an override begins"
    if after.sources and not begun and ended:
        return f"when {_names(ended, telling)} ends"
    if begun and not ended:
        return f"when {_names(begun, telling)} begins"
    return f"when {_names(after.sources, telling)} follows"


def _names(sources: Iterable[Source], telling: Telling) -> str:
    return ", ".join(telling.name(each) for each in sources)


def _turn(before: Segment, after: Segment) -> str:
    """Say what one value becomes when another follows it."""
    if (before.paused, before.blocked_by) != (after.paused, after.blocked_by):
        return "Access changes"
    compared = values.compare(before.value, after.value)
    if compared == Comparison.SAME:
        return "Stays the same"
    if isinstance(after.value, bool):
        return "Begins" if after.value else "Ends"
    if amount(before.value) == amount(after.value):  # other rules, or other settings
        return "Changes"
    verb = {Comparison.MORE: "Rises", Comparison.LESS: "Falls"}.get(compared, "Changes")
    return f"{verb} to {amount(after.value)}"


def _plural(unit: str, number: Decimal) -> str:
    is_word = unit.isalpha() and unit.islower() and not unit.endswith("s")
    return f"{unit}s" if is_word and number != 1 else unit
