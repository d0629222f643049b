"""Every write to an audited table leaves who, why and what, whichever way it comes."""

import time
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core import acting, bulk, ids
from core.errors import Conflict
from core.models import AuditEntry
from core.transactions import unit_of_work
from customers.models import Customer, CustomerProfile, TestClock
from customers.services import create_customer
from tests.conftest import MachineTime

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]


@pytest.fixture
def clock_row(machine_time: MachineTime) -> TestClock:
    return unit_of_work(lambda: make_clock("first", machine_time))


def make_clock(name: str, machine_time: MachineTime) -> TestClock:
    now = machine_time.now
    return TestClock.objects.create(name=name, frozen_at=now, created_at=now)


def entries(table: str, operation: str) -> list[AuditEntry]:
    rows = AuditEntry.objects.filter(table_name=table, operation=operation)
    return list(rows.order_by("id"))


def write_by_hand(statement: str, *params: Any) -> None:
    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)

    unit_of_work(work)


def uuid_of(row: TestClock) -> str:
    return str(ids.decode(row.id, prefix="clk"))


def test_an_insert_keeps_the_whole_row_and_who_made_it_and_why(machine_time: MachineTime) -> None:
    with acting.acting_as("staff:ada", reason="a demo", request_id="req-1"):
        row = unit_of_work(lambda: make_clock("demo", machine_time))
    [entry] = AuditEntry.objects.all()
    assert (entry.actor, entry.reason, entry.request_id) == ("staff:ada", "a demo", "req-1")
    assert (entry.table_name, entry.row_id) == ("customers_testclock", uuid_of(row))
    assert (entry.operation, entry.customer_id) == ("insert", None)
    assert entry.changes["name"] == "demo"
    assert set(entry.changes) == {"id", "name", "frozen_at", "advancing_to", "created_at"}


def test_an_update_keeps_what_was_and_what_is(clock_row: TestClock) -> None:
    clock_row.name = "second"
    unit_of_work(clock_row.save)
    [entry] = entries("customers_testclock", "update")
    assert entry.changes == {"name": ["first", "second"]}
    assert entry.row_id == uuid_of(clock_row)


def test_a_delete_keeps_the_whole_row(clock_row: TestClock) -> None:
    uuid = uuid_of(clock_row)
    unit_of_work(clock_row.delete)
    [entry] = entries("customers_testclock", "delete")
    assert (entry.row_id, entry.changes["name"]) == (uuid, "first")


def test_bulk_statements_leave_an_entry_for_each_row(machine_time: MachineTime) -> None:
    def make_three() -> list[TestClock]:
        now = machine_time.now
        return TestClock.objects.bulk_create(
            TestClock(name=name, frozen_at=now, created_at=now) for name in "abc"
        )

    rows = unit_of_work(make_three)
    assert [entry.changes["name"] for entry in entries("customers_testclock", "insert")] == [
        "a",
        "b",
        "c",
    ]
    for row in rows:
        row.name += "!"
    unit_of_work(lambda: TestClock.objects.bulk_update(rows, ["name"]))
    unit_of_work(lambda: TestClock.objects.filter(name="a!").update(name="z"))
    updates = [entry.changes for entry in entries("customers_testclock", "update")]
    assert sorted(updates, key=str) == [
        {"name": ["a!", "z"]},
        {"name": ["a", "a!"]},
        {"name": ["b", "b!"]},
        {"name": ["c", "c!"]},
    ]
    unit_of_work(lambda: TestClock.objects.all().delete())
    assert len(entries("customers_testclock", "delete")) == 3


def test_many_rows_cost_the_same_after_a_single_one(machine_time: MachineTime) -> None:
    """A plan that was made for one row and joins each with each takes ten times as long."""
    now = machine_time.now
    rows = [TestClock(name="0", frozen_at=now, created_at=now) for _ in range(2000)]
    unit_of_work(lambda: TestClock.objects.bulk_create(rows))
    names = iter(range(1, 100))

    def seconds(number: int) -> float:
        values = {row.id: (str(next_name),) for row in rows[:number]}
        begun = time.perf_counter()
        unit_of_work(lambda: bulk.write(TestClock, columns=("name",), rows=values))
        return time.perf_counter() - begun

    with connection.cursor() as cursor:
        measured = {}
        for before in (2000, 1):
            cursor.execute("DISCARD PLANS")
            next_name = next(names)
            seconds(before)
            next_name = next(names)
            measured[before] = seconds(2000)
    assert measured[1] < 4 * measured[2000]


def test_hand_written_sql_is_seen_too(clock_row: TestClock) -> None:
    with acting.acting_as("staff:eve", reason="repair"):
        write_by_hand("UPDATE customers_testclock SET name = 'by hand'")
        write_by_hand(
            "INSERT INTO customers_testclock (id, name, frozen_at, created_at)"
            " SELECT gen_random_uuid(), 'copied', frozen_at, created_at FROM customers_testclock"
        )
        write_by_hand("DELETE FROM customers_testclock WHERE name = 'copied'")
    assert [(entry.operation, entry.actor) for entry in AuditEntry.objects.order_by("id")] == [
        ("insert", "test"),
        ("update", "staff:eve"),
        ("insert", "staff:eve"),
        ("delete", "staff:eve"),
    ]


def test_changes_that_change_nothing_are_not_worth_an_entry(clock_row: TestClock) -> None:
    write_by_hand("UPDATE customers_testclock SET name = name")
    write_by_hand("UPDATE customers_testclock SET name = 'x' WHERE false")
    assert entries("customers_testclock", "update") == []


def test_ignored_columns_alone_make_no_entry_and_are_left_out_of_others(
    clock_row: TestClock, machine_time: MachineTime
) -> None:
    machine_time.passes(days=1)
    unit_of_work(lambda: TestClock.objects.update(frozen_at=machine_time.now))
    assert entries("customers_testclock", "update") == []
    machine_time.passes(days=1)
    unit_of_work(lambda: TestClock.objects.update(frozen_at=machine_time.now, name="moved"))
    [entry] = entries("customers_testclock", "update")
    assert entry.changes == {"name": ["first", "moved"]}


def test_of_personal_data_only_the_names_of_columns_are_kept() -> None:
    customer = create_customer(currency="EUR", name="Ada Lovelace", email="ada@example.org")
    unit_of_work(lambda: CustomerProfile.objects.update(email="countess@example.org"))
    unit_of_work(lambda: CustomerProfile.objects.all().delete())
    kept = AuditEntry.objects.filter(table_name="customers_customerprofile").order_by("id")
    assert [(each.operation, each.changes) for each in kept] == [
        ("insert", {"id": True, "customer_id": True, "name": True, "email": True}),
        ("update", {"email": True}),
        ("delete", {"id": True, "customer_id": True, "name": True, "email": True}),
    ]
    assert {each.customer_id for each in kept} == {customer.id}


def test_entries_name_the_customer_they_are_about() -> None:
    customer = create_customer(currency="EUR")
    [entry] = entries("customers_customer", "insert")
    assert (entry.customer_id, entry.row_id) == (
        customer.id,
        str(ids.decode(customer.id, prefix="cus")),
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("session", ["new", "used"])
def test_the_database_refuses_a_write_by_nobody(session: str, machine_time: MachineTime) -> None:
    connection.close()
    if session == "used":
        unit_of_work(lambda: make_clock("by somebody", machine_time))
    before = TestClock.objects.count()
    with pytest.raises(IntegrityError, match="actor"), transaction.atomic():
        make_clock("by nobody", machine_time)
    assert TestClock.objects.count() == before


def test_entries_are_never_changed_or_removed(clock_row: TestClock) -> None:
    entry = AuditEntry.objects.get()
    entry.actor = "somebody else"
    for forbidden in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(reason="better"),
        lambda: write_by_hand("UPDATE core_auditentry SET changes = '{}'"),
        lambda: write_by_hand("DELETE FROM core_auditentry"),
    ):
        with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
            forbidden()
    [kept] = AuditEntry.objects.all()
    assert (kept.actor, kept.changes["name"]) == ("test", "first")


def test_what_is_rolled_back_leaves_no_entry() -> None:
    def work() -> None:
        create_customer(currency="EUR")
        raise Conflict("no")

    with pytest.raises(Conflict):
        unit_of_work(work)
    assert not Customer.objects.exists()
    assert not AuditEntry.objects.exists()
