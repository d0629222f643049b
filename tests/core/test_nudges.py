"""Hints: after the commit, once, and never in anybody's way."""

import logging
from collections.abc import Callable

import pytest
from django.db import transaction

from core import nudges
from core.errors import Conflict
from core.nudges import GATHER_SECONDS, QUIET_SECONDS, after_commit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unwired")]


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def wake(name: str) -> Callable[[], None]:
        return lambda: names.append(name)

    monkeypatch.setattr(nudges, "_wake", {name: wake(name) for name in ("due", "reactions")})
    return names


class Monotonic:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    watch = Monotonic()
    monkeypatch.setattr(nudges, "time", watch)
    return watch


def test_a_hint_is_given_after_the_commit_once_per_transaction(woken: list[str]) -> None:
    with transaction.atomic():
        for name in ("due", "reactions", "due", "due"):
            after_commit(name)
        assert woken == []
    assert woken == ["due", "reactions"]


def test_one_hint_is_for_all_that_is_committed_before_its_work_begins(
    woken: list[str], stopwatch: Monotonic
) -> None:
    after_commit("due")
    stopwatch.seconds += GATHER_SECONDS - 0.01
    after_commit("due")
    after_commit("reactions")
    assert woken == ["due", "reactions"]
    stopwatch.seconds += 0.01
    after_commit("due")
    assert woken == ["due", "reactions", "due"]


def test_outside_a_transaction_a_hint_is_given_at_once(woken: list[str]) -> None:
    after_commit("due")
    assert woken == ["due"]


@transaction.atomic
def hint_and_fail() -> None:
    after_commit("due")
    raise Conflict("no")


def test_a_rollback_takes_the_hint_with_it(woken: list[str]) -> None:
    with pytest.raises(Conflict):
        hint_and_fail()
    assert woken == []


def test_a_hint_given_again_after_a_rolled_back_part_is_not_lost(woken: list[str]) -> None:
    with transaction.atomic():
        with pytest.raises(Conflict):
            hint_and_fail()
        after_commit("due")
    assert woken == ["due"]


def test_a_hint_that_wakes_nothing_does_nothing(woken: list[str]) -> None:
    after_commit("clocks")
    assert woken == []


def test_without_a_broker_the_commit_stands_and_hints_pause(
    monkeypatch: pytest.MonkeyPatch, stopwatch: Monotonic, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[float] = []
    broken = [True]

    def wake() -> None:
        tries.append(stopwatch.seconds)
        if broken:
            raise ConnectionError("no broker")

    monkeypatch.setattr(nudges, "_wake", {"due": wake})
    with caplog.at_level(logging.WARNING, logger="core.nudges"):
        after_commit("due")
        stopwatch.seconds += QUIET_SECONDS - 0.1
        after_commit("due")
    assert tries == [1000.0]
    assert [each.getMessage() for each in caplog.records] == [
        "no broker: the relay will find the work"
    ]
    broken.clear()
    stopwatch.seconds += 0.1
    after_commit("due")
    assert tries == [1000.0, 1005.0]
