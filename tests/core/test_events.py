"""Facts: numbered per customer, placed in one order after the commit, projected at once."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from core import acting, events, ids
from core.errors import Conflict
from core.events import EventType, Fact, Listener, publish, stamp_positions
from core.models import Delivery, Event
from core.transactions import command, unit_of_work
from tests.conftest import MachineTime
from tests.racing import Gate, start, together, wait_until, wait_until_blocked

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unwired")]

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
THING = EventType("thing.happened", "Something happened.", {"n": "which one"})
ECHO = EventType("thing.echoed", "It was heard.", {"n": "which one"})

ADA = ids.new_id("cus")
BOB = ids.new_id("cus")

Listen = Callable[..., None]


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Listen:
    """Say who listens for the length of the test."""

    def install(*projections: Listener, reactions: Sequence[Listener] = ()) -> None:
        monkeypatch.setattr(events, "_projections", projections)
        monkeypatch.setattr(events, "_reactions", reactions)

    return install


def to(handler: Callable[[Sequence[Event]], Any], *types: EventType) -> Listener:
    return Listener(handler, frozenset(each.name for each in types or (THING,)))


def happened(n: int, customer: str | None = ADA) -> Fact:
    return Fact(THING, at=AT, customer_id=customer, data={"n": n})


@command
def report(*facts: Fact) -> list[Event]:
    return publish(facts)


def after(cursor: int) -> list[Event]:
    """Read the log as everybody should: what stands behind the last position that was seen."""
    return list(Event.objects.filter(position__gt=cursor).order_by("position"))


def numbers(rows: Sequence[Event]) -> list[int]:
    return [row.data["n"] for row in rows]


def test_a_fact_is_recorded_with_both_times_and_who_acted(machine_time: MachineTime) -> None:
    subject = ids.new_id("sbj")
    with acting.acting_as("staff:ada", reason="asked by mail"):
        report(Fact(THING, at=AT, customer_id=ADA, subject_id=subject, data={"n": 1}))
    event = Event.objects.get()
    assert (event.type, event.customer_id, event.subject_id) == ("thing.happened", ADA, subject)
    assert (event.occurred_at, event.recorded_at) == (AT, machine_time.now)
    assert (event.actor, event.reason) == ("staff:ada", "asked by mail")
    assert (event.sequence, event.position, event.data) == (1, None, {"n": 1})
    assert event.id.startswith("evt_")


def test_publishing_needs_the_transaction_of_its_cause() -> None:
    with pytest.raises(RuntimeError, match="share a transaction"):
        publish([happened(1)])
    assert not Event.objects.exists()


def test_publishing_nothing_is_nothing() -> None:
    assert publish([]) == []


def test_a_fact_holds_exactly_the_data_its_type_declares() -> None:
    for data in ({}, {"m": 1}, {"n": 1, "m": 2}):
        with pytest.raises(ValueError, match=r"thing\.happened holds"):
            Fact(THING, at=AT, data=data)


def test_each_customer_counts_its_own_events_and_the_catalog_too() -> None:
    report(happened(1, ADA), happened(2, BOB), happened(3, ADA), happened(4, None))
    report(happened(5, None), happened(6, BOB))
    rows = Event.objects.order_by("ordinal").values_list("customer_id", "sequence")
    assert list(rows) == [(ADA, 1), (BOB, 1), (ADA, 2), (None, 1), (None, 2), (BOB, 2)]


def test_a_rolled_back_fact_leaves_no_gap() -> None:
    report(happened(1))
    with pytest.raises(Conflict):
        unit_of_work(lambda: (report(happened(2)), refuse()))
    report(happened(3))
    assert list(Event.objects.values_list("sequence", flat=True)) == [1, 2]
    assert numbers(Event.objects.order_by("ordinal")) == [1, 3]


def refuse() -> None:
    raise Conflict("no")


def test_eight_threads_number_one_customers_events_without_a_gap() -> None:
    def publish_some(thread: int) -> Callable[[], None]:
        def run() -> None:
            for turn in range(6):
                facts = [happened(thread * 100 + turn)] * (1 + turn % 3)
                if turn == 3:
                    with pytest.raises(Conflict):
                        unit_of_work(lambda: (publish(facts), refuse()))  # noqa: B023 - runs now
                else:
                    report(*facts)

        return run

    together(*(publish_some(thread) for thread in range(8)))
    rows = Event.objects.order_by("ordinal").values_list("sequence", flat=True)
    assert list(rows) == list(range(1, 8 * (1 + 2 + 3 + 2 + 3) + 1))


def test_who_waits_for_one_customers_number_holds_none_of_a_later_customer() -> None:
    """So that publishers never wait for each other in a circle, whatever order they name."""
    first, second = sorted([ADA, BOB])
    report(happened(1, first), happened(1, second))
    gate = Gate()

    def hold_the_first() -> None:
        unit_of_work(lambda: (publish([happened(2, first)]), gate.pass_through()))

    holder = start(hold_the_first)
    gate.wait_until_reached()
    waiting = start(lambda: report(happened(3, second), happened(3, first)))
    wait_until_blocked()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
        report(happened(2, second))
        cursor.execute("RESET lock_timeout")
    gate.open()
    holder.result(20)
    waiting.result(20)
    for customer in (first, second):
        assert numbers(Event.objects.filter(customer_id=customer).order_by("sequence")) == [1, 2, 3]


def test_a_commit_that_comes_late_is_never_skipped() -> None:
    """The point of positions. The slow writer's event is numbered first and committed last."""
    gate = Gate()

    def slow() -> None:
        def work() -> None:
            publish([happened(1, ADA)])
            gate.pass_through()

        unit_of_work(work)

    writer = start(slow)
    gate.wait_until_reached()
    report(happened(2, BOB))
    assert stamp_positions() == 1
    first = after(0)
    seen = first[-1].ordinal
    gate.open()
    writer.result(20)
    assert stamp_positions() == 1

    assert numbers(first) == [2]
    assert numbers(after(first[-1].position or 0)) == [1]
    assert not Event.objects.filter(ordinal__gt=seen).exists(), "an ordinal would have skipped it"
    assert [row.position for row in after(0)] == [1, 2]


def test_a_reader_beside_many_writers_sees_every_event_once_and_in_order() -> None:
    customers = [ids.new_id("cus") for _ in range(3)]
    done = threading.Event()

    def write() -> None:
        for n in range(15):
            report(happened(n, customers[n % 3]), happened(n, customers[(n * n) % 3]))

    def sequence() -> None:
        while not done.is_set():
            stamp_positions(limit=7)

    seen: list[Event] = []

    def poll() -> bool:
        seen.extend(after((seen[-1].position or 0) if seen else 0))
        return len(seen) >= 4 * 30

    running = [start(each) for each in (write, write, write, write, sequence, sequence)]
    wait_until(poll)
    done.set()
    for each in running:
        each.result(20)
    assert [row.position for row in seen] == list(range(1, 121))
    for customer in customers:
        own = [row.sequence for row in seen if row.customer_id == customer]
        assert own == list(range(1, len(own) + 1))


def test_positions_are_given_once_and_go_on_where_they_ended() -> None:
    report(*(happened(n) for n in range(5)))
    assert stamp_positions(limit=3) == 3
    assert stamp_positions(limit=3) == 2
    assert stamp_positions() == 0
    report(happened(5))
    assert stamp_positions() == 1
    assert [row.position for row in after(0)] == [1, 2, 3, 4, 5, 6]
    assert numbers(after(0)) == [0, 1, 2, 3, 4, 5]


def test_while_one_sequencer_is_at_work_another_does_nothing() -> None:
    report(happened(1))
    gate = Gate()

    def hold() -> int:
        def work() -> int:
            stamped = stamp_positions()
            gate.pass_through()
            return stamped

        return unit_of_work(work)

    first = start(hold)
    gate.wait_until_reached()
    assert stamp_positions() == 0
    gate.open()
    assert first.result(20) == 1


def test_projections_run_in_order_each_with_all_the_events_it_wants(listen: Listen) -> None:
    calls: list[tuple[str, list[int]]] = []
    listen(
        to(lambda rows: calls.append(("one", numbers(rows)))),
        to(lambda rows: calls.append(("two", numbers(rows))), THING, ECHO),
        to(lambda rows: calls.append(("three", numbers(rows))), ECHO),
    )
    report(happened(1, ADA), Fact(ECHO, at=AT, data={"n": 2}), happened(3, BOB))
    assert calls == [("one", [1, 3]), ("two", [1, 2, 3]), ("three", [2])]


def test_what_a_projection_publishes_is_projected_before_the_next_one_runs(listen: Listen) -> None:
    calls: list[str] = []

    def echo(rows: Sequence[Event]) -> None:
        calls.append("echo")
        publish([Fact(ECHO, at=AT, customer_id=row.customer_id, data=row.data) for row in rows])

    listen(
        to(echo),
        to(lambda rows: calls.append(f"heard {rows[0].type}"), ECHO, THING),
    )
    report(happened(1))
    assert calls == ["echo", "heard thing.echoed", "heard thing.happened"]
    rows = Event.objects.order_by("sequence").values_list("sequence", "type")
    assert list(rows) == [(1, "thing.happened"), (2, "thing.echoed")]


def test_projections_share_the_publishers_transaction(listen: Listen) -> None:
    listen(to(lambda rows: refuse()), reactions=[to(lambda rows: None)])
    with pytest.raises(Conflict):
        report(happened(1))
    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


def test_publishers_of_one_customer_wait_for_each_other() -> None:
    """So that the order of a customer's numbers is the order of its commits."""
    gate = Gate()

    def slow() -> None:
        unit_of_work(lambda: (publish([happened(1)]), gate.pass_through()))

    first = start(slow)
    gate.wait_until_reached()
    second = start(lambda: report(happened(2)))
    wait_until_blocked()
    assert not Event.objects.exists()
    gate.open()
    first.result(20)
    second.result(20)
    assert numbers(Event.objects.order_by("sequence")) == [1, 2]
