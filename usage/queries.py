"""How much is used and held: levels, counters, and what lies within a window that slides."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import orjson
from django.db import connection

from usage.counting import Tally, Usage
from usage.quantities import EXACT

# One look into an index for each level and counter; LIMIT keeps the planner from anything else.
# What slides is summed up from the events: they come back one by one, at the instants they were
# used. A counter's own ``held`` may still hold what has expired, so that is looked at if there is
# any.
_USAGE = """
    SELECT (CASE i.kind
        WHEN 'level' THEN l.level
        WHEN 'window' THEN coalesce(c.used, 0)
        ELSE (
            SELECT coalesce(sum(quantity), 0) FROM usage_usageevent
            WHERE owner_id = i.owner AND meter = i.name AND occurred_at > i.since)
    END)::text,
    (CASE WHEN c.held > 0 THEN (
        SELECT coalesce(sum(quantity), 0) FROM usage_reservation
        WHERE owner_id = i.owner AND meter = i.name AND window_start = i.counted_since
            AND "end" = '' AND expires_at > i.at) ELSE 0
    END)::text
    FROM jsonb_to_recordset({parameter}::jsonb) AS i (
        place int, kind text, owner uuid, name text, since timestamptz, counted_since timestamptz,
        at timestamptz)
    LEFT JOIN LATERAL (
        SELECT level FROM usage_level
        WHERE i.kind = 'level' AND owner_id = i.owner AND feature = i.name LIMIT 1
    ) AS l ON true
    LEFT JOIN LATERAL (
        SELECT used, held FROM usage_counter
        WHERE i.kind <> 'level' AND owner_id = i.owner AND meter = i.name
            AND window_start = i.counted_since LIMIT 1
    ) AS c ON true
    ORDER BY i.place
"""

# The same of one tally, which nearly every check asks for: a fraction of the server's work.
_OPEN = """
    (CASE WHEN held > 0 THEN (
        SELECT coalesce(sum(quantity), 0) FROM usage_reservation
        WHERE owner_id = $1::uuid AND meter = $2::text AND window_start = $3::timestamptz
            AND "end" = '' AND expires_at > $4::timestamptz) ELSE 0
    END)::text
"""
LEVEL = "SELECT level::text, '0' FROM usage_level WHERE owner_id = $1::uuid AND feature = $2::text"
WINDOW = f"""
    SELECT used::text, {_OPEN} FROM usage_counter
    WHERE owner_id = $1::uuid AND meter = $2::text AND window_start = $3::timestamptz
"""  # noqa: S608 - composed of constants


# The level of a limit, for whoever reads something else of its owner in the same look.
LEVEL_OF = """
    (SELECT level::text FROM usage_level WHERE owner_id = {owner} AND feature = {feature} LIMIT 1)
"""


def statement(parameter: str) -> str:
    """Return the SQL that reads tallies, for a driver that calls its parameter so."""
    return _USAGE.format(parameter=parameter)


def asked(tallies: Iterable[Tally]) -> str:
    """Return the one parameter of the statement."""
    return orjson.dumps(
        [
            {
                "place": place,
                "kind": each.kind,
                "owner": each.owner.uuid,
                "name": each.name,
                "since": each.since,
                "counted_since": each.window_start,
                "at": each.at,
            }
            for place, each in enumerate(tallies)
        ]
    ).decode()


def answered(used: str | None, held: str) -> Usage:
    """Read one row of the statement."""
    return Usage(None if used is None else _number(used), _number(held))


def usage(tallies: Sequence[Tally]) -> list[Usage]:
    """Return what the tallies come to, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(statement("%s"), [asked(tallies)])
        return [answered(used, held) for used, held in cursor.fetchall()]


def _number(text: str) -> Decimal:
    return Decimal(text).normalize(EXACT)
