"""Use of what is given: units consumed and given back, and levels that were reported.

Whether it may be used is decided as a check decides. How much there is of it is decided again where
it is written, by ``usage``, in one statement: so of two who ask for the last unit one gets it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.errors import DomainError, Unprocessable
from core.principals import Principal
from entitlements import answers, blocks, catalog, reader
from entitlements.decisions import Decision, Reason, amount_of, decide, most_of
from entitlements.queries.checks import Held, hold
from entitlements.queries.usages import usage_of
from entitlements.reader import Asked
from plans.terms import FeatureTerms, FedBy
from plans.values import FeatureType, Metered
from usage import services as usage
from usage.counting import NOT_KNOWN, Kind, Owner, Tally
from usage.services import LevelReport, Outcome, Result, Use

# Clocks differ; what claims to have been seen later than this has a wrong one.
TOLERANCE = timedelta(minutes=5)


class NotConsumable(Unprocessable):
    """Only limits, and metered features that are fed by consume, are counted here."""

    code = "not_consumable"


class NotALimit(Unprocessable):
    """Only of a limit there is a level: it says how many there are."""

    code = "not_a_limit"


class ObservedInTheFuture(Unprocessable):
    """The level was observed more than five minutes after the customer's now."""

    code = "observed_in_the_future"


@dataclass(frozen=True, slots=True)
class Consumption:
    """So much of a feature, of one owner, by an identifier that the caller gives each use."""

    id: str
    asked: Asked
    feature: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class LevelSeen:
    """So many there were; ``observed_at`` None: now."""

    asked: Asked
    feature: str
    level: Decimal
    observed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LevelTaken:
    """Which owner's level it was, how many are known of now, and whether the report counted."""

    feature: str
    owner: Owner
    used: Decimal | None
    is_taken: bool


def consume(consumption: Consumption, principal: Principal) -> dict[str, Any]:
    """Use units if that is allowed, and answer as a check does; a denial records nothing.

    :raises FeatureNotFound, CustomerNotFound, SubjectNotFound: also for what the caller may not see
    :raises OwnerRequired, SubjectRequired: if the owner is not named, or not of the right kind
    :raises NotConsumable: for a feature that is not counted by consuming it
    :raises UsageIdReused: if the identifier was used for something else
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    held = held_for(consumption, principal)
    value = held.standing.current.value if held.standing.current else None
    names = blocks.names(held.blocks, held.whose.at)
    decision = decide(held.standing, consumption.quantity, blocks=names)
    if held.tally is None or value is None:  # nothing is given, so nothing can be counted
        return answer(consumption.id, held, decision, Outcome(Result.DENIED, NOT_KNOWN))
    use = use_of(consumption, held, held.tally, principal, most_of(value))
    outcome = usage.consume(use) if decision.allowed else usage.look(use)
    return answer(consumption.id, held, decided(held, decision, outcome), outcome)


def release(consumption: Consumption, principal: Principal) -> dict[str, Any]:
    """Give units of a limit back, and answer as a check does. That is always allowed.

    :raises FeatureNotFound, CustomerNotFound, SubjectNotFound: also for what the caller may not see
    :raises OwnerRequired, SubjectRequired: if the owner is not named, or not of the right kind
    :raises NotALimit: for any other feature
    :raises LevelBelowZero: if there are not so many to give back
    :raises UsageIdReused: if the identifier was used for something else
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    held = held_for(consumption, principal)
    if held.tally is None or held.tally.kind != Kind.LEVEL:
        raise NotALimit("only of a limit units can be given back")
    use = use_of(consumption, held, held.tally, principal, None, is_given_back=True)
    outcome = usage.release(use)
    names = blocks.names(held.blocks, held.whose.at)
    decision = decide(held.standing, Decimal(0), blocks=names, taken=outcome.usage.taken)
    return answer(consumption.id, held, decision, outcome)


def report_levels(
    reports: Sequence[LevelSeen], principal: Principal
) -> list[LevelTaken | DomainError]:
    """Take levels as they were observed, each for itself and in order.

    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    results: dict[int, LevelTaken | DomainError] = {}
    known: dict[int, FeatureTerms] = {}
    features = catalog.look()
    for place, seen in enumerate(reports):
        try:
            known[place] = _limit(features.find(seen.feature, principal))
        except DomainError as error:
            results[place] = error
    asked = [(reports[place].asked, terms.key) for place, terms in known.items()]
    paths = reader.read_many(asked, seen_by=principal)
    accepted: dict[int, LevelReport] = {}
    for (place, terms), path in zip(known.items(), paths, strict=True):
        try:
            if isinstance(path, DomainError):
                raise path
            accepted[place] = _report(reports[place], terms, path)
        except DomainError as error:
            results[place] = error
    return [each for _, each in sorted({**results, **_taken(accepted)}.items())]


def held_for(consumption: Consumption, principal: Principal) -> Held:
    """Read how a feature that is consumed stands with its owner, as ``consume`` raises."""
    feature = catalog.find(consumption.feature, principal)
    if feature.type not in (FeatureType.LIMIT, FeatureType.METERED):
        raise NotConsumable(f"{feature.key} is not counted")
    if feature.type == FeatureType.METERED and feature.fed_by != FedBy.CONSUME:
        raise NotConsumable(f"use of {feature.key} is reported as events")
    return hold(feature, reader.read(consumption.asked, feature.key, seen_by=principal))


def use_of(
    consumption: Consumption,
    held: Held,
    tally: Tally,
    principal: Principal,
    most: Decimal | None,
    *,
    is_given_back: bool = False,
) -> Use:
    """Say what is to be recorded."""
    current = held.standing.current
    quantity = consumption.quantity  # arithmetic with it would round to 28 digits
    return Use(
        tally=tally,
        feature=held.feature.key,
        quantity=quantity.copy_negate() if is_given_back else quantity,
        at=held.whose.at,
        source=principal.actor,
        id=consumption.id,
        most=most,
        value=None if is_given_back else amount_of(current.value if current else None),
    )


def decided(held: Held, decision: Decision, outcome: Outcome) -> Decision:
    """Say why, after it was written, or was not, or had been before."""
    if outcome.result == Result.DENIED:
        if not decision.allowed:
            return decision
        return Decision(False, Reason.LIMIT_REACHED, decision.blocked_by)
    value = held.standing.current.value if held.standing.current else None
    amount = amount_of(value)
    is_over = (
        isinstance(value, Metered) and amount is not None and (outcome.usage.taken or 0) > amount
    )
    return Decision(True, Reason.OVERAGE if is_over else Reason.WITHIN_LIMIT, decision.blocked_by)


def answer(id: str, held: Held, decision: Decision, outcome: Outcome) -> dict[str, Any]:
    """Answer as a check does, and say what became of it."""
    check = answers.decided(
        held.feature, held.standing, held.whose, decision, held.blocks, outcome.usage
    )
    return {"id": id, "result": outcome.result, **check}


def _limit(feature: FeatureTerms) -> FeatureTerms:
    if feature.type != FeatureType.LIMIT:
        raise NotALimit(f"{feature.key} is no limit, so there is no level of it")
    return feature


def _report(seen: LevelSeen, feature: FeatureTerms, path: reader.Path) -> LevelReport:
    tally = hold(feature, path).tally
    assert tally is not None  # noqa: S101 - every limit has one
    observed_at = seen.observed_at or path.now
    if observed_at > path.now + TOLERANCE:
        raise ObservedInTheFuture("that is more than five minutes after the customer's now")
    return LevelReport(tally.owner, feature.key, seen.level, observed_at)


def _taken(accepted: Mapping[int, LevelReport]) -> dict[int, LevelTaken]:
    reports = list(accepted.values())
    counted = usage.report_levels(reports) if reports else []
    sums = usage_of(
        [Tally(each.owner, Kind.LEVEL, each.feature, each.observed_at) for each in reports]
    )
    return {
        place: LevelTaken(each.feature, each.owner, known.used, is_taken)
        for (place, each), known, is_taken in zip(accepted.items(), sums, counted, strict=True)
    }
