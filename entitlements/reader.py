"""Reads what a check needs: the owners it is about, their now, and what they hold.

The check is asked for every action of every user, so one statement reads all of it. It reads the
primary, so no answer is older than what was committed before it was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core import clock, ids
from core.api.rendering import dumps
from core.errors import BadRequest, DomainError
from core.principals import Principal
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound
from entitlements import blocks, connections
from entitlements.blocks import Block
from entitlements.connections import Row, Statement
from entitlements.tokens import Revision
from usage import queries as usage

NO_REVISION = Revision(1, 0)  # of a customer who was never given anything


class OwnerRequired(BadRequest):
    """A subject's identifier, or a customer, must say whom the question is about."""

    code = "owner_required"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a question is about: identifiers or keys, as given. A subject's key needs a customer."""

    customer: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """The owners that an answer is about, their now in whole seconds, and what they hold.

    What they hold is as stored: one feature's rows or, without a feature, a whole timeline. The
    blocks are those that take access from a whole owner; a subject has its customer's too. The
    levels are of one feature that was asked for; None: nobody has told.
    """

    customer_id: str
    subject_id: str | None
    now: datetime
    revision: Revision
    of_customer: Any
    of_subject: Any
    customer_blocks: tuple[Block, ...] = ()
    subject_blocks: tuple[Block, ...] = ()
    customer_level: str | None = None
    subject_level: str | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    """By what the owners are named ("id", "key" or ""), and by which names."""

    customer_by: str
    customer: UUID | str | None
    subject_by: str
    subject: UUID | str | None


_COLUMNS = """
    c.id, s.id, floor(extract(epoch FROM c.last_acted_at))::bigint,
    floor(extract(epoch FROM k.frozen_at))::bigint,
    coalesce(r.epoch, 1)::bigint, coalesce(r.revision, 0)
"""
_READ_AS = (
    *(connections.uuid, connections.uuid, connections.integer, connections.integer),
    *(connections.integer, connections.integer, connections.json, connections.json),
    *(connections.json, connections.json, connections.text, connections.text),
)
_CUSTOMER_BY = {"id": "c.id = $1::uuid", "key": "c.key = $1::text"}
_NO_LEVELS = "NULL::text, NULL::text"
_SUBJECT_BY = {"id": "s.id = ${}::uuid", "key": "s.key = ${}::text"}


def _levels(feature: str) -> str:
    """Return the columns with the levels of customer and subject."""
    return ", ".join(
        usage.LEVEL_OF.format(owner=each, feature=feature) for each in ("c.id", "s.id")
    )


def _single(customer_by: str, subject_by: str, *, whole: bool) -> Statement:
    """Compose the statement for one way of naming the owners.

    Its parameters are the customer, the subject and the feature, as far as there are any. A
    customer that is named is found first, so that it is told from a subject that does not exist.
    """
    names = [by for by in (customer_by, subject_by) if by]
    subject = _SUBJECT_BY[subject_by].format(len(names)) if subject_by else "false"
    if customer_by:
        owners = "customers_customer c LEFT JOIN customers_subject s"
        owners, named = f"{owners} ON s.customer_id = c.id AND {subject}", _CUSTOMER_BY[customer_by]
    else:
        owners = "customers_subject s JOIN customers_customer c ON c.id = s.customer_id"
        named = subject
    feature = f"${len(names) + 1}::text"
    held = "" if whole else f" -> 'features' -> {feature}"
    levels = _NO_LEVELS if whole else _levels(feature)
    sql = f"""
        SELECT {_COLUMNS}, tc.segments{held}, ts.segments{held}, tc.blocks, ts.blocks, {levels}
        FROM {owners}
        LEFT JOIN customers_testclock k ON k.id = c.test_clock_id
        LEFT JOIN entitlements_customerrevision r ON r.customer_id = c.id
        LEFT JOIN entitlements_timeline tc ON tc.owner_id = c.id
        LEFT JOIN entitlements_timeline ts ON ts.owner_id = s.id
        WHERE {named}
    """  # noqa: S608 - composed of constants
    return Statement(f"path {customer_by}/{subject_by} {whole}", sql, _READ_AS)


_SINGLE = {
    (customer_by, subject_by, whole): _single(customer_by, subject_by, whole=whole)
    for customer_by in ("", "id", "key")
    for subject_by in ("", "id", "key")
    for whole in (False, True)
    if customer_by or subject_by == "id"
}
# LIMIT keeps the planner from anything but one look into an index per question and table.
_MANY = Statement(
    "paths",
    f"""
    SELECT {_COLUMNS}, tc.segments -> 'features' -> i.feature,
        ts.segments -> 'features' -> i.feature, tc.blocks, ts.blocks, {_levels("i.feature")}
    FROM jsonb_to_recordset($1::jsonb) AS i (
        place int, customer_id uuid, customer_key text, subject_id uuid, subject_key text,
        feature text)
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
        SELECT * FROM entitlements_timeline WHERE owner_id = c.id LIMIT 1
    ) AS tc ON true
    LEFT JOIN LATERAL (
        SELECT * FROM entitlements_timeline WHERE owner_id = s.id LIMIT 1
    ) AS ts ON true
    ORDER BY i.place
    """,  # noqa: S608 - composed of constants
    _READ_AS,
)


def read(asked: Asked, feature: str | None, *, seen_by: Principal) -> Path:
    """Read the path to one feature, or to all of them.

    :raises OwnerRequired: if nothing says whose
    :raises CustomerNotFound, SubjectNotFound: if there is no such owner, or it is another tenant's
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    named = _named(asked)
    statement = _SINGLE[named.customer_by, named.subject_by, feature is None]
    given = (named.customer, named.subject, feature)
    rows = connections.run(statement, [each for each in given if each is not None])
    return _path(asked, rows[0] if rows else None, seen_by)


def read_many(
    questions: Sequence[tuple[Asked, str]], *, seen_by: Principal
) -> list[Path | DomainError]:
    """Read the paths of many questions in one statement; what cannot be found is an error in its
    place.

    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    results: dict[int, Path | DomainError] = {}
    items: list[dict[str, Any]] = []
    for place, (asked, feature) in enumerate(questions):
        try:
            named = _named(asked)
        except DomainError as error:
            results[place] = error
        else:
            names = {
                f"customer_{named.customer_by}": named.customer,
                f"subject_{named.subject_by}": named.subject,
            }
            items.append({**names, "feature": feature, "place": place})
    for item, row in zip(items, connections.run(_MANY, [dumps(items).decode()]), strict=True):
        try:
            results[item["place"]] = _path(questions[item["place"]][0], row, seen_by)
        except DomainError as error:
            results[item["place"]] = error
    return [results[place] for place in range(len(questions))]


def not_found(missing: type[DomainError]) -> DomainError:
    """Return the one answer to an owner that is not there, or not for this caller."""
    return missing(f"there is no such {'customer' if missing is CustomerNotFound else 'subject'}")


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


def _path(asked: Asked, row: Row | None, seen_by: Principal) -> Path:
    """Let another tenant's owner look exactly like one that does not exist."""
    named = SubjectNotFound if asked.customer is None else CustomerNotFound
    if row is None or row[0] is None:
        raise not_found(named)
    if seen_by.customer_id not in (None, ids.encode("cus", row[0])):
        raise not_found(named)
    customer, subject, acted, frozen, epoch, revision, *held = row
    of_customer, of_subject, customer_blocks, subject_blocks, *levels = held
    if asked.subject is not None and subject is None:
        raise not_found(SubjectNotFound)
    now = int(clock.system_now().timestamp()) if frozen is None else frozen
    return Path(
        customer_id=ids.encode("cus", customer),
        subject_id=None if subject is None else ids.encode("sbj", subject),
        now=datetime.fromtimestamp(max(now, acted), UTC),
        revision=Revision(epoch, revision),
        of_customer=of_customer,
        of_subject=of_subject,
        customer_blocks=blocks.from_json(customer_blocks or ()),
        subject_blocks=blocks.from_json((*(customer_blocks or ()), *(subject_blocks or ()))),
        customer_level=levels[0],
        subject_level=levels[1],
    )
