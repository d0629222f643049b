"""What is bought: a plan version, how it is paid for, how many of it, and add-ons. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plans.terms import Terms
from subscriptions.agreement import AddOnHeld, Agreement


@dataclass(frozen=True, slots=True)
class Sale:
    """What is bought: a plan version, how it is paid for, how many, and what comes on top.

    ``zone`` is where its periods are counted if counting begins anew; None: where they are.
    ``limits_of`` are the versions whose limits are kept.
    """

    terms: Terms
    interval: str
    currency: str
    quantity: int = 1
    add_ons: tuple[AddOnHeld, ...] = ()
    zone: str | None = None
    limits_of: tuple[str, ...] = ()


def zone_of(held: Agreement, terms: Terms, customer_zone: str) -> str | None:
    """Return the zone that another plan is counted in: the one it names, or the customer's."""
    if terms.plan_id == held.terms.plan_id:
        return None
    return customer_zone if terms.billing_zone == "customer" else terms.billing_zone


def sale_of(held: Agreement) -> Sale:
    """Return what an agreement holds, as it would be bought."""
    return Sale(
        held.terms,
        held.interval,
        held.currency,
        held.quantity,
        held.add_ons,
        limits_of=held.limits_of,
    )


def kept_limits(held: Agreement, terms: Terms, *, keeps: bool = False) -> tuple[str, ...]:
    """Return the versions whose limits are kept when an agreement goes on with these terms.

    Whoever keeps them in a change to another version of the plan keeps those of the version that
    is left as well. A change to another plan, or one that does not keep them, gives them up.
    """
    if terms.version_id == held.terms.version_id:
        return held.limits_of
    if not keeps or terms.plan_id != held.terms.plan_id:
        return ()
    earlier = (*held.limits_of, held.terms.version_id)
    return tuple(each for each in earlier if each != terms.version_id)


def carried_quantity(held: Agreement, terms: Terms) -> int:
    """Return how many of a plan somebody has who changes to it without a word about it: as many as
    before, as far as it allows that; what it says where the number was nobody's choice."""
    was_chosen = held.terms.quantity.maximum != 1
    return terms.quantity.nearest(held.quantity) if was_chosen else terms.quantity.default


def kept_add_ons(sale: Sale) -> tuple[AddOnHeld, ...]:
    """Return the add-ons that stay on the plan of a sale; the others end with the change.

    One that the plan includes would be redundant; one that is not for the plan, or not sold for
    its interval and currency, cannot be had on it.
    """
    return tuple(each for each in sale.add_ons if fits(each, sale))


def fits(add_on: AddOnHeld, sale: Sale) -> bool:
    return sale.terms.plan_id in add_on.terms.available_for and add_on.terms.sells(
        sale.interval, sale.currency
    )


def with_add_on(add_ons: Sequence[AddOnHeld], changed: AddOnHeld) -> tuple[AddOnHeld, ...]:
    """Return the add-ons with one put in its place by key; a quantity of 0 takes it away."""
    others = [each for each in add_ons if each.key != changed.key]
    present: Iterable[AddOnHeld] = [changed] if changed.quantity else []
    return tuple(sorted([*others, *present], key=lambda each: each.key))
