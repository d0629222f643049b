"""Units of work: one transaction, a known actor, and another try where that helps."""

from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from core import acting
from core.errors import Conflict
from core.models import EventSequence
from core.transactions import (
    CONFLICT_TRIES,
    PREPARED_TRIES,
    Again,
    apart,
    command,
    forget,
    known,
    unit_of_work,
)
from tests.racing import Gate, start, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unwired")]


@pytest.fixture
def counter() -> EventSequence:
    """A row to write to; any would do."""
    return EventSequence.objects.create(customer_id=None, last=0)


def sql(statement: str, *params: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone() if cursor.description else None


def last() -> int:
    return EventSequence.objects.get().last


def raise_sqlstate(code: str) -> None:
    sql(f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{code}'; END $$")


def test_two_units_in_a_deadlock_both_get_done() -> None:
    tries: list[str] = []
    gates = {"ab": Gate(), "ba": Gate()}

    def crossing(first: str, second: str) -> Callable[[], None]:
        name = first + second
        gate = gates[name]

        def work() -> None:
            tries.append(name)
            sql("SELECT pg_advisory_xact_lock(%s)", ord(first))
            gate.pass_through()
            sql("SELECT pg_advisory_xact_lock(%s)", ord(second))

        return lambda: unit_of_work(work)

    running = [start(crossing("a", "b")), start(crossing("b", "a"))]
    for gate in gates.values():
        gate.wait_until_reached()
    for gate in gates.values():
        gate.open()
    for each in running:
        each.result(20)
    assert len(tries) == 3
    assert set(tries) == {"ab", "ba"}


def test_a_unit_that_read_what_another_changed_is_tried_again(counter: EventSequence) -> None:
    seen: list[int] = []

    def add_from_elsewhere() -> None:
        EventSequence.objects.update(last=10)

    def work() -> None:
        seen.append(last())
        if len(seen) == 1:
            together(add_from_elsewhere)
        EventSequence.objects.update(last=seen[-1] + 1)

    sql("SET default_transaction_isolation TO 'repeatable read'")
    try:
        unit_of_work(work)
    finally:
        sql("RESET default_transaction_isolation")
    assert seen == [0, 10]
    assert last() == 11


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_conflicts_are_tried_five_times_in_all(code: str, counter: EventSequence) -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(last())
        EventSequence.objects.update(last=99)
        raise_sqlstate(code)

    with pytest.raises(OperationalError, match="made up"):
        unit_of_work(work)
    assert tries == [0] * CONFLICT_TRIES == [0] * 5
    assert last() == 0


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("57014", OperationalError),  # canceled, as by a statement timeout
        ("55P03", OperationalError),  # lock not available
        ("23505", IntegrityError),
        ("22003", DataError),
    ],
)
def test_no_other_database_error_is_tried_again(code: str, error: type[Exception]) -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        raise_sqlstate(code)

    with pytest.raises(error):
        unit_of_work(work)
    assert tries == [1]


def test_a_refusal_rolls_back_and_is_not_tried_again(counter: EventSequence) -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        EventSequence.objects.update(last=99)
        raise Conflict("no")

    with pytest.raises(Conflict):
        unit_of_work(work)
    assert tries == [1]
    assert last() == 0


def test_again_prepares_outside_the_transaction_and_starts_over(counter: EventSequence) -> None:
    seen: list[int] = []

    def prepare() -> None:
        assert not connection.in_atomic_block
        EventSequence.objects.update(last=5)

    def work() -> int:
        seen.append(last())
        EventSequence.objects.update(last=99)
        if seen[-1] < 5:
            raise Again(prepare)
        return seen[-1]

    assert unit_of_work(work) == 5
    assert seen == [0, 5]
    assert last() == 99


def test_what_was_prepared_stays_although_the_unit_fails(counter: EventSequence) -> None:
    def work() -> None:
        if last() == 0:
            raise Again(lambda: EventSequence.objects.update(last=5))
        EventSequence.objects.update(last=99)
        raise Conflict("no")

    with pytest.raises(Conflict):
        unit_of_work(work)
    assert last() == 5


def test_a_unit_that_is_never_prepared_gives_up() -> None:
    prepared: list[int] = []

    def work() -> None:
        raise Again(lambda: prepared.append(1))

    with pytest.raises(Again):
        unit_of_work(work)
    assert len(prepared) == PREPARED_TRIES


@command
def _transaction_id() -> int:
    return int(sql("SELECT pg_current_xact_id()::text")[0])


@command
def _write(value: int) -> None:
    EventSequence.objects.update(last=value)


def test_commands_inside_a_command_share_its_transaction() -> None:
    @command
    def outer() -> list[int]:
        return [_transaction_id(), _transaction_id()]

    assert len(set(outer())) == 1
    assert _transaction_id() != _transaction_id()


def test_an_inner_command_is_undone_with_the_outer(counter: EventSequence) -> None:
    @command
    def outer() -> None:
        _write(7)
        raise Conflict("no")

    with pytest.raises(Conflict):
        outer()
    assert last() == 0


def test_the_whole_outer_command_is_run_again_for_an_inner_one(counter: EventSequence) -> None:
    steps: list[str] = []

    @command
    def inner() -> None:
        steps.append("inner")
        if last() == 0:
            raise Again(lambda: _write(1))

    @command
    def outer() -> None:
        steps.append("outer")
        inner()

    outer()
    assert steps == ["outer", "inner", "outer", "inner"]


def test_a_part_that_is_rolled_back_takes_what_was_known_of_it_along() -> None:
    asked: list[str] = []

    def read(name: str) -> str:
        asked.append(name)
        return name

    def change_and_fail() -> None:
        with apart():
            assert known("it", lambda: read("not asked")) == "before"
            forget("it")
            assert known("it", lambda: read("changed")) == "changed"
            raise LookupError

    def work() -> None:
        assert known("it", lambda: read("before")) == "before"
        with pytest.raises(LookupError):
            change_and_fail()
        assert known("it", lambda: read("not asked")) == "before"

        with apart():
            forget("it")
            transaction.set_rollback(True)
        assert known("it", lambda: read("not asked")) == "before"
        with apart():
            forget("it")
        assert known("it", lambda: read("after")) == "after"

    unit_of_work(work)
    assert asked == ["before", "changed", "after"]


def test_the_unit_knows_who_acts_and_why_and_forgets_it_at_its_end() -> None:
    names = ("billing.actor", "billing.reason", "billing.request_id")

    def stamped() -> tuple[str | None, ...]:
        return tuple(sql("SELECT current_setting(%s, true)", name)[0] or None for name in names)

    with acting.acting_as("staff:ada", reason="asked by mail", request_id="req-1"):
        assert unit_of_work(stamped) == ("staff:ada", "asked by mail", "req-1")
    assert stamped() == (None, None, None)
    assert unit_of_work(stamped) == ("test", None, None)


def test_a_command_by_nobody_is_a_defect(counter: EventSequence) -> None:
    with pytest.raises(acting.NobodyActs):
        Context().run(_write, 7)
    assert last() == 0


def test_a_unit_inside_a_plain_transaction_leaves_the_commit_to_it(counter: EventSequence) -> None:
    @transaction.atomic
    def whole() -> None:
        _write(7)
        assert last() == 7
        raise Conflict("no")

    with pytest.raises(Conflict):
        whole()
    assert last() == 0
