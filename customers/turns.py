"""One customer, one writer, in time order.

All writes for one customer are serialised by a lock on the customer's row. The instant of a command
is decided under that lock: a command that read the clock first could act on a time before the
renewal it waited for. Whatever was due by then happens first, in transactions of its own.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Protocol

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q

from core import acting, bulk, clock, nudges
from core.errors import Conflict, NotFound, Unavailable, describe
from core.transactions import Again, command, unit_of_work
from customers.models import Customer, TestClock
from customers.queries import keep

logger = logging.getLogger(__name__)

CATCH_UP_STEPS = 50  # what one request may work off before its own command
_NO_FAULT_OF_THE_CUSTOMER = (OperationalError, InterfaceError)


class CustomerNotFound(NotFound):
    """There is no such customer."""

    code = "customer_not_found"


class CustomerParked(Conflict):
    """This customer's due work failed; nothing more is done until staff have looked at it."""

    code = "customer_parked"


class CustomerClosed(Conflict):
    """The customer was closed and takes no more commands."""

    code = "customer_closed"


class ClockAdvancing(Conflict):
    """The customer's test clock is moving; commands wait until it stands still."""

    code = "clock_advancing"


class InstantPassed(Conflict):
    """The customer has acted after the instant that this was decided for."""

    code = "instant_passed"


class CatchingUp(Unavailable):
    """More work is due for this customer than one request may do; it goes on in the background."""

    code = "catching_up"


class DueWorkStuck(RuntimeError):
    """Due work ran and left itself due: a defect, and the customer is parked with it."""


class DueWork(Protocol):
    """What an app offers if time alone changes its rows; its ``due.py`` is such a module."""

    def next_due_at(self, customer_ids: Sequence[str]) -> dict[str, datetime]:
        """Return each customer's earliest due instant; customers without one are left out."""

    def run_due(self, due: Mapping[str, datetime]) -> None:
        """Do all that is due for each customer at its instant, dated at that instant."""


_due_work: Sequence[DueWork] = ()
_pinned: ContextVar[Mapping[str, datetime] | None] = ContextVar("pinned instants", default=None)


def install(due_work: Sequence[DueWork]) -> None:
    """Say what time changes, in the order of work at one instant. Called by ``billing.wiring``."""
    global _due_work
    _due_work = due_work


@contextmanager
def pinned(at: Mapping[str, datetime]) -> Iterator[None]:
    """Have these customers' turns, and due work run in the block, be at given instants.

    Only for what was decided for an instant before it is done, as a change set is. Due work up to
    the instant comes first, as ever; what is due after it waits.
    """
    token = _pinned.set({**(_pinned.get() or {}), **at})
    try:
        yield
    finally:
        _pinned.reset(token)


@contextmanager
def turn(customer_id: str) -> Iterator[datetime]:
    """Take one customer's turn and yield its instant; see ``turns``."""
    with turns([customer_id]) as at:
        yield at[customer_id]


@contextmanager
def turns(customer_ids: Sequence[str]) -> Iterator[dict[str, datetime]]:
    """Take the turns of several customers, in the order of their ids, inside a unit of work.

    Yields each customer's instant: their clock's time in whole seconds, never before the last
    instant they acted at; or the one that is ``pinned``.

    :raises CustomerNotFound: if one does not exist
    :raises CustomerClosed: if one was closed
    :raises CustomerParked: if one's due work has failed
    :raises ClockAdvancing: if one's test clock is moving
    :raises CatchingUp: if more was due than one request may do
    :raises InstantPassed: if one has acted after its pinned instant
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a turn is taken inside a unit of work")
    customers = _lock(customer_ids)
    if len(customers) < len(set(customer_ids)):
        raise CustomerNotFound("there is no such customer")
    clocks = _hold_clocks(customers)
    _refuse_if_not_open(customers, clocks)
    at = _instants(customers, clocks)
    if any(each.last_acted_at > at[each.id] for each in customers):
        raise InstantPassed("the customer has acted after that instant")
    behind = [each.id for each in customers if _is_due(each, at[each.id])]
    if behind:
        raise Again(partial(catch_up, behind, steps=CATCH_UP_STEPS))
    yield at
    settle(at)


def settle(at: Mapping[str, datetime]) -> None:
    """End a turn: remember when the customer acted and when time will change something next."""
    due_at = upcoming(list(at))
    bulk.write(
        Customer,
        columns=("last_acted_at", "next_due_at"),
        rows={each: (instant, due_at.get(each)) for each, instant in at.items()},
        never_lower=("last_acted_at",),
    )
    now = clock.system_now()
    if any(each <= now for each in due_at.values()):
        nudges.after_commit("due")
    _wake_clocks([each for each, instant in due_at.items() if instant <= at[each]])


def upcoming(customer_ids: Sequence[str]) -> dict[str, datetime]:
    """Return when time will next change something of each customer; without such: left out."""
    earliest: dict[str, datetime] = {}
    for work in _due_work:
        for customer_id, due_at in work.next_due_at(customer_ids).items():
            earliest[customer_id] = min(due_at, earliest.get(customer_id, due_at))
    return earliest


def catch_up(customer_ids: Sequence[str], *, steps: int) -> None:
    """Work off what is due for these customers, one instant per transaction.

    :raises CatchingUp: if ``steps`` were not enough
    """
    with acting.acting_as("system:due"):
        for _ in range(steps):
            if not run_due(customer_ids):
                return
    if not _are_behind(customer_ids):
        return
    nudges.after_commit("due")
    raise CatchingUp("work of earlier dates is still being done", retry_after_seconds=2)


def run_due(customer_ids: Sequence[str]) -> int:
    """Give each customer's next due instant its turn; return how many customers had one.

    A customer whose work fails is found by splitting the batch, and parked with the error.
    """
    try:
        return unit_of_work(lambda: _run_due(_lock(customer_ids)))
    except _NO_FAULT_OF_THE_CUSTOMER:
        raise
    except Exception as error:
        if len(customer_ids) == 1:
            logger.exception("due work failed", extra={"customer": customer_ids[0]})
            park(customer_id=customer_ids[0], error=error)
            return 1
        middle = len(customer_ids) // 2
        return run_due(customer_ids[:middle]) + run_due(customer_ids[middle:])


def run_due_live(*, limit: int = 200) -> int:
    """Give up to ``limit`` live customers with due work their turn; return how many had one.

    Many workers may do this at once: each takes customers that nobody else holds.
    """
    claimed: list[str] = []

    def work() -> int:
        waiting = (
            Customer.objects.live()
            .moving()
            .filter(next_due_at__lte=clock.system_now())
            .select_for_update(no_key=True, skip_locked=True)
            .order_by("next_due_at")[:limit]
        )
        customers = sorted(waiting, key=lambda each: each.id)
        claimed[:] = [each.id for each in customers]
        return _run_due(customers)

    with acting.acting_as("system:due"):
        try:
            return unit_of_work(work)
        except _NO_FAULT_OF_THE_CUSTOMER:
            raise
        except Exception:
            if not claimed:
                raise  # the search itself failed: there is nobody to park
            return run_due(claimed)


@command
def park(*, customer_id: str, error: Exception) -> None:
    """Stop a customer's due work and commands until staff have looked; reads and checks go on."""
    Customer.objects.filter(pk=customer_id, parked_at=None).update(
        parked_at=clock.system_now(), park_error=describe(error)
    )


@command
def unpark(*, customer_id: str) -> None:
    """Let a parked customer go on; what was due is done next, dated as it should have been."""
    Customer.objects.filter(pk=customer_id).update(parked_at=None, park_error="")
    nudges.after_commit("due")
    _wake_clocks([customer_id])


def retry(*, customer_id: str) -> None:
    """Run a parked customer's due work once more, at once.

    :raises CustomerParked: if it fails again
    """
    unpark(customer_id=customer_id)
    while run_due([customer_id]):
        if Customer.objects.filter(pk=customer_id, parked_at__isnull=False).exists():
            raise CustomerParked("the due work failed again")


def _run_due(customers: Sequence[Customer]) -> int:
    at = _instants(customers, _hold_clocks(customers))
    due = {
        each.id: each.next_due_at
        for each in customers
        if each.next_due_at and _is_due(each, at[each.id])
    }
    if not due:
        return 0
    for work in _due_work:
        work.run_due(due)
    settle(due)
    stuck = Customer.objects.filter(pk__in=due).values_list("id", "next_due_at")
    for customer_id, next_due_at in stuck:
        if next_due_at is not None and next_due_at <= due[customer_id]:
            raise DueWorkStuck(f"work due at {next_due_at.isoformat()} left itself due")
    return len(due)


def _lock(customer_ids: Sequence[str]) -> list[Customer]:
    """Lock in the order of ids, so that two batches never wait for each other in a circle.

    NO KEY UPDATE: a plain FOR UPDATE would block every insert that refers to the customer.
    """
    rows = Customer.objects.filter(pk__in=customer_ids).order_by("pk")
    locked = list(rows.select_for_update(no_key=True))
    keep(locked)
    return locked


def _hold_clocks(customers: Sequence[Customer]) -> dict[str, TestClock]:
    """Lock the customers' test clocks, so that they stay where they are."""
    clock_ids = {each.test_clock_id for each in customers if each.test_clock_id}
    if not clock_ids:
        return {}
    rows = TestClock.objects.filter(pk__in=clock_ids).order_by("pk")
    return {each.id: each for each in rows.select_for_update(no_key=True)}


def _instants(
    customers: Sequence[Customer], clocks: Mapping[str, TestClock]
) -> dict[str, datetime]:
    """Return each customer's now. The clock is read here, when all locks have been waited for."""
    now = clock.whole_second(clock.system_now())
    given = _pinned.get() or {}
    return {
        each.id: given.get(each.id)
        or max(
            clocks[each.test_clock_id].frozen_at if each.test_clock_id else now, each.last_acted_at
        )
        for each in customers
    }


def _is_due(customer: Customer, at: datetime) -> bool:
    return (
        customer.parked_at is None
        and customer.next_due_at is not None
        and customer.next_due_at <= at
    )


def _are_behind(customer_ids: Sequence[str]) -> bool:
    """Tell whether work is still due for one of these customers. Takes no locks."""
    now = clock.whole_second(clock.system_now())
    on_clock = Q(next_due_at__lte=F("test_clock__frozen_at"))
    in_real_time = Q(test_clock=None, next_due_at__lte=now)
    rows = Customer.objects.moving().filter(on_clock | in_real_time, pk__in=customer_ids)
    return rows.exists()


def _wake_clocks(customer_ids: Sequence[str]) -> None:
    """Have the clocks of customers who are behind advance to where they stand.

    A test clock that stands still runs nothing, so this is their live tick.
    """
    if not customer_ids:
        return
    behind = (
        Customer.objects.moving()
        .filter(pk__in=customer_ids, next_due_at__lte=F("test_clock__frozen_at"))
        .values("test_clock")
    )
    woken = TestClock.objects.filter(pk__in=behind, advancing_to=None)
    if woken.update(advancing_to=F("frozen_at")):
        nudges.after_commit("clocks")


def _refuse_if_not_open(customers: Sequence[Customer], clocks: Mapping[str, TestClock]) -> None:
    for each in customers:
        if each.closed_at is not None:
            raise CustomerClosed("this customer is closed")
        if each.parked_at is not None:
            raise CustomerParked("this customer's due work failed and waits for staff")
        if each.test_clock_id and clocks[each.test_clock_id].advancing_to is not None:
            raise ClockAdvancing("the test clock is moving; try again when it is ready")
