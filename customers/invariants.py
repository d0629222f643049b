"""What always holds of customers, their clocks and their subjects."""

from collections.abc import Iterator

from core.invariants import Invariant, rows
from customers.models import Customer
from customers.turns import upcoming

BATCH = 5000


def _not_the_earliest() -> Iterator[str]:
    known = Customer.objects.order_by("pk").values_list("pk", "next_due_at")
    last: str | None = None
    while batch := dict((known if last is None else known.filter(pk__gt=last))[:BATCH]):
        earliest = upcoming(list(batch))
        yield from (each for each, due_at in batch.items() if due_at != earliest.get(each))
        last = max(batch)


def _parked_without_an_error() -> list[str]:
    return rows("SELECT id FROM customers_customer WHERE (parked_at IS NULL) <> (park_error = '')")


def _due_on_a_clock_that_stands() -> list[str]:
    return rows(
        """
        SELECT c.id FROM customers_customer c JOIN customers_testclock k ON k.id = c.test_clock_id
        WHERE c.next_due_at <= k.frozen_at AND c.parked_at IS NULL AND k.advancing_to IS NULL
        """
    )


def _ahead_of_their_clock() -> list[str]:
    return rows(
        """
        SELECT c.id FROM customers_customer c JOIN customers_testclock k ON k.id = c.test_clock_id
        WHERE c.last_acted_at > k.frozen_at
        """
    )


def _clocks_that_go_back() -> list[str]:
    return rows("SELECT id FROM customers_testclock WHERE advancing_to < frozen_at")


def _acted_before_they_existed() -> list[str]:
    return rows(
        """
        SELECT id FROM customers_customer
        WHERE last_acted_at < created_at OR closed_at NOT BETWEEN created_at AND last_acted_at
        """
    )


def _without_a_profile() -> list[str]:
    return rows(
        """
        SELECT c.id FROM customers_customer c
        LEFT JOIN customers_customerprofile p ON p.customer_id = c.id WHERE p.id IS NULL
        """
    )


def _without_a_first_event() -> list[str]:
    return rows(
        """
        SELECT c.id FROM customers_customer c
        LEFT JOIN core_event e ON e.customer_id = c.id AND e.sequence = 1
        WHERE e.type IS DISTINCT FROM 'customer.created'
        """
    )


def _alive_after_the_customer() -> list[str]:
    return rows(
        """
        SELECT s.id FROM customers_subject s JOIN customers_customer c ON c.id = s.customer_id
        WHERE s.created_at < c.created_at OR c.closed_at < coalesce(s.ended_at, 'infinity')
        """
    )


def _events_of_another_customers_subject() -> list[str]:
    return rows(
        """
        SELECT e.ordinal FROM core_event e LEFT JOIN customers_subject s ON s.id = e.subject_id
        WHERE e.subject_id IS NOT NULL AND s.customer_id IS DISTINCT FROM e.customer_id
        """
    )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "customers_next_due_at_is_the_earliest",
        "A customer is due when the first of the things that time changes is due.",
        _not_the_earliest,
    ),
    Invariant(
        "customers_are_parked_with_an_error",
        "A customer has a park error if and only if it is parked.",
        _parked_without_an_error,
    ),
    Invariant(
        "customers_on_a_standing_clock_are_not_behind",
        "On a clock that stands still nothing is due any more, but for parked customers.",
        _due_on_a_clock_that_stands,
    ),
    Invariant(
        "customers_never_act_ahead_of_their_clock",
        "No customer acted at an instant that its test clock has not reached.",
        _ahead_of_their_clock,
    ),
    Invariant(
        "clocks_never_go_back",
        "A test clock is on its way to an instant that lies ahead.",
        _clocks_that_go_back,
    ),
    Invariant(
        "customers_act_while_they_exist",
        "A customer acts when it is created or later, and for the last time when it is closed.",
        _acted_before_they_existed,
    ),
    Invariant("customers_have_a_profile", "Every customer has one profile.", _without_a_profile),
    Invariant(
        "customers_begin_with_an_event",
        "A customer's first event says that it was created.",
        _without_a_first_event,
    ),
    Invariant(
        "subjects_live_within_their_customer",
        "A subject begins after its customer and ends with it at the latest.",
        _alive_after_the_customer,
    ),
    Invariant(
        "events_name_their_customers_subjects",
        "An event about a subject belongs to that subject's customer.",
        _events_of_another_customers_subject,
    ),
)
