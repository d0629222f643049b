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
from psycopg.errors import QueryCanceled, error_from_result

from core.errors import Unavailable

PATIENCE_MILLISECONDS = 500
_CONNECT_SECONDS = 2  # the least that libpq knows; waited only where a network swallows packets
_SETTINGS = (
    f"-c statement_timeout={PATIENCE_MILLISECONDS} -c timezone=UTC -c jit=off"
    " -c default_transaction_read_only=on -c plan_cache_mode=force_generic_plan"
)
_BINARY, _TEXT = 1, 0

Parameter = UUID | str
Row = Sequence[Any]


class EntitlementsUnavailable(Unavailable):
    """The database did not answer within half a second."""

    code = "entitlements_unavailable"


def uuid(value: bytes) -> UUID:
    return UUID(bytes=value)


def integer(value: bytes) -> int:
    return int.from_bytes(value, signed=True)


def text(value: bytes) -> str:
    return value.decode()


def json(value: bytes) -> Any:
    return orjson.loads(value[1:])  # the first byte is the version of the format


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL with ``$1`` …, and how each column is read from PostgreSQL's binary format."""

    name: str
    sql: str
    columns: tuple[Callable[[bytes], Any], ...]

    def row(self, result: pq.abc.PGresult, place: int) -> Row:
        """Read one row of a result."""
        return [
            None if (value := result.get_value(place, column)) is None else read(value)
            for column, read in enumerate(self.columns)
        ]


class _Held:
    """A thread's connection, and what has been prepared on it."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._prepared: set[str] = set()

    def run(self, statement: Statement, parameters: Sequence[Parameter]) -> list[Row]:
        """:raises psycopg.Error: for whatever goes wrong"""
        server, name = self.connection.pgconn, statement.name.encode()
        if statement.name not in self._prepared:
            self._check(server.prepare(name, statement.sql.encode()))
            self._prepared.add(statement.name)
        result = server.exec_prepared(
            name,
            [each.bytes if isinstance(each, UUID) else each.encode() for each in parameters],
            [_BINARY if isinstance(each, UUID) else _TEXT for each in parameters],
            _BINARY,
        )
        self._check(result)
        return [statement.row(result, place) for place in range(result.ntuples)]

    def _check(self, result: pq.abc.PGresult) -> None:
        if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return
        if self.connection.pgconn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError("the connection is lost")
        raise error_from_result(result)


class _Local(threading.local):
    held: _Held | None = None


_local = _Local()
_open: WeakSet[psycopg.Connection] = WeakSet()


def run(statement: Statement, parameters: Sequence[Parameter]) -> list[Row]:
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
        except QueryCanceled as error:
            raise EntitlementsUnavailable("the database did not answer in time") from error
        except (psycopg.OperationalError, psycopg.InterfaceError):
            held.connection.close()  # the server has gone away since; a fresh connection decides
    try:
        return _connect().run(statement, parameters)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise EntitlementsUnavailable("the database did not answer") from error


def close() -> None:
    """Close the connections of all threads; each opens another when it needs one."""
    for connection in list(_open):
        connection.close()


def _connect() -> _Held:
    """Open this thread's connection to the database that Django uses."""
    parameters = django_connection.get_connection_params()
    for ours in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(ours, None)
    given = parameters.pop("options", "")
    parameters |= {"options": f"{given} {_SETTINGS}".strip(), "autocommit": True}
    parameters["tcp_user_timeout"] = PATIENCE_MILLISECONDS
    parameters["connect_timeout"] = _CONNECT_SECONDS
    connection = psycopg.connect(**parameters)
    _open.add(connection)
    _local.held = held = _Held(connection)
    return held
