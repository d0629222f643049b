"""What must always hold is checked on the live database, and each check can fail."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from core import ids, invariants
from core.events import EventType, Fact, publish, stamp_positions
from core.invariants import INVARIANTS, Invariant
from core.models import Event, EventSequence, IdempotencyKey
from core.transactions import command

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
THING = EventType("thing.happened", "Something happened.")
ADA = ids.new_id("cus")
ADAS_UUID = str(ids.decode(ADA, prefix="cus"))


@pytest.fixture(autouse=True)
def _installed(unwired: None) -> None:
    invariants.install(INVARIANTS)


@command
def report(customer: str | None) -> None:
    publish([Fact(THING, at=AT, customer_id=customer)] * 3)


@pytest.fixture
def sound() -> None:
    report(ADA)
    report(ids.new_id("cus"))
    report(None)
    stamp_positions()
    IdempotencyKey.objects.create(
        principal="client:1",
        route="POST v1/customers",
        key="k",
        fingerprint=b"f",
        status=201,
        headers={},
        body={},
        created_at=AT,
    )


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def broken() -> dict[str, list[str]]:
    found = {each.name: list(each.find()) for each in invariants.installed()}
    return {name: offenders for name, offenders in found.items() if offenders}


def test_a_sound_database_breaks_none(sound: None) -> None:
    assert broken() == {}


def test_an_empty_database_breaks_none() -> None:
    assert broken() == {}


def forget(sequence: int) -> None:
    Event.objects.filter(customer_id=ADA, sequence=sequence).delete()


BREAKS_SEQUENCES: dict[str, Callable[[], object]] = {
    "first one gone": lambda: forget(1),
    "one in the middle gone": lambda: forget(2),
    "last one gone": lambda: forget(3),
    "all gone": lambda: Event.objects.filter(customer_id=ADA).delete(),
    "counter behind": lambda: EventSequence.objects.filter(customer_id=ADA).update(last=2),
    "counter ahead": lambda: EventSequence.objects.filter(customer_id=ADA).update(last=4),
    "no counter": lambda: EventSequence.objects.filter(customer_id=ADA).delete(),
}


@pytest.mark.parametrize("break_it", BREAKS_SEQUENCES.values(), ids=BREAKS_SEQUENCES.keys())
def test_a_gap_in_a_customers_events_is_found(sound: None, break_it: Callable[[], object]) -> None:
    break_it()
    assert broken() == {"event_sequences_have_no_gap": [ADAS_UUID]}


def test_a_gap_in_the_events_of_the_catalog_is_found(sound: None) -> None:
    Event.objects.filter(customer_id=None, sequence=2).delete()
    assert broken() == {"event_sequences_have_no_gap": ["catalog"]}


def test_a_position_before_that_of_an_earlier_event_is_found(sound: None) -> None:
    event = Event.objects.get(customer_id=ADA, sequence=2)
    Event.objects.filter(pk=event.pk).update(position=1000)
    last = Event.objects.get(customer_id=ADA, sequence=3)
    assert broken() == {"event_positions_follow_sequences": [str(last.pk)]}


def test_a_kept_answer_without_an_effect_is_found(sound: None) -> None:
    IdempotencyKey.objects.update(status=409)
    assert broken() == {"idempotency_keys_name_effects": [str(IdempotencyKey.objects.get().pk)]}


def holds(name: str) -> Invariant:
    return Invariant(name, f"{name} holds.", lambda: [])


def fails(name: str, offenders: Iterable[str]) -> Invariant:
    return Invariant(name, f"{name} holds.", lambda: offenders)


def test_the_command_tells_that_all_hold(capsys: pytest.CaptureFixture[str]) -> None:
    invariants.install([holds("one"), holds("two")])
    call_command("check_invariants")
    assert "2 invariants hold" in capsys.readouterr().out


def test_the_command_fails_and_names_what_breaks_them(capsys: pytest.CaptureFixture[str]) -> None:
    many = [f"row{n:02}" for n in range(23)]
    invariants.install([holds("one"), fails("two", many), fails("three", iter(["cus_1"]))])
    with pytest.raises(CommandError, match="2 of 3 broken: two, three"):
        call_command("check_invariants")
    said = capsys.readouterr().err
    assert "two: two holds." in said
    assert "row00, row01" in said
    assert "row19 and 3 more" in said
    assert "row20" not in said
    assert "three: three holds.\n  cus_1\n" in said


def test_the_command_checks_only_those_that_are_named() -> None:
    invariants.install([holds("one"), fails("two", ["x"])])
    call_command("check_invariants", "one", verbosity=0)
    with pytest.raises(CommandError, match="1 of 1 broken: two"):
        call_command("check_invariants", "two")
    with pytest.raises(CommandError, match="no such invariant: three"):
        call_command("check_invariants", "one", "three")


@pytest.mark.django_db(transaction=True)
def test_the_command_looks_at_one_moment_and_changes_nothing() -> None:
    levels: list[str] = []

    def look() -> list[str]:
        levels.extend(invariants.rows("SHOW transaction_isolation"))
        return []

    def write() -> list[str]:
        sql("INSERT INTO core_eventsequence (last) VALUES (1)")
        return []

    invariants.install([Invariant("looks", "It looks.", look)])
    call_command("check_invariants", verbosity=0)
    assert levels == ["repeatable read"]
    invariants.install([Invariant("writes", "It writes.", write)])
    with pytest.raises(DatabaseError, match="read-only transaction"):
        call_command("check_invariants")
