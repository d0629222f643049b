"""A customer whose work fails stands still; everybody else goes on."""

import logging

import pytest

from core.models import AuditEntry
from customers import turns
from customers.clocks import advance, advance_clocks, create_clock
from customers.models import Customer, TestClock
from customers.turns import CustomerParked, park, retry, run_due_live, unpark
from tests.conftest import MachineTime
from tests.customers.conftest import Customers
from tests.customers.planner import Planner, at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def parked(customers: Customers, planner: Planner, machine_time: MachineTime) -> str:
    """A customer whose work of 13:00 failed at 15:00."""
    [ada] = customers(1)
    planner.plan(ada, at("03-01 13:00"), at("03-01 14:00"))
    planner.failing = {ada: ValueError("no such plan")}
    machine_time.passes(hours=3)
    assert run_due_live() == 1
    assert Customer.objects.get(pk=ada).parked_at is not None
    return ada


def test_commands_on_a_parked_customer_are_refused(parked: str, planner: Planner) -> None:
    with pytest.raises(CustomerParked) as refused:
        planner.plan(parked, at("03-02 00:00"))
    assert (refused.value.status, refused.value.code) == (409, "customer_parked")


def test_a_parked_customer_is_left_alone(parked: str, planner: Planner) -> None:
    planner.failing = {}
    assert run_due_live() == 0
    assert turns.run_due([parked]) == 0
    assert planner.done(parked) == []


def test_unparked_it_goes_on_where_it_stopped(
    parked: str, planner: Planner, nudged: list[str]
) -> None:
    planner.failing = {}
    unpark(customer_id=parked)
    assert nudged == ["due"]
    row = Customer.objects.get(pk=parked)
    assert (row.parked_at, row.park_error) == (None, "")
    planner.plan(parked, at("03-02 00:00"))
    assert planner.done(parked) == [at("03-01 13:00"), at("03-01 14:00")]


def test_unparked_too_early_it_is_parked_again(parked: str, planner: Planner) -> None:
    unpark(customer_id=parked)
    with pytest.raises(CustomerParked):
        planner.plan(parked, at("03-02 00:00"))
    assert Customer.objects.get(pk=parked).park_error == "ValueError: no such plan"


def test_retrying_does_everything_that_was_due_at_once(parked: str, planner: Planner) -> None:
    planner.failing = {}
    retry(customer_id=parked)
    assert planner.done(parked) == [at("03-01 13:00"), at("03-01 14:00")]


def test_retrying_in_vain_parks_it_again_with_the_new_error(parked: str, planner: Planner) -> None:
    planner.failing = {parked: KeyError("price")}
    with pytest.raises(CustomerParked, match="failed again"):
        retry(customer_id=parked)
    assert Customer.objects.get(pk=parked).park_error == "KeyError: 'price'"


def test_a_command_whose_catching_up_fails_answers_that_the_customer_is_parked(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    ada, bob = customers(2)
    for each in (ada, bob):
        planner.plan(each, at("03-01 13:00"))
    planner.failing = {ada: ValueError("no such plan")}
    machine_time.passes(hours=1)
    with pytest.raises(CustomerParked):
        planner.plan(ada, at("03-02 00:00"))
    planner.plan(bob, at("03-02 00:00"))
    assert planner.done(bob) == [at("03-01 13:00")]


def test_parking_and_unparking_are_in_the_audit_log(parked: str) -> None:
    unpark(customer_id=parked)
    entries = AuditEntry.objects.filter(customer_id=parked, operation="update").order_by("id")
    assert [(entry.actor, sorted(entry.changes)) for entry in entries] == [
        ("system:due", ["park_error", "parked_at"]),
        ("test", ["park_error", "parked_at"]),
    ]


def test_who_is_parked_keeps_the_first_error(parked: str) -> None:
    park(customer_id=parked, error=KeyError("later"))
    assert Customer.objects.get(pk=parked).park_error == "ValueError: no such plan"


def test_an_error_that_no_column_takes_parks_all_the_same(
    customers: Customers,
    planner: Planner,
    machine_time: MachineTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # a captured log with half a surrogate pair cannot be sent between test processes
    monkeypatch.setattr(logging.getLogger("customers.turns"), "disabled", True)
    [ada] = customers(1)
    planner.plan(ada, at("03-01 13:00"))
    planner.failing = {ada: ValueError("\x00\ud800")}
    machine_time.passes(hours=2)
    assert run_due_live() == 1
    shown = Customer.objects.get(pk=ada).park_error
    assert shown == "ValueError: \N{REPLACEMENT CHARACTER}?"


@pytest.fixture
def parked_on_a_clock(customers: Customers, planner: Planner) -> str:
    """A customer whose work of 13:00 failed on the way of its clock to 15:00."""
    clock = create_clock(frozen_at=at("03-01 12:00"), name="")
    [ada] = customers(1, clock.id)
    planner.plan(ada, at("03-01 13:00"), at("03-01 14:00"))
    planner.failing = {ada: ValueError("no such plan")}
    advance(clock_id=clock.id, to=at("03-01 15:00"))
    while advance_clocks():
        pass
    planner.failing = {}
    return ada


def test_unparked_on_a_clock_that_stands_it_goes_on_without_a_command(
    parked_on_a_clock: str, planner: Planner, nudged: list[str]
) -> None:
    unpark(customer_id=parked_on_a_clock)
    assert sorted(nudged) == ["clocks", "due"]
    while advance_clocks():
        pass
    assert planner.done(parked_on_a_clock) == [at("03-01 13:00"), at("03-01 14:00")]
    clock = TestClock.objects.get()
    assert (clock.frozen_at, clock.advancing_to) == (at("03-01 15:00"), None)


def test_retried_on_a_clock_that_stands_it_goes_on_at_once(
    parked_on_a_clock: str, planner: Planner
) -> None:
    retry(customer_id=parked_on_a_clock)
    assert planner.done(parked_on_a_clock) == [at("03-01 13:00"), at("03-01 14:00")]
    while advance_clocks():
        pass
    clock = TestClock.objects.get()
    assert (clock.frozen_at, clock.advancing_to) == (at("03-01 15:00"), None)


def test_unparking_who_has_nothing_to_do_leaves_the_clock_ready(customers: Customers) -> None:
    clock = create_clock(frozen_at=at("03-01 12:00"), name="")
    [ada] = customers(1, clock.id)
    park(customer_id=ada, error=ValueError("by hand"))
    unpark(customer_id=ada)
    assert TestClock.objects.get().advancing_to is None
