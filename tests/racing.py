"""Real threads with connections of their own, which meet where a test wants them to."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from django.db import connection

from core.acting import acting_as

T = TypeVar("T")

PATIENCE_SECONDS = 20.0


def start(work: Callable[[], T]) -> "Future[T]":
    """Run ``work`` in a thread; ``result(PATIENCE_SECONDS)`` waits for it and raises its error."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            with acting_as("test"):
                future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            connection.close()

    threading.Thread(target=run, daemon=True).start()
    return future


def together(*works: Callable[[], T]) -> list[T]:
    """Run all of them at once and return what they return, in the order given."""
    running = [start(work) for work in works]
    return [each.result(PATIENCE_SECONDS) for each in running]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for does not happen"
        time.sleep(0.01)


def wait_until_blocked(number: int = 1) -> None:
    """Wait until so many other sessions on this database stand before a lock."""
    wait_until(lambda: _blocked() >= number)


class Gate:
    """Where one thread waits until another lets it pass, and tells that it is there."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._opened = threading.Event()

    def pass_through(self) -> None:
        self._reached.set()
        assert self._opened.wait(PATIENCE_SECONDS), "nobody opened the gate"

    def wait_until_reached(self) -> None:
        assert self._reached.wait(PATIENCE_SECONDS), "nobody came to the gate"

    def open(self) -> None:
        self._opened.set()


def _blocked() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])
