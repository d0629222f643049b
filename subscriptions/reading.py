"""Subscriptions through time, read for many at once in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core.periods import Period
from customers.queries import held, now_of
from plans.models import PlanVersion
from subscriptions.arrival import Arrival, Given
from subscriptions.foresight import foresee
from subscriptions.given import fallbacks, spent_trials, trial_ahead
from subscriptions.history import Entry, History, entries_of
from subscriptions.loading import (
    Loaded,
    Versions,
    as_agreement,
    as_columns,
    as_planned,
    versions_of,
)
from subscriptions.models import PendingChange, Subscription, Term
from subscriptions.states import State


@dataclass(frozen=True, slots=True)
class Life:
    """One subscription: its history, and ``ahead`` what is agreed for later, as it will happen.

    ``terms`` are the rows of the past, ``changes`` those of what is agreed.
    """

    row: Subscription
    history: History
    terms: tuple[Term, ...]
    changes: tuple[PendingChange, ...]
    ahead: tuple[Arrival, ...]


_shared: ContextVar[dict[str, Life] | None] = ContextVar("lives read in this block", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """Have ``lives_of`` in the block not read again what ``lives`` in the block has read.

    Nothing that subscriptions depend on may change there.
    """
    outer = _shared.get()
    if outer is not None:
        outer.clear()  # a step inside of another's: what the other has read is old
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


def lives_of(subscription_ids: Iterable[str]) -> list[Life]:
    """Read subscriptions through time, by their identifiers and in the order of these."""
    wanted = set(subscription_ids)
    read = {name: life for name, life in (_shared.get() or {}).items() if name in wanted}
    missing = wanted - read.keys()
    if missing:
        rows = Subscription.objects.filter(pk__in=missing)
        read |= {life.row.id: life for life in lives(rows)}
    return [read[name] for name in sorted(read)]


def lives(found: QuerySet[Subscription], *, known_at: datetime | None = None) -> list[Life]:
    """Read subscriptions through time, as known now or at an instant of the machine's time."""
    made = _lives(found, known_at)
    shared = _shared.get()
    if shared is not None and known_at is None:
        shared.update((life.row.id, life) for life in made)
    return made


def _lives(found: QuerySet[Subscription], known_at: datetime | None) -> list[Life]:
    rows = list(found.order_by("id"))
    customers = held({row.customer_id for row in rows})
    for row in rows:
        row.customer = customers[row.customer_id]
    terms = _terms(rows, known_at)
    changes = _changes(rows, known_at)
    versions = versions_of(
        [each for group in terms.values() for each in group],
        [each for group in changes.values() for each in group],
    )
    loaded = {
        row.id: _loaded(row, terms[row.id], changes[row.id], versions)
        for row in rows
        if terms[row.id]
    }
    given = _given(list(loaded.values()))
    return [
        _life(loaded[row.id], terms[row.id], changes[row.id], versions, given[row.id])
        for row in rows
        if row.id in loaded
    ]


def _terms(rows: Sequence[Subscription], known_at: datetime | None) -> dict[str, list[Term]]:
    terms = Term.objects.standing() if known_at is None else Term.objects.known_at(known_at)
    found: dict[str, list[Term]] = defaultdict(list)
    for term in terms.filter(subscription__in=rows).order_by("starts_at", "recorded_at"):
        found[term.subscription_id].append(term)
    return found


def _changes(
    rows: Sequence[Subscription], known_at: datetime | None
) -> dict[str, list[PendingChange]]:
    changes = PendingChange.objects.pending()
    if known_at is not None:
        changes = PendingChange.objects.known_at(known_at)
    found: dict[str, list[PendingChange]] = defaultdict(list)
    shown = changes.filter(subscription__in=rows).prefetch_related("plan_version__plan")
    for change in shown.order_by("effective_at", "id"):
        found[change.subscription_id].append(change)
    return found


def _loaded(
    row: Subscription,
    terms: Sequence[Term],
    changes: Sequence[PendingChange],
    versions: Versions,
) -> Loaded:
    """The row's period is newer than its latest term's, which is the one that the term began in."""
    held = as_agreement(terms[-1], versions)
    if terms[-1].id == row.term_id:
        held = replace(held, period=Period(row.period_start, row.period_end))
    return Loaded(row, held, [as_planned(each, versions) for each in changes])


def _given(loaded: Sequence[Loaded]) -> dict[str, Given]:
    trialing = {
        each.row.id: (each, each.agreement.trial.ends_at)
        for each in loaded
        if each.agreement.trial is not None
    }
    follows = fallbacks(trialing)
    ahead = {each.row.id: trial_ahead(each.agreement, each.planned) for each in loaded}
    spent = spent_trials([each.row for each in loaded if ahead[each.row.id] is not None])
    found = {}
    for each in loaded:
        customer, terms = each.row.customer, ahead[each.row.id]
        found[each.row.id] = Given(
            customer.shared_anchor,
            customer.payment_method_on_file,
            follows.get(each.row.id),
            is_trial_spent=terms is not None and spent.has(terms, each.row),
            zone=customer.zone,
        )
    return found


def _life(
    loaded: Loaded,
    terms: Sequence[Term],
    changes: Sequence[PendingChange],
    versions: Versions,
    given: Given,
) -> Life:
    row, product = loaded.row, loaded.agreement.terms.product
    ahead = tuple(foresee(loaded.agreement, loaded.planned, given))
    entries = tuple(as_entry(each, versions) for each in terms)
    history = History(
        row.id, row.customer_id, row.subject_id, product.key, entries, entries_of(ahead)
    )
    return Life(row, history, tuple(terms), tuple(changes), ahead)


def as_entry(term: Term, versions: Versions) -> Entry:
    """Return the entry that a term is."""
    return Entry(
        term.id,
        term.starts_at,
        as_agreement(term, versions),
        term.cause,
        term.decision,
        term.recorded_at,
    )


def standing_at(
    subscription_id: str, *, at: datetime | None = None, known_at: datetime | None = None
) -> Subscription | None:
    """Return the row that a subscription had, or will have, at an instant of its customer's time,
    as known now or at an instant of the machine's; None: there was none.

    The row is made up and not to be saved. It has its ``pending_changes``, and is ``projected``
    where it is of the future. Metadata, version and when it was updated are those of now.
    """
    found = lives(Subscription.objects.filter(pk=subscription_id), known_at=known_at)
    if not found:
        return None
    life = found[0]
    now = now_of(life.row.customer)
    instant = at or now
    entry = life.history.at(instant)
    if entry is None:
        return None
    row = _made_up(life, entry, instant)
    _set(row, "pending_changes", _still_pending(life, instant, now=now, known_at=known_at))
    _set(row, "projected", instant > now or not entry.id)
    return row


def _made_up(life: Life, entry: Entry, at: datetime) -> Subscription:
    row, held = life.row, entry.agreement
    period = held.period_at(at)
    version = PlanVersion.objects.select_related("plan").get(pk=held.terms.version_id)
    gone = held.state == State.CANCELED
    return Subscription(
        id=row.id,
        customer=row.customer,
        subject_id=row.subject_id,
        product=row.product,
        is_exclusive=row.is_exclusive,
        term=Term(starts_at=entry.starts_at, **as_columns(held)),
        plan_version=version,
        interval=held.interval,
        currency=held.currency,
        quantity=held.quantity,
        state=held.state,
        started_at=row.started_at,
        ended_at=max(entry.starts_at, row.started_at) if gone else None,
        period_start=period.start,
        period_end=period.end,
        metadata=row.metadata,
        version=row.version,
        updated_at=row.updated_at,
    )


def _still_pending(
    life: Life, at: datetime, *, now: datetime, known_at: datetime | None
) -> list[PendingChange]:
    """Return what was, or will be, agreed and still to come at an instant."""
    if at <= now and known_at is None:
        then = PendingChange.objects.pending_at(at).filter(subscription_id=life.row.id)
        shown = then.select_related("plan_version__plan")
        return list(shown.order_by("effective_at", "id"))
    happened = [each for each in life.ahead if each.at <= at]
    left = {each.id: each for each in happened[-1].planned} if happened else None
    rows = [each for each in life.changes if left is None or each.id in left]
    for row in rows:
        row.effective_at = left[row.id].at if left else row.effective_at
    return rows


def _set(row: Subscription, name: str, value: Any) -> None:
    """What a representation needs besides the columns."""
    setattr(row, name, value)
