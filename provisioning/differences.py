"""Where targets differ from what their owners may use: reads only.

Planning writes what is found here, and ``check_invariants`` finds nothing after it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.models import Subject
from customers.queries import held
from entitlements import queries as timelines
from entitlements.timelines import Timeline
from plans import queries as catalog
from plans.terms import FeatureTerms
from provisioning import documents
from provisioning.documents import Desired, Owner
from provisioning.models import ServiceConfiguration, Target

Owned = tuple[str, str | None]  # customer and subject; without a subject: the customer itself


@dataclass(frozen=True, slots=True)
class Look:
    """One owner to look at, and the instant of the owner's time to look at it for."""

    owner: Owner
    at: datetime
    on_clock: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A document that a service should have and that its target, if any, does not hold."""

    look: Look
    service: ServiceConfiguration
    target: Target | None
    desired: Desired


def looks(at: Mapping[Owned, datetime]) -> list[Look]:
    """Return how owners are to be looked at, each at its instant."""
    customers = held({customer_id for customer_id, _ in at})
    ended = _ended({subject_id for _, subject_id in at if subject_id})
    found = []
    for (customer_id, subject_id), instant in at.items():
        customer = customers[customer_id]
        gone = subject_id in ended if subject_id else customer.closed_at is not None
        found.append(Look(Owner(customer_id, subject_id, gone), instant, customer.is_on_clock))
    return found


def differences(
    looked_at: Sequence[Look],
    services: Sequence[ServiceConfiguration],
    targets: Collection[Target],
) -> Iterator[Difference]:
    """Compare owners with their targets at some services; ``targets`` are all of theirs there.

    Services must have their catalog row selected. The number of queries does not depend on how
    many owners there are.
    """
    held = timelines.timelines(sorted(look.owner.id for look in looked_at))
    features = _by_service(catalog.features())
    known = {(row.service_id, row.owner.id): row for row in targets}
    for look in looked_at:
        for service in services:
            target = known.get((service.service_id, look.owner.id))
            desired = _wanted(
                look,
                service,
                target,
                held.get(look.owner.id),
                features.get(service.service.key, {}),
            )
            if desired is not None:
                yield Difference(look, service, target, desired)


def _wanted(
    look: Look,
    service: ServiceConfiguration,
    target: Target | None,
    timeline: Timeline | None,
    features: Mapping[str, FeatureTerms],
) -> Desired | None:
    """Return the generation that a target needs; None: what it has is right.

    What was once planned for a later instant is not planned again for an earlier one: due work
    that comes late must not bring back what the owner had before. Owners on test clocks have
    nothing at services that are not marked ``sandbox``.
    """
    at = look.at if target is None else max(look.at, target.planned_at)
    served = service.sandbox or not look.on_clock
    content = documents.wanted(
        owner=look.owner,
        held=documents.holding(timeline if served else None, features, at),
        before=None if target is None else target.desired_content,
        at=at,
        grace=service.grace,
    )
    if content is None:
        return None
    return documents.following(None if target is None else target.desired, content)


def _ended(subject_ids: Collection[str]) -> set[str]:
    ended = Subject.objects.filter(pk__in=subject_ids, ended_at__isnull=False)
    return set(ended.values_list("id", flat=True))


def _by_service(features: Mapping[str, FeatureTerms]) -> dict[str, dict[str, FeatureTerms]]:
    found: dict[str, dict[str, FeatureTerms]] = {}
    for key, terms in features.items():
        found.setdefault(terms.product_service, {})[key] = terms
    return found
