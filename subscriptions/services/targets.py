"""Find in the catalog where a change leads, and refuse what cannot be had."""

from collections.abc import Mapping
from datetime import datetime

from core.errors import Conflict, Unprocessable
from plans import queries as catalog
from plans.terms import AddOnTerms, Terms
from subscriptions.agreement import AddOnHeld, Agreement
from subscriptions.parts import Target
from subscriptions.policy import choose_interval
from subscriptions.sales import Sale, fits
from subscriptions.services.results import sellable
from subscriptions.services.wanted import Override, Wanted
from subscriptions.states import State


class DifferentProduct(Unprocessable):
    """A subscription never moves to another product."""

    code = "different_product"


class AddOnNotAvailable(Unprocessable):
    """The add-on cannot be had with this plan, for this interval or in this currency."""

    code = "add_on_not_available"


class AddOnIncluded(Unprocessable):
    """The plan includes the add-on already."""

    code = "add_on_included"


class QuantityNotAllowed(Unprocessable):
    """The plan, or the add-on, is not sold in this quantity."""

    code = "quantity_not_allowed"


class NoLimitsToKeep(Unprocessable):
    """Higher limits are kept from one version of a plan to another version of the same plan: name
    that one in ``plan_version``."""

    code = "no_limits_to_keep"


class NotWhilePaused(Conflict):
    """A paused subscription takes no new add-ons, and its periods are not counted anew."""

    code = "subscription_paused"


def find_target(
    held: Agreement, wanted: Wanted, override: Override | None, *, at: datetime, customer_id: str
) -> Target:
    """Return what a change leads to. Subscribers keep their version until the plan changes.

    :raises DifferentProduct, ContactSales, IntervalNotSold, CurrencyNotSold: as named
    :raises QuantityNotAllowed, AddOnIncluded, AddOnNotAvailable, NotWhilePaused: as named
    """
    plan_id = wanted.plan_id
    version_id = override.version_id if override else None
    if version_id is None and plan_id in (None, held.terms.plan_id):
        version_id = held.terms.version_id
    if plan_id is not None and catalog.find_plan(plan_id).product_id != held.terms.product.id:
        raise DifferentProduct(f"that plan is not one of {held.terms.product.key}")
    terms = sellable(
        plan_id or held.terms.plan_id,
        at=at,
        customer_id=customer_id,
        override=override is not None or version_id == held.terms.version_id,
        version_id=version_id,
    )
    interval = choose_interval(
        terms, currency=held.currency, wanted=wanted.interval, current=held.interval
    )
    quantity = None if wanted.quantity is None else checked(terms, wanted.quantity)
    sale = Sale(terms, interval, held.currency)
    add_ons = _add_ons(held, wanted.add_ons, sale, at=at)
    if override is None:
        return Target(terms, interval, quantity, add_ons)
    return Target(
        terms, interval, quantity, add_ons, override.keep_higher_limits, override.limits_of
    )


def check_limits(held: Agreement, target: Target) -> None:
    """:raises NoLimitsToKeep: if limits are to be kept, and there is no other version of the plan
    from which to keep them"""
    there, here = target.terms, held.terms
    is_other_version = there.plan_id == here.plan_id and there.version_id != here.version_id
    if target.keeps_limits and not is_other_version:
        raise NoLimitsToKeep("limits are kept in a change to another version of the same plan")


def checked(offer: Terms | AddOnTerms, quantity: int | None) -> int:
    """Return a quantity that is wanted, or the one that goes without saying.

    :raises QuantityNotAllowed: if it is out of bounds
    """
    allowed = offer.quantity
    if quantity is None:
        return allowed.default
    if not allowed.allows(quantity):
        most = " or more" if allowed.maximum is None else f" to {allowed.maximum}"
        raise QuantityNotAllowed(
            f"it is sold in a quantity of {allowed.minimum}{most}",
            minimum=allowed.minimum,
            maximum=allowed.maximum,
        )
    return quantity


def checked_add_on(add_on: AddOnHeld, sale: Sale) -> AddOnHeld:
    """Return an add-on that is to be had with a sale.

    :raises QuantityNotAllowed, AddOnIncluded, AddOnNotAvailable: as named
    """
    checked(add_on.terms, add_on.quantity)
    if sale.terms.plan_id in add_on.terms.included_in:
        raise AddOnIncluded(f"{sale.terms.plan_key} includes {add_on.key}")
    if not fits(add_on, sale):
        raise AddOnNotAvailable(
            f"{add_on.key} cannot be had with {sale.terms.plan_key} per {sale.interval}"
            f" in {sale.currency}"
        )
    return add_on


def _add_ons(
    held: Agreement, wanted: Mapping[str, int], sale: Sale, *, at: datetime
) -> tuple[AddOnHeld, ...]:
    """Read the add-ons that shall change; what is held keeps its version."""
    found = []
    for reference, quantity in wanted.items():
        key = catalog.find_add_on(reference).key
        present = held.add_on(key)
        terms = present.terms if present else catalog.effective_add_on(reference, at=at)
        each = AddOnHeld(terms, quantity)
        found.append(checked_add_on(each, sale) if quantity else each)
        if quantity and present is None and held.state == State.PAUSED:
            raise NotWhilePaused("a paused subscription takes no new add-ons")
    return tuple(found)
