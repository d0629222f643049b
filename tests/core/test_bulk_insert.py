"""Many new rows, one statement."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from core import bulk
from core.ids import new_id
from core.models import AuditEntry, Delivery, Event, IdempotencyKey
from core.transactions import unit_of_work
from customers.models import Customer, TestClock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(sequence: int, **values: object) -> Event:
    return Event(
        type="test",
        sequence=sequence,
        occurred_at=NOON,
        recorded_at=NOON,
        actor="test",
        **{"data": {}, **values},
    )


def test_values_of_every_kind_arrive_as_they_are() -> None:
    customer = new_id("cus")
    odd = 'a "quoted", {braced} \\ \\N NULL \t\n ü'
    rows = [
        event(1, customer_id=customer, position=2**40, reason=odd, data={"a": [odd, None, 1.5]}),
        event(2, reason="", data=[]),
    ]
    bulk.insert(Event, rows)
    columns = ("id", "customer_id", "position", "reason", "data", "occurred_at")
    assert list(Event.objects.order_by("sequence").values_list(*columns)) == [
        (rows[0].id, customer, 2**40, odd, {"a": [odd, None, 1.5]}, NOON),
        (rows[1].id, None, None, "", [], NOON),
    ]


def test_bytes_and_references_arrive_too() -> None:
    key = IdempotencyKey(
        principal="test", route="r", key="k", fingerprint=b"\x00\xff\\", status=200, headers={},
        body={}, created_at=NOON,
    )  # fmt: skip
    bulk.insert(IdempotencyKey, [key])
    assert bytes(IdempotencyKey.objects.get().fingerprint) == b"\x00\xff\\"
    about = event(1)
    bulk.insert(Event, [about])
    bulk.insert(Delivery, [Delivery(event=about, handler="h", attempt_after=NOON)])
    assert Delivery.objects.get().event.id == about.id


def test_numbers_are_given_in_the_order_of_the_rows_and_go_on() -> None:
    rows = [event(number) for number in (1, 2, 3)]
    bulk.insert(Event, rows)
    numbers = [row.ordinal for row in rows]
    assert numbers == sorted(set(numbers))
    assert list(Event.objects.order_by("sequence").values_list("ordinal", flat=True)) == numbers
    following = event(4)
    following.save()
    assert following.ordinal > numbers[-1]


def test_rows_can_be_saved_again_afterwards() -> None:
    row = event(1)
    bulk.insert(Event, [row])
    row.position = 7
    row.save()
    assert Event.objects.get().position == 7


def test_it_is_audited_row_by_row() -> None:
    rows = [TestClock(name=name, frozen_at=NOON, created_at=NOON) for name in ("a", "b")]
    unit_of_work(lambda: bulk.insert(TestClock, rows))
    entries = AuditEntry.objects.filter(table_name="customers_testclock").order_by("id")
    told = [(each.operation, each.actor, each.changes["name"]) for each in entries]
    assert sorted(told) == [("insert", "test", "a"), ("insert", "test", "b")]


def test_a_row_against_a_constraint_is_refused_with_all_others() -> None:
    def customer(key: str) -> Customer:
        return Customer(key=key, currency="EUR", zone="UTC", created_at=NOON, last_acted_at=NOON)

    rows = [customer("a"), customer("b"), customer("a")]
    with pytest.raises(IntegrityError, match="customers_customer_key"):
        unit_of_work(lambda: bulk.insert(Customer, rows))
    assert not Customer.objects.exists()


def test_nothing_costs_nothing() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        bulk.insert(Event, [])
    assert len(queries) == 0
