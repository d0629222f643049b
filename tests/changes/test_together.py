"""Items of different customers are previewed and applied together, and come out as if alone."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changes import services
from changes.models import ChangeSetItem
from changes.services.applying import of_different_customers
from core import acting, clock
from core.models import Event
from tests.changes.conftest import Changes

PRO = {"change": {"plan": "pro"}}
FREE_ZONES = {"plan": "free"}
NAMES = ("ada", "bob", "cyd", "dan")


@pytest.fixture
def zones(world: Changes) -> list[str]:
    """One zone on Free of each of four customers, on 10 January."""
    world.starts_on("2026-01-10")
    return [world.zone(world.customer(name), f"{name}.example") for name in NAMES]


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """What is previewed, without what names its own owner."""
    preview = item["preview"]
    return {
        "money": preview["money"],
        "warnings": preview["warnings"],
        "entitlements": [
            {name: each[name] for name in ("feature", "before", "after", "at")}
            for each in preview["entitlements"]
        ],
        "provisioning": [
            {name: each[name] for name in ("service", "before", "after", "at")}
            for each in preview["provisioning"]
        ],
    }


def test_a_preview_together_is_the_preview_alone(world: Changes, zones: list[str]) -> None:
    alone = [shown(world.preview(zone, PRO)["item"]) for zone in zones]
    made = world.select(PRO, selector=FREE_ZONES)
    together = {each["subject"]: shown(each) for each in world.items(made)}
    assert [together[zone] for zone in zones] == alone
    assert alone[0]["money"]["due_now"] == {"amount": 2500, "currency": "USD"}


def test_what_is_refused_to_one_does_not_keep_the_others(world: Changes, zones: list[str]) -> None:
    world.change(zones[1], "pro")
    made = world.select(PRO, selector={"product": "zone"})
    assert (made["items"]["previewed"], made["items"]["failed"]) == (3, 1)
    assert [each["subject"] for each in world.items(made, problem="nothing_to_change")] == [
        zones[1]
    ]

    world.change(zones[3], "business")
    world.decide(made, "approve")
    world.decide(made, "apply")
    world.settle()
    done = world.change_set(made)
    assert (done["state"], done["items"]["applied"], done["items"]["stale"]) == (
        "partly_applied",
        2,
        1,
    )
    assert [world.subscription(zone)["plan"] for zone in zones] == ["pro", "pro", "pro", "business"]
    assert [world.charges(zone) for zone in (zones[0], zones[2])] == [[("advance", 2500)]] * 2


def test_quantities_go_together_too(invented: Changes) -> None:
    invented.starts_on("2026-01-10")
    teams = []
    for name in ("ada", "bob"):
        body = {"key": f"{name}-team", "kind": "team", "plans": {"team": "team_studio"}}
        made = invented.post(f"customers/{invented.customer(name)}/subjects", status=201, **body)[
            "resource"
        ]
        teams.append(made["id"])
    both = invented.select({"quantity": {"quantity": 5}}, selector={"plan": "team_studio"})
    assert both["items"]["previewed"] == 2
    invented.decide(both, "approve")
    invented.decide(both, "apply")
    invented.settle()
    assert [invented.subscription(each)["quantity"] for each in teams] == [5, 5]
    changed = Event.objects.filter(type="subscription.changed")
    assert len(set(changed.values_list("customer_id", flat=True))) == changed.count() == 2


def statements(world: Changes, made: dict[str, Any], limit: int) -> int:
    """Preview some items of a change set together; return how many statements that took."""
    with acting.acting_as("system:changes"), CaptureQueriesContext(connection) as captured:
        items = services.claim(change_set_id=made["id"], limit=limit, now=clock.system_now())
        assert len(items) == limit
        services.work_on(items)
    done = ChangeSetItem.objects.filter(pk__in=[each.pk for each in items])
    assert {each.state for each in done} == {"previewed"}
    world.decide(made, "discard")
    return len(captured)


@pytest.mark.parametrize(
    "operation",
    [
        {"change": {"plan": "business"}},
        {"change": {"plan": "free"}},
        {"cancel": {}},
        {"cancel": {"when": "now"}},
        {"pause": {"mode": "extend"}},
        {"anchor": {"day_of_month": 15}},
    ],
)
def test_the_number_of_statements_hardly_depends_on_how_many_go_together(
    world: Changes, zones: list[str], operation: dict[str, Any]
) -> None:
    for zone in zones:
        world.change(zone, "pro")
    body = {"operations": [operation], "selector": {"plan": "pro"}, "reason": "tried"}

    def taken(limit: int) -> int:
        made = world.post("change-sets", status=201, **body)["resource"]
        return statements(world, made, limit)

    taken(4)  # the catalog is read once
    one, four = taken(1), taken(4)
    assert four - one <= 3


def test_many_are_led_back_together(world: Changes, zones: list[str]) -> None:
    for zone in zones:
        world.change(zone, "pro")
    made = world.select({"pause": {"mode": "extend"}}, selector={"plan": "pro"})
    world.decide(made, "approve")
    world.decide(made, "apply")
    world.settle()
    assert {world.subscription(zone)["state"] for zone in zones} == {"paused"}

    def taken(limit: int) -> int:
        return statements(world, world.decide(made, "undo", status=201), limit)

    taken(4)
    one, four = taken(1), taken(4)
    assert four - one <= 3

    back = world.decide(made, "undo", status=201)
    world.settle()
    world.decide(back, "approve")
    world.decide(back, "apply")
    world.settle()
    assert {world.subscription(zone)["state"] for zone in zones} == {"active"}
    resumed = Event.objects.filter(type="subscription.resumed")
    assert len(set(resumed.values_list("customer_id", flat=True))) == resumed.count() == 4


def test_nobody_is_twice_in_a_group() -> None:
    items = [ChangeSetItem(place=place, customer_id=name) for place, name in enumerate("aabcab")]
    groups = of_different_customers(items)
    assert [[each.place for each in group] for group in groups] == [[0, 2, 3], [1, 5], [4]]


def test_first_one_of_each_customer_comes(world: Changes, zones: list[str]) -> None:
    """So that even where customers have several, most of what is taken at once goes together."""
    second = world.zone(NAMES[0], "second.example")
    body = {"operations": [PRO], "selector": FREE_ZONES}
    made = world.post("change-sets", status=201, **body)["resource"]
    rows = ChangeSetItem.objects.filter(change_set=made["id"]).order_by("place")
    assert list(rows.values_list("subject_id", flat=True))[-1] == max(
        zones[0], second, key=lambda each: world.subscription(each)["id"]
    )
    world.settle()
    world.decide(made, "discard")
    assert not Event.objects.filter(type="subscription.changed").exists()
