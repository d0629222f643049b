"""Facts and timelines follow subscriptions: superseded, never changed, many customers at once."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core import events as bus
from core.models import Event
from entitlements import services
from entitlements.models import Fact, Timeline
from entitlements.queries import timelines, value_at
from tests.entitlements.given import at
from tests.world import World


def told(customer: str) -> list[tuple[str, str | None, list[str], int]]:
    """Return the announcements of changed entitlements: when, whose, which features, revision."""
    rows = Event.objects.filter(customer_id=customer, type="entitlements.changed")
    return [
        (
            f"{row.occurred_at:%Y-%m-%d}",
            row.subject_id,
            row.data["features"],
            row.data["revision"],
        )
        for row in rows.order_by("sequence")
    ]


def known(subject: str, feature: str = "rules") -> list[tuple[Any, str, str | None]]:
    rows = Fact.objects.known().filter(subject=subject, feature=feature).order_by("starts_at")
    return [
        (row.value, f"{row.starts_at:%Y-%m-%d}", row.ends_at and f"{row.ends_at:%Y-%m-%d}")
        for row in rows
    ]


def test_facts_are_recorded_with_who_made_them_known(world: World) -> None:
    shop = world.zone(world.customer())
    fact = Fact.objects.get(subject=shop, feature="rules")
    subscription = world.subscription(shop)
    assert (fact.source_type, fact.source_id) == ("plan", subscription["id"])
    assert fact.source["plan"] == "free"
    assert (fact.value, fact.cause, fact.actor[:11]) == (5, "default", "client:cli_")
    assert fact.superseded_at is None


def test_a_change_supersedes_what_was_known_and_records_what_is(world: World) -> None:
    shop = world.zone(world.customer())
    world.advance_to("2025-02-10")
    world.change(shop, "pro")
    assert known(shop) == [(5, "2025-01-31", "2025-02-10"), (20, "2025-02-10", None)]
    [old] = Fact.objects.filter(subject=shop, feature="rules", superseded_at__isnull=False)
    assert (old.value, old.ends_at) == (5, None)


def test_an_agreed_change_is_known_at_once_and_taken_back_by_new_facts(world: World) -> None:
    shop = world.zone(world.customer())
    world.change(shop, "pro")
    world.change(shop, "free")
    assert known(shop) == [(20, "2025-01-31", "2025-02-28"), (5, "2025-02-28", None)]
    subscription = world.subscription(shop)
    world.delete(f"subscriptions/{subscription['id']}/schedule/{subscription['pending'][0]['id']}")
    assert known(shop) == [(20, "2025-01-31", None)]
    assert Fact.objects.filter(subject=shop, feature="rules").count() == 5  # nothing is forgotten


def test_exactly_the_changes_are_announced(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    beginning = told(ada)
    assert [each[1:] for each in beginning] == [
        (None, ["ports", "region", "requests", "seats", "sizes", "theme"], 1),
        (shop, ["regex", "rules"], 2),
    ]
    world.advance_to("2025-02-10")
    world.change(shop, "business")
    world.change(shop, "pro")  # agreed for 10 March
    world.advance_to("2025-05-10")
    assert told(ada)[2:] == [
        ("2025-02-10", shop, ["regex", "rules"], 3),
        ("2025-02-10", shop, ["regex", "rules"], 4),
        ("2025-03-10", shop, ["regex", "rules"], 4),  # time alone: no new revision
    ]
    world.advance_to("2025-08-10")
    assert len(told(ada)) == 5


def test_looking_again_changes_nothing(world: World) -> None:
    ada = world.customer()
    world.change(world.zone(ada), "pro")
    before = (Event.objects.count(), Fact.objects.count(), list(Timeline.objects.values()))
    with transaction.atomic():
        services.sync(list(Event.objects.filter(customer_id=ada)))
    assert (Event.objects.count(), Fact.objects.count(), list(Timeline.objects.values())) == before


def test_the_number_of_queries_does_not_depend_on_the_number_of_customers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        others = [each for each in bus._projections if each.handler is not services.sync]
        patched.setattr(bus, "_projections", others)
        customers = [world.customer(f"c{n}") for n in range(6)]
        for customer in customers:
            world.zone(customer)
    assert not Fact.objects.exists()
    counts = []
    for chosen in (customers[:1], customers[1:]):
        happened = Event.objects.filter(customer_id__in=chosen, type="subscription.created")
        with CaptureQueriesContext(connection) as captured:
            services.sync(list(happened))
        assert Fact.objects.known().filter(customer__in=chosen).count() == 8 * len(chosen)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_timeline_is_read_by_its_owner(world: World) -> None:
    ada = world.customer()
    shop, other = world.zone(ada, "a.example"), world.zone(ada, "b.example")
    world.change(shop, "pro")
    world.change(shop, "free")
    found = timelines([shop, ada, "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e"])
    assert found.keys() == {shop, ada}
    assert (found[shop].customer_id, found[shop].subject_id, found[shop].revision) == (ada, shop, 5)
    assert found[shop].until("rules", at("2025-01-31")) is None  # Free follows
    assert [
        value_at(owner_id=shop, feature="rules", at=at(day)) for day in ("2025-02-27", "2025-02-28")
    ] == [20, 5]
    assert value_at(owner_id=other, feature="rules", at=at("2025-02-01")) == 5
    assert value_at(owner_id=other, feature="seats", at=at("2025-02-01")) is None


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entitlements_fact",
        "UPDATE entitlements_fact SET value = '7'",
        "UPDATE entitlements_fact SET ends_at = starts_at + interval '1 day'",
        "UPDATE entitlements_fact SET superseded_at = now(), reason = 'x'",
        "UPDATE entitlements_fact SET superseded_at = NULL WHERE superseded_at IS NOT NULL",
        "UPDATE entitlements_fact SET superseded_at = superseded_at + interval '1 day'"
        " WHERE superseded_at IS NOT NULL",
        # a second value of the same source at the same time
        "INSERT INTO entitlements_fact SELECT gen_random_uuid(), feature, value, source_type,"
        ' source_id, source, "window", cause, starts_at, ends_at, recorded_at, superseded_at,'
        " actor, reason, customer_id, subject_id FROM entitlements_fact"
        " WHERE superseded_at IS NULL",
        "UPDATE entitlements_timeline SET owner_id = gen_random_uuid()",
    ],
)
def test_the_database_refuses_to_rewrite_what_was_known(world: World, statement: str) -> None:
    world.change(world.zone(world.customer()), "pro")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_subjects_that_were_not_named_are_not_looked_at(world: World) -> None:
    """A customer of ten thousand zones pays for the one that changes."""
    ada = world.customer()
    shop, other = world.zone(ada, "a.example"), world.zone(ada, "b.example")
    before = list(Timeline.objects.filter(subject=other).values())
    world.change(shop, "pro")
    assert list(Timeline.objects.filter(subject=other).values()) == before
