"""One customer, one writer, in time order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from core.errors import Conflict
from core.ids import new_id
from core.transactions import command, unit_of_work
from customers import turns
from customers.models import Customer, Subject
from customers.services import NewSubject, close_customer, create_customer, create_subjects
from customers.turns import (
    CATCH_UP_STEPS,
    CatchingUp,
    CustomerClosed,
    CustomerNotFound,
    turn,
)
from tests.conftest import MachineTime
from tests.customers.conftest import Customers
from tests.customers.planner import Planner, at
from tests.racing import Gate, start, together, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


@command
def touch(customer_id: str, inside: Callable[[], object] = lambda: None) -> datetime:
    """Take the turn, do something inside it, return the instant."""
    with turn(customer_id) as instant:
        inside()
        return instant


@pytest.fixture
def ada(customers: Customers, machine_time: MachineTime) -> str:
    return customers(1)[0]


def test_a_turn_is_taken_inside_a_unit_of_work(ada: str) -> None:
    with pytest.raises(RuntimeError, match="inside a unit of work"), turn(ada):
        pass


def test_the_instant_is_the_machines_whole_second_in_utc(
    ada: str, machine_time: MachineTime
) -> None:
    machine_time.passes(seconds=7.5)
    instant = touch(ada)
    assert instant == at("03-01 12:00") + timedelta(seconds=7)
    assert instant.tzinfo is UTC
    assert Customer.objects.get(pk=ada).last_acted_at == instant


def test_who_does_not_exist_has_no_turn(ada: str) -> None:
    with pytest.raises(CustomerNotFound):
        touch(new_id("cus"))
    with pytest.raises(CustomerNotFound):
        unit_of_work(lambda: take([ada, new_id("cus")]))


def test_a_closed_customer_has_no_turn(ada: str) -> None:
    close_customer(customer_id=ada)
    with pytest.raises(CustomerClosed):
        touch(ada)


def take(customer_ids: list[str]) -> None:
    with turns.turns(customer_ids):
        pass


def test_commands_on_one_customer_come_one_after_the_other(ada: str) -> None:
    @command
    def count_up() -> None:
        with turn(ada) as instant:
            number = Subject.objects.filter(customer_id=ada).count()
            Subject.objects.create(customer_id=ada, kind=str(number), created_at=instant)

    together(*[lambda: [count_up() for _ in range(5)]] * 6)
    kinds = sorted(int(each) for each in Subject.objects.values_list("kind", flat=True))
    assert kinds == list(range(30))


def test_commands_on_two_customers_do_not_wait_for_each_other(customers: Customers) -> None:
    one, other = customers(2)
    gate = Gate()
    first = start(lambda: touch(one, gate.pass_through))
    gate.wait_until_reached()
    touch(other)
    gate.open()
    first.result(20)


def test_a_command_that_waited_acts_after_the_one_it_waited_for(
    ada: str, machine_time: MachineTime
) -> None:
    gate = Gate()
    first = start(lambda: touch(ada, gate.pass_through))
    gate.wait_until_reached()
    second = start(lambda: touch(ada))
    wait_until_blocked()
    machine_time.passes(seconds=30)
    gate.open()
    assert first.result(20) == at("03-01 12:00")
    assert second.result(20) == at("03-01 12:00") + timedelta(seconds=30)


def test_a_machine_whose_clock_is_behind_never_acts_before_what_was_done(
    ada: str, machine_time: MachineTime
) -> None:
    machine_time.passes(minutes=10)
    touch(ada)
    machine_time.passes(minutes=-10)
    assert touch(ada) == at("03-01 12:10")
    assert Customer.objects.get(pk=ada).last_acted_at == at("03-01 12:10")


def test_a_turn_does_not_block_rows_that_refer_to_the_customer(ada: str) -> None:
    gate = Gate()
    holder = start(lambda: touch(ada, gate.pass_through))
    gate.wait_until_reached()

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
        Subject.objects.create(customer_id=ada, kind="zone", created_at=at("03-01 12:00"))

    unit_of_work(insert)
    gate.open()
    holder.result(20)
    assert Subject.objects.count() == 1


def test_a_failed_command_did_not_act(ada: str, machine_time: MachineTime) -> None:
    machine_time.passes(hours=1)

    def refuse() -> None:
        raise Conflict("no")

    with pytest.raises(Conflict):
        touch(ada, refuse)
    assert Customer.objects.get(pk=ada).last_acted_at == at("03-01 12:00")


def test_turns_of_several_customers_never_lock_in_a_circle(customers: Customers) -> None:
    ordered = customers(4)
    tries: list[int] = []

    def batch(customer_ids: list[str]) -> Callable[[], None]:
        def work() -> None:
            tries.append(1)
            with turns.turns(customer_ids) as instants:
                assert set(instants) == set(ordered)

        return lambda: [unit_of_work(work) for _ in range(25)] and None

    together(batch(ordered), batch(ordered[::-1]), batch(ordered[2:] + ordered[:2]))
    assert len(tries) == 75, "a deadlock was retried"


def test_two_services_of_one_command_share_the_turn(ada: str, planner: Planner) -> None:
    @command
    def both() -> None:
        create_subjects(customer_id=ada, subjects=[NewSubject("zone")])
        planner.plan(ada, at("03-02 00:00"))

    both()
    assert Customer.objects.get(pk=ada).next_due_at == at("03-02 00:00")
    assert Subject.objects.count() == 1


def test_what_is_due_next_is_the_earliest_of_all_due_work(ada: str, planner: Planner) -> None:
    other = Planner("other")
    turns.install([planner, other])
    planner.plan(ada, at("03-03 00:00"), at("03-05 00:00"))
    assert Customer.objects.get(pk=ada).next_due_at == at("03-03 00:00")
    other.plan(ada, at("03-02 00:00"))
    assert Customer.objects.get(pk=ada).next_due_at == at("03-02 00:00")
    planner.plan(ada, at("03-01 18:00"))
    assert Customer.objects.get(pk=ada).next_due_at == at("03-01 18:00")


def test_a_turn_comes_after_everything_that_was_due(
    ada: str, planner: Planner, machine_time: MachineTime
) -> None:
    planner.plan(ada, at("03-01 13:00"), at("03-01 14:00"), at("03-01 16:00"))
    machine_time.passes(hours=2)
    inside: list[datetime] = []
    instant = touch(ada, lambda: inside.extend(planner.done(ada)))
    assert instant == at("03-01 14:00")
    assert inside == [at("03-01 13:00"), at("03-01 14:00")]
    row = Customer.objects.get(pk=ada)
    assert (row.last_acted_at, row.next_due_at) == (at("03-01 14:00"), at("03-01 16:00"))


def test_catching_up_commits_by_itself_although_the_command_fails(
    ada: str, planner: Planner, machine_time: MachineTime
) -> None:
    planner.plan(ada, at("03-01 13:00"), at("03-01 14:00"))
    machine_time.passes(hours=3)

    def refuse() -> None:
        raise Conflict("no")

    with pytest.raises(Conflict):
        touch(ada, refuse)
    assert planner.done(ada) == [at("03-01 13:00"), at("03-01 14:00")]
    assert planner.transactions(ada) == 2
    assert Customer.objects.get(pk=ada).last_acted_at == at("03-01 14:00")


def hourly(number: int) -> list[datetime]:
    return [at("03-01 13:00") + timedelta(hours=n) for n in range(number)]


def test_one_request_works_off_fifty_steps(
    ada: str, planner: Planner, machine_time: MachineTime
) -> None:
    assert CATCH_UP_STEPS == 50
    planner.plan(ada, *hourly(50))
    machine_time.passes(days=30)
    assert touch(ada) == at("03-31 12:00")
    assert planner.done(ada) == hourly(50)


def test_more_than_fifty_steps_go_on_in_the_background(
    ada: str, planner: Planner, machine_time: MachineTime, nudged: list[str]
) -> None:
    planner.plan(ada, *hourly(51))
    machine_time.passes(days=30)
    nudged.clear()
    with pytest.raises(CatchingUp) as later:
        touch(ada)
    assert (later.value.status, later.value.code) == (503, "catching_up")
    assert later.value.retry_after_seconds == 2
    assert planner.done(ada) == hourly(50)
    assert "due" in nudged
    assert touch(ada) == at("03-31 12:00")
    assert planner.done(ada) == hourly(51)


def test_catching_up_several_customers_takes_them_side_by_side(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    both = customers(2)
    for each in both:
        planner.plan(each, *hourly(30))
    machine_time.passes(days=30)
    unit_of_work(lambda: take(both))
    assert [planner.done(each) for each in both] == [hourly(30), hourly(30)]


def test_work_that_became_due_while_a_command_waited_is_done_before_it(
    ada: str, planner: Planner, machine_time: MachineTime
) -> None:
    planner.plan(ada, at("03-01 12:30"))
    gate = Gate()
    first = start(lambda: touch(ada, gate.pass_through))
    gate.wait_until_reached()
    seen: list[datetime] = []
    second = start(lambda: touch(ada, lambda: seen.extend(planner.done(ada))))
    wait_until_blocked()
    machine_time.passes(hours=1)
    gate.open()
    assert first.result(20) == at("03-01 12:00")
    assert second.result(20) == at("03-01 13:00")
    assert seen == [at("03-01 12:30")]


def test_work_of_several_apps_at_one_instant_is_done_in_their_order(
    ada: str, planner: Planner, machine_time: MachineTime
) -> None:
    order: list[str] = []
    apps = [Planner("second"), planner, Planner("first")]
    turns.install(apps[::-1])
    for app in apps:
        app.meanwhile = lambda due, name=app.name: order.append(name)
        app.plan(ada, at("03-01 13:00"))
    machine_time.passes(hours=1)
    touch(ada)
    assert order == ["first", "work", "second"]
    assert planner.transactions(ada) == 1


def test_a_new_customer_whose_work_is_due_at_once_is_done_by_the_live_tick(
    planner: Planner, nudged: list[str]
) -> None:
    with transaction.atomic():
        customer = create_customer(currency="EUR")
        planner.plan(customer.id, at("03-01 12:00"))
    assert nudged == ["due"]
    assert turns.run_due_live() == 1
    assert planner.done(customer.id) == [at("03-01 12:00")]
