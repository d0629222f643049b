"""Reads what a check needs in one prepared statement, on a connection that each thread keeps.

The check is asked for every action of every user, so its way to the database is the shortest there
is: no ORM, no pool, no transaction. It reads the primary, so no answer is older than what was
committed before it was asked for. A caller inside a transaction reads what it has written there.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakSet

import orjson
import psycopg
from django.db import connection as django_connection
from psycopg.types.json import set_json_loads

from core import clock, ids
from core.errors import BadRequest, DomainError, Unavailable
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound
from entitlements.tokens import Revision

NO_REVISION = Revision(1, 0)  # of a customer who was never given anything
PATIENCE_MILLISECONDS = 500
_SETTINGS = (
    f"-c statement_timeout={PATIENCE_MILLISECONDS} -c timezone=UTC"
    " -c default_transaction_read_only=on -c plan_cache_mode=force_generic_plan -c jit=off"
)

_COLUMNS = "c.id, s.id, c.last_acted_at, k.frozen_at, coalesce(r.epoch, 1), coalesce(r.revision, 0)"
_SINGLE = """
    SELECT {columns}, ts.segments #> %(path)s::text[], tc.segments #> %(path)s::text[]
    FROM {owners}
    LEFT JOIN customers_testclock k ON k.id = c.test_clock_id
    LEFT JOIN entitlements_customerrevision r ON r.customer_id = c.id
    LEFT JOIN entitlements_timeline ts ON ts.owner_id = s.id
    LEFT JOIN entitlements_timeline tc ON tc.owner_id = c.id
    WHERE {condition}
"""
_CUSTOMER = {"id": "c.id = %(customer)s::uuid", "key": "c.key = %(customer)s::text"}
_SUBJECT = {
    "": "false",
    "id": "s.customer_id = c.id AND s.id = %(subject)s::uuid",
    "key": "s.customer_id = c.id AND s.key = %(subject)s::text",
}
# By what names the customer ("" where only a subject's identifier is given) and the subject.
_STATEMENTS = {
    ("", "id"): _SINGLE.format(
        columns=_COLUMNS,
        owners="customers_subject s JOIN customers_customer c ON c.id = s.customer_id",
        condition="s.id = %(subject)s::uuid",
    )
} | {
    (by, subject_by): _SINGLE.format(
        columns=_COLUMNS,
        owners=f"customers_customer c LEFT JOIN customers_subject s ON {subject}",
        condition=customer,
    )
    for by, customer in _CUSTOMER.items()
    for subject_by, subject in _SUBJECT.items()
}
# LIMIT keeps the planner from anything but one look into an index per question and table.
_MANY = f"""
    SELECT {_COLUMNS}, ts.segments #> ARRAY['features', i.feature],
        tc.segments #> ARRAY['features', i.feature]
    FROM unnest(%(customer_ids)s::uuid[], %(customer_keys)s::text[], %(subject_ids)s::uuid[],
        %(subject_keys)s::text[], %(features)s::text[])
        WITH ORDINALITY AS i (customer_id, customer_key, subject_id, subject_key, feature, place)
    LEFT JOIN LATERAL (
        SELECT * FROM customers_customer WHERE id = coalesce(
            i.customer_id,
            (SELECT id FROM customers_customer WHERE key = i.customer_key),
            (SELECT customer_id FROM customers_subject
             WHERE id = i.subject_id AND i.customer_key IS NULL)
        ) LIMIT 1
    ) AS c ON true
    LEFT JOIN LATERAL (
        SELECT * FROM customers_subject WHERE customer_id = c.id AND id = coalesce(
            i.subject_id,
            (SELECT id FROM customers_subject WHERE customer_id = c.id AND key = i.subject_key)
        ) LIMIT 1
    ) AS s ON true
    LEFT JOIN LATERAL (
        SELECT * FROM customers_testclock WHERE id = c.test_clock_id LIMIT 1
    ) AS k ON true
    LEFT JOIN LATERAL (
        SELECT * FROM entitlements_customerrevision WHERE customer_id = c.id LIMIT 1
    ) AS r ON true
    LEFT JOIN LATERAL (
        SELECT * FROM entitlements_timeline WHERE owner_id = s.id LIMIT 1
    ) AS ts ON true
    LEFT JOIN LATERAL (
        SELECT * FROM entitlements_timeline WHERE owner_id = c.id LIMIT 1
    ) AS tc ON true
    ORDER BY i.place
"""  # noqa: S608 - composed of constants


class OwnerRequired(BadRequest):
    """A subject's identifier, or a customer, must say whom the question is about."""

    code = "owner_required"


class EntitlementsUnavailable(Unavailable):
    """The database did not answer within half a second."""

    code = "entitlements_unavailable"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a question is about: identifiers or keys, as given. A subject's key needs a customer."""

    customer: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """The owners that an answer is about, their now in whole seconds, and what they hold.

    What they hold is as stored: one feature's rows or, without a feature, a whole timeline.
    """

    customer_id: str
    subject_id: str | None
    now: datetime
    revision: Revision
    of_customer: Any
    of_subject: Any


@dataclass(frozen=True, slots=True)
class _Named:
    """By what the owners are named, and their names as the database knows them."""

    customer_by: str
    customer: UUID | str | None
    subject_by: str
    subject: UUID | str | None


def read(asked: Asked, feature: str | None) -> Path:
    """Read the path to one feature, or to all of them.

    :raises OwnerRequired: if nothing says whose
    :raises CustomerNotFound, SubjectNotFound: if there is no such owner
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    named = _named(asked)
    path = [] if feature is None else ["features", feature]
    parameters = {"customer": named.customer, "subject": named.subject, "path": path}
    rows = _fetch(_STATEMENTS[named.customer_by, named.subject_by], parameters)
    return _path(asked, rows[0] if rows else None)


def read_many(questions: Sequence[tuple[Asked, str]]) -> list[Path | DomainError]:
    """Read the paths of many questions in one statement; what cannot be found is an error in its
    place.

    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    results: dict[int, Path | DomainError] = {}
    found: dict[int, _Named] = {}
    for place, (asked, _) in enumerate(questions):
        try:
            found[place] = _named(asked)
        except DomainError as error:
            results[place] = error
    parameters = {
        "customer_ids": [
            each.customer if each.customer_by == "id" else None for each in found.values()
        ],
        "customer_keys": [
            each.customer if each.customer_by == "key" else None for each in found.values()
        ],
        "subject_ids": [
            each.subject if each.subject_by == "id" else None for each in found.values()
        ],
        "subject_keys": [
            each.subject if each.subject_by == "key" else None for each in found.values()
        ],
        "features": [questions[place][1] for place in found],
    }
    for place, row in zip(found, _fetch(_MANY, parameters), strict=True):
        try:
            results[place] = _path(questions[place][0], row)
        except DomainError as error:
            results[place] = error
    return [results[place] for place in range(len(questions))]


def close() -> None:
    """Close the connections of all threads of this process; each opens another when it needs it."""
    for held in list(_open):
        held.close()


def _named(asked: Asked) -> _Named:
    if asked.customer is None and not (asked.subject and ids.is_type_id(asked.subject)):
        raise OwnerRequired("name a customer, or a subject by its identifier")
    customer_by, customer = _reference(asked.customer, "cus", CustomerNotFound)
    subject_by, subject = _reference(asked.subject, "sbj", SubjectNotFound)
    return _Named(customer_by, customer, subject_by, subject)


def _reference(
    text: str | None, prefix: str, missing: type[DomainError]
) -> tuple[str, UUID | str | None]:
    """Tell an identifier from a key. What has the shape of an identifier is never a key."""
    if text is None:
        return "", None
    if not ids.is_type_id(text):
        return "key", text
    if not ids.is_type_id(text, prefix=prefix):
        raise not_found(missing)
    return "id", ids.decode(text, prefix=prefix)


def _path(asked: Asked, row: Sequence[Any] | None) -> Path:
    if row is None or row[0] is None:
        raise not_found(SubjectNotFound if asked.customer is None else CustomerNotFound)
    customer, subject, last_acted_at, frozen_at, epoch, revision, of_subject, of_customer = row
    if asked.subject is not None and subject is None:
        raise not_found(SubjectNotFound)
    now = frozen_at or clock.whole_second(clock.system_now())
    return Path(
        customer_id=ids.encode("cus", customer),
        subject_id=None if subject is None else ids.encode("sbj", subject),
        now=max(now, last_acted_at),
        revision=Revision(epoch, revision),
        of_customer=of_customer,
        of_subject=of_subject,
    )


def not_found(missing: type[DomainError]) -> DomainError:
    """Return the one answer to an owner that is not there, or not for this caller."""
    return missing(f"there is no such {'customer' if missing is CustomerNotFound else 'subject'}")


class _Local(threading.local):
    connection: psycopg.Connection | None = None


_local = _Local()
_open: WeakSet[psycopg.Connection] = WeakSet()


def _fetch(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    if django_connection.in_atomic_block:
        return _run(django_connection.connection, statement, parameters)
    held = _local.connection
    if held is not None and not held.closed:
        try:
            return _run(held, statement, parameters)
        except psycopg.errors.QueryCanceled as error:
            raise EntitlementsUnavailable("the database did not answer in time") from error
        except (psycopg.OperationalError, psycopg.InterfaceError):
            held.close()  # the server has gone away since; a fresh connection decides
    try:
        return _run(_connect(), statement, parameters)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise EntitlementsUnavailable("the database did not answer") from error


def _run(
    connection: psycopg.Connection, statement: str, parameters: Mapping[str, Any]
) -> list[Any]:
    cursor = psycopg.Cursor(connection)
    return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()


def _connect() -> psycopg.Connection:
    """Open this thread's connection to the database that Django uses."""
    parameters = django_connection.get_connection_params()
    for ours in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(ours, None)
    given = parameters.pop("options", "")
    parameters |= {"options": f"{given} {_SETTINGS}".strip(), "autocommit": True}
    parameters["tcp_user_timeout"] = PATIENCE_MILLISECONDS
    connection = psycopg.connect(**parameters)
    set_json_loads(orjson.loads, connection)
    _local.connection = connection
    _open.add(connection)
    return connection
