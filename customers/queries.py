"""Reads about customers that are more than a filter."""

from datetime import datetime

from core import clock
from customers.models import Customer


def now_of(customer: Customer) -> datetime:
    """Return the customer's now: their test clock's time, or the system's, in whole seconds.

    A read only. A command's instant comes from its turn.
    """
    if customer.test_clock is not None:
        return customer.test_clock.frozen_at
    return clock.whole_second(clock.system_now())
