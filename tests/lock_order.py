"""Which row locks a piece of work takes, in which order: the same everywhere, or it can deadlock.

customers by id → test clocks → counters → targets. Whoever holds a lock of one kind asks for
no lock of an earlier kind in the same transaction.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.db import connection

ORDER = ("customers_customer", "customers_testclock", "core_eventsequence", "provisioning_target")

_FROM = re.compile(r'FROM "(\w+)"')
_LOCKING = re.compile(r" FOR (NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)\b")
_PLAIN = re.compile(r" FOR UPDATE\b")
_COUNTING = re.compile(r"INSERT INTO (core_eventsequence)\b")


@dataclass
class Locks:
    """What was locked; ``transactions`` has the tables of each, in the order of the locks."""

    transactions: list[list[str]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def inversions(self) -> list[tuple[str, str]]:
        """Return every (later kind held, earlier kind asked for)."""
        found = []
        for tables in self.transactions:
            ranks = [ORDER.index(table) for table in tables]
            for held, asked in pairwise(ranks):
                if asked < held:
                    found.append((ORDER[held], ORDER[asked]))
        return found


@contextmanager
def recorded_locks() -> Iterator[Locks]:
    """Watch the statements of this thread's connection at the driver."""
    locks = Locks()
    seen: set[str] = set()

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        table = _table_locked_by(sql)
        if table in ORDER:
            transaction = _transaction()
            if transaction not in seen:
                seen.add(transaction)
                locks.transactions.append([])
            locks.transactions[-1].append(table)
            if _PLAIN.search(sql):
                locks.plain.append(sql)
        return answer

    with connection.execute_wrapper(record):
        yield locks


def _table_locked_by(sql: str) -> str:
    if counting := _COUNTING.search(sql):
        return counting[1]
    table = _FROM.search(sql)
    return table[1] if table and _LOCKING.search(sql) else ""


def _transaction() -> str:
    with connection.connection.cursor() as cursor:  # past Django, so past this wrapper too
        return str(cursor.execute("SELECT pg_current_xact_id()").fetchone()[0])
