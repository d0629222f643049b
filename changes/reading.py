"""Read what owners may use, and what product services should have of them, before and after."""

from dataclasses import dataclass

from changes.differences import Document, Documents, Holding
from entitlements import queries as entitlements
from entitlements.resolution import Segment
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


def holdings(owners: Owners) -> list[Holding]:
    """Return what owners have and are agreed to have, as stored in the current transaction."""
    return [
        Holding(owner, each.feature, each.starts_at, each.ends_at, _value(each))
        for owner, timeline in entitlements.timelines(owners.ids).items()
        for each in timeline.segments
    ]


def documents(owners: Owners) -> Documents:
    """Return what product services should have of owners."""
    ours = Target.objects.filter(customer_id=owners.customer_id).select_related("service")
    return {
        (row.service.key, row.owner.id): Document(row.id, row.desired_content)
        for row in ours
        if row.subject_id in (None, owners.subject_id)
    }


def _value(segment: Segment) -> object:
    is_withheld = segment.paused or segment.blocked_by
    return None if is_withheld else values.to_json(segment.value)
