"""How much was used: levels, counters, and what lies within a window that slides."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import orjson
from django.db import connection

from usage.counting import Tally
from usage.quantities import EXACT

# One look into an index for each level and counter. What slides is summed up from the events: they
# come back one by one, at the instants they were used.
_USED = """
    SELECT (CASE i.kind
        WHEN 'level' THEN (
            SELECT level FROM usage_level WHERE owner_id = i.owner AND feature = i.name)
        WHEN 'window' THEN coalesce((
            SELECT used FROM usage_counter
            WHERE owner_id = i.owner AND meter = i.name AND window_start = i.since), 0)
        ELSE (
            SELECT coalesce(sum(quantity), 0) FROM usage_usageevent
            WHERE owner_id = i.owner AND meter = i.name AND occurred_at > i.since)
    END)::text
    FROM jsonb_to_recordset({parameter}::jsonb) AS i (
        place int, kind text, owner uuid, name text, since timestamptz)
    ORDER BY i.place
"""


def statement(parameter: str) -> str:
    """Return the SQL that reads tallies, for a driver that calls its parameter so."""
    return _USED.format(parameter=parameter)


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
            }
            for place, each in enumerate(tallies)
        ]
    ).decode()


def number(text: str | None) -> Decimal | None:
    """Read one answer of the statement. None: a level that nobody has ever reported."""
    return None if text is None else Decimal(text).normalize(EXACT)


def used(tallies: Sequence[Tally]) -> list[Decimal | None]:
    """Return the sums, in the order of the tallies; None for a level that is not known."""
    with connection.cursor() as cursor:
        cursor.execute(statement("%s"), [asked(tallies)])
        return [number(text) for (text,) in cursor.fetchall()]
