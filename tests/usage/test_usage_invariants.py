"""What must hold of use, and what breaks it."""

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests.usage.using import Shop
from usage.invariants import INVARIANTS

FIND = {each.name: each.find for each in INVARIANTS}
OTHERS = "(SELECT id FROM customers_customer WHERE key = 'bob')"
BREAKS = {
    "counters_are_the_sum_of_their_events": "UPDATE usage_counter SET used = used + 1",
    "counters_hold_what_is_reserved": "UPDATE usage_counter SET held = held + 1",
    "finalized_reservations_were_used": "UPDATE usage_reservation SET used = 3 WHERE used = 2",
    "use_counts_in_a_window_that_has_begun": (
        "UPDATE usage_usageevent SET window_start = occurred_at + interval '1 second'"
        " WHERE meter <> ''"
    ),
    "use_is_recorded_once": "UPDATE usage_usageevent SET source_id = 'one'",
    "use_is_of_its_customer": f"UPDATE usage_level SET customer_id = {OTHERS}",
}


@pytest.fixture
def lively(shop: Shop) -> Shop:
    """A metered feature used twice, and a limit of a subject."""
    zone = shop.world.zone(shop.world.get("customers/ada")["id"], "ada.example")
    shop.world.customer("bob")
    shop.uses("builds", 2)
    shop.uses("builds", 3)
    shop.uses("rules", 1, subject=zone)
    shop.reserves("builds", 4, id="used")
    shop.finalizes(2, id="used")
    shop.reserves("builds", 1, id="open")
    return shop


def test_every_invariant_is_broken_here() -> None:
    assert BREAKS.keys() == FIND.keys()


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_it_is_found(lively: Shop, name: str) -> None:
    assert list(FIND[name]()) == []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(BREAKS[name])
        assert list(FIND[name]()) != []
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE usage_usageevent SET quantity = 1",
        "DELETE FROM usage_usageevent",
        "UPDATE usage_counter SET used = -1",
        "UPDATE usage_counter SET used = 'NaN'",
        "UPDATE usage_counter SET owner_id = gen_random_uuid()",
        "UPDATE usage_counter SET held = -1",
        "UPDATE usage_reservation SET expires_at = held_at",
        "UPDATE usage_reservation SET quantity = 'NaN'",
        "UPDATE usage_reservation SET ended_at = expires_at",
        "UPDATE usage_reservation SET used = 1 WHERE \"end\" = ''",
        "UPDATE usage_reservation SET source_id = 'one'",
        "UPDATE usage_level SET level = -1",
        "UPDATE usage_level SET level = 'NaN'",
        "UPDATE usage_level SET owner_id = gen_random_uuid()",
    ],
)
def test_the_database_refuses_it(lively: Shop, statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": "'NaN'"},
        {"quantity": "-1"},
        {"meter": "''"},
        {"window_start": "NULL"},
        {"owner_id": "gen_random_uuid()"},
    ],
)
def test_no_event_is_recorded_that_says_nothing(lively: Shop, wrong: dict[str, Any]) -> None:
    columns = (
        "customer_id", "subject_id", "owner_id", "feature", "meter", "quantity", "window_start",
        "occurred_at", "recorded_at", "source", "source_id",
    )  # fmt: skip
    values = ", ".join(wrong.get(each, each) for each in columns)
    copy = (
        f"INSERT INTO usage_usageevent (id, {', '.join(columns)}) SELECT gen_random_uuid(),"
        f" {values} FROM usage_usageevent WHERE meter <> '' LIMIT 1"
    )
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(copy)


def test_identifiers_lie_in_sixteen_parts(lively: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'usage_eventkey'::regclass"
        )
        assert cursor.fetchone() == (16,)
