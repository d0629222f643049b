"""What a step publishes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.events import EventType, Fact
from subscriptions import events
from subscriptions.agreement import Agreement
from subscriptions.models import ChangeStatus, PendingChange, Subscription
from subscriptions.move import Move
from subscriptions.planned import Planned


def facts_of(move: Move, added: Sequence[PendingChange]) -> list[Fact]:
    row = move.row
    dropped = [
        unscheduled(row, planned, status, move.at)
        for planned, status in move.resolved
        if status != ChangeStatus.APPLIED
    ]
    agreed = [
        scheduled(row, planned, change.id, move.at)
        for planned, change in zip(move.added, added, strict=True)
    ]
    return [*dropped, *(_happened(move, each) for each in move.events), *agreed]


def _happened(move: Move, event: EventType) -> Fact:
    after = move.after
    what: dict[str, Any] = {
        "subscription": move.row.id,
        "product": after.terms.product.key,
        "plan": after.terms.plan_key,
        "plan_version": after.terms.version_id,
        "interval": after.interval,
        "quantity": after.quantity,
        "add_ons": {held.key: held.quantity for held in after.add_ons},
        "state": str(after.state),
        "cause": move.cause,
        "effective_at": move.effective_at,
    }
    if "period_start" in event.data:
        what["period_start"] = after.period.start
        what["period_end"] = after.period.end
    if "before" in event.data:
        what["before"] = move.before.terms.plan_key if move.before else None
        what["changed"] = _changed(move.before, after) if move.before else []
    if "billed_through" in event.data:
        what["billed_through"] = move.billed_through
    return fact(event, move.row, move.at, what)


def _changed(before: Agreement, after: Agreement) -> list[str]:
    """Name what a change made different."""
    pairs = {
        "plan": (before.terms.plan_id, after.terms.plan_id),
        "plan_version": (before.terms.version_id, after.terms.version_id),
        "interval": (before.interval, after.interval),
        "quantity": (before.quantity, after.quantity),
        "add_ons": (before.add_ons, after.add_ons),
        "limits_kept_from": (before.limits_of, after.limits_of),
        "trial": (before.trial, after.trial),
        "anchor": (before.cycle.anchor.at, after.cycle.anchor.at),
        "zone": (before.cycle.zone, after.cycle.zone),
        "billing": (before.is_billed, after.is_billed),
    }
    return [name for name, (one, other) in pairs.items() if one != other]


def scheduled(row: Subscription, planned: Planned, change_id: str, at: datetime) -> Fact:
    """Return the fact that a change was agreed for later."""
    return fact(events.SCHEDULED, row, at, _change(row, planned, change_id))


def unscheduled(row: Subscription, planned: Planned, status: ChangeStatus, at: datetime) -> Fact:
    """Return the fact that an agreed change will not happen."""
    data = {**_change(row, planned, planned.id), "status": str(status)}
    return fact(events.UNSCHEDULED, row, at, data)


def fact(type: EventType, row: Subscription, at: datetime, data: Mapping[str, Any]) -> Fact:
    """Return a fact about a subscription."""
    return Fact(type, at=at, customer_id=row.customer_id, subject_id=row.subject_id, data=data)


def _change(row: Subscription, planned: Planned, change_id: str) -> dict[str, Any]:
    return {
        "subscription": row.id,
        "change": change_id,
        "kind": str(planned.kind),
        "effective_at": planned.at,
        "plan": planned.terms.plan_key if planned.terms else None,
    }
