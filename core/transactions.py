"""One unit of work: a transaction that knows who acts, and is tried again when that helps.

A command runs in one unit of work. When commands call each other, or an API view wraps one to keep
its idempotency key in the same transaction, the outermost unit decides.
"""

import random
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

from core import acting

P = ParamSpec("P")
T = TypeVar("T")

CONFLICT_TRIES = 5
PREPARED_TRIES = 10
_CONFLICTS = frozenset({"40001", "40P01"})  # serialization failure, deadlock

# What a unit of work has read once for all of its parts; None: outside of one.
_known: ContextVar[dict[Hashable, Any] | None] = ContextVar("known_in_a_unit_of_work", default=None)


class Again(Exception):
    """Roll back, call ``prepare`` outside the transaction, and run the unit of work again."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        super().__init__("the unit of work must be prepared first")
        self.prepare = prepare


def unit_of_work(work: Callable[[], T]) -> T:
    """Run ``work`` in a transaction; inside another unit of work, simply run it.

    Serialization failures and deadlocks are tried again, five times in all. ``work`` must
    therefore have no effect outside the database.
    """
    if _known.get() is not None:
        return work()
    conflicts = prepared = 0
    while True:
        try:
            return _once(work)
        except Again as again:
            prepared += 1
            if prepared > PREPARED_TRIES:
                raise
            again.prepare()
        except OperationalError as error:
            conflicts += 1
            if conflicts >= CONFLICT_TRIES or _sqlstate(error) not in _CONFLICTS:
                raise
            time.sleep(random.uniform(0, 0.02 * 2**conflicts))


def command(function: Callable[P, T]) -> Callable[P, T]:
    """Make a service run as a unit of work of its own, or as part of its caller's."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return unit_of_work(lambda: function(*args, **kwargs))

    return run


def known(name: Hashable, read: Callable[[], T]) -> T:
    """Return what ``read`` returns, asked once in a unit of work, and each time outside of one. It
    may be added to as long as nothing has changed.

    For what many commands and projections of one transaction ask for, and none of them changes
    without calling ``forget``.
    """
    memory = _known.get()
    if memory is None:
        return read()
    if name not in memory:
        memory[name] = read()
    found: T = memory[name]
    return found


def forget(*names: Hashable) -> None:
    """Have ``known`` ask anew: what is called so has just been changed."""
    memory = _known.get() or {}
    for name in names:
        memory.pop(name, None)


@contextmanager
def apart() -> Iterator[None]:
    """A part of a unit of work that may be rolled back by itself: with it goes what was known of
    its changes."""
    memory = _known.get()
    own = None if memory is None else dict(memory)
    token = _known.set(own)
    try:
        with transaction.atomic():
            yield
            stays = not transaction.get_rollback()
    finally:
        _known.reset(token)
    if stays and memory is not None and own is not None:
        memory.clear()
        memory.update(own)


def _once(work: Callable[[], T]) -> T:
    who = acting.current()
    token = _known.set({})
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('billing.actor', %s, true),"
                    " set_config('billing.reason', %s, true),"
                    " set_config('billing.request_id', %s, true)",
                    [who.actor, who.reason, who.request_id],
                )
            return work()
    finally:
        _known.reset(token)


def _sqlstate(error: OperationalError) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
