"""What makes tests on a real database quick: tables are emptied only where something is in them,
and a price list is applied once by each process, and copied from then on.

Both act as the database's owner with triggers and foreign keys switched off, for they write back
nothing but what the product has written itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from core.models import AuditEntry

# The migrations write these, and no test does.
_STANDING = ["django_migrations", "django_content_type", "auth_permission"]
_WRITTEN = """
    SELECT quote_ident(relname) FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
        AND pg_relation_size(oid) > 0 AND NOT relname = ANY(%s)
"""
_copies: dict[str, dict[str, bytes]] = {}


def empty_tables() -> None:
    """Delete every row that was written since the migrations, committed or about to be."""
    with _unwatched() as cursor:
        for table in _written(cursor):
            cursor.execute(f"DELETE FROM {table}")


def written_once(name: str, write: Callable[[], object]) -> None:
    """Have what ``write`` writes on an empty platform: by calling it, and from then on by a copy.
    Where something is there already it is called, for it may write something else then."""
    if AuditEntry.objects.exists():
        write()
    elif name in _copies:
        _write(_copies[name])
    else:
        write()
        _copies[name] = _read()


@contextmanager
def _unwatched() -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def _written(cursor: Any) -> list[str]:
    cursor.execute(_WRITTEN, [_STANDING])
    return [name for (name,) in cursor.fetchall()]


def _read() -> dict[str, bytes]:
    copies = {}
    with connection.cursor() as cursor:
        for table in _written(cursor):
            with cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as stream:
                copies[table] = b"".join(bytes(each) for each in stream)
    return copies


def _write(copies: dict[str, bytes]) -> None:
    with _unwatched() as cursor:
        for table, rows in copies.items():
            with cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as stream:
                stream.write(rows)
