"""End a subscription, take that back, and take any planned change back."""

from datetime import datetime
from enum import StrEnum

from core.errors import Conflict, NotFound
from core.transactions import command
from customers.turns import turn
from subscriptions import events
from subscriptions.agreement import Kind, Planned, arrive, decide_fallback
from subscriptions.loading import Loaded, fallback_of
from subscriptions.models import Cause, ChangeKind, ChangeStatus, PendingChange
from subscriptions.services import schedule
from subscriptions.services.results import (
    Result,
    as_data,
    customer_of,
    differences,
    ids_of,
    load_one,
)
from subscriptions.states import State
from subscriptions.writing import Move, write


class AlreadyOnFallback(Conflict):
    """The subscription is on its product's fallback plan; that ends only with its owner."""

    code = "already_on_fallback"


class NotCanceling(Conflict):
    """No end is agreed that could be taken back."""

    code = "not_canceling"


class ChangeNotFound(NotFound):
    """The subscription has no such pending change."""

    code = "pending_change_not_found"


class When(StrEnum):
    """When a cancellation acts."""

    PERIOD_END = "period_end"
    NOW = "now"


@command
def cancel(*, subscription_id: str, when: When = When.PERIOD_END) -> Result:
    """End a subscription: it falls back to the product's fallback plan, or ends for good.

    Other planned changes are superseded. Canceling once more changes nothing.

    :raises SubscriptionNotFound, AlreadyEnded: as named
    :raises AlreadyOnFallback: if there is nothing to fall back to from here
    """
    with turn(customer_of(subscription_id)) as at:
        loaded = load_one(subscription_id)
        terms = loaded.agreement.terms
        if terms.plan_id == terms.product.fallback_plan_id:
            raise AlreadyOnFallback(f"{terms.plan_key} is what a cancellation leads to")
        if when == When.NOW:
            return _end_now(loaded, at=at)
        if loaded.pending(Kind.END) is not None:
            return Result(loaded.row)
        end = _end(loaded, at=loaded.agreement.period.end)
        return schedule.reschedule(
            loaded,
            at=at,
            off=loaded.planned,
            status=ChangeStatus.SUPERSEDED,
            on=PendingChange(
                kind=ChangeKind.END,
                effective_at=end.at,
                plan_version_id=end.terms.version_id if end.terms else None,
                interval=end.interval,
                decision=end.decision,
            ),
            terms=end.terms,
        )


@command
def uncancel(*, subscription_id: str) -> Result:
    """Take an announced end back, until it happens.

    :raises NotCanceling: if there is none
    """
    with turn(customer_of(subscription_id)) as at:
        loaded = load_one(subscription_id)
        end = loaded.pending(Kind.END)
        if end is None:
            raise NotCanceling("no end is planned")
        return schedule.reschedule(loaded, at=at, off=[end])


@command
def unschedule(*, subscription_id: str, change_id: str) -> Result:
    """Take one planned change back, until it happens.

    :raises ChangeNotFound: if it is not planned for this subscription
    """
    with turn(customer_of(subscription_id)) as at:
        loaded = load_one(subscription_id)
        found = [each for each in loaded.planned if each.id == change_id]
        if not found:
            raise ChangeNotFound("no such change is planned")
        return schedule.reschedule(loaded, at=at, off=found)


def _end(loaded: Loaded, *, at: datetime) -> Planned:
    """Return an end at an instant: to the fallback plan as it is sold then, or for good."""
    held = loaded.agreement
    fallback = fallback_of(held.terms, at=at, customer_id=loaded.row.customer_id)
    if fallback is None:
        return Planned(id="", kind=Kind.END, at=at)
    interval, decision = decide_fallback(held, fallback)
    return Planned("", Kind.END, at, fallback, interval, as_data(decision))


def _end_now(loaded: Loaded, *, at: datetime) -> Result:
    before = loaded.agreement
    end = _end(loaded, at=at)
    arrival = arrive(before, [end], at=at, shared=loaded.row.customer.billing_anchor)
    if arrival is None:
        raise RuntimeError("an end that is due always ends something")
    gone = arrival.agreement.state == State.CANCELED
    write(
        [
            Move(
                loaded.row,
                before,
                arrival.agreement,
                at,
                events.ENDED if gone else events.CHANGED,
                "canceled" if gone else Cause.FALLBACK,
                decision=end.decision,
                resolved=[(each, ChangeStatus.SUPERSEDED) for each in loaded.planned],
            )
        ]
    )
    return Result(
        loaded.row,
        changes=differences(before, arrival.agreement, loaded.planned, at=at),
        replaced=ids_of(loaded.planned),
    )
