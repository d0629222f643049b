"""What time alone does to entitlements: a boundary is passed, and that is announced.

Access itself needs no job: a timeline is read by time, before, at and after its boundaries.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Min

from entitlements import services
from entitlements.models import Timeline


def next_due_at(customer_ids: Sequence[str]) -> dict[str, datetime]:
    """Return the next instant at which one of each customer's timelines has a boundary."""
    return dict(
        Timeline.objects.filter(customer_id__in=customer_ids, next_boundary_at__isnull=False)
        .values_list("customer_id")
        .annotate(at=Min("next_boundary_at"))
    )


def run_due(due: Mapping[str, datetime]) -> None:
    """Announce the boundaries that lie at or before each customer's instant."""
    services.pass_boundaries(due)
