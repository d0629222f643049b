"""What owners may use and why, in words, for many owners in a fixed number of queries."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import F, Q

from customers.models import Customer, Subject
from entitlements import explaining, models, rows, words
from entitlements.facts import Fact, Source
from entitlements.words import Telling
from plans import queries as catalog
from plans.terms import FeatureTerms, Scope
from plans.values import Value

MOST_FACTS = 1000


@dataclass(frozen=True, slots=True)
class Holding:
    """One feature of one owner now. ``value`` is "none" where nothing gives it any more."""

    feature: FeatureTerms
    value: str
    allowed: bool
    reason: str
    in_words: str
    changes_at: datetime | None


def of_owners(
    customer: Customer, subjects: Sequence[Subject], *, at: datetime, itself: bool
) -> tuple[Mapping[str | None, Sequence[Holding]], bool]:
    """Return what subjects and the customer ``itself`` hold at an instant, by subject's id, and
    whether more facts are known than were read.

    What is in effect and what is to come is read before what has ended, the latest end first.
    """
    found = list(
        models.Fact.objects.known()
        .filter(Q(subject=None) | Q(subject__in=subjects), customer=customer)
        .order_by(F("ends_at").desc(nulls_first=True), "id")[: MOST_FACTS + 1]
    )
    features = catalog.features()
    facts = [rows.fact_of(row, features) for row in found[:MOST_FACTS]]
    telling = _telling(customer, {fact.source for fact in facts})
    owners: list[Subject | None] = [None, *subjects] if itself else list(subjects)
    holdings = {
        owner.id if owner else None: _of_owner(owner, facts, features, telling, at)
        for owner in owners
    }
    return holdings, len(found) > MOST_FACTS


def _of_owner(
    subject: Subject | None,
    facts: Iterable[Fact],
    features: Mapping[str, FeatureTerms],
    telling: Telling,
    at: datetime,
) -> list[Holding]:
    """A subject's features may come from the subject's own plans or from its customer's."""
    scope = Scope.CUSTOMER if subject is None else Scope.SUBJECT
    on_path = {None, subject.id if subject else None}
    known: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.subject_id in on_path and features[fact.feature].scope == scope:
            known.setdefault(fact.feature, []).append(fact)
    if subject is not None:
        owner = f"{subject.kind.capitalize()} {subject.key or subject.id}"
        telling = replace(telling, owner=owner)
    return [_holding(features[key], known[key], telling, at) for key in sorted(known)]


def _holding(
    feature: FeatureTerms, facts: Sequence[Fact], telling: Telling, at: datetime
) -> Holding:
    found = explaining.explain(feature, facts, at)
    current = found.standing.current
    return Holding(
        feature=feature,
        value=_said(current.value, feature.unit) if current else "none",
        allowed=found.decision.allowed,
        reason=str(found.decision.reason).replace("_", " "),
        in_words=words.in_words(feature, found.standing, found.decision, found.steps, telling),
        changes_at=found.standing.changes_at,
    )


def _said(value: Value, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return words.amount(value, unit)


def _telling(customer: Customer, sources: Collection[Source]) -> Telling:
    """Return what sentences about the customer itself need to know."""
    versions = catalog.terms_of(
        {each for source in sources for each in (source.plan_version, source.kept_from) if each}
    )
    add_ons = catalog.add_on_terms_of({each.add_on_version for each in sources} - {""})
    return Telling(
        owner=f"Customer {customer.key or customer.id}",
        zone=customer.zone,
        plans={version_id: terms.plan_name for version_id, terms in versions.items()},
        add_ons={version_id: terms.add_on_name for version_id, terms in add_ons.items()},
        versions={version_id: terms.version for version_id, terms in versions.items()},
    )
