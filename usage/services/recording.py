"""Record use: consume units if they fit, give units of a limit back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection

from core import clock, ids
from core.errors import Conflict
from core.events import publish
from core.transactions import Again, command
from usage import counting, events, queries
from usage.counting import Kind, Tally, Usage
from usage.quantities import EXACT, ZERO

# Identifiers are remembered for the 35 days in which use may still be reported, and five more.
KEPT = timedelta(days=40)
_TAKEN = "23505"  # unique violation


class UsageIdReused(Conflict):
    """The identifier was used for something else: another owner, feature or quantity."""

    code = "usage_id_reused"


class LevelBelowZero(Conflict):
    """More was to be given back than there is."""

    code = "level_below_zero"


class Result(StrEnum):
    """``recorded``: it counts. ``repeated``: it has counted before, and does not again.
    ``denied``: it does not fit, and nothing was written."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Use:
    """``quantity`` of a feature, used at an instant; less than zero gives units of a limit back.

    ``most`` is what the tally may be with it; None: as much as one likes. ``value`` is the limit or
    allowance, which is worth an event when it is reached. ``source`` and ``id`` name it for good.
    """

    tally: Tally
    feature: str
    quantity: Decimal
    at: datetime
    source: str
    id: str
    most: Decimal | None = None
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """``usage`` is the tally afterwards, or as it is if nothing was recorded."""

    result: Result
    usage: Usage


OWNER_COLUMNS = "owner_id, customer_id, subject_id"
OWNER = "%(owner)s::uuid, %(customer)s::uuid, %(subject)s::uuid"
COUNTER = "owner_id = %(owner)s::uuid AND meter = %(meter)s AND window_start = %(window_start)s"


def fits(total: str) -> str:
    """Return the SQL that compares a sum with the bound, where there is one."""
    return f"(%(most)s::numeric IS NULL OR {total} <= %(most)s::numeric)"


_UNKNOWN = "NOT EXISTS (SELECT FROM known)"
_COUNT = f"""
    INSERT INTO usage_counter AS c ({OWNER_COLUMNS}, meter, window_start, used, held)
    SELECT {OWNER}, %(meter)s, %(window_start)s::timestamptz, %(quantity)s::numeric, 0
    WHERE {_UNKNOWN} AND {fits("%(quantity)s::numeric")}
    ON CONFLICT (owner_id, meter, window_start) DO UPDATE SET used = c.used + excluded.used
    WHERE {fits("c.used + c.held + excluded.used")}
    RETURNING used AS total, held
"""
_RAISE = f"""
    INSERT INTO usage_level AS l ({OWNER_COLUMNS}, feature, level, observed_at, recorded_at)
    SELECT {OWNER}, %(feature)s, %(quantity)s::numeric, %(at)s::timestamptz, %(now)s::timestamptz
    WHERE {_UNKNOWN} AND {fits("%(quantity)s::numeric")}
    ON CONFLICT (owner_id, feature) DO UPDATE SET level = l.level + excluded.level,
        observed_at = greatest(l.observed_at, excluded.observed_at),
        recorded_at = excluded.recorded_at
    WHERE {fits("l.level + excluded.level")}
    RETURNING level AS total, 0 AS held
"""
_LOWER = f"""
    UPDATE usage_level SET level = level + %(quantity)s::numeric,
        observed_at = greatest(observed_at, %(at)s::timestamptz),
        recorded_at = %(now)s::timestamptz
    WHERE owner_id = %(owner)s::uuid AND feature = %(feature)s
        AND level + %(quantity)s::numeric >= 0 AND {_UNKNOWN}
    RETURNING level AS total, 0 AS held
"""  # noqa: S608 - composed of constants
_RECORD = f"""
    WITH known AS (SELECT fingerprint FROM usage_eventkey WHERE hash = %(hash)s::uuid),
    counted AS ({{bump}}),
    recorded AS (
        INSERT INTO usage_usageevent ({OWNER_COLUMNS}, id, feature, meter, quantity,
            window_start, occurred_at, recorded_at, source, source_id)
        SELECT {OWNER}, %(id)s::uuid, %(feature)s, %(meter)s, %(quantity)s::numeric,
            %(window_start)s::timestamptz, %(at)s::timestamptz, %(now)s::timestamptz,
            %(source)s, %(source_id)s
        FROM counted
    ), remembered AS (
        INSERT INTO usage_eventkey (hash, fingerprint, recorded_at)
        SELECT %(hash)s::uuid, %(fingerprint)s::uuid, %(now)s::timestamptz FROM counted
    )
    SELECT (SELECT fingerprint FROM known), (SELECT total FROM counted),
        (SELECT held FROM counted)
"""  # noqa: S608 - composed of constants
_STATEMENTS = {
    "count": _RECORD.format(bump=_COUNT),
    "raise": _RECORD.format(bump=_RAISE),
    "lower": _RECORD.format(bump=_LOWER),
}
_LOCK = f"""
    INSERT INTO usage_counter AS c ({OWNER_COLUMNS}, meter, window_start, used, held)
    VALUES ({OWNER}, %(meter)s, %(window_start)s::timestamptz, 0, 0)
    ON CONFLICT (owner_id, meter, window_start) DO UPDATE SET used = c.used
"""  # noqa: S608 - composed of constants
_HELD = f"SELECT FROM usage_counter WHERE {COUNTER} AND held > 0 FOR NO KEY UPDATE"
_LAPSE = f"""
    WITH lapsed AS (
        UPDATE usage_reservation SET "end" = 'expired', ended_at = expires_at
        WHERE {COUNTER} AND "end" = '' AND expires_at <= %(at)s::timestamptz
        RETURNING quantity
    )
    UPDATE usage_counter SET held = held - (SELECT sum(quantity) FROM lapsed)
    WHERE {COUNTER} AND EXISTS (SELECT FROM lapsed)
"""  # noqa: S608 - composed of constants


@command
def consume(use: Use) -> Outcome:
    """Record use if it fits below its bound; a limit's level is raised by it.

    :raises UsageIdReused: if the identifier names something else
    """
    match use.tally.kind:
        case Kind.LEVEL:
            return _record(use, "raise")
        case Kind.SLIDING:
            return _consume_sliding(use)
    outcome = _record(use, "count")
    if outcome.result == Result.DENIED and lapse(use):
        return _record(use, "count")
    return outcome


@command
def release(use: Use) -> Outcome:
    """Lower a limit's level, by a quantity that is less than zero.

    :raises UsageIdReused: if the identifier names something else
    :raises LevelBelowZero: if there are not so many, or nobody knows how many there are
    """
    outcome = _record(use, "lower")
    if outcome.result == Result.DENIED:
        there = outcome.usage.used or ZERO
        raise LevelBelowZero(f"there are {there:f}, fewer than are to be given back")
    return outcome


@command
def look(use: Use) -> Outcome:
    """Tell whether it was recorded before, and how much is used; record nothing.

    :raises UsageIdReused: if the identifier names something else
    """
    return _look(use)


def clean_up(*, now: datetime, at_once: int = 10_000) -> int:
    """Forget the identifiers that are too old to come again; return how many."""
    forgotten = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM usage_eventkey WHERE hash IN"
                " (SELECT hash FROM usage_eventkey WHERE recorded_at < %s LIMIT %s)",
                [now - KEPT, at_once],
            )
            forgotten += int(cursor.rowcount)
            if cursor.rowcount < at_once:
                return forgotten


def lapse(use: Use) -> bool:
    """Take what is held and has expired off a counter; tell whether that made room."""
    parameters = parameters_of(use)
    with connection.cursor() as cursor:
        cursor.execute(_HELD, parameters)
        if not cursor.rowcount:
            return False
        cursor.execute(_LAPSE, parameters)
        return bool(cursor.rowcount)


def lock_sliding(use: Use) -> Usage:
    """Lock what slides and return what is in it now: whoever comes later sees all before."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, parameters_of(use))
    lapse(use)
    [usage] = queries.usage([use.tally])
    return usage


def parameters_of(use: Use) -> dict[str, Any]:
    """Return what the statements are told."""
    owner, is_metered = use.tally.owner, use.tally.kind != Kind.LEVEL
    return {
        "id": ids.new_uuid(),
        "owner": owner.uuid,
        "customer": ids.decode(owner.customer_id, prefix="cus"),
        "subject": owner.uuid if owner.subject_id else None,
        "feature": use.feature,
        "meter": use.tally.name if is_metered else "",
        "quantity": use.quantity,
        "most": use.most,
        "window_start": use.tally.window_start if is_metered else None,
        "at": use.at,
        "now": clock.system_now(),
        "source": use.source,
        "source_id": use.id,
        "hash": counting.key_of(use.source, use.id),
        "fingerprint": _fingerprint(use),
    }


def execute(sql: str, parameters: dict[str, Any]) -> Any:
    """Run a statement and return its one row; begin anew if the identifier is just being taken."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone()
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", None) != _TAKEN:
            raise
        raise Again(lambda: None) from error


def _consume_sliding(use: Use) -> Outcome:
    before = lock_sliding(use)
    total = EXACT.add(before.taken or ZERO, use.quantity)
    if use.most is not None and total > use.most:
        return _look(use)
    outcome = _record(use, "count", most=None)
    if outcome.result != Result.RECORDED:
        return outcome
    return _recorded(use, Usage(EXACT.subtract(total, before.held), before.held))


def _record(use: Use, statement: str, **otherwise: Any) -> Outcome:
    known, total, held = execute(_STATEMENTS[statement], {**parameters_of(use), **otherwise})
    if known is not None or total is None:
        return _look(use)
    if use.tally.kind == Kind.SLIDING:  # the counter is not what slides
        return Outcome(Result.RECORDED, Usage(total))
    # Some of what is held may have expired; only then another look is needed.
    return _recorded(use, queries.usage([use.tally])[0] if held else Usage(total))


def _recorded(use: Use, now: Usage) -> Outcome:
    used = now.used or ZERO
    before = EXACT.subtract(used, use.quantity)
    owner = use.tally.owner
    publish(events.reached(owner, use.feature, before=before, now=used, value=use.value, at=use.at))
    return Outcome(Result.RECORDED, now)


def _look(use: Use) -> Outcome:
    """Look anew: while a counter was waited for, the same event may have been recorded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint FROM usage_eventkey WHERE hash = %s",
            [counting.key_of(use.source, use.id)],
        )
        row = cursor.fetchone()
    [usage] = queries.usage([use.tally])
    if row is None:
        return Outcome(Result.DENIED, usage)
    if row[0] != _fingerprint(use):
        raise UsageIdReused("this identifier was used for something else")
    return Outcome(Result.REPEATED, usage)


def _fingerprint(use: Use) -> UUID:
    return counting.fingerprint(use.tally.owner, use.feature, use.quantity)
