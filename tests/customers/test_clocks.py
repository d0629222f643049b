"""Test clocks: a customer's whole future in a moment, exactly as real time would have it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from core import events
from core.events import Listener
from core.ids import new_id
from core.transactions import unit_of_work
from customers import clocks, turns
from customers.clocks import (
    AdvanceTooFar,
    ClockCannotGoBack,
    ClockNotFound,
    advance,
    advance_clocks,
    create_clock,
)
from customers.models import Customer, TestClock
from customers.queries import now_of
from customers.services import create_customer
from customers.turns import ClockAdvancing
from tests.conftest import MachineTime
from tests.customers.conftest import Customers
from tests.customers.planner import DONE, Planner, at
from tests.racing import Gate, start, together, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock(machine_time: MachineTime) -> str:
    return create_clock(frozen_at=at("01-31 00:00"), name="month ends").id


def stands(clock_id: str) -> tuple[datetime, datetime | None]:
    return TestClock.objects.values_list("frozen_at", "advancing_to").get(pk=clock_id)


def work_until_ready() -> None:
    while advance_clocks():
        pass


def test_customers_on_a_clock_live_in_its_time(clock: str, customers: Customers) -> None:
    [ada] = customers(1, clock)
    row = Customer.objects.get(pk=ada)
    assert (row.created_at, row.last_acted_at) == (at("01-31 00:00"), at("01-31 00:00"))
    assert now_of(row) == at("01-31 00:00")
    assert row.is_on_clock


def test_it_stops_at_every_instant_on_its_way(
    clock: str, customers: Customers, planner: Planner
) -> None:
    ada, bob = customers(2, clock)
    planner.plan(ada, at("02-28 00:00"), at("03-31 00:00"), at("04-30 00:00"), at("05-31 00:00"))
    planner.plan(bob, at("03-31 00:00"), at("04-01 00:00"))
    stops: list[tuple[datetime, int]] = []

    def note(due: Mapping[str, datetime]) -> None:
        stops.append((TestClock.objects.get(pk=clock).frozen_at, len(due)))
        assert set(due.values()) == {stops[-1][0]}

    planner.meanwhile = note
    advance(clock_id=clock, to=at("04-30 00:00"))
    work_until_ready()
    assert stops == [
        (at("02-28 00:00"), 1),
        (at("03-31 00:00"), 2),
        (at("04-01 00:00"), 1),
        (at("04-30 00:00"), 1),
    ]
    assert planner.done(ada) == [at("02-28 00:00"), at("03-31 00:00"), at("04-30 00:00")]
    assert planner.done(bob) == [at("03-31 00:00"), at("04-01 00:00")]
    assert stands(clock) == (at("04-30 00:00"), None)
    assert Customer.objects.get(pk=ada).next_due_at == at("05-31 00:00")


def test_advancing_to_where_it_stands_changes_nothing(
    clock: str, customers: Customers, planner: Planner
) -> None:
    [ada] = customers(1, clock)
    planner.plan(ada, at("02-28 00:00"))
    for _ in range(2):
        advance(clock_id=clock, to=at("02-28 00:00"))
        work_until_ready()
        assert planner.done(ada) == [at("02-28 00:00")]
        assert stands(clock) == (at("02-28 00:00"), None)


def test_with_nothing_due_it_simply_arrives(clock: str, customers: Customers) -> None:
    customers(1, clock)
    row = advance(clock_id=clock, to=at("12-31 00:00"))
    assert (row.status, stands(clock)) == ("advancing", (at("01-31 00:00"), at("12-31 00:00")))
    assert advance_clocks() == 1
    assert stands(clock) == (at("12-31 00:00"), None)
    assert TestClock.objects.get().status == "ready"
    assert advance_clocks() == 0


def test_nobody_else_moves(
    clock: str, customers: Customers, planner: Planner, machine_time: MachineTime
) -> None:
    other = create_clock(frozen_at=at("01-31 00:00"), name="").id
    [ada], [bob], [eve] = customers(1, clock), customers(1, other), customers(1)
    for each in (ada, bob):
        planner.plan(each, at("02-28 00:00"))
    planner.plan(eve, at("03-01 13:00"))
    advance(clock_id=clock, to=at("12-31 00:00"))
    work_until_ready()
    assert [len(planner.done(each)) for each in (ada, bob, eve)] == [1, 0, 0]
    assert stands(other) == (at("01-31 00:00"), None)


def test_what_happens_at_an_instant_is_reacted_to_before_the_next(
    clock: str, customers: Customers, planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    story: list[str] = []
    reaction = Listener(lambda rows: story.append("reaction"), frozenset({DONE.name}))
    monkeypatch.setattr(events, "_reactions", (reaction,))
    planner.meanwhile = lambda due: story.append("work")
    [ada] = customers(1, clock)
    planner.plan(ada, at("02-28 00:00"), at("03-31 00:00"))
    advance(clock_id=clock, to=at("04-30 00:00"))
    work_until_ready()
    assert story == ["work", "reaction", "work", "reaction"]


def test_commands_wait_while_the_clock_moves(
    clock: str, customers: Customers, planner: Planner
) -> None:
    [ada] = customers(1, clock)
    advance(clock_id=clock, to=at("04-30 00:00"))
    with pytest.raises(ClockAdvancing) as refused:
        planner.plan(ada, at("05-31 00:00"))
    assert (refused.value.status, refused.value.code) == (409, "clock_advancing")
    with pytest.raises(ClockAdvancing):
        create_customer(currency="EUR", test_clock_id=clock)
    with pytest.raises(ClockAdvancing):
        advance(clock_id=clock, to=at("05-31 00:00"))
    work_until_ready()
    planner.plan(ada, at("05-31 00:00"))


def test_a_command_that_waited_for_the_clock_sees_that_it_moves(
    clock: str, customers: Customers, planner: Planner
) -> None:
    [ada] = customers(1, clock)
    gate = Gate()

    def ask() -> None:
        unit_of_work(lambda: (advance(clock_id=clock, to=at("04-30 00:00")), gate.pass_through()))

    asking = start(ask)
    gate.wait_until_reached()
    command = start(lambda: planner.plan(ada, at("05-31 00:00")))
    wait_until_blocked()
    gate.open()
    asking.result(20)
    with pytest.raises(ClockAdvancing):
        command.result(20)


def test_a_clock_waits_for_the_command_that_was_first(
    clock: str, customers: Customers, planner: Planner
) -> None:
    [ada] = customers(1, clock)
    gate = Gate()

    def plan() -> None:
        unit_of_work(lambda: (planner.plan(ada, at("02-01 00:00")), gate.pass_through()))

    command = start(plan)
    gate.wait_until_reached()
    asking = start(lambda: advance(clock_id=clock, to=at("04-30 00:00")))
    wait_until_blocked()
    gate.open()
    command.result(20)
    asking.result(20)
    work_until_ready()
    assert planner.done(ada) == [at("02-01 00:00")]


def test_two_workers_on_one_clock_do_no_harm(
    clock: str, customers: Customers, planner: Planner
) -> None:
    everybody = customers(5, clock)
    instants = [at("02-01 00:00") + timedelta(days=n) for n in range(8)]
    for number, each in enumerate(everybody):
        planner.plan(each, *instants[number % 2 :])
    advance(clock_id=clock, to=at("02-20 00:00"))
    together(work_until_ready, work_until_ready, work_until_ready)
    for number, each in enumerate(everybody):
        assert planner.done(each) == instants[number % 2 :]
        assert planner.transactions(each) == len(instants[number % 2 :])
    assert stands(clock) == (at("02-20 00:00"), None)


def test_a_worker_that_is_late_does_not_move_a_clock_that_has_arrived(
    clock: str, customers: Customers, planner: Planner
) -> None:
    """It has chosen the next stop, stalls, and wakes when everything is done."""
    [ada] = customers(1, clock)
    planner.plan(ada, at("02-28 00:00"))
    advance(clock_id=clock, to=at("04-30 00:00"))
    work_until_ready()
    clocks._stop_at(clock_id=clock, at=at("02-28 00:00"))
    clocks._run_everything_due(clock, at("02-28 00:00"))
    clocks._arrive(clock_id=clock)
    assert stands(clock) == (at("04-30 00:00"), None)
    assert planner.done(ada) == [at("02-28 00:00")]


def test_a_worker_that_is_late_does_not_move_a_clock_back(
    clock: str, customers: Customers, planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "INSTANTS_PER_BATCH", 2)
    [ada] = customers(1, clock)
    planner.plan(ada, at("02-28 00:00"), at("03-31 00:00"), at("04-30 00:00"))
    advance(clock_id=clock, to=at("05-15 00:00"))
    advance_clocks()
    clocks._stop_at(clock_id=clock, at=at("02-28 00:00"))
    assert stands(clock) == (at("03-31 00:00"), at("05-15 00:00"))


def test_a_worker_that_saw_nothing_due_looks_again_before_it_arrives(
    clock: str, customers: Customers, planner: Planner
) -> None:
    """Staff may have unparked a customer since."""
    [ada] = customers(1, clock)
    planner.plan(ada, at("02-28 00:00"))
    advance(clock_id=clock, to=at("04-30 00:00"))
    clocks._arrive(clock_id=clock)
    assert stands(clock) == (at("01-31 00:00"), at("04-30 00:00"))
    work_until_ready()
    assert planner.done(ada) == [at("02-28 00:00")]


@pytest.mark.parametrize("killed_in", ["due work", "reaction"])
def test_a_worker_killed_on_the_way_loses_nothing(
    clock: str,
    customers: Customers,
    planner: Planner,
    monkeypatch: pytest.MonkeyPatch,
    killed_in: str,
) -> None:
    instants = [at("02-28 00:00"), at("03-31 00:00"), at("04-30 00:00")]
    [ada] = customers(1, clock)
    planner.plan(ada, *instants)
    rounds: list[int] = []

    def die_in_the_second(_: object) -> None:
        rounds.append(1)
        if len(rounds) == 2:
            raise SystemExit("kill -9")

    if killed_in == "due work":
        planner.meanwhile = die_in_the_second
    else:
        reaction = Listener(die_in_the_second, frozenset({DONE.name}))
        monkeypatch.setattr(events, "_reactions", (reaction,))
    advance(clock_id=clock, to=at("05-15 00:00"))
    with pytest.raises(SystemExit):
        advance_clocks()
    assert stands(clock) == (at("03-31 00:00"), at("05-15 00:00"))
    work_until_ready()
    assert planner.done(ada) == instants
    assert stands(clock) == (at("05-15 00:00"), None)


def test_a_customer_who_fails_on_the_way_does_not_hold_up_the_others(
    clock: str, customers: Customers, planner: Planner
) -> None:
    ada, bob = customers(2, clock)
    for each in (ada, bob):
        planner.plan(each, at("02-28 00:00"), at("03-31 00:00"))
    planner.failing = {ada: ValueError("no such plan")}
    advance(clock_id=clock, to=at("04-30 00:00"))
    work_until_ready()
    assert stands(clock) == (at("04-30 00:00"), None)
    assert planner.done(bob) == [at("02-28 00:00"), at("03-31 00:00")]
    assert planner.done(ada) == []
    parked = Customer.objects.exclude(parked_at=None).get()
    assert (parked.id, parked.next_due_at) == (ada, at("02-28 00:00"))


def test_a_long_way_is_gone_in_bounded_steps(
    clock: str, customers: Customers, planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "INSTANTS_PER_BATCH", 3)
    monkeypatch.setattr(clocks, "CUSTOMERS_PER_STEP", 2)
    everybody = customers(5, clock)
    instants = [at("02-01 00:00") + timedelta(days=n) for n in range(4)]
    for each in everybody:
        planner.plan(each, *instants)
    advance(clock_id=clock, to=at("03-01 00:00"))
    assert advance_clocks() == 3
    assert stands(clock) == (at("02-03 00:00"), at("03-01 00:00"))
    assert advance_clocks() == 2
    assert stands(clock) == (at("03-01 00:00"), None)
    assert [planner.done(each) for each in everybody] == [instants] * 5


def test_a_clock_never_goes_back(clock: str) -> None:
    with pytest.raises(ClockCannotGoBack) as refused:
        advance(clock_id=clock, to=at("01-30 23:59"))
    assert (refused.value.status, refused.value.code) == (409, "clock_cannot_go_back")
    assert stands(clock) == (at("01-31 00:00"), None)


def test_one_advance_covers_ten_years_at_most(clock: str) -> None:
    ten_years = at("01-31 00:00") + timedelta(days=3660)
    with pytest.raises(AdvanceTooFar) as refused:
        advance(clock_id=clock, to=ten_years + timedelta(seconds=1))
    assert (refused.value.status, refused.value.code) == (400, "advance_too_far")
    advance(clock_id=clock, to=ten_years)
    work_until_ready()
    assert stands(clock) == (ten_years, None)


def test_there_is_no_other_clock() -> None:
    for ask in (
        lambda: advance(clock_id=new_id("clk"), to=at("01-30 00:00")),
        lambda: create_customer(currency="EUR", test_clock_id=new_id("clk")),
    ):
        with pytest.raises(ClockNotFound) as missing:
            ask()
        assert (missing.value.status, missing.value.code) == (404, "test_clock_not_found")


def test_clocks_know_whole_seconds_only(customers: Customers) -> None:
    second = at("01-31 00:00")
    clock = create_clock(frozen_at=second + timedelta(microseconds=999_999), name="").id
    [ada] = customers(1, clock)
    advance(clock_id=clock, to=second + timedelta(seconds=1.5))
    work_until_ready()
    assert stands(clock) == (second + timedelta(seconds=1), None)
    assert Customer.objects.get(pk=ada).created_at == second


def test_asking_to_advance_wakes_the_workers(clock: str, nudged: list[str]) -> None:
    advance(clock_id=clock, to=at("02-01 00:00"))
    assert nudged == ["clocks"]


def test_work_that_a_command_makes_due_at_once_is_done_by_the_clock(
    clock: str, customers: Customers, planner: Planner, nudged: list[str]
) -> None:
    [ada] = customers(1, clock)
    planner.plan(ada, at("01-31 00:00"))
    assert "clocks" in nudged
    work_until_ready()
    assert planner.done(ada) == [at("01-31 00:00")]
    assert stands(clock) == (at("01-31 00:00"), None)


def test_catching_up_on_a_clock_runs_what_is_behind(
    clock: str, customers: Customers, planner: Planner
) -> None:
    """As after somebody repaired a row by hand: a command does not act before it."""
    [ada] = customers(1, clock)
    planner.add(ada, at("01-30 00:00"), at("01-31 00:00"))
    Customer.objects.filter(pk=ada).update(next_due_at=at("01-30 00:00"))
    instants: list[datetime] = []

    def take() -> None:
        with turns.turn(ada) as instant:
            instants.append(instant)

    unit_of_work(take)
    assert planner.done(ada) == [at("01-30 00:00"), at("01-31 00:00")]
    assert instants == [at("01-31 00:00")]
