"""Every command takes its locks in one order, so no two wait for each other in a circle."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from core.transactions import unit_of_work
from customers import clocks, turns
from customers.models import Customer, TestClock
from customers.services import (
    NewSubject,
    close_customer,
    create_customer,
    create_subjects,
    end_subject,
    update_profile,
)
from customers.turns import turn
from tests.lock_order import recorded_locks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unwired")]

START = datetime(2026, 1, 31, tzinfo=UTC)
CUSTOMER, CLOCK, COUNTER = "customers_customer", "customers_testclock", "core_eventsequence"


@pytest.fixture
def ada(monkeypatch: pytest.MonkeyPatch) -> str:
    """A customer on a test clock, whose locks are of the most kinds."""
    monkeypatch.setattr(turns, "_due_work", ())
    clock = clocks.create_clock(frozen_at=START, name="")
    return create_customer(currency="EUR", test_clock_id=clock.id).id


def two_on_one_clock(ada: str) -> None:
    clock_id = TestClock.objects.get().id
    other = create_customer(currency="EUR", test_clock_id=clock_id).id

    def work() -> None:
        with turns.turns([ada, other]):
            pass

    unit_of_work(work)


def end_the_only_subject(ada: str) -> None:
    [subject] = create_subjects(customer_id=ada, subjects=[NewSubject("zone")])
    end_subject(subject_id=subject.id)


def advance(ada: str) -> None:
    Customer.objects.update(next_due_at=START)
    clocks.advance(clock_id=TestClock.objects.get().id, to=START)
    clocks.advance_clocks()


def unpark(ada: str) -> None:
    turns.park(customer_id=ada, error=ValueError("no"))
    turns.unpark(customer_id=ada)


COMMANDS: dict[str, tuple[Callable[[str], object], list[str]]] = {
    "update profile": (
        lambda ada: update_profile(customer_id=ada, name="Ada"),
        [CUSTOMER, CLOCK, COUNTER],
    ),
    "close": (lambda ada: close_customer(customer_id=ada), [CUSTOMER, CLOCK, COUNTER]),
    "create and end a subject": (end_the_only_subject, [CUSTOMER, CLOCK, COUNTER] * 2),
    "two customers": (two_on_one_clock, [CLOCK, COUNTER, CUSTOMER, CLOCK]),
    "due work": (lambda ada: turns.run_due([ada]), [CUSTOMER, CLOCK]),
    "live due work": (lambda ada: turns.run_due_live(), [CUSTOMER]),
    "advance": (advance, [CLOCK, CUSTOMER, CLOCK, CLOCK]),
    "park and unpark": (unpark, []),
}


@pytest.mark.parametrize(("command", "taken"), COMMANDS.values(), ids=COMMANDS.keys())
def test_customers_are_locked_before_clocks_and_clocks_before_counters(
    ada: str, command: Callable[[str], object], taken: list[str]
) -> None:
    with recorded_locks() as locks:
        command(ada)
    assert [table for tables in locks.transactions for table in tables] == taken
    assert locks.inversions() == []
    assert locks.plain == [], "FOR UPDATE blocks rows that refer to the customer"


def test_an_inversion_is_seen(ada: str) -> None:
    def work() -> None:
        TestClock.objects.select_for_update().get()
        with turn(ada):
            pass

    with recorded_locks() as locks:
        unit_of_work(work)
    assert locks.inversions() == [(CLOCK, CUSTOMER)]
    assert len(locks.plain) == 1


def test_locks_of_two_transactions_are_told_apart(ada: str) -> None:
    with recorded_locks() as locks:
        unit_of_work(lambda: TestClock.objects.select_for_update(no_key=True).get())
        unit_of_work(lambda: Customer.objects.select_for_update(no_key=True).get())
    assert locks.transactions == [[CLOCK], [CUSTOMER]]
    assert locks.inversions() == []
