"""What time alone does to subscriptions: planned changes and ends, and the next period."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Min

from subscriptions import events
from subscriptions.agreement import Arrival, Kind, arrive
from subscriptions.loading import Loaded, load
from subscriptions.models import Cause, ChangeStatus, Subscription
from subscriptions.writing import Move, write

_EVENTS = {"changed": events.CHANGED, "renewed": events.RENEWED, "ended": events.ENDED}


def next_due_at(customer_ids: Sequence[str]) -> dict[str, datetime]:
    """Return the earliest instant at which time changes one of each customer's subscriptions."""
    return {
        customer_id: at
        for customer_id, at in Subscription.objects.filter(
            customer_id__in=customer_ids, next_due_at__isnull=False
        )
        .values_list("customer_id")
        .annotate(at=Min("next_due_at"))
    }


def run_due(due: Mapping[str, datetime]) -> None:
    """Bring every subscription of these customers to its customer's instant."""
    rows = [
        row
        for row in Subscription.objects.filter(customer_id__in=due)
        .due(max(due.values()))
        .select_related("customer")
        .order_by("customer_id", "next_due_at", "id")
        if row.next_due_at is not None and row.next_due_at <= due[row.customer_id]
    ]
    write([move for loaded in load(rows) if (move := _move(loaded, due[loaded.row.customer_id]))])


def _move(loaded: Loaded, at: datetime) -> Move | None:
    shared = loaded.row.customer.billing_anchor
    arrival = arrive(loaded.agreement, loaded.planned, at=at, shared=shared)
    if arrival is None:
        return None
    applied = [(arrival.applied, ChangeStatus.APPLIED)] if arrival.applied else []
    superseded = [(each, ChangeStatus.SUPERSEDED) for each in arrival.superseded]
    resolved = [*applied, *superseded]
    gone = {each.id for each, _ in resolved}
    return Move(
        loaded.row,
        loaded.agreement,
        arrival.agreement,
        at,
        _EVENTS[arrival.what],
        _cause(arrival),
        decision=dict(arrival.applied.decision) if arrival.applied else {},
        resolved=resolved,
        planned=[each for each in loaded.planned if each.id not in gone],
    )


def _cause(arrival: Arrival) -> str:
    if arrival.what != "changed":
        return "canceled" if arrival.what == "ended" else "renewed"
    was_end = arrival.applied is not None and arrival.applied.kind == Kind.END
    return Cause.FALLBACK if was_end else Cause.SCHEDULED
