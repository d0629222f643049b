"""What must always hold of use; ``manage.py check_invariants``."""

from core.invariants import Invariant, rows


def _counters_that_are_no_sum() -> list[str]:
    return rows(
        """
        SELECT owner_id || ' ' || meter || ' ' || window_start FROM (
            SELECT owner_id, meter, window_start, used FROM usage_counter
        ) AS counted FULL JOIN (
            SELECT owner_id, meter, window_start, sum(quantity) AS total
            FROM usage_usageevent WHERE meter <> '' GROUP BY owner_id, meter, window_start
        ) AS raw USING (owner_id, meter, window_start)
        WHERE coalesce(used, 0) <> coalesce(total, 0)
        """
    )


def _counters_that_hold_something_else() -> list[str]:
    return rows(
        """
        SELECT owner_id || ' ' || meter || ' ' || window_start FROM (
            SELECT owner_id, meter, window_start, held FROM usage_counter
        ) AS counted FULL JOIN (
            SELECT owner_id, meter, window_start, sum(quantity) AS total
            FROM usage_reservation WHERE "end" = '' GROUP BY owner_id, meter, window_start
        ) AS open USING (owner_id, meter, window_start)
        WHERE coalesce(held, 0) <> coalesce(total, 0)
        """
    )


def _reservations_without_their_use() -> list[str]:
    return rows(
        """
        SELECT r.id FROM usage_reservation r LEFT JOIN usage_usageevent e
            ON (e.owner_id, e.meter, e.occurred_at, e.quantity, e.source)
                = (r.owner_id, r.meter, r.held_at, r.used, 'reservation')
        WHERE r.used > 0 AND e.id IS NULL
        """
    )


def _events_that_begin_after_they_happened() -> list[str]:
    return rows("SELECT id FROM usage_usageevent WHERE window_start > occurred_at")


def _recorded_twice() -> list[str]:
    return rows(
        """
        SELECT id FROM (
            SELECT id, recorded_at, lag(recorded_at) OVER (
                PARTITION BY source, source_id ORDER BY recorded_at) AS before
            FROM usage_usageevent
        ) AS e WHERE recorded_at < before + interval '40 days'
        """
    )


def _rows_of_others() -> list[str]:
    return rows(
        """
        SELECT u.owner_id FROM (
            SELECT owner_id, customer_id, subject_id FROM usage_usageevent
            UNION SELECT owner_id, customer_id, subject_id FROM usage_counter
            UNION SELECT owner_id, customer_id, subject_id FROM usage_reservation
            UNION SELECT owner_id, customer_id, subject_id FROM usage_level
        ) AS u JOIN customers_subject s ON s.id = u.subject_id
        WHERE s.customer_id <> u.customer_id
        """
    )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "counters_are_the_sum_of_their_events",
        "What a window's counter says is the sum of the events that count in it.",
        _counters_that_are_no_sum,
    ),
    Invariant(
        "counters_hold_what_is_reserved",
        "What a counter holds is the sum of its reservations that have not ended.",
        _counters_that_hold_something_else,
    ),
    Invariant(
        "finalized_reservations_were_used",
        "What a reservation says was used is an event of when it was reserved.",
        _reservations_without_their_use,
    ),
    Invariant(
        "use_counts_in_a_window_that_has_begun",
        "An event happened at or after the beginning of its window.",
        _events_that_begin_after_they_happened,
    ),
    Invariant(
        "use_is_recorded_once",
        "No two events of 40 days have the same source and identifier.",
        _recorded_twice,
    ),
    Invariant(
        "use_is_of_its_customer",
        "Events, counters, levels and reservations of a subject name the subject's customer.",
        _rows_of_others,
    ),
)
