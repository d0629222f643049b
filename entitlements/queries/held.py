"""What an owner holds, at any instant, and why. The past is told as it is known now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core import clock
from core.principals import Principal
from customers.models import Customer, Subject
from entitlements import answers, blocks, catalog, explaining, models, rows
from entitlements.blocks import Block
from entitlements.explaining import Explanation, Record
from entitlements.facts import OVERRIDE, Fact
from entitlements.queries.checks import SubjectRequired, blocks_of
from entitlements.queries.paths import path_of
from entitlements.queries.usages import usage_of
from entitlements.reader import Asked, Path
from entitlements.resolution import Segment, segments
from entitlements.tallies import tally_of
from entitlements.timelines import Standing, from_json, standing
from entitlements.words import Telling
from plans import queries as plans
from plans.models import Plan
from plans.terms import FeatureTerms, Scope
from subscriptions import queries as subscriptions
from subscriptions.blocks import Effect
from usage.counting import NOT_KNOWN, Usage


def entitlements(*, asked: Asked, at: datetime | None, principal: Principal) -> dict[str, Any]:
    """List what an owner has, had last or will have of each feature, now or ``at`` an instant.

    The future assumes that renewals succeed. A subject's own features or, without a subject, the
    customer's own. Now is read from the same timelines as a check; only now is use known.

    :raises CustomerNotFound, SubjectNotFound: also for what the caller may not see
    """
    path = path_of(asked, principal)
    features = catalog.look().by_key
    instant = at or path.now
    tracks = _tracks(path, features, at)
    blocked = _blocks(path) if at else None
    seen = [key for key in sorted(tracks) if catalog.is_visible(features[key], principal)]
    stands = {key: standing(tracks[key], instant) for key in seen}
    sums = _usages([(features[key], stands[key]) for key in seen], path, at)
    return {
        "customer": path.customer_id,
        "subject": path.subject_id,
        "at": instant,
        "projected": instant > path.now,
        "revision": path.revision.number,
        "data": [
            answers.entitlement(
                features[key],
                stands[key],
                instant,
                blocks_of(features[key], path) if blocked is None else blocked,
                usage,
            )
            for key, usage in zip(seen, sums, strict=True)
        ],
    }


def explain(
    *, asked: Asked, feature: str, at: datetime | None, principal: Principal
) -> dict[str, Any]:
    """Explain what an owner has of a feature, in steps and in words, now or ``at`` an instant.

    Who acted, and the reason given, is for callers that are not limited to one customer. Only of
    now is use known.

    :raises FeatureNotFound, CustomerNotFound, SubjectNotFound: also for what the caller may not see
    :raises SubjectRequired: for a feature of subjects, asked of a customer
    """
    terms = catalog.find(feature, principal)
    path = path_of(asked, principal)
    if terms.scope == Scope.SUBJECT and path.subject_id is None:
        raise SubjectRequired("this feature belongs to subjects: name one")
    subject_id = path.subject_id if terms.scope == Scope.SUBJECT else None
    instant = at or path.now
    records = _records(path.customer_id, subject_id, terms, principal)
    owner = replace(path, subject_id=subject_id)
    names = blocks.names(_blocks(owner), instant)
    explanation = explaining.explain(terms, records, instant, blocks=names)
    [usage] = _usages([(terms, explanation.standing)], path, at)
    explanation = explaining.with_use(explanation, usage, blocks=names)
    customer = Customer.objects.get(pk=path.customer_id)
    return {
        "owner": subject_id or path.customer_id,
        "customer": path.customer_id,
        "subject": path.subject_id,
        "at": instant,
        "projected": instant > path.now,
        "known_at": clock.whole_second(clock.system_now()),
        "revision": path.revision.number,
        **explaining.described(
            explanation,
            telling=_telling(customer, subject_id, records),
            records=records,
            remedies=_remedies(explanation, customer.id, path.now),
        ),
    }


def _tracks(
    path: Path, features: Mapping[str, FeatureTerms], at: datetime | None
) -> Mapping[str, Sequence[Segment]]:
    """Return what the owner holds by feature: as stored, or from the facts."""
    stored = path.of_customer if path.subject_id is None else path.of_subject
    found: Sequence[Segment] = ()
    if at is not None:
        known = [rows.fact_of(row, features) for row in _rows(path.customer_id, path.subject_id)]
        found = segments(known, features, at)
    elif stored:
        found = from_json(stored, features)
    tracks: dict[str, list[Segment]] = {}
    for segment in found:
        tracks.setdefault(segment.feature, []).append(segment)
    return tracks


def _usages(
    wanted: Sequence[tuple[FeatureTerms, Standing]], path: Path, at: datetime | None
) -> list[Usage]:
    """Return how much is used of each feature, if the question is about now."""
    if at is not None:
        return [NOT_KNOWN] * len(wanted)
    return usage_of(
        [
            tally_of(
                feature,
                found,
                customer_id=path.customer_id,
                subject_id=path.subject_id,
                at=path.now,
            )
            for feature, found in wanted
        ]
    )


def _blocks(path: Path) -> tuple[Block, ...]:
    """Return the blocks that an owner has as a whole, of all times; its customer's too."""
    held = blocks.of_owners(subscriptions.blocks([path.customer_id], Effect.ACCESS))
    owners = {path.customer_id, path.subject_id or path.customer_id}
    return tuple(block for owner in sorted(owners) for block in held.get(owner, ()))


def _rows(customer_id: str, subject_id: str | None) -> QuerySet[models.Fact]:
    known = models.Fact.objects.known().filter(customer_id=customer_id, subject_id=subject_id)
    return known.order_by("id")


def _records(
    customer_id: str, subject_id: str | None, feature: FeatureTerms, principal: Principal
) -> dict[Fact, Record]:
    """Return who made facts known; of an override, who made it, whoever has ended it since."""
    is_public = principal.customer_id is not None
    known = _rows(customer_id, subject_id).filter(feature=feature.key)
    made = models.Override.objects.in_bulk(
        [row.source_id for row in known if row.source_type == OVERRIDE]
    )
    found = {}
    for row in known:
        by = made.get(row.source_id)
        actor, at = (by.created_by, by.recorded_at) if by else (row.actor, row.recorded_at)
        reason = by.reason if by else row.reason or None
        found[rows.fact_of(row, {feature.key: feature})] = Record(
            recorded_at=at,
            actor=None if is_public else actor,
            reason=None if is_public else reason,
        )
    return found


def _telling(customer: Customer, subject_id: str | None, records: Mapping[Fact, Record]) -> Telling:
    sources = {fact.source for fact in records}
    owner = f"Customer {customer.key or customer.id}"
    if subject_id is not None:
        subject = Subject.objects.get(pk=subject_id)
        owner = f"{subject.kind.capitalize()} {subject.key or subject.id}"
    versions = plans.terms_of(
        {each for source in sources for each in (source.plan_version, source.kept_from) if each}
    )
    add_ons = plans.add_on_terms_of({each.add_on_version for each in sources} - {""})
    return Telling(
        owner=owner,
        zone=customer.zone,
        plans={version_id: terms.plan_name for version_id, terms in versions.items()},
        add_ons={version_id: terms.add_on_name for version_id, terms in add_ons.items()},
        versions={version_id: terms.version for version_id, terms in versions.items()},
        reasons={
            fact.source.id: record.reason
            for fact, record in records.items()
            if fact.source.type == OVERRIDE and record.reason
        },
    )


def _remedies(explanation: Explanation, customer_id: str, now: datetime) -> list[dict[str, Any]]:
    """Look for plans that are sold now and give more than what the owner has."""
    feature, current = explanation.feature, explanation.standing.current
    sold = Plan.objects.current().filter(product__features=feature.id, product__archived_at=None)
    plan_ids = list(sold.values_list("id", flat=True))
    versions = plans.effective_versions(plan_ids, at=now, customer_id=customer_id)
    offers = plans.terms_of(versions.values()).values()
    held = {source.product for source in current.sources} if current else set()
    return explaining.remedies(feature, current.value if current else None, offers, held)
