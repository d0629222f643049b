"""The check: may this be used now? One prepared statement, folded and decided in memory; one more
where use is counted in a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.errors import DomainError, Unprocessable
from core.principals import Principal
from entitlements import answers, catalog, reader
from entitlements.answers import Whose
from entitlements.blocks import Block
from entitlements.connections import EntitlementsUnavailable
from entitlements.queries import revisions
from entitlements.queries.usages import usage_of
from entitlements.reader import Asked, Path
from entitlements.tallies import tally_of
from entitlements.timelines import Standing, standing, track_from_json
from plans.terms import FeatureTerms, Scope
from usage.counting import Kind, Tally, Usage
from usage.queries import answered


class SubjectRequired(Unprocessable):
    """Each subject has this feature for itself; the question must name one."""

    code = "subject_required"


class FeatureOfCustomer(Unprocessable):
    """The customer has this feature, not its subjects: leave the subject out."""

    code = "feature_of_customer"


def check_owner(feature: FeatureTerms, subject_id: str | None) -> None:
    """Check that an owner is of the kind that has a feature.

    :raises SubjectRequired, FeatureOfCustomer: if it is not
    """
    if feature.scope == Scope.SUBJECT and subject_id is None:
        raise SubjectRequired("this feature belongs to subjects: name one")
    if feature.scope == Scope.CUSTOMER and subject_id is not None:
        raise FeatureOfCustomer("this feature belongs to the customer: name no subject")


def check(
    *, asked: Asked, feature: str, quantity: Decimal, at_least: str | None, principal: Principal
) -> dict[str, Any]:
    """Answer whether ``quantity`` more of a feature may be used now.

    :raises FeatureNotFound, CustomerNotFound, SubjectNotFound: also for what the caller may not see
    :raises OwnerRequired, MalformedRevisionToken, RevisionTokenOfAnother: 400
    :raises SubjectRequired: for a feature of subjects, asked of a customer
    :raises RevisionUnknown: if ``at_least`` is ahead of the database
    :raises RevisionUnavailable, EntitlementsUnavailable: if the database does not answer in time
    """
    floor = None if at_least is None else revisions.parse(at_least)
    terms = catalog.find(feature, principal)
    try:
        path = reader.read(asked, terms.key, seen_by=principal)
    except EntitlementsUnavailable:
        if floor is None:
            raise
        raise revisions.RevisionUnavailable("no answer that new could be read in time") from None
    if floor is not None:
        revisions.require_at_least(path, floor)
    held = hold(terms, path)
    [usage] = _usages([held])
    return held.answer(quantity, usage)


def check_many(
    questions: Sequence[tuple[Asked, str, Decimal]], principal: Principal
) -> list[dict[str, Any] | DomainError]:
    """Answer many questions, each for itself and in order, with one look into the database.

    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    results: dict[int, dict[str, Any] | DomainError] = {}
    known: dict[int, FeatureTerms] = {}
    features = catalog.look()
    for place, (_, feature, _) in enumerate(questions):
        try:
            known[place] = features.find(feature, principal)
        except DomainError as error:
            results[place] = error
    wanted = [(questions[place][0], terms.key) for place, terms in known.items()]
    paths = reader.read_many(wanted, seen_by=principal)
    held: dict[int, Held] = {}
    for (place, terms), path in zip(known.items(), paths, strict=True):
        try:
            if isinstance(path, DomainError):
                raise path
            held[place] = hold(terms, path)
        except DomainError as error:
            results[place] = error
    for (place, each), usage in zip(held.items(), _usages(list(held.values())), strict=True):
        results[place] = each.answer(questions[place][2], usage)
    return [results[place] for place in range(len(questions))]


@dataclass(frozen=True, slots=True)
class Held:
    """How a feature stands with an owner now, and what its use counts in. A ``level`` is read with
    the rest; what counts in a window is not."""

    feature: FeatureTerms
    whose: Whose
    standing: Standing
    blocks: tuple[Block, ...]
    tally: Tally | None
    level: Usage | None

    def answer(self, quantity: Decimal, usage: Usage) -> dict[str, Any]:
        """Answer a check."""
        return answers.check(self.feature, self.standing, self.whose, quantity, self.blocks, usage)


def hold(feature: FeatureTerms, path: Path) -> Held:
    """Read a path to one feature at the owner's now.

    :raises SubjectRequired: for a feature of subjects, asked of a customer
    """
    found = _standing(feature, path)
    tally = tally_of(
        feature, found, customer_id=path.customer_id, subject_id=path.subject_id, at=path.now
    )
    whose = Whose(path.customer_id, path.subject_id, path.now, path.revision.number)
    level = None
    if tally is not None and tally.kind == Kind.LEVEL:
        is_customers = feature.scope == Scope.CUSTOMER
        level = answered(path.customer_level if is_customers else path.subject_level, "0")
    return Held(feature, whose, found, blocks_of(feature, path), tally, level)


def _usages(held: Sequence[Held]) -> list[Usage]:
    """Return how much is used; where it is no level, in one more look at the database."""
    counted = usage_of([each.tally if each.level is None else None for each in held])
    return [each.level or found for each, found in zip(held, counted, strict=True)]


def blocks_of(feature: FeatureTerms, path: Path) -> tuple[Block, ...]:
    """Return the stored blocks of whoever has a feature, as a whole."""
    return path.customer_blocks if feature.scope == Scope.CUSTOMER else path.subject_blocks


def _standing(feature: FeatureTerms, path: Path) -> Standing:
    """:raises SubjectRequired: for a feature of subjects, asked of a customer"""
    if feature.scope == Scope.SUBJECT and path.subject_id is None:
        raise SubjectRequired("this feature belongs to subjects: name one")
    held = path.of_customer if feature.scope == Scope.CUSTOMER else path.of_subject
    return standing(track_from_json(feature, held or ()), path.now)
