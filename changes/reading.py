"""Read what owners may use, and what product services should have of them, before and after."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from changes.differences import Document, Documents, Holding
from entitlements import queries as entitlements
from entitlements.resolution import Segment
from entitlements.timelines import Timeline
from plans import values
from provisioning.models import Target


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose subscription it is: a subject's or the customer's own. A subject's plan may give its
    customer something, so both are read."""

    customer_id: str
    subject_id: str | None

    @property
    def ids(self) -> list[str]:
        return [self.customer_id, *([self.subject_id] if self.subject_id else [])]


def holdings(owners: Collection[Owners]) -> dict[Owners, list[Holding]]:
    """Return what owners have and are agreed to have, as stored in the current transaction."""
    timelines = entitlements.timelines({name for each in owners for name in each.ids})
    return {
        each: [holding for name in each.ids for holding in _holdings(name, timelines.get(name))]
        for each in owners
    }


def documents(owners: Collection[Owners]) -> dict[Owners, Documents]:
    """Return what product services should have of owners."""
    customers = {each.customer_id for each in owners}
    of_customers: dict[str, list[Target]] = {each: [] for each in customers}
    subjects = {each.subject_id for each in owners if each.subject_id}
    kept = Target.objects.filter(Q(subject=None) | Q(subject__in=subjects), customer__in=customers)
    for row in kept.select_related("service"):
        of_customers[row.customer_id].append(row)
    return {
        each: {
            (row.service.key, row.owner.id): Document(row.id, row.desired_content)
            for row in of_customers[each.customer_id]
            if row.subject_id in (None, each.subject_id)
        }
        for each in owners
    }


def _holdings(owner_id: str, timeline: Timeline | None) -> list[Holding]:
    return [
        Holding(owner_id, each.feature, each.starts_at, each.ends_at, _value(each))
        for each in (timeline.segments if timeline else ())
    ]


def _value(segment: Segment) -> object:
    is_withheld = segment.paused or segment.blocked_by
    return None if is_withheld else values.to_json(segment.value)
