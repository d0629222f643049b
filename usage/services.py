"""Record use, and the levels of limits: the only code that writes them.

No turn is taken here: whoever uses something locks the counter or level of just that. Each record
is one statement, which raises the sum, keeps the event and remembers its identifier, or does none
of it. So a counter is always the sum of its events, and nobody can pass a bound together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection

from core import clock, ids
from core.errors import Conflict
from core.transactions import Again, command
from usage import counting, queries
from usage.counting import Kind, Owner, Tally
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

    ``most`` is what the tally may be with it; None: as much as one likes. ``source`` and ``id``
    name it for good.
    """

    tally: Tally
    feature: str
    quantity: Decimal
    at: datetime
    source: str
    id: str
    most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """``used`` is the tally afterwards, or as it is if nothing was recorded; None: not known."""

    result: Result
    used: Decimal | None


@dataclass(frozen=True, slots=True)
class LevelReport:
    """An owner had so many of a limit's things at an instant of the customer's time."""

    owner: Owner
    feature: str
    level: Decimal
    observed_at: datetime


_OWNER_COLUMNS = "owner_id, customer_id, subject_id"
_OWNER = "%(owner)s::uuid, %(customer)s::uuid, %(subject)s::uuid"
_UNKNOWN = "NOT EXISTS (SELECT FROM known)"
_FITS = "(%(most)s::numeric IS NULL OR {total} <= %(most)s::numeric)"
_COUNT = f"""
    INSERT INTO usage_counter AS c ({_OWNER_COLUMNS}, meter, window_start, used)
    SELECT {_OWNER}, %(meter)s, %(window_start)s::timestamptz, %(quantity)s::numeric
    WHERE {_UNKNOWN} AND {_FITS.format(total="%(quantity)s::numeric")}
    ON CONFLICT (owner_id, meter, window_start) DO UPDATE SET used = c.used + excluded.used
    WHERE {_FITS.format(total="c.used + excluded.used")}
    RETURNING used AS total
"""
_RAISE = f"""
    INSERT INTO usage_level AS l ({_OWNER_COLUMNS}, feature, level, observed_at, recorded_at)
    SELECT {_OWNER}, %(feature)s, %(quantity)s::numeric, %(at)s::timestamptz, %(now)s::timestamptz
    WHERE {_UNKNOWN} AND {_FITS.format(total="%(quantity)s::numeric")}
    ON CONFLICT (owner_id, feature) DO UPDATE SET level = l.level + excluded.level,
        observed_at = greatest(l.observed_at, excluded.observed_at),
        recorded_at = excluded.recorded_at
    WHERE {_FITS.format(total="l.level + excluded.level")}
    RETURNING level AS total
"""
_LOWER = f"""
    UPDATE usage_level SET level = level + %(quantity)s::numeric,
        observed_at = greatest(observed_at, %(at)s::timestamptz),
        recorded_at = %(now)s::timestamptz
    WHERE owner_id = %(owner)s::uuid AND feature = %(feature)s
        AND level + %(quantity)s::numeric >= 0 AND {_UNKNOWN}
    RETURNING level AS total
"""  # noqa: S608 - composed of constants
_RECORD = f"""
    WITH known AS (SELECT fingerprint FROM usage_eventkey WHERE hash = %(hash)s::uuid),
    counted AS ({{bump}}),
    recorded AS (
        INSERT INTO usage_usageevent ({_OWNER_COLUMNS}, id, feature, meter, quantity,
            window_start, occurred_at, recorded_at, source, source_id)
        SELECT {_OWNER}, %(id)s::uuid, %(feature)s, %(meter)s, %(quantity)s::numeric,
            %(window_start)s::timestamptz, %(at)s::timestamptz, %(now)s::timestamptz,
            %(source)s, %(source_id)s
        FROM counted
    ), remembered AS (
        INSERT INTO usage_eventkey (hash, fingerprint, recorded_at)
        SELECT %(hash)s::uuid, %(fingerprint)s::uuid, %(now)s::timestamptz FROM counted
    )
    SELECT (SELECT fingerprint FROM known), (SELECT total FROM counted)
"""  # noqa: S608 - composed of constants
_STATEMENTS = {
    "count": _RECORD.format(bump=_COUNT),
    "raise": _RECORD.format(bump=_RAISE),
    "lower": _RECORD.format(bump=_LOWER),
}
_LOCK = f"""
    INSERT INTO usage_counter AS c ({_OWNER_COLUMNS}, meter, window_start, used)
    VALUES ({_OWNER}, %(meter)s, %(window_start)s::timestamptz, 0)
    ON CONFLICT (owner_id, meter, window_start) DO UPDATE SET used = c.used
"""  # noqa: S608 - composed of constants
_REPORT = f"""
    INSERT INTO usage_level AS l ({_OWNER_COLUMNS}, feature, level, observed_at, recorded_at)
    SELECT *, %s::timestamptz FROM unnest(
        %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::numeric[], %s::timestamptz[])
    ON CONFLICT (owner_id, feature) DO UPDATE SET level = excluded.level,
        observed_at = excluded.observed_at, recorded_at = excluded.recorded_at
    WHERE excluded.observed_at >= l.observed_at
    RETURNING owner_id, feature
"""  # noqa: S608 - composed of constants


@command
def consume(use: Use) -> Outcome:
    """Record use if it fits below its bound; a limit's level is raised by it.

    :raises UsageIdReused: if the identifier names something else
    """
    if use.tally.kind == Kind.SLIDING:
        return _consume_sliding(use)
    return _record(use, "raise" if use.tally.kind == Kind.LEVEL else "count")


@command
def release(use: Use) -> Outcome:
    """Lower a limit's level, by a quantity that is less than zero.

    :raises UsageIdReused: if the identifier names something else
    :raises LevelBelowZero: if there are not so many, or nobody knows how many there are
    """
    outcome = _record(use, "lower")
    if outcome.result == Result.DENIED:
        raise LevelBelowZero(f"there are {outcome.used or 0:f}, fewer than are to be given back")
    return outcome


@command
def look(use: Use) -> Outcome:
    """Tell whether it was recorded before, and how much is used; record nothing.

    :raises UsageIdReused: if the identifier names something else
    """
    return _look(use)


@command
def report_levels(reports: Sequence[LevelReport]) -> list[bool]:
    """Take levels as they were observed; tell of each whether it counts.

    One that was observed before what is known is left aside; at the same instant the later to
    arrive counts. Of several of one owner and feature the one observed last.
    """
    newest: dict[tuple[str, str], LevelReport] = {}
    for each in reports:
        name = (each.owner.id, each.feature)
        known = newest.get(name)
        if known is None or each.observed_at >= known.observed_at:
            newest[name] = each
    rows = [newest[name] for name in sorted(newest)]  # one order of locks for everybody
    columns: list[Any] = [
        [each.owner.uuid for each in rows],
        [ids.decode(each.owner.customer_id, prefix="cus") for each in rows],
        [each.owner.uuid if each.owner.subject_id else None for each in rows],
        [each.feature for each in rows],
        [each.level for each in rows],
        [each.observed_at for each in rows],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_REPORT, [clock.system_now(), *columns])
        taken = set(cursor.fetchall())
    return [
        newest[each.owner.id, each.feature] is each and (each.owner.uuid, each.feature) in taken
        for each in reports
    ]


def clean_up(*, now: datetime, limit: int = 10_000) -> int:
    """Forget up to ``limit`` identifiers that are too old to come again; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM usage_eventkey WHERE hash IN"
            " (SELECT hash FROM usage_eventkey WHERE recorded_at < %s LIMIT %s)",
            [now - KEPT, limit],
        )
        return int(cursor.rowcount)


def _consume_sliding(use: Use) -> Outcome:
    """Whoever holds the counter's lock sees all events before; the next waits for its turn."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, _parameters(use))
    [used] = queries.used([use.tally])
    total = EXACT.add(used or ZERO, use.quantity)
    if use.most is not None and total > use.most:
        return _look(use)
    outcome = _record(use, "count", most=None)
    return Outcome(outcome.result, total) if outcome.result == Result.RECORDED else outcome


def _record(use: Use, statement: str, **otherwise: Any) -> Outcome:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_STATEMENTS[statement], {**_parameters(use), **otherwise})
            known, total = cursor.fetchone()
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", None) != _TAKEN:
            raise
        raise Again(lambda: None) from error  # the same identifier has just been recorded
    if known is None and total is not None:
        return Outcome(Result.RECORDED, total)
    return _look(use)


def _look(use: Use) -> Outcome:
    """Look anew: while a counter was waited for, the same event may have been recorded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint FROM usage_eventkey WHERE hash = %s",
            [counting.key_of(use.source, use.id)],
        )
        row = cursor.fetchone()
    [used] = queries.used([use.tally])
    if row is None:
        return Outcome(Result.DENIED, used)
    if row[0] != _fingerprint(use):
        raise UsageIdReused("this identifier was used for something else")
    return Outcome(Result.REPEATED, used)


def _fingerprint(use: Use) -> UUID:
    return counting.fingerprint(use.tally.owner, use.feature, use.quantity)


def _parameters(use: Use) -> dict[str, Any]:
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
