"""Bring back, in one call, what a customer had before it was lost or canceled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import Conflict
from core.transactions import command
from customers.turns import turn
from plans import queries as catalog
from plans.errors import AddOnNotSold
from subscriptions import events
from subscriptions.agreement import AddOnHeld, Agreement
from subscriptions.blocks import Concern
from subscriptions.loading import Loaded, as_agreement, as_planned, load_with_base, versions_of
from subscriptions.models import Cause, ChangeStatus, PendingChange, Subscription, Term
from subscriptions.planned import Planned
from subscriptions.policy import choose_interval
from subscriptions.restoring import Lost, begun_again, lost, reopened
from subscriptions.sales import Sale, carried_quantity, kept_add_ons, kept_limits, sale_of
from subscriptions.services.blocks import refuse_if_blocked
from subscriptions.services.results import Result, sellable, zone_for
from subscriptions.services.steps import Step, answered, move_of
from subscriptions.writing import write

_LOSSES = (Cause.PAST_DUE, Cause.FALLBACK, Cause.CANCELED)


class NothingToRestore(Conflict):
    """Nothing that the customer had was lost or canceled, or something else is there since."""

    code = "nothing_to_restore"


@dataclass(frozen=True, slots=True)
class _Gone:
    """A subscription that fell back or ended, and nothing has been done to it since."""

    loaded: Loaded
    was: Lost
    cause: str


@command
def restore(*, customer_id: str, override: bool = False) -> list[Result]:
    """Bring a customer's previous set back: all that was lost because it was not paid; where
    nothing was, what was canceled last, with all that ended at the same instant.

    Inside the period that was open then, it is that period again, at no further cost. After its
    end new periods begin, without trials; in the versions that were held, for 90 days.

    :raises NothingToRestore: as named
    :raises Blocked: where a block keeps the customer from buying, unless ``override``
    :raises PlanNotSold, ContactSales, IntervalNotSold: for a plan that came back too late
    """
    with turn(customer_id) as at:
        found = _previous_set(_gone(customer_id, at=at))
        if not found:
            raise NothingToRestore("nothing was lost or canceled that could come back")
        if not override:
            _refuse_blocked(found, at=at)
        moved = [move_of(_restored(each, override=override, at=at)) for each in found]
        write(moved)
        return [answered(move) for move in moved]


def _gone(customer_id: str, *, at: datetime) -> list[_Gone]:
    rows = [
        row
        for row in Subscription.objects.filter(customer_id=customer_id, term__cause__in=_LOSSES)
        .select_related("customer", "subject", "term")
        .order_by("id")
        if row.subject is None or row.subject.ended_at is None
    ]
    before = _before(rows)
    versions = versions_of(before.values(), [])
    taken = {_place(row) for row in Subscription.objects.current().filter(customer_id=customer_id)}
    found: dict[tuple[str, ...], _Gone] = {}
    for row in sorted(rows, key=lambda row: row.term.starts_at):
        if row.id not in before:
            continue
        was = lost(as_agreement(before[row.id], versions), row.term.starts_at)
        place = _place(row)
        if was.can_come_back and not (row.ended_at and place in taken):
            (loaded,) = load_with_base([row], at={row.id: at})
            found[place] = _Gone(loaded, was, row.term.cause)
    return list(found.values())


def _before(rows: Sequence[Subscription]) -> dict[str, Term]:
    """Return the term of each subscription before its latest."""
    latest = {row.id: row.term.starts_at for row in rows}
    terms = Term.objects.standing().filter(subscription__in=rows).order_by("starts_at")
    return {
        term.subscription_id: term
        for term in terms
        if term.starts_at < latest[term.subscription_id]
    }


def _place(row: Subscription) -> tuple[str, ...]:
    """Return what only one subscription can have at a time."""
    if row.is_exclusive:
        return (row.product_id, row.subject_id or row.customer_id)
    return (row.id,)


def _previous_set(gone: Sequence[_Gone]) -> list[_Gone]:
    unpaid = [each for each in gone if each.cause == Cause.PAST_DUE]
    if unpaid or not gone:
        return unpaid
    latest = max(each.was.at for each in gone)
    return [each for each in gone if each.was.at == latest]


def _refuse_blocked(found: Sequence[_Gone], *, at: datetime) -> None:
    for each in found:
        row, product_key = each.loaded.row, each.was.before.terms.product.key
        concern = Concern(row.customer_id, product_key, row.subject_id, row.id)
        refuse_if_blocked(concern, at=at)


def _restored(gone: _Gone, *, override: bool, at: datetime) -> Step:
    loaded, was = gone.loaded, gone.was
    step = Step.on(loaded, at=at, cause=Cause.RESTORED)
    step.drop(loaded.planned, ChangeStatus.SUPERSEDED)
    if was.has_open_period(at):
        step.become(reopened(loaded.agreement, was), events.RESTORED)
        if gone.cause == Cause.PAST_DUE:
            step.agreed += _agreed_before(gone, at=at)
        return step
    customer = loaded.row.customer
    sale = _sale(was, customer_id=customer.id, override=override, at=at)
    after = begun_again(
        loaded.agreement,
        was,
        sale,
        at=at,
        zone=zone_for(sale.terms, customer),
        shared=customer.shared_anchor,
    )
    step.become(after, events.RESTORED)
    return step


def _agreed_before(gone: _Gone, *, at: datetime) -> list[Planned]:
    """Return what had been agreed for later when it was lost, and still lies ahead."""
    rows = list(
        PendingChange.objects.filter(
            subscription=gone.loaded.row,
            status=ChangeStatus.SUPERSEDED,
            resolved_at=gone.was.at,
            effective_at__gt=at,
        ).order_by("id")
    )
    versions = versions_of([], rows)
    return [replace(as_planned(row, versions), id="") for row in rows]


def _sale(was: Lost, *, customer_id: str, override: bool, at: datetime) -> Sale:
    """Return what comes back: the same versions or, too late for that, those that are sold now.

    :raises PlanNotSold, ContactSales, IntervalNotSold, CurrencyNotSold: as named
    """
    held = was.before
    if was.keeps_versions(at):
        return sale_of(held)
    terms = sellable(held.terms.plan_id, at=at, customer_id=customer_id, override=override)
    interval = choose_interval(terms, currency=held.currency, wanted=None, current=held.interval)
    quantity = carried_quantity(held, terms)
    sale = Sale(
        terms,
        interval,
        held.currency,
        quantity,
        _add_ons_sold(held, at=at),
        limits_of=kept_limits(held, terms),
    )
    return replace(sale, add_ons=kept_add_ons(sale))


def _add_ons_sold(held: Agreement, *, at: datetime) -> tuple[AddOnHeld, ...]:
    """Return the add-ons that are still sold, as they are now."""
    found = []
    for each in held.add_ons:
        try:
            terms = catalog.effective_add_on(each.key, at=at)
        except AddOnNotSold:
            continue
        found.append(AddOnHeld(terms, terms.quantity.nearest(each.quantity)))
    return tuple(found)
