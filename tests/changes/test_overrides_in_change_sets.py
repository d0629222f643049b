"""Overrides are given by change sets: seen before, to many at once, and taken back."""

from typing import Any

import pytest
from django.conf import LazySettings

from core.principals import Scope
from core.transactions import unit_of_work
from plans.models import Feature
from tests.changes.conftest import Changes
from tests.changes.test_undo import codes, undone

RULES = "waf_custom_rules"
WHY = "Promised while the migration lasts."


@pytest.fixture
def shop(world: Changes) -> str:
    """A zone on Pro, which has 20 rules, on 10 January."""
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    return shop


def override(value: Any, **more: Any) -> dict[str, Any]:
    return {"override": {"feature": RULES, "value": value, **more}}


def rules(world: Changes, zone: str) -> Any:
    return world.check(RULES, subject=zone)["value"]


def shown(change_set: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return from what to what the rules change."""
    rows = change_set["item"]["preview"]["entitlements"]
    return [(each["before"], each["after"]) for each in rows if each["feature"] == RULES]


def test_what_is_given_is_seen_first_then_given_then_taken_back(world: Changes, shop: str) -> None:
    made = world.preview(shop, override(60, expires_at="2026-03-01T00:00:00Z"), reason=WHY)
    assert shown(made) == [(20, 60)]
    (given,) = made["item"]["after"]["overrides"]
    assert given == {
        "feature": RULES,
        "mode": "at_least",
        "value": 60,
        "from": "2026-01-10T00:00:00Z",
        "until": "2026-03-01T00:00:00Z",
        "waits": False,
    }
    assert made["item"]["preview"]["money"]["charges"] == []
    assert world.get("customers/ada/overrides")["data"] == []
    assert rules(world, shop) == "20"

    world.decide(made, "apply")
    assert rules(world, shop) == "60"
    (row,) = world.get("customers/ada/overrides")["data"]
    assert (row["reason"], row["state"]) == (WHY, "active")

    world.advance_to("2026-01-15")
    undo = undone(world, made)
    assert codes(undo) == {"downgrade_below_use_unknown"}  # from 60 to 20
    assert rules(world, shop) == "20"
    (row,) = world.get("customers/ada/overrides")["data"]
    assert row["state"] == "revoked"

    # and back again, for as long as it was promised
    undone(world, undo)
    assert rules(world, shop) == "60"
    world.advance_to("2026-03-01")
    assert rules(world, shop) == "20"


def test_one_that_took_the_place_of_another_gives_it_back(world: Changes, shop: str) -> None:
    first = world.decide(world.preview(shop, override(40), reason=WHY), "apply")
    exists = world.post(
        "change-sets",
        status=409,
        subscription=first["item"]["subscription"],
        operations=[override(60)],
        reason=WHY,
    )
    assert exists["code"] == "override_exists"
    second = world.preview(shop, override(60, supersede=True), reason=WHY)
    world.advance_to("2026-01-10T00:00:00Z")
    world.decide(second, "apply")
    assert rules(world, shop) == "60"
    undone(world, second)
    assert rules(world, shop) == "40"


def test_an_undo_leaves_alone_what_others_have_given_since(world: Changes, shop: str) -> None:
    made = world.decide(world.preview(shop, {"change": {"plan": "business"}}), "apply")
    world.post(
        "customers/ada/overrides",
        status=201,
        subject=shop,
        feature=RULES,
        value=150,
        reason=WHY,
    )
    undone(world, made)
    assert (world.subscription(shop)["plan"], rules(world, shop)) == ("pro", "150")


def test_many_are_given_the_same_at_once(world: Changes, shop: str) -> None:
    zones = [shop]
    for name in ("bob", "eve"):
        zones.append(world.zone(world.customer(name)))
        world.change(zones[-1], "pro")
    ready = world.select(override(64), selector={"plan": "pro"}, reason=WHY)
    assert (ready["state"], ready["items"]["previewed"]) == ("ready", 3)
    assert [rules(world, zone) for zone in zones] == ["20", "20", "20"]
    world.decide(world.decide(ready, "approve"), "apply")
    world.settle()
    assert [rules(world, zone) for zone in zones] == ["64", "64", "64"]
    undo = world.post(f"change-sets/{ready['id']}/undo", status=201)["resource"]
    world.settle()
    world.decide(world.decide(undo, "approve"), "apply")
    world.settle()
    assert [rules(world, zone) for zone in zones] == ["20", "20", "20"]


def test_what_somebody_else_has_to_approve_is_said(
    world: Changes, shop: str, settings: LazySettings
) -> None:
    settings.OVERRIDE_APPROVAL_ABOVE = {"USD": "40.00"}
    unit_of_work(lambda: Feature.objects.filter(key=RULES).update(list_prices={"USD": "0.50"}))
    until = {"expires_at": "2026-03-10T00:00:00Z"}
    assert codes(world.preview(shop, override(60, **until), reason=WHY)) == set()  # 40.00
    made = world.preview(shop, override(61, **until), reason=WHY)  # 41.00
    assert shown(made) == []
    assert codes(made) == {"override_waits"}
    world.decide(made, "apply")
    assert rules(world, shop) == "20"
    (row,) = world.get("customers/ada/overrides")["data"]
    assert row["state"] == "waiting"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"feature": "nothing", "value": 60}, 404, "feature_not_found"),
        ({"feature": RULES, "value": "sixty"}, 400, "malformed_value"),
        ({"feature": RULES, "value": 60, "mode": "union"}, 400, "invalid_input"),
        ({"feature": RULES, "value": 60, "subject": "x"}, 400, "unknown_field"),
        (
            {"feature": RULES, "value": 60, "starts_at": "2026-01-09T00:00:00Z"},
            422,
            "override_dates_not_allowed",
        ),
    ],
)
def test_what_cannot_be_given_is_refused(
    world: Changes, shop: str, body: dict[str, Any], status: int, code: str
) -> None:
    name = world.subscription(shop)["id"]
    asked = {"subscription": name, "operations": [{"override": body}], "reason": WHY}
    assert world.post("change-sets", status=status, **asked)["code"] == code
    assert world.get("customers/ada/overrides")["data"] == []


def test_it_needs_its_own_scope_and_is_not_for_customers(world: Changes, shop: str) -> None:
    asked = {"subscription": world.subscription(shop)["id"], "reason": WHY}
    scopes, mine = [Scope.CHANGES_WRITE], world.get("customers/ada")["id"]
    for token, code in (
        (world.token_for(scopes), "scope_missing"),
        (world.token_for([*scopes, Scope.OVERRIDES_WRITE], customer_id=mine), "limited_caller"),
    ):
        refused = world.call(
            "POST",
            "change-sets",
            body={**asked, "operations": [override(60)]},
            status=403,
            token=token,
        )
        assert refused["code"] == code
