"""What time alone does to charges: a period begins or ends that no subscription announces."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Min

from invoicing import services
from invoicing.models import NextCharge


def next_due_at(customer_ids: Sequence[str]) -> dict[str, datetime]:
    """Return each customer's earliest instant at which something is to be charged."""
    return dict(
        NextCharge.objects.filter(customer_id__in=customer_ids)
        .values_list("customer_id")
        .annotate(at=Min("at"))
    )


def run_due(due: Mapping[str, datetime]) -> None:
    """Charge what has become due for each customer at its instant."""
    rows = NextCharge.objects.filter(customer_id__in=due, at__lte=max(due.values()))
    services.charge(
        {
            row.subscription_id: due[row.customer_id]
            for row in rows
            if row.at <= due[row.customer_id]
        }
    )
