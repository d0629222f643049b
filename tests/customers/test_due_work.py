"""What time alone does: at its instant, whenever a worker comes to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, ProgrammingError, connection

from billing.celery import app
from core.models import Event
from customers import turns
from customers.clocks import create_clock
from customers.models import Customer
from customers.turns import run_due_live
from tests.conftest import MachineTime
from tests.customers.conftest import Customers
from tests.customers.planner import Planner, at
from tests.racing import Gate, start, together

pytestmark = pytest.mark.django_db(transaction=True)


def test_before_its_instant_nothing_is_done(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    [ada] = customers(1)
    planner.plan(ada, at("03-01 12:01"))
    machine_time.passes(seconds=59.5)
    assert run_due_live() == 0
    machine_time.passes(seconds=0.5)
    assert run_due_live() == 1
    assert run_due_live() == 0
    assert planner.done(ada) == [at("03-01 12:01")]


def test_after_an_outage_of_two_days_everything_is_dated_as_it_should_have_been(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    ada, bob = customers(2)
    every_six_hours = [at("03-01 18:00") + timedelta(hours=6 * n) for n in range(8)]
    planner.plan(ada, *every_six_hours)
    planner.plan(bob, at("03-02 12:00"), at("03-04 00:00"))
    machine_time.passes(days=2)
    rounds = []
    while done := run_due_live():
        rounds.append(done)
    assert rounds == [2, 1, 1, 1, 1, 1, 1, 1]
    assert planner.done(ada) == every_six_hours
    assert planner.done(bob) == [at("03-02 12:00")]
    assert planner.transactions(ada) == 8
    assert set(Event.objects.filter(customer_id=ada).values_list("actor", flat=True)) == {
        "test",  # it was created
        "system:due",
    }
    rows = {row.id: row for row in Customer.objects.all()}
    assert (rows[ada].last_acted_at, rows[ada].next_due_at) == (at("03-03 12:00"), None)
    assert (rows[bob].last_acted_at, rows[bob].next_due_at) == (
        at("03-02 12:00"),
        at("03-04 00:00"),
    )


def test_who_waits_longest_comes_first(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    ada, bob, eve = customers(3)
    planner.plan(ada, at("03-01 15:00"))
    planner.plan(bob, at("03-01 14:00"))
    planner.plan(eve, at("03-01 13:00"))
    machine_time.passes(hours=5)
    assert run_due_live(limit=2) == 2
    assert [len(planner.done(each)) for each in (ada, bob, eve)] == [0, 1, 1]


def test_customers_on_test_clocks_are_not_moved_by_real_time(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    clock = create_clock(frozen_at=at("03-01 00:00"), name="")
    [ada], [bob] = customers(1, clock.id), customers(1)
    planner.plan(ada, at("03-01 01:00"))
    planner.plan(bob, at("03-01 12:00"))
    assert run_due_live(limit=1) == 1, "nor do they take anybody's place"
    assert run_due_live(limit=1) == 0
    assert (planner.done(ada), planner.done(bob)) == ([], [at("03-01 12:00")])


def test_two_workers_share_the_work_and_neither_waits(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    everybody = customers(10)
    for each in everybody:
        planner.plan(each, at("03-01 13:00"))
    machine_time.passes(hours=2)
    gate = Gate()
    planner.meanwhile = lambda due: gate.pass_through()
    first = start(lambda: run_due_live(limit=6))
    gate.wait_until_reached()
    planner.meanwhile = lambda due: None
    assert run_due_live(limit=6) == 4
    assert run_due_live(limit=6) == 0
    gate.open()
    assert first.result(20) == 6
    assert [planner.done(each) for each in everybody] == [[at("03-01 13:00")]] * 10


def test_a_worker_and_a_command_do_each_instant_once(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    [ada] = customers(1)
    instants = [at("03-01 13:00") + timedelta(hours=n) for n in range(20)]
    planner.plan(ada, *instants)
    machine_time.passes(days=2)

    def work() -> None:
        while run_due_live():
            pass

    together(work, lambda: planner.plan(ada, at("03-09 00:00")), work)
    assert planner.done(ada) == instants


def test_a_failing_customer_is_found_and_parked_and_all_others_are_done(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    everybody = customers(7)
    bad = {everybody[2]: ValueError("no such plan"), everybody[5]: KeyError("price")}
    planner.failing = dict(bad)
    for each in everybody:
        planner.plan(each, at("03-01 13:00"))
    machine_time.passes(hours=2)
    assert run_due_live() == 7
    assert run_due_live() == 0
    for each in everybody:
        row = Customer.objects.get(pk=each)
        if each in bad:
            assert (row.parked_at, row.next_due_at) == (machine_time.now, at("03-01 13:00"))
            assert planner.done(each) == []
        else:
            assert (row.parked_at, row.park_error, row.next_due_at) == (None, "", None)
            assert planner.done(each) == [at("03-01 13:00")]
    errors = Customer.objects.exclude(parked_at=None).order_by("id")
    assert list(errors.values_list("park_error", flat=True)) == [
        "ValueError: no such plan",
        "KeyError: 'price'",
    ]


def test_work_that_leaves_itself_due_parks_its_customer(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    ada, bob = customers(2)
    other = Planner("other")
    turns.install([planner, other])
    planner.plan(ada, at("03-01 13:00"))
    other.plan(bob, at("03-01 13:00"))
    planner.forgets = True
    machine_time.passes(hours=2)
    assert run_due_live() == 2
    row = Customer.objects.get(pk=ada)
    assert row.park_error.startswith("DueWorkStuck: work due at 2026-03-01T13:00:00+00:00")
    assert other.done(bob) == [at("03-01 13:00")]


def test_a_lost_database_connection_parks_nobody(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    ada, bob = customers(2)
    for each in (ada, bob):
        planner.plan(each, at("03-01 13:00"))
    machine_time.passes(hours=2)

    def cut(due: Mapping[str, datetime]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    planner.meanwhile = cut
    with pytest.raises(OperationalError):
        start(run_due_live).result(20)
    assert not Customer.objects.exclude(parked_at=None).exists()
    planner.meanwhile = lambda due: None
    assert run_due_live() == 2
    assert planner.done(ada) == [at("03-01 13:00")]


@pytest.mark.parametrize("code", ["57014", "55P03", "53200"])
def test_a_database_in_trouble_parks_nobody(
    customers: Customers, planner: Planner, machine_time: MachineTime, code: str
) -> None:
    """Statement timeout, lock not available, out of memory: the next round may do better."""
    [ada] = customers(1)
    planner.plan(ada, at("03-01 13:00"))
    machine_time.passes(hours=2)

    tries: list[int] = []

    def struggle(due: Mapping[str, datetime]) -> None:
        tries.append(1)
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE USING ERRCODE = '{code}'; END $$")

    planner.meanwhile = struggle
    for work in (run_due_live, lambda: turns.run_due([ada])):
        with pytest.raises(OperationalError):
            work()
    assert len(tries) == 2
    assert not Customer.objects.exclude(parked_at=None).exists()


def test_a_worker_that_runs_out_of_time_raises_nothing_inside_due_work() -> None:
    """An error that Celery raises wherever the work happens to be would park a customer."""
    assert app.conf.task_soft_time_limit is None


def test_conflicts_inside_due_work_are_tried_again(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    [ada] = customers(1)
    planner.plan(ada, at("03-01 13:00"))
    machine_time.passes(hours=2)
    codes = ["40001", "40P01"]

    def conflict(due: Mapping[str, datetime]) -> None:
        if codes:
            with connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE USING ERRCODE = '{codes.pop()}'; END $$")

    planner.meanwhile = conflict
    assert run_due_live() == 1
    assert codes == []
    assert planner.done(ada) == [at("03-01 13:00")]
    assert Customer.objects.get(pk=ada).parked_at is None


def test_an_error_of_the_search_itself_is_not_swallowed(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Customer._meta, "db_table", "customers_gone")
    with pytest.raises(ProgrammingError):
        run_due_live()


def test_due_work_locks_no_inserts_out(
    customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    [ada] = customers(1)
    planner.plan(ada, at("03-01 13:00"))
    machine_time.passes(hours=2)
    locks: list[str] = []

    def record(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        if " FOR " in sql and "UPDATE" in sql:
            locks.append(sql[sql.index(" FOR ") :].strip())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        run_due_live()
        planner.plan(ada, at("03-09 00:00"))
    assert locks == ["FOR NO KEY UPDATE SKIP LOCKED", "FOR NO KEY UPDATE"]
