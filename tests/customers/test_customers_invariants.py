"""Every invariant of customers holds after ordinary use, and can be broken."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from core import acting, ids
from core.events import EventType, Fact, publish
from core.models import Event
from core.transactions import unit_of_work
from customers import turns
from customers.clocks import advance, advance_clocks, create_clock
from customers.invariants import INVARIANTS
from customers.models import Customer, CustomerProfile, Subject, TestClock
from customers.services import NewSubject, close_customer, create_customer, create_subjects
from tests.customers.planner import Planner, at

pytestmark = pytest.mark.django_db


def broken() -> dict[str, list[str]]:
    found = {each.name: list(each.find()) for each in INVARIANTS}
    return {name: offenders for name, offenders in found.items() if offenders}


def uuid_of(row: Customer | Subject | TestClock, prefix: str) -> str:
    return str(ids.decode(row.id, prefix=prefix))


class World:
    """One customer in real time, one on a clock, a parked one on it, and a closed one."""

    def __init__(self, planner: Planner) -> None:
        self.clock = create_clock(frozen_at=at("01-31 00:00"), name="")
        self.live = create_customer(currency="EUR")
        self.frozen = create_customer(currency="EUR", test_clock_id=self.clock.id)
        self.parked = create_customer(currency="EUR", test_clock_id=self.clock.id)
        self.closed = create_customer(currency="EUR")
        [self.subject] = create_subjects(customer_id=self.live.id, subjects=[NewSubject("zone")])
        create_subjects(customer_id=self.closed.id, subjects=[NewSubject("zone")])
        planner.plan(self.live.id, at("04-01 00:00"), at("05-01 00:00"))
        for each in (self.frozen, self.parked):
            planner.plan(each.id, at("02-28 00:00"), at("03-31 00:00"))
        planner.failing = {self.parked.id: ValueError("no such plan")}
        advance(clock_id=self.clock.id, to=at("03-01 00:00"))
        while advance_clocks():
            pass
        close_customer(customer_id=self.closed.id)


@pytest.fixture
def world(planner: Planner) -> World:
    return World(planner)


def repair(model: type, pk: str, **values: object) -> None:
    """Change a row past all rules, as a repair by hand might."""
    unit_of_work(lambda: model.objects.filter(pk=pk).update(**values))  # type: ignore[attr-defined]


def without_constraint(table: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no check may wait for the commit
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def test_ordinary_use_breaks_none(world: World) -> None:
    assert broken() == {}


def test_the_same_holds_where_nothing_is(db: None) -> None:
    assert broken() == {}


@pytest.mark.parametrize("due_at", [None, "03-31 00:00", "04-02 00:00"])
def test_a_wrong_due_instant_is_found(world: World, due_at: str | None) -> None:
    repair(Customer, world.live.id, next_due_at=due_at and at(due_at))
    assert broken() == {"customers_next_due_at_is_the_earliest": [world.live.id]}


def test_the_earliest_of_several_apps_counts(world: World, planner: Planner) -> None:
    other = Planner("other")
    turns.install([planner, other])
    other.add(world.live.id, at("03-15 00:00"))
    assert broken() == {"customers_next_due_at_is_the_earliest": [world.live.id]}
    other.add(world.live.id, at("03-14 00:00"))
    repair(Customer, world.live.id, next_due_at=at("03-14 00:00"))
    assert broken() == {}


def test_all_batches_are_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customers.invariants.BATCH", 3)
    unit_of_work(lambda: Customer.objects.update(next_due_at=at("12-31 00:00")))
    everybody = list(Customer.objects.order_by("id").values_list("id", flat=True))
    assert broken() == {"customers_next_due_at_is_the_earliest": everybody}


@pytest.mark.parametrize("broken_one", ["parked", "live"])
def test_a_park_error_of_nobody_and_a_parked_one_without_are_found(
    world: World, broken_one: str
) -> None:
    without_constraint("customers_customer", "customer_parked_with_an_error")
    row = getattr(world, broken_one)
    repair(Customer, row.id, park_error="" if broken_one == "parked" else "an error")
    assert broken() == {"customers_are_parked_with_an_error": [uuid_of(row, "cus")]}


def test_a_customer_who_was_left_behind_is_found(world: World, planner: Planner) -> None:
    planner.add(world.frozen.id, at("03-01 00:00"))
    repair(Customer, world.frozen.id, next_due_at=at("03-01 00:00"))
    assert broken() == {
        "customers_on_a_standing_clock_are_not_behind": [uuid_of(world.frozen, "cus")]
    }
    repair(TestClock, world.clock.id, advancing_to=F("frozen_at"))
    assert broken() == {}


def test_a_customer_ahead_of_its_clock_is_found(world: World) -> None:
    repair(Customer, world.frozen.id, last_acted_at=at("03-01 00:01"))
    assert broken() == {"customers_never_act_ahead_of_their_clock": [uuid_of(world.frozen, "cus")]}


def test_a_clock_that_goes_back_is_found(world: World) -> None:
    without_constraint("customers_testclock", "clock_never_goes_back")
    repair(TestClock, world.clock.id, advancing_to=at("02-28 00:00"))
    assert broken() == {"clocks_never_go_back": [uuid_of(world.clock, "clk")]}


BREAKS_LIFETIME: dict[str, Callable[[Customer], dict[str, object]]] = {
    "acted before it existed": lambda row: {"last_acted_at": row.created_at - timedelta(days=1)},
    "closed before it existed": lambda row: {"closed_at": row.created_at - timedelta(days=1)},
    "acted before it was closed only": lambda row: {
        "closed_at": row.last_acted_at + timedelta(seconds=1)
    },
}


@pytest.mark.parametrize("values", BREAKS_LIFETIME.values(), ids=BREAKS_LIFETIME.keys())
def test_acts_outside_a_customers_life_are_found(
    world: World, values: Callable[[Customer], dict[str, object]]
) -> None:
    repair(Customer, world.parked.id, **values(world.parked))
    found = broken()
    assert found == {"customers_act_while_they_exist": [uuid_of(world.parked, "cus")]}


def test_a_customer_without_a_profile_is_found(world: World) -> None:
    unit_of_work(lambda: CustomerProfile.objects.filter(customer=world.live.id).delete())
    assert broken() == {"customers_have_a_profile": [uuid_of(world.live, "cus")]}


def test_a_customer_whose_first_event_is_gone_is_found(world: World) -> None:
    Event.objects.filter(customer_id=world.live.id, sequence=1).delete()
    assert broken() == {"customers_begin_with_an_event": [uuid_of(world.live, "cus")]}


def test_a_subject_that_outlives_its_customer_is_found(world: World) -> None:
    subject = Subject.objects.get(customer=world.closed.id)
    repair(Subject, subject.id, ended_at=None)
    assert broken() == {"subjects_live_within_their_customer": [uuid_of(subject, "sbj")]}


def test_a_subject_before_its_customer_is_found(world: World) -> None:
    repair(Subject, world.subject.id, created_at=at("02-01 00:00"))
    assert broken() == {"subjects_live_within_their_customer": [uuid_of(world.subject, "sbj")]}


def test_an_event_about_anothers_subject_is_found(world: World) -> None:
    thing = EventType("thing.happened", "Something happened.")

    def report(subject_id: str) -> Event:
        [event] = publish(
            [Fact(thing, at=at("03-01 12:00"), customer_id=world.parked.id, subject_id=subject_id)]
        )
        return event

    with acting.acting_as("test"):
        theirs = unit_of_work(lambda: report(world.subject.id))
        nobodys = unit_of_work(lambda: report(ids.new_id("sbj")))
    assert broken() == {
        "events_name_their_customers_subjects": [str(theirs.ordinal), str(nobodys.ordinal)]
    }
