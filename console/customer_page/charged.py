"""Money as the page shows it: what was charged lately, and what is on the credit balance."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.money import Money
from customers.models import Customer
from invoicing import queries as invoicing
from invoicing.models import Charge

MOST_CHARGES = 20


@dataclass(frozen=True, slots=True)
class Charged:
    """The newest charges of a customer, and its credit balance by currency."""

    charges: Sequence[Charge]
    has_more: bool
    balances: Sequence[Money]


def of_customer(customer: Customer) -> Charged:
    """Read a customer's money in two queries."""
    rows = list(
        Charge.objects.filter(customer=customer)
        .select_related("subscription__subject", "subscription__product")
        .order_by("-id")[: MOST_CHARGES + 1]
    )
    return Charged(rows[:MOST_CHARGES], len(rows) > MOST_CHARGES, invoicing.balances(customer.id))
