"""Publish facts; bring everything that depends on them in line.

A lower app publishes, ``billing.wiring`` decides who listens. Projections run at once, inside the
publisher's transaction, and touch the database only. Reactions run after the commit, at least
once, from rows that were written with the event.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from core import acting, bulk, clock, nudges
from core.errors import describe
from core.models import Delivery, Event
from core.transactions import command

logger = logging.getLogger(__name__)

Handler = Callable[[Sequence[Event]], None]

LEASE = timedelta(minutes=5)
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(hours=1)
MAX_ATTEMPTS = 20  # about half a day; then a person has to look

# Ordinals are taken when the first customer's row is locked: events without a customer have their
# row locked first, and nothing else puts those in order.
_RESERVE = """
    WITH numbered AS (
        INSERT INTO core_eventsequence AS s (customer_id, last)
        SELECT * FROM unnest(%s::uuid[], %s::bigint[])
        ON CONFLICT (customer_id) DO UPDATE SET last = s.last + excluded.last
        RETURNING s.customer_id, s.last
    )
    SELECT customer_id, last, (
        SELECT array_agg(nextval(pg_get_serial_sequence('core_event', 'ordinal')))
        FROM generate_series(1, %s)
    )
    FROM numbered
"""


class WorkerLost(RuntimeError):
    """A reaction takes its worker down with it, time after time: it is parked, not run again."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who wants to see all events of some types, many at a time."""

    handler: Handler
    types: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.handler.__module__}.{self.handler.__qualname__}"


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of fact, with what its ``data`` holds: {name: meaning}."""

    name: str
    meaning: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event about to be published. ``at`` is the customer's time, not the machine's."""

    type: EventType
    at: datetime
    customer_id: str | None = None
    subject_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.data.keys() != self.type.data.keys():
            raise ValueError(f"{self.type.name} holds {sorted(self.type.data)}")


_projections: Sequence[Listener] = ()
_reactions: Sequence[Listener] = ()


def install(*, projections: Sequence[Listener], reactions: Sequence[Listener]) -> None:
    """Say who listens. Called once, by ``billing.wiring``."""
    global _projections, _reactions
    _projections, _reactions = projections, reactions


def publish(facts: Sequence[Fact]) -> list[Event]:
    """Record facts and run the projections that want them, all in the caller's transaction.

    :raises RuntimeError: outside a transaction: a fact and its cause are committed together
    """
    if not facts:
        return []
    if not connection.in_atomic_block:
        raise RuntimeError("publish() must share a transaction with the change it reports")
    events = _numbered(facts)
    bulk.insert(Event, events)
    _owe_reactions(events)
    for listener in _projections:
        wanted = [event for event in events if event.type in listener.types]
        if wanted:
            listener.handler(wanted)
    return events


def deliver_pending(*, limit: int = 100, customer_ids: Sequence[str] | None = None) -> int:
    """Run waiting reactions, oldest first, and return how many were tried.

    ``customer_ids`` takes only those to events of these customers.
    """
    for tried in range(limit):
        delivery = _claim(customer_ids)
        if delivery is None:
            return tried
        _attempt(delivery)
    return limit


@command
def retry_parked(delivery_ids: Sequence[int]) -> int:
    """Let parked reactions be tried again from the beginning; return how many there were."""
    found = Delivery.objects.filter(pk__in=delivery_ids, parked_at__isnull=False).update(
        parked_at=None, attempts=0, attempt_after=clock.system_now(), error=""
    )
    nudges.after_commit("reactions")
    return found


def stamp_positions(*, limit: int = 10_000) -> int:
    """Give committed events their place in the order of all; return how many got one.

    One sequencer at a time. A customer's events commit in the order of their ordinals, because
    the customer's turn serialises them, so stamping by ordinal keeps every customer's order.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('core.events.positions'))")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            """
            WITH base AS (SELECT coalesce(max(position), 0) AS last FROM core_event),
            waiting AS (
                SELECT ordinal, row_number() OVER (ORDER BY ordinal) AS place
                FROM (
                    SELECT ordinal FROM core_event WHERE position IS NULL ORDER BY ordinal LIMIT %s
                ) AS oldest
            )
            UPDATE core_event SET position = base.last + waiting.place
            FROM base, waiting WHERE core_event.ordinal = waiting.ordinal
            """,
            [limit],
        )
        return int(cursor.rowcount)


def _numbered(facts: Sequence[Fact]) -> list[Event]:
    who = acting.current()
    recorded_at = clock.system_now()
    following, ordinals = _reserve(Counter(fact.customer_id for fact in facts))
    events = []
    for fact, ordinal in zip(facts, ordinals, strict=True):
        following[fact.customer_id] += 1
        events.append(
            Event(
                ordinal=ordinal,
                type=fact.type.name,
                customer_id=fact.customer_id,
                subject_id=fact.subject_id,
                sequence=following[fact.customer_id],
                occurred_at=fact.at,
                recorded_at=recorded_at,
                actor=who.actor,
                reason=who.reason,
                data={name: _plain(value) for name, value in fact.data.items()},
            )
        )
    return events


def _plain(value: Any) -> Any:
    """Instants are written as the API writes them; everything else is JSON already."""
    return clock.written(value) if isinstance(value, datetime) else value


def _reserve(counts: Counter[str | None]) -> tuple[dict[str | None, int], list[int]]:
    """Take the next numbers of each customer, and ordinals for all: return the last number before
    the customer's, and the ordinals.

    In one order for everybody, so that two publishers never wait for each other in a circle.
    """
    column = Event._meta.get_field("customer_id")
    wanted = sorted(counts.items(), key=lambda item: item[0] or "")
    owners = [column.get_prep_value(each) for each, _ in wanted]
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, [owners, [count for _, count in wanted], counts.total()])
        rows = cursor.fetchall()
    last = {column.to_python(owner): number for owner, number, _ in rows}
    return {owner: last[owner] - count for owner, count in wanted}, list(rows[0][2])


def _owe_reactions(events: Sequence[Event]) -> None:
    now = clock.system_now()
    owed = [
        Delivery(event=event, handler=listener.name, attempt_after=now)
        for event in events
        for listener in _reactions
        if event.type in listener.types
    ]
    if owed:
        Delivery.objects.bulk_create(owed)
        nudges.after_commit("reactions")


@transaction.atomic
def _claim(customer_ids: Sequence[str] | None) -> Delivery | None:
    """Lease one delivery. If we die holding it, the lease runs out and another worker retries."""
    now = clock.system_now()
    waiting = Delivery.objects.waiting().filter(attempt_after__lte=now)
    if customer_ids is not None:
        waiting = waiting.filter(event__customer_id__in=customer_ids)
    delivery = (
        waiting.select_for_update(skip_locked=True, of=("self",))
        .select_related("event")
        .order_by("attempt_after", "id")
        .first()
    )
    if delivery is not None:
        delivery.attempts += 1
        delivery.attempt_after = now + LEASE
        delivery.save(update_fields=["attempts", "attempt_after"])
    return delivery


def _attempt(delivery: Delivery) -> None:
    """Run the reaction; record the outcome only if the lease is still ours."""
    listener = next((each for each in _reactions if each.name == delivery.handler), None)
    outcome: dict[str, Any]
    try:
        if listener is None:
            raise LookupError(f"nobody is called {delivery.handler}")
        if delivery.attempts > MAX_ATTEMPTS:
            raise WorkerLost("the last attempt never ended: its worker was lost")
        with acting.acting_as(f"system:{delivery.handler}"):
            listener.handler([delivery.event])
    except Exception as error:
        logger.exception("reaction failed", extra={"delivery": delivery.pk})
        outcome = _after_failure(delivery, error)
    else:
        outcome = {"delivered_at": clock.system_now(), "error": ""}
    Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).update(**outcome)


def _after_failure(delivery: Delivery, error: Exception) -> dict[str, Any]:
    now = clock.system_now()
    shown = describe(error)
    if delivery.attempts >= MAX_ATTEMPTS:
        return {"parked_at": now, "error": shown}
    longest = min(FIRST_RETRY * 2**delivery.attempts, LONGEST_RETRY)
    return {"attempt_after": now + longest * random.uniform(0.5, 1), "error": shown}
