"""What must always hold, as queries that find where it does not.

Each app lists its own in ``invariants.py``; ``manage.py check_invariants`` runs them all.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Invariant:
    """``find`` returns an identifier for every row that breaks it, and so nothing on a sound
    database."""

    name: str
    meaning: str
    find: Callable[[], Iterable[str]]


_invariants: Sequence[Invariant] = ()


def install(invariants: Sequence[Invariant]) -> None:
    """Say what must hold. Called once, by ``billing.wiring``."""
    global _invariants
    _invariants = invariants


def installed() -> Sequence[Invariant]:
    return _invariants


def rows(sql: str) -> list[str]:
    """Run a query whose first column names an offender."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [str(row[0]) for row in cursor.fetchall()]


def _gaps_in_sequences() -> list[str]:
    return rows(
        """
        WITH events AS (
            SELECT coalesce(customer_id::text, 'catalog') AS owner,
                count(*) AS number, min(sequence) AS first, max(sequence) AS last
            FROM core_event GROUP BY owner
        ), sequences AS (
            SELECT coalesce(customer_id::text, 'catalog') AS owner, last FROM core_eventsequence
        )
        SELECT owner FROM events FULL JOIN sequences USING (owner)
        WHERE (events.number, events.first, events.last)
            IS DISTINCT FROM (sequences.last, 1, sequences.last)
        """
    )


def _positions_against_sequences() -> list[str]:
    return rows(
        """
        SELECT ordinal FROM (
            SELECT ordinal, position, lag(position) OVER (
                PARTITION BY customer_id ORDER BY sequence) AS before
            FROM core_event WHERE position IS NOT NULL
        ) AS placed WHERE before >= position
        """
    )


def _keys_of_nothing() -> list[str]:
    return rows("SELECT id FROM core_idempotencykey WHERE status NOT BETWEEN 200 AND 299")


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "event_sequences_have_no_gap",
        "Each customer's events are numbered 1, 2, 3, … as counted by its sequence.",
        _gaps_in_sequences,
    ),
    Invariant(
        "event_positions_follow_sequences",
        "Within one customer a later event has a later position.",
        _positions_against_sequences,
    ),
    Invariant(
        "idempotency_keys_name_effects",
        "Only the answer to a committed effect is kept for replay.",
        _keys_of_nothing,
    ),
)
