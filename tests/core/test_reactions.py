"""Reactions: at least once, by one worker at a time, and never lost."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from core import acting, events, ids
from core.events import (
    FIRST_RETRY,
    LEASE,
    LONGEST_RETRY,
    MAX_ATTEMPTS,
    EventType,
    Fact,
    Listener,
    deliver_pending,
    publish,
)
from core.models import Delivery, Event
from core.transactions import command
from tests.conftest import MachineTime
from tests.racing import Gate, start, together

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
THING = EventType("thing.happened", "Something happened.", {"n": "which one"})
OTHER = EventType("other.happened", "Something else happened.", {"n": "which one"})

ADA = ids.new_id("cus")
BOB = ids.new_id("cus")

React = Callable[..., None]


@pytest.fixture
def react(monkeypatch: pytest.MonkeyPatch) -> React:
    """Install reactions to THING."""

    def install(*handlers: Callable[[Sequence[Event]], object]) -> None:
        listeners = tuple(Listener(each, frozenset({THING.name})) for each in handlers)
        monkeypatch.setattr(events, "_reactions", listeners)

    return install


@command
def report(*ns: int, customer: str = ADA, type: EventType = THING) -> None:
    publish([Fact(type, at=AT, customer_id=customer, data={"n": n}) for n in ns])


def test_a_reaction_runs_once_after_the_commit_as_itself(react: React) -> None:
    ran: list[tuple[int, str]] = []

    def note(rows: Sequence[Event]) -> None:
        [row] = rows
        ran.append((row.data["n"], acting.current().actor))

    react(note)
    report(1, 2)
    assert ran == []
    assert deliver_pending() == 2
    name = f"system:{note.__module__}.{note.__qualname__}"
    assert ran == [(1, name), (2, name)]
    assert deliver_pending() == 0
    assert set(Delivery.objects.values_list("attempts", "error", "parked_at")) == {(1, "", None)}
    assert not Delivery.objects.waiting().exists()


def test_nothing_is_owed_to_who_does_not_want_the_type(react: React) -> None:
    react(lambda rows: None)
    report(1, type=OTHER)
    assert not Delivery.objects.exists()


def test_only_as_many_as_asked_for_and_only_of_these_customers(react: React) -> None:
    ran: list[int] = []
    react(lambda rows: ran.append(rows[0].data["n"]))
    report(1, 2, 3, customer=ADA)
    report(4, customer=BOB)
    assert deliver_pending(limit=2) == 2
    assert ran == [1, 2]
    assert deliver_pending(customer_ids=[BOB]) == 1
    assert ran == [1, 2, 4]
    assert deliver_pending(customer_ids=[]) == 0
    assert deliver_pending() == 1
    assert ran == [1, 2, 4, 3]


def test_each_reaction_has_a_duty_of_its_own(react: React) -> None:
    ran: list[str] = []

    def fails(rows: Sequence[Event]) -> None:
        ran.append("fails")
        raise ValueError("not today")

    def works(rows: Sequence[Event]) -> None:
        ran.append("works")

    react(fails, works)
    report(1)
    assert deliver_pending() == 2
    assert sorted(ran) == ["fails", "works"]
    assert [row.handler.rpartition(".")[2] for row in Delivery.objects.waiting()] == ["fails"]


def test_a_failed_reaction_is_tried_again_later_and_later(
    react: React, machine_time: MachineTime
) -> None:
    def fail(rows: Sequence[Event]) -> None:
        raise ValueError("not today")

    react(fail)
    report(1)
    for attempt in range(1, MAX_ATTEMPTS):
        assert deliver_pending() == 1
        assert deliver_pending() == 0, "it waits"
        row = Delivery.objects.get()
        assert (row.attempts, row.error) == (attempt, "ValueError: not today")
        longest = min(FIRST_RETRY * 2**attempt, LONGEST_RETRY)
        wait = row.attempt_after - machine_time.now
        assert longest / 2 <= wait <= longest
        machine_time.now = row.attempt_after
    assert deliver_pending() == 1
    row = Delivery.objects.get()
    assert (row.attempts, row.parked_at) == (MAX_ATTEMPTS, machine_time.now)
    machine_time.passes(days=30)
    assert deliver_pending() == 0, "it waits for a person"


def test_a_reaction_that_recovers_leaves_no_error(react: React, machine_time: MachineTime) -> None:
    errors = [ValueError("not today")]

    def recover(rows: Sequence[Event]) -> None:
        if errors:
            raise errors.pop()

    react(recover)
    report(1)
    deliver_pending()
    machine_time.passes(minutes=1)
    assert deliver_pending() == 1
    row = Delivery.objects.get()
    assert (row.delivered_at, row.error, row.attempts) == (machine_time.now, "", 2)


def test_an_error_that_no_column_takes_is_kept_all_the_same(
    react: React, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a captured log with half a surrogate pair cannot be sent between test processes
    monkeypatch.setattr(logging.getLogger("core.events"), "disabled", True)

    def fail(rows: Sequence[Event]) -> None:
        raise ValueError("nul \x00, half a pair \ud800, and " + "long " * 1000)

    react(fail)
    report(1)
    assert deliver_pending() == 1
    shown = Delivery.objects.get().error
    assert shown.startswith("ValueError: nul \N{REPLACEMENT CHARACTER}, half a pair ?, and long")
    assert len(shown) == 2000


def test_a_reaction_that_nobody_offers_any_more_waits_with_an_error(react: React) -> None:
    def gone(rows: Sequence[Event]) -> None:
        raise AssertionError

    react(gone)
    report(1)
    react()
    assert deliver_pending() == 1
    row = Delivery.objects.waiting().get()
    assert row.error == f"LookupError: nobody is called {row.handler}"


def test_a_dead_workers_delivery_is_taken_over_when_its_lease_has_run_out(
    react: React, machine_time: MachineTime
) -> None:
    ran: list[int] = []

    def die_once(rows: Sequence[Event]) -> None:
        ran.append(1)
        if len(ran) == 1:
            raise SystemExit("kill -9")

    react(die_once)
    report(1)
    with pytest.raises(SystemExit):
        deliver_pending()
    machine_time.now += LEASE - timedelta(seconds=1)
    assert deliver_pending() == 0
    machine_time.passes(seconds=1)
    assert deliver_pending() == 1
    assert len(ran) == 2
    assert Delivery.objects.get().attempts == 2


def test_a_reaction_that_kills_its_workers_is_parked_like_any_other(
    react: React, machine_time: MachineTime
) -> None:
    ran: list[int] = []

    def die(rows: Sequence[Event]) -> None:
        ran.append(1)
        raise SystemExit("kill -9")

    react(die)
    report(1)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(SystemExit):
            deliver_pending()
        machine_time.now += LEASE
    assert deliver_pending() == 1
    row = Delivery.objects.get()
    assert len(ran) == MAX_ATTEMPTS
    assert row.parked_at == machine_time.now
    assert row.error.startswith("WorkerLost: ")


@pytest.mark.parametrize("stalled_one_fails", [True, False])
def test_a_worker_that_wakes_after_its_lease_writes_nothing(
    react: React, machine_time: MachineTime, stalled_one_fails: bool
) -> None:
    ran: list[str] = []

    def stall(rows: Sequence[Event]) -> None:
        if ran:
            ran.append("second")
            if not stalled_one_fails:
                raise ValueError("the second's outcome")
            return
        ran.append("first")
        machine_time.now += LEASE
        assert deliver_pending() == 1  # another worker takes over while we are stalled
        if stalled_one_fails:
            raise ValueError("the first's outcome")

    react(stall)
    report(1)
    assert deliver_pending() == 1
    assert ran == ["first", "second"]
    row = Delivery.objects.get()
    assert row.attempts == 2
    if stalled_one_fails:
        assert (row.delivered_at, row.error) == (machine_time.now, "")
    else:
        assert (row.delivered_at, row.error) == (None, "ValueError: the second's outcome")


@pytest.mark.django_db(transaction=True)
def test_two_workers_run_each_reaction_once(react: React) -> None:
    ran: Counter[int] = Counter()
    react(lambda rows: ran.update([rows[0].data["n"]]))
    report(*range(40))
    assert sum(together(deliver_pending, deliver_pending)) == 40
    assert ran == Counter(range(40))


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_not_wait_for_what_another_is_just_taking(react: React) -> None:
    gate = Gate()
    ran: list[int] = []
    react(lambda rows: ran.append(rows[0].data["n"]))
    report(1, 2)

    @transaction.atomic
    def take_the_first() -> None:
        Delivery.objects.select_for_update().earliest("id")
        gate.pass_through()

    taking = start(take_the_first)
    gate.wait_until_reached()
    assert deliver_pending() == 1
    assert ran == [2]
    gate.open()
    taking.result(20)
    assert deliver_pending() == 1


@pytest.mark.django_db(transaction=True)
def test_a_slow_reaction_holds_no_lock_and_is_not_run_beside_itself(react: React) -> None:
    gate = Gate()
    ran: list[int] = []

    def slow(rows: Sequence[Event]) -> None:
        assert not transaction.get_connection().in_atomic_block
        ran.append(rows[0].data["n"])
        if ran == [1]:
            gate.pass_through()

    react(slow)
    report(1, 2)
    worker = start(lambda: deliver_pending(limit=1))
    gate.wait_until_reached()
    assert deliver_pending() == 1
    assert ran == [1, 2]
    gate.open()
    assert worker.result(20) == 1
    assert ran == [1, 2]


def test_a_parked_reaction_is_tried_again_when_staff_say_so(
    react: React, machine_time: MachineTime
) -> None:
    broken = True

    def fail(rows: Sequence[Event]) -> None:
        if broken:
            raise ValueError("not yet")

    react(fail)
    report(1)
    for _ in range(MAX_ATTEMPTS):
        assert deliver_pending() == 1
        machine_time.passes(hours=2)
    row = Delivery.objects.get()
    assert row.parked_at is not None
    assert deliver_pending() == 0

    broken = False
    assert events.retry_parked([row.pk]) == 1
    assert deliver_pending() == 1
    row.refresh_from_db()
    assert (row.parked_at, row.error, row.delivered_at) == (None, "", machine_time.now)
