"""Do something and take it back: nothing of it stays, not a number and not a hint to a worker."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from core import preconditions
from core.transactions import apart

T = TypeVar("T")


class _Over(Exception):
    """The rehearsal is over: roll back."""


def rehearse(work: Callable[[], T]) -> T:
    """Run ``work`` in a savepoint, roll it back, and return what it returned.

    Everything that it wrote is undone: rows, counters, locks that it took, and what was to happen
    after the commit. What it raises is raised. No precondition of the caller is meant for it.
    """
    results: list[T] = []
    with suppress(_Over), apart():
        with preconditions.requiring(None):
            results.append(work())
        raise _Over
    return results[0]
