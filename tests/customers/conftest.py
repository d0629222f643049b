from collections.abc import Callable, Iterator

import pytest

from core import nudges
from customers import turns
from customers.services import create_customer
from tests.conftest import MachineTime
from tests.customers.planner import Planner


@pytest.fixture(autouse=True)
def _alone(unwired: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_due_work", ())


@pytest.fixture
def planner(db: None, _alone: None, machine_time: MachineTime) -> Iterator[Planner]:
    """The only thing that time changes. It is noon of 1 March 2026."""
    made = Planner()
    made.open()
    turns.install([made])
    yield made
    made.close()


Customers = Callable[..., list[str]]


@pytest.fixture
def customers(db: None) -> Customers:
    """Return the ids of as many new customers as asked for, in the order of their ids."""

    def make(number: int, clock: str | None = None) -> list[str]:
        made = [create_customer(currency="EUR", test_clock_id=clock).id for _ in range(number)]
        return sorted(made)

    return make


@pytest.fixture
def nudged(_alone: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hints that were given."""
    hints: list[str] = []

    def wake(name: str) -> Callable[[], None]:
        return lambda: hints.append(name)

    names = ("due", "clocks", "reactions")
    monkeypatch.setattr(nudges, "_wake", {name: wake(name) for name in names})
    monkeypatch.setattr(nudges, "GATHER_SECONDS", 0.0)
    return hints
