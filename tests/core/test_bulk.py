"""Many rows, some columns, one statement."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from core import bulk
from core.ids import new_id
from core.models import AuditEntry, Delivery, Event, IdempotencyKey
from core.transactions import unit_of_work
from customers.models import Customer, TestClock
from identity.models import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Mood(StrEnum):
    CALM = "calm"


def event(number: int) -> Event:
    row = Event(
        type="test", sequence=number, occurred_at=NOON, recorded_at=NOON, actor="test", data={}
    )
    row.save()
    return row


def clocks(*names: str) -> list[TestClock]:
    rows = [TestClock(name=name, frozen_at=NOON, created_at=NOON) for name in names]
    return unit_of_work(lambda: TestClock.objects.bulk_create(rows))


def kept(*columns: str) -> list[tuple[Any, ...]]:
    return list(Event.objects.order_by("sequence").values_list(*columns))


def test_values_of_every_kind_arrive_as_they_are() -> None:
    first, second, third = event(1), event(2), event(3)
    customer, subject = new_id("cus"), new_id("sbj")
    first.customer_id, first.subject_id, first.position = customer, subject, 2**40
    first.reason, first.data = 'a "quoted", {braced} \\ NULL ü', {"a": ["}", '"', "\\", None, 1.5]}
    second.occurred_at, second.reason, second.data = NOON + timedelta(microseconds=1), "", [1]
    columns = ("customer_id", "subject_id", "position", "reason", "data", "occurred_at")
    bulk.write(Event, columns=columns, rows=[first, second])
    assert kept(*columns) == [
        (customer, subject, 2**40, first.reason, first.data, NOON),
        (None, None, None, "", [1], second.occurred_at),
        (None, None, None, "", {}, NOON),
    ]
    assert third.pk == kept("pk")[2][0]


def test_bytes_and_references_arrive_too() -> None:
    first, second = event(1), event(2)
    answer = IdempotencyKey.objects.create(
        principal="p", route="r", key="k", fingerprint=b"", status=200, headers={}, body={},
        created_at=NOON,
    )  # fmt: skip
    delivery = Delivery.objects.create(event=first, handler="h", attempt_after=NOON)
    bulk.write(IdempotencyKey, columns=("fingerprint",), rows={answer.pk: (b"\x00\xff'\\",)})
    bulk.write(Delivery, columns=("event", "attempts"), rows={delivery.pk: (second.pk, 7)})
    answer.refresh_from_db()
    delivery.refresh_from_db()
    assert bytes(answer.fingerprint) == b"\x00\xff'\\"
    assert (delivery.event_id, delivery.attempts, delivery.handler) == (second.pk, 7, "h")


def test_an_enums_member_is_the_text_it_stands_for() -> None:
    first, second = event(1), event(2)
    rows = {first.pk: (Mood.CALM,), second.pk: ("wild",)}
    bulk.write(Event, columns=("reason",), rows=rows)
    assert kept("reason") == [("calm",), ("wild",)]


def test_rows_are_named_by_their_ids() -> None:
    a, b, c = clocks("a", "b", "c")
    later = NOON + timedelta(hours=1)
    unit_of_work(
        lambda: bulk.write(
            TestClock,
            columns=("name", "advancing_to"),
            rows={a.id: ("x", later), c.id: ("z", None), new_id("clk"): ("nobody", None)},
        )
    )
    assert list(TestClock.objects.order_by("name").values_list("id", "name", "advancing_to")) == [
        (b.id, "b", None),
        (a.id, "x", later),
        (c.id, "z", None),
    ]


def test_of_a_column_that_never_falls_the_greater_value_is_kept() -> None:
    early, late = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    first, second = unit_of_work(
        lambda: Customer.objects.bulk_create(
            Customer(currency="EUR", zone="UTC", created_at=NOON, last_acted_at=NOON)
            for _ in range(2)
        )
    )
    unit_of_work(
        lambda: bulk.write(
            Customer,
            columns=("last_acted_at", "next_due_at"),
            rows={first.id: (early, early), second.id: (late, None)},
            never_lower=("last_acted_at",),
        )
    )
    written = Customer.objects.in_bulk()
    assert (written[first.id].last_acted_at, written[first.id].next_due_at) == (NOON, early)
    assert (written[second.id].last_acted_at, written[second.id].next_due_at) == (late, None)


def test_a_thousand_rows_are_one_statement_and_none_are_no_statement() -> None:
    rows = clocks(*("n" for _ in range(1000)))
    for place, row in enumerate(rows):
        row.name = str(place)

    def write() -> int:
        with CaptureQueriesContext(connection) as queries:
            bulk.write(TestClock, columns=("name",), rows=[])
            bulk.write(TestClock, columns=("name",), rows={})
            bulk.write(TestClock, columns=("name",), rows=rows)
        return len(queries)

    assert unit_of_work(write) == 1
    assert {row.id: row.name for row in TestClock.objects.all()} == {
        row.id: str(place) for place, row in enumerate(rows)
    }


def test_the_audit_log_has_an_entry_for_each_row_that_changed() -> None:
    a, b = clocks("a", "b")
    rows = {a.id: ("x", NOON), b.id: ("b", NOON)}
    unit_of_work(lambda: bulk.write(TestClock, columns=("name", "frozen_at"), rows=rows))
    [entry] = AuditEntry.objects.filter(operation="update")
    assert entry.changes == {"name": ["a", "x"]}


def test_a_write_by_nobody_is_refused() -> None:
    [row] = clocks("a")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('billing.actor', '', true)")
    with pytest.raises(IntegrityError, match="audit_somebody_acted"):
        bulk.write(TestClock, columns=("name",), rows={row.id: ("x",)})


def test_a_text_that_is_too_long_is_refused_and_never_cut() -> None:
    row = event(1)
    with pytest.raises(DataError, match="too long"):
        bulk.write(Event, columns=("type",), rows={row.pk: ("t" * 65,)})


def test_what_a_constraint_refuses_is_refused() -> None:
    [row] = clocks("a")
    row.advancing_to = NOON - timedelta(seconds=1)
    with pytest.raises(IntegrityError, match="clock_never_goes_back"):
        unit_of_work(lambda: bulk.write(TestClock, columns=("advancing_to",), rows=[row]))


def test_columns_and_values_must_fit_each_other() -> None:
    [row] = clocks("a")
    with pytest.raises(ValueError, match="argument"):
        bulk.write(TestClock, columns=("name",), rows={row.id: ("x", NOON)})
    with pytest.raises(TypeError, match="scopes holds arrays"):
        bulk.write(Client, columns=("scopes",), rows={new_id("cli"): (["a"],)})
