"""Begin a subscription, now or at a date."""

from collections.abc import Callable
from datetime import datetime

from core.errors import Conflict
from core.transactions import command
from customers.turns import turn
from plans import queries as catalog
from plans.terms import AddOnTerms, Terms
from subscriptions import events, moves
from subscriptions.agreement import AddOnHeld, Agreement
from subscriptions.blocks import Concern
from subscriptions.given import SpentTrials
from subscriptions.models import Cause, Subscription
from subscriptions.planned import Kind, Planned
from subscriptions.policy import choose_interval
from subscriptions.sales import Sale, with_add_on
from subscriptions.services import beginnings
from subscriptions.services.blocks import refuse_if_blocked
from subscriptions.services.change import change_loaded
from subscriptions.services.results import (
    Owner,
    Result,
    check_owner,
    load_one,
    owner_of,
    sellable,
    zone_for,
)
from subscriptions.services.targets import checked, checked_add_on, find_target
from subscriptions.services.trials import new_trial_end
from subscriptions.services.wanted import Beginning, Order, Override, Wanted
from subscriptions.writing import Move, write


class AlreadySubscribed(Conflict):
    """The owner has a subscription to this exclusive product; change that one instead."""

    code = "already_subscribed"


@command
def subscribe(
    *,
    customer_id: str,
    order: Order,
    subject_id: str | None = None,
    beginning: Beginning | None = None,
) -> Result:
    """Put a customer, or one of its subjects, on a plan.

    If the product is exclusive and the owner is on its default plan, free of charge, that
    subscription is changed in place and keeps its id. ``beginning`` is given by somebody who may
    override the policy; that also allows plans agreed with sales.

    :raises AlreadySubscribed: naming the subscription that is in the way
    :raises PlanNotFound: if there is no such plan
    :raises WrongOwner, ContactSales, IntervalNotSold, CurrencyNotSold, TrialSpent: as named
    :raises DateInPast, DatesOutOfOrder, AlreadyOnFallback: for dates that cannot be
    :raises Blocked: if a block keeps the customer from it
    """
    with turn(customer_id) as at:
        owner = owner_of(customer_id=customer_id, subject_id=subject_id)
        how = beginning or Beginning()
        start = beginnings.check(how, at=at)
        terms = sellable(
            order.plan_id,
            at=at,
            customer_id=customer_id,
            override=beginning is not None,
            version_id=how.version_id,
        )
        check_owner(terms, owner)
        occupied = occupied_by(terms, owner)
        if occupied is not None:
            return _take_over(occupied, terms, order, beginning, at=at)
        if beginning is None:
            concern = Concern(customer_id, terms.product.key, owner.subject_id)
            refuse_if_blocked(concern, at=at)
        return _begin(owner, sale_for(terms, order, owner, at=at), how, start=start, at=at)


def sale_for(terms: Terms, order: Order, owner: Owner, *, at: datetime) -> Sale:
    """Return what an order buys.

    :raises IntervalNotSold, CurrencyNotSold: as named
    :raises QuantityNotAllowed, AddOnIncluded, AddOnNotAvailable: as named
    """
    return sale_with(terms, order, owner, lambda name: catalog.effective_add_on(name, at=at))


def sale_with(
    terms: Terms, order: Order, owner: Owner, find_add_on: Callable[[str], AddOnTerms]
) -> Sale:
    """Return what an order buys, of the versions of add-ons that are found by id or key.

    :raises IntervalNotSold, CurrencyNotSold: as named
    :raises QuantityNotAllowed, AddOnIncluded, AddOnNotAvailable: as named
    """
    currency = owner.customer.currency
    interval = choose_interval(terms, currency=currency, wanted=order.interval)
    sale = Sale(terms, interval, currency, checked(terms, order.quantity))
    add_ons: tuple[AddOnHeld, ...] = ()
    for reference, quantity in order.add_ons.items():
        add_on = AddOnHeld(find_add_on(reference), quantity)
        add_ons = with_add_on(add_ons, checked_add_on(add_on, sale) if quantity else add_on)
    return Sale(terms, interval, currency, sale.quantity, add_ons)


def _begin(owner: Owner, sale: Sale, how: Beginning, *, start: datetime, at: datetime) -> Result:
    row = new_row(sale.terms, owner, currency=sale.currency, at=start)
    agreement = begun(row, sale, how, start=start)
    agreed = beginnings.later(agreement, how, customer_id=owner.customer.id, start=start)
    if start > at:
        zone = agreement.cycle.zone
        anchor = beginnings.anchor(how, interval=sale.interval, zone=zone, start=start)
        agreed.append(Planned("", Kind.START, start, anchor=anchor, trial_days=how.trial_days))
        agreement = moves.begin_later(agreement)
    move = Move(row, None, agreement, at, [events.CREATED], Cause.SUBSCRIBED, added=agreed)
    write([move])
    return Result(row, created=True)


def begun(
    row: Subscription,
    sale: Sale,
    how: Beginning,
    *,
    start: datetime,
    spent: SpentTrials | None = None,
) -> Agreement:
    """Return the agreement of a new row that begins at an instant, in its trial if it gets one.

    ``spent`` are the trials that were had, if they have been read.

    :raises TrialSpent, AnchorNotAllowed: for a trial or an anchor that was asked for
    """
    zone = zone_for(sale.terms, row.customer)
    billed_from = how.billing_start
    return moves.begin(
        sale,
        at=start,
        zone=zone,
        shared=row.customer.shared_anchor,
        explicit=beginnings.anchor(how, interval=sale.interval, zone=zone, start=start),
        trial_ends_at=new_trial_end(
            sale.terms, row, at=start, zone=zone, days=how.trial_days, spent=spent
        ),
        billed_from=billed_from if billed_from and billed_from > start else None,
    )


def new_row(terms: Terms, owner: Owner, *, currency: str, at: datetime) -> Subscription:
    """Return a row that is not written yet; the move that begins it fills in the rest."""
    return Subscription(
        customer=owner.customer,
        subject=owner.subject,
        product_id=terms.product.id,
        is_exclusive=terms.product.exclusive,
        currency=currency,
        started_at=at,
    )


def occupied_by(terms: Terms, owner: Owner) -> Subscription | None:
    """Return what an owner has of a product of which there is one at a time."""
    if not terms.product.exclusive:
        return None
    return (
        Subscription.objects.current()
        .of_owner(customer_id=owner.customer.id, subject_id=owner.subject_id)
        .filter(product_id=terms.product.id)
        .first()
    )


def is_free_default(held: Agreement) -> bool:
    """Tell whether an agreement gives way to any other: nobody asked for it or pays for it."""
    return held.is_free and held.terms.plan_id == held.terms.product.default_plan_id


def _take_over(
    row: Subscription, terms: Terms, order: Order, beginning: Beginning | None, *, at: datetime
) -> Result:
    """Change a default free plan in place; refuse anything else."""
    loaded = load_one(row.id, at=at)
    held = loaded.agreement
    if not is_free_default(held) or terms.plan_id == held.terms.plan_id:
        raise AlreadySubscribed(
            f"there is a subscription to {held.terms.product.key} already", subscription=row.id
        )
    quantity = checked(terms, order.quantity)
    wanted = Wanted(order.plan_id, order.interval, quantity, order.add_ons)
    override = None
    if beginning is not None:
        override = Override(
            version_id=beginning.version_id,
            effective_at=beginning.access_start,
            beginning=beginning,
        )
    target = find_target(held, wanted, override, at=at, customer_id=row.customer_id)
    return change_loaded(loaded, target, at=at, override=override)
