"""Keep the caller's own notes with a subscription."""

from collections.abc import Mapping

from core import preconditions
from core.transactions import command
from customers.turns import turn
from subscriptions.models import Subscription
from subscriptions.services.results import Result, customer_of


@command
def set_metadata(*, subscription_id: str, metadata: Mapping[str, str]) -> Result:
    """Replace a subscription's metadata; an ended one keeps its notes and may get new ones."""
    with turn(customer_of(subscription_id)) as at:
        row = Subscription.objects.shown().get(pk=subscription_id)
        preconditions.verify(row)
        before = row.metadata
        if before == metadata:
            return Result(row)
        row.metadata = dict(metadata)
        row.version += 1
        row.updated_at = at
        row.save(update_fields=["metadata", "version", "updated_at"])
        return Result(row, changes=(("metadata", before, row.metadata),))
