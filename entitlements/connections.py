"""One database connection per thread, for the shortest way from a question to its row.

A statement is prepared once and then run by one call into libpq, which lets other threads work
while it waits. It runs in autocommit on the primary and may only read. A caller inside a
transaction is answered from that transaction, so that it sees what it has written.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakSet

import orjson
import psycopg
from django.db import connection as django_connection
from psycopg import pq

from core.errors import Unavailable

PATIENCE_MILLISECONDS = 500
_SETTINGS = (
    f"-c statement_timeout={PATIENCE_MILLISECONDS} -c timezone=UTC -c jit=off"
    " -c default_transaction_read_only=on -c plan_cache_mode=force_generic_plan"
)

Parameter = UUID | str | None


class EntitlementsUnavailable(Unavailable):
    """The database did not answer within half a second."""

    code = "entitlements_unavailable"


def uuid(value: bytes) -> UUID:
    return UUID(bytes=value)


def integer(value: bytes) -> int:
    return int.from_bytes(value, signed=True)


def json(value: bytes) -> Any:
    return orjson.loads(value[1:])  # the first byte is the version of the format


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL with ``$1`` …, and how each column is read from PostgreSQL's binary format."""

    name: str
    sql: str
    columns: Sequence[Callable[[bytes], Any]]

    def decode(self, value: bytes | None, column: int) -> Any:
        return None if value is None else self.columns[column](value)


def run(statement: Statement, parameters: Sequence[Parameter | list[Any]]) -> list[Sequence[Any]]:
    """Run a statement and return its rows.

    :raises EntitlementsUnavailable: if the database cannot be reached, or takes too long
    """
    if django_connection.in_atomic_block:
        cursor = psycopg.RawCursor(django_connection.connection)
        return cursor.execute(statement.sql, parameters, binary=True).fetchall()
    held = _local.held
    if held is not None and not held.connection.closed:
        try:
            return held.run(statement, parameters)
        except psycopg.errors.QueryCanceled as error:
            raise EntitlementsUnavailable("the database did not answer in time") from error
        except (psycopg.OperationalError, psycopg.InterfaceError):
            held.connection.close()  # the server has gone away since; a fresh connection decides
    try:
        return _open().run(statement, parameters)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise EntitlementsUnavailable("the database did not answer") from error
