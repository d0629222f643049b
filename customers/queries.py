"""Reads about customers that are more than a filter."""

from collections.abc import Collection, Iterable
from datetime import datetime

from core import clock, transactions
from customers.models import Customer

_ROWS = "customers.rows"  # what a unit of work knows them by


def held(customer_ids: Collection[str]) -> dict[str, Customer]:
    """Return customers, each read once in a unit of work; who does not exist is left out.

    For what a customer is, which whoever changes it says with ``forget``, and not for when it acted
    or what is due. The rows are shared and must not be changed.
    """
    memory: dict[str, Customer] = transactions.known(_ROWS, dict)
    missing = set(customer_ids) - memory.keys()
    if missing:
        keep(Customer.objects.in_bulk(missing).values(), memory)
    return {each: memory[each] for each in customer_ids if each in memory}


def keep(customers: Iterable[Customer], memory: dict[str, Customer] | None = None) -> None:
    """Remember rows that were read under their locks."""
    rows = transactions.known(_ROWS, dict) if memory is None else memory
    rows.update((each.id, each) for each in customers)


def forget() -> None:
    """Customers have just been changed, in this transaction."""
    transactions.forget(_ROWS)


def now_of(customer: Customer) -> datetime:
    """Return the customer's now: their test clock's time, or the system's, in whole seconds.

    A read only. A command's instant comes from its turn.
    """
    if customer.test_clock is not None:
        return customer.test_clock.frozen_at
    return clock.whole_second(clock.system_now())
