"""Every invariant holds on a lively database, and notices when it is broken."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from customers.models import Subject
from entitlements.invariants import INVARIANTS
from tests.world import World

FIND = {each.name: each.find for each in INVARIANTS}

# How somebody with access to the database could break each of them.
BREAKS = {
    "facts_follow_subscriptions": (
        "UPDATE entitlements_fact SET value = '6' WHERE feature = 'rules'"
    ),
    "facts_of_a_source_do_not_overlap": (
        "UPDATE entitlements_fact SET ends_at = NULL WHERE superseded_at IS NULL"
    ),
    "facts_of_overrides_are_the_overrides": "UPDATE entitlements_override SET value = '61'",
    "overrides_do_not_overlap": (
        "ALTER TABLE entitlements_override DROP CONSTRAINT override_once_at_a_time;"
        " UPDATE entitlements_override SET expires_at = NULL"
    ),
    "entitlements_are_of_their_customer": (
        "UPDATE entitlements_fact SET customer_id = (SELECT id FROM customers_customer"
        " WHERE key = 'bob') WHERE subject_id IS NOT NULL"
    ),
    "owners_of_facts_have_timelines": (
        "DELETE FROM entitlements_timeline WHERE subject_id IS NOT NULL"
    ),
    "timelines_are_what_would_be_computed": (
        "UPDATE entitlements_timeline SET next_boundary_at = starts_at + interval '1 second'"
    ),
    "timelines_read_as_resolved": (
        "UPDATE entitlements_timeline SET segments = jsonb_set("
        "segments, '{features,rules,0,value}', '6') WHERE subject_id IS NOT NULL"
    ),
    "timelines_hold_the_blocks_of_their_owners": (
        "UPDATE entitlements_timeline SET blocks = '[]' WHERE subject_id IS NULL"
    ),
    "explanations_fold_to_checks": (
        "UPDATE entitlements_timeline SET segments = jsonb_set("
        "segments, '{features,rules,0,value}', '6') WHERE subject_id IS NOT NULL"
    ),
}


DAYS = {"starts_at": "01", "expires_at": "20"}


@pytest.fixture
def lively(world: World) -> World:
    """A past, a present and an agreed future."""
    shop = world.zone(world.customer("ada"))
    world.customer("bob")
    world.change(shop, "pro")
    world.advance_to("2025-02-10")
    world.change(shop, "business")
    world.change(shop, "free")
    for value, month in ((60, "03"), (70, "04")):
        override = {"feature": "rules", "subject": shop, "value": value, "reason": "Promised."}
        dates = {name: f"2025-{month}-{day}T00:00:00Z" for name, day in DAYS.items()}
        world.post("customers/ada/overrides", status=201, **override, **dates)
    world.post("customers/bob/blocks", status=201, name="fraud", effects=["access"])
    return world


@pytest.fixture
def breaking(lively: World) -> Iterator[Callable[[str], None]]:
    """Break an invariant behind the database's back; all is as before afterwards."""

    def break_(name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET LOCAL session_replication_role = replica")
            if name == "facts_of_a_source_do_not_overlap":
                cursor.execute(f"ALTER TABLE entitlements_fact DROP CONSTRAINT {name}")
            cursor.execute(BREAKS[name])

    before = transaction.savepoint()
    yield break_
    transaction.savepoint_rollback(before)


def test_there_is_a_way_to_break_each() -> None:
    assert BREAKS.keys() == FIND.keys()


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_it_holds_until_it_is_broken(breaking: Callable[[str], None], name: str) -> None:
    assert list(FIND[name]()) == []
    breaking(name)
    assert list(FIND[name]()) != []


def test_offenders_are_named(breaking: Callable[[str], None]) -> None:
    breaking("timelines_read_as_resolved")
    shop = Subject.objects.get().id
    assert list(FIND["timelines_read_as_resolved"]()) == [shop]
