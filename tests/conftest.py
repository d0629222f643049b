"""What every test has: somebody who acts. The rest is asked for by name."""

import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import TransactionTestCase
from whitenoise.middleware import WhiteNoiseMiddleware

from core import clock, events, invariants, nudges, relay
from core.acting import acting_as
from tests import kept


def pytest_collection_finish() -> None:
    """What was imported lives as long as the process: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _tables_are_emptied_quickly() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _test: kept.empty_tables())
        yield


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_found_once() -> Iterator[None]:
    """Every new ``Client`` makes all middleware anew, and WhiteNoise then reads the status of each
    of two hundred files: 25 ms. They do not change while tests run."""
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def find_once(middleware: WhiteNoiseMiddleware) -> None:
        others, middleware.files = middleware.files, {}
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files = others | found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", find_once)
        yield


@pytest.fixture(autouse=True)
def _somebody_acts() -> Iterator[None]:
    with acting_as("test"):
        yield


@pytest.fixture
def unwired(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel alone: nobody listens, no task is woken, nothing is pumped or checked."""
    monkeypatch.setattr(events, "_projections", ())
    monkeypatch.setattr(events, "_reactions", ())
    monkeypatch.setattr(nudges, "_wake", {})
    monkeypatch.setattr(nudges, "_quiet_until", 0.0)
    monkeypatch.setattr(nudges, "_awake_at", {})
    monkeypatch.setattr(relay, "_pumps", ())
    monkeypatch.setattr(invariants, "_invariants", ())


class MachineTime:
    """The machine's time, which passes when the test says so, in all threads."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **how_long: float) -> None:
        self.now += timedelta(**how_long)


@pytest.fixture
def machine_time(monkeypatch: pytest.MonkeyPatch) -> MachineTime:
    """Noon of 1 March 2026, a quarter of a second past."""
    time = MachineTime(datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC))
    monkeypatch.setattr(clock, "system_now", time)
    return time
