"""Subscriptions from values to rows: one move is one subscription's step, many go at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import clock
from core.events import EventType, Fact, publish
from core.periods import MONTH
from customers import services as customers
from customers.models import Customer
from plans import queries as catalog
from subscriptions import events
from subscriptions.agreement import Agreement, Planned
from subscriptions.models import (
    BillingPeriod,
    ChangeStatus,
    PendingChange,
    Subscription,
    Term,
)
from subscriptions.states import State

BATCH = 1000


@dataclass(slots=True)
class Move:
    """One subscription's step at an instant. ``before`` is None where it begins.

    ``resolved`` says what became of planned changes; ``planned`` are those still to come.
    """

    row: Subscription
    before: Agreement | None
    after: Agreement
    at: datetime
    event: EventType
    cause: str
    decision: Mapping[str, Any] = field(default_factory=dict)
    resolved: list[tuple[Planned, ChangeStatus]] = field(default_factory=list)
    planned: Sequence[Planned] = ()

    @property
    def new_terms(self) -> bool:
        return self.before is None or _terms_of(self.before) != _terms_of(self.after)

    @property
    def new_period(self) -> bool:
        return self.before is None or self.before.period != self.after.period


def write(moves: Sequence[Move]) -> None:
    """Write the steps of many subscriptions and publish what happened, in the callers' turns."""
    if not moves:
        return
    for move in moves:
        _copy(move)
    fresh = [move.row for move in moves if move.before is None]
    known = [move.row for move in moves if move.before is not None]
    Subscription.objects.bulk_create(fresh, batch_size=BATCH)
    Subscription.objects.bulk_update(known, _COPIED, batch_size=BATCH)
    _write_terms(moves)
    _write_periods(moves)
    _resolve(moves)
    _share_anchors(moves)
    publish([fact for move in moves for fact in _facts(move)])


def next_due(agreement: Agreement, planned: Iterable[Planned]) -> datetime | None:
    """Return when time changes this subscription next; an ended one never."""
    if agreement.state == State.CANCELED:
        return None
    return min([agreement.period.end, *(each.at for each in planned)])


_COPIED = [
    "plan_version", "interval", "state", "ended_at", "anchor_at", "zone",
    "period_start", "period_end", "next_due_at", "version", "updated_at",
]  # fmt: skip


def _copy(move: Move) -> None:
    row, after = move.row, move.after
    row.plan_version_id = after.terms.version_id
    row.interval = after.interval
    row.state = after.state
    row.anchor_at, row.zone = after.anchor_at, after.zone
    row.period_start = after.period.start
    row.period_end = after.period.end
    row.next_due_at = next_due(after, move.planned)
    row.ended_at = move.at if after.state == State.CANCELED else None
    row.updated_at = move.at
    if move.before is not None:
        row.version += 1


def _terms_of(agreement: Agreement) -> tuple[object, ...]:
    return (
        agreement.terms.version_id,
        agreement.interval,
        agreement.anchor_at,
        agreement.zone,
        agreement.state == State.CANCELED,
    )


def _write_terms(moves: Sequence[Move]) -> None:
    changed = {move.row.id: move for move in moves if move.new_terms}
    closing = list(Term.objects.open().filter(subscription__in=changed))
    for term in closing:
        term.ends_at = changed[term.subscription_id].at
    Term.objects.bulk_update(closing, ["ends_at"], batch_size=BATCH)
    recorded_at = clock.system_now()
    Term.objects.bulk_create(
        [
            Term(
                customer_id=move.row.customer_id,
                subscription=move.row,
                plan_version_id=move.after.terms.version_id,
                interval=move.after.interval,
                currency=move.after.currency,
                quantity=move.row.quantity,
                anchor_at=move.after.anchor_at,
                zone=move.after.zone,
                starts_at=move.at,
                cause=move.cause,
                decision=dict(move.decision),
                recorded_at=recorded_at,
            )
            for move in changed.values()
            if move.after.state != State.CANCELED
        ],
        batch_size=BATCH,
    )


def _write_periods(moves: Sequence[Move]) -> None:
    cut = {
        move.row.id: move.at
        for move in moves
        if move.before is not None
        and move.before.period.end > move.at
        and (move.after.state == State.CANCELED or move.before.period != move.after.period)
    }
    open_periods = BillingPeriod.objects.filter(subscription__in=cut).order_by(
        "subscription", "starts_at", "ends_at"
    )  # two changes at one instant leave a period without length, which is not the open one
    latest = {period.subscription_id: period for period in open_periods}
    for period in latest.values():
        period.ends_at = cut[period.subscription_id]
    BillingPeriod.objects.bulk_update(latest.values(), ["ends_at"], batch_size=BATCH)
    BillingPeriod.objects.bulk_create(
        [
            BillingPeriod(
                customer_id=move.row.customer_id,
                subscription=move.row,
                starts_at=move.after.period.start,
                ends_at=move.after.period.end,
            )
            for move in moves
            if move.new_period
        ],
        batch_size=BATCH,
    )


def _resolve(moves: Sequence[Move]) -> None:
    for status in ChangeStatus:
        resolved = {
            planned.id: move.at
            for move in moves
            for planned, became in move.resolved
            if became == status
        }
        rows = list(PendingChange.objects.filter(pk__in=resolved)) if resolved else []
        for row in rows:
            row.status, row.resolved_at = status, resolved[row.id]
        PendingChange.objects.bulk_update(rows, ["status", "resolved_at"], batch_size=BATCH)


def _share_anchors(moves: Sequence[Move]) -> None:
    """Keep the customer's billing anchor: set by the first paid monthly subscription, cleared when
    none is left (``docs/explanation/periods.md``)."""
    touched = [
        move
        for move in moves
        if move.after.is_paid_monthly or (move.before is not None and move.before.is_paid_monthly)
    ]
    if not touched:
        return
    customer_ids = {move.row.customer_id for move in touched}
    sharing = _customers_paying_monthly(customer_ids)
    anchors = dict(Customer.objects.filter(pk__in=customer_ids).values_list("id", "billing_anchor"))
    wanted: dict[str, datetime | None] = dict(anchors)
    for move in touched:
        customer_id = move.row.customer_id
        if customer_id not in sharing:
            wanted[customer_id] = None
        elif wanted[customer_id] is None and move.after.is_paid_monthly:
            wanted[customer_id] = move.after.anchor_at
    customers.set_billing_anchors(
        anchors={each: anchor for each, anchor in wanted.items() if anchor != anchors[each]}
    )


def _customers_paying_monthly(customer_ids: Iterable[str]) -> set[str]:
    rows = list(
        Subscription.objects.current()
        .filter(customer_id__in=customer_ids, interval=str(MONTH))
        .values_list("customer_id", "plan_version_id", "currency")
    )
    terms = catalog.terms_of(sorted({version_id for _, version_id, _ in rows}))
    return {
        customer_id
        for customer_id, version_id, currency in rows
        if not terms[version_id].is_free(str(MONTH), currency)
    }


def _facts(move: Move) -> list[Fact]:
    row, after = move.row, move.after
    what: dict[str, Any] = {
        "subscription": row.id,
        "product": after.terms.product.key,
        "plan": after.terms.plan_key,
        "plan_version": after.terms.version_id,
        "interval": after.interval,
        "state": str(after.state),
        "cause": move.cause,
    }
    if move.event is not events.ENDED:
        what["period_start"] = after.period.start
        what["period_end"] = after.period.end
    if move.event is events.CHANGED and move.before is not None:
        what["before"] = move.before.terms.plan_key
    dropped = [
        unscheduled(row, planned, status, move.at)
        for planned, status in move.resolved
        if status != ChangeStatus.APPLIED
    ]
    return [*dropped, fact(move.event, row, move.at, what)]


def scheduled(row: Subscription, planned: Planned, at: datetime) -> Fact:
    """Return the fact that a change was agreed for later."""
    return fact(events.SCHEDULED, row, at, _change(row, planned))


def unscheduled(row: Subscription, planned: Planned, status: ChangeStatus, at: datetime) -> Fact:
    """Return the fact that an agreed change will not happen."""
    data = {**_change(row, planned), "status": str(status)}
    return fact(events.UNSCHEDULED, row, at, data)


def fact(type: EventType, row: Subscription, at: datetime, data: Mapping[str, Any]) -> Fact:
    """Return a fact about a subscription."""
    return Fact(type, at=at, customer_id=row.customer_id, subject_id=row.subject_id, data=data)


def _change(row: Subscription, planned: Planned) -> dict[str, Any]:
    return {
        "subscription": row.id,
        "change": planned.id,
        "kind": str(planned.kind),
        "effective_at": planned.at,
        "plan": planned.terms.plan_key if planned.terms else None,
    }
