"""Begin a subscription."""

from datetime import datetime

from core.errors import Conflict
from core.transactions import command
from customers.turns import turn
from plans.terms import Terms
from subscriptions import events
from subscriptions.agreement import begin, choose_interval
from subscriptions.models import Cause, Subscription
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
from subscriptions.writing import Move, write


class AlreadySubscribed(Conflict):
    """The owner has a subscription to this exclusive product; change that one instead."""

    code = "already_subscribed"


@command
def subscribe(
    *,
    customer_id: str,
    plan_id: str,
    subject_id: str | None = None,
    interval: str | None = None,
    version_id: str | None = None,
    override: bool = False,
) -> Result:
    """Put a customer, or one of its subjects, on a plan.

    If the product is exclusive and the owner is on its default plan, free of charge, that
    subscription is changed in place and keeps its id. ``override`` allows plans agreed with sales.

    :raises AlreadySubscribed: naming the subscription that is in the way
    :raises PlanNotFound: if there is no such plan
    :raises WrongOwner, ContactSales, NotAvailableYet, IntervalNotSold, CurrencyNotSold: as named
    """
    with turn(customer_id) as at:
        owner = owner_of(customer_id=customer_id, subject_id=subject_id)
        terms = sellable(
            plan_id, at=at, customer_id=customer_id, override=override, version_id=version_id
        )
        check_owner(terms, owner)
        currency = owner.customer.currency
        chosen = choose_interval(terms, currency=currency, wanted=interval)
        occupied = _occupied(terms, owner)
        if occupied is not None:
            return _take_over(occupied, terms, chosen, override=override, at=at)
        agreement = begin(
            terms,
            interval=chosen,
            currency=currency,
            zone=zone_for(terms, owner.customer),
            at=at,
            shared=owner.customer.billing_anchor,
        )
        row = new_row(terms, owner, currency=currency, at=at)
        write([Move(row, None, agreement, at, events.CREATED, Cause.SUBSCRIBED)])
        return Result(row, created=True)


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


def _occupied(terms: Terms, owner: Owner) -> Subscription | None:
    if not terms.product.exclusive:
        return None
    return (
        Subscription.objects.current()
        .of_owner(customer_id=owner.customer.id, subject_id=owner.subject_id)
        .filter(product_id=terms.product.id)
        .first()
    )


def _take_over(
    row: Subscription, terms: Terms, interval: str, *, override: bool, at: datetime
) -> Result:
    """Change a default free plan in place; refuse anything else."""
    loaded = load_one(row.id)
    held = loaded.agreement
    is_default = held.terms.plan_id == held.terms.product.default_plan_id
    if not (is_default and held.is_free) or terms.plan_id == held.terms.plan_id:
        raise AlreadySubscribed(
            f"there is a subscription to {held.terms.product.key} already", subscription=row.id
        )
    return change_loaded(loaded, terms, interval, at=at)
