"""Put a change on a subscription's schedule, and take others off it."""

from collections.abc import Sequence
from datetime import datetime

from core.events import publish
from plans.terms import Terms
from subscriptions.agreement import Kind, Planned
from subscriptions.loading import Loaded
from subscriptions.models import ChangeStatus, PendingChange
from subscriptions.services.results import Result, ids_of
from subscriptions.writing import next_due, scheduled, unscheduled


def reschedule(
    loaded: Loaded,
    *,
    at: datetime,
    off: Sequence[Planned] = (),
    status: ChangeStatus = ChangeStatus.CANCELED,
    on: PendingChange | None = None,
    terms: Terms | None = None,
) -> Result:
    """Take ``off`` some planned changes, which become ``status``, and put one ``on``.

    ``terms`` are the version that the new change leads to. What happened is published as one
    whole, so that access follows in one step. The result shows the decision on a change of plan.
    """
    row = loaded.row
    if not off and on is None:
        return Result(row)
    off, before = list(off), ids_of(loaded.planned)
    PendingChange.objects.filter(pk__in=[each.id for each in off]).update(
        status=status, resolved_at=at
    )
    loaded.planned[:] = [each for each in loaded.planned if each not in off]
    facts = [unscheduled(row, each, status, at) for each in off]
    if on is not None:
        on.customer_id, on.subscription, on.created_at = row.customer_id, row, at
        on.save(force_insert=True)
        planned = _planned(on, terms)
        loaded.planned.append(planned)
        facts.append(scheduled(row, planned, at))
    row.next_due_at = next_due(loaded.agreement, loaded.planned)
    row.version += 1
    row.updated_at = at
    row.save(update_fields=["next_due_at", "version", "updated_at"])
    publish(facts)
    return Result(
        row,
        changes=(("pending", list(before), list(ids_of(loaded.planned))),),
        decision=on.decision if on is not None and on.kind == Kind.PLAN else None,
        replaced=ids_of(off),
    )


def _planned(change: PendingChange, terms: Terms | None) -> Planned:
    return Planned(
        id=change.id,
        kind=Kind(change.kind),
        at=change.effective_at,
        terms=terms,
        interval=change.interval,
        decision=change.decision,
    )
