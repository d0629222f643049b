"""Blocks: what they take, from whom and until when, and that nothing else is touched."""

from typing import Any

import pytest

from core.principals import Scope
from provisioning.models import Target
from tests.world import World

ACCESS, CHANGE = ["access"], ["change"]


def zone_on(world: World, plan: str = "pro", key: str = "shop.example") -> str:
    if not world.get("customers", key="ada")["data"]:
        world.customer("ada")
    zone = world.zone("ada", key)
    if plan != "free":
        world.change(zone, plan)
    return zone


def place(world: World, name: str = "fraud", status: int = 201, **more: Any) -> dict[str, Any]:
    body = {"name": name, "effects": ACCESS, **more}
    answer = world.post("customers/ada/blocks", status=status, **body)
    return dict(answer["resource"]) if status == 201 else answer


def rules(world: World, zone: str, **query: Any) -> tuple[bool, str | None, str, list[str]]:
    found = world.check("rules", subject=zone, **query)
    return found["allowed"], found["value"], found["reason"], found["blocked_by"]


OPEN = (True, "20", "within_limit", [])


def revision(world: World) -> int:
    return int(world.get("customers/ada/entitlements/token")["revision"])


# --- access -----------------------------------------------------------------------------------


def test_a_blocked_customer_keeps_its_values_and_may_use_nothing(shop: World) -> None:
    zone = zone_on(shop)
    before, told = revision(shop), shop.events(shop.get("customers/ada")["id"])
    placed = shop.post(
        "customers/ada/blocks",
        status=201,
        name="fraud",
        effects=ACCESS,
        public_reason="Call us.",
        internal_reason="case 4711",
    )
    block = placed["resource"]
    assert rules(shop, zone, at_least=placed["revision"]) == (False, "20", "blocked", ["fraud"])
    assert revision(shop) == before + 1
    ada = shop.get("customers/ada")["id"]
    # placed; the customer's own desk, and its zone, may use nothing
    assert shop.events(ada)[len(told) :] == ["block.placed", *["entitlements.changed"] * 2]
    assert shop.check("boxes", customer="ada")["reason"] == "blocked"
    listed = shop.get("customers/ada/entitlements", subject=zone)["data"]
    assert [(each["reason"], each["blocked_by"]) for each in listed] == [("blocked", ["fraud"])] * 2
    told_why = shop.get("customers/ada/entitlements/explain", subject=zone, feature="rules")
    assert (told_why["result"]["allowed"], told_why["blocked_by"]) == (False, ["fraud"])
    assert told_why["in_words"] == (
        "Zone shop.example may not use rules now: Pro gives 20 since 1 January 2025. "
        "Blocked by fraud."
    )

    lifted = shop.post(f"blocks/{block['id']}/lift", reason="it was her card")
    assert lifted["changes"] == [
        {"field": "lifted_at", "before": None, "after": "2025-01-01T00:00:00Z"}
    ]
    assert rules(shop, zone, at_least=lifted["revision"]) == OPEN
    assert revision(shop) == before + 2
    # lifting once more does nothing
    assert shop.post(f"blocks/{block['id']}/lift")["changes"] == []
    assert revision(shop) == before + 2


def test_a_block_with_dates_begins_and_ends_without_any_worker(shop: World) -> None:
    zone = zone_on(shop)
    place(shop, **{"from": "2025-01-11T00:00:00Z", "until": "2025-01-21T00:00:00Z"})
    assert rules(shop, zone) == OPEN
    assert shop.check("rules", subject=zone)["valid_until"] == "2025-01-11T00:00:00Z"

    def reasons(at: str) -> list[str]:
        listed = shop.get("customers/ada/entitlements", subject=zone, at=at)["data"]
        return [each["reason"] for each in listed if each["feature"] == "rules"]

    ends = ("2025-01-10T23:59:59Z", "2025-01-11T00:00:00Z", "2025-01-20T23:59:59Z")
    expected = [["within_limit"], ["blocked"], ["blocked"], ["within_limit"]]
    assert [reasons(at) for at in (*ends, "2025-01-21T00:00:00Z")] == expected
    shop.advance_to("2025-01-11")
    assert rules(shop, zone) == (False, "20", "blocked", ["fraud"])
    assert shop.check("rules", subject=zone)["valid_until"] == "2025-01-21T00:00:00Z"
    shop.advance_to("2025-01-21")
    assert rules(shop, zone) == OPEN
    # and the past is told as it was
    assert [reasons(at) for at in (*ends, "2025-01-21T00:00:00Z")] == expected


def test_blocks_add_up_and_each_is_lifted_by_itself(shop: World) -> None:
    zone = zone_on(shop)
    fraud, abuse = place(shop), place(shop, "abuse", subject=zone)
    assert rules(shop, zone)[3] == ["abuse", "fraud"]
    shop.post(f"blocks/{fraud['id']}/lift")
    assert rules(shop, zone) == (False, "20", "blocked", ["abuse"])
    shop.post(f"blocks/{abuse['id']}/lift")
    assert rules(shop, zone) == OPEN


@pytest.mark.parametrize(
    ("covers", "blocked"),
    [
        ("subject", [True, False, False]),
        ("subscription", [True, False, False]),
        ("product", [True, True, False]),
        (None, [True, True, True]),
    ],
)
def test_a_block_covers_what_it_names(shop: World, covers: str | None, blocked: list[bool]) -> None:
    zone, other = zone_on(shop), zone_on(shop, "pro", "blog.example")
    named = {
        "subject": "shop.example",
        "subscription": shop.subscription(zone)["id"],
        "product": "zone",
    }
    block = place(shop, **({covers: named[covers]} if covers else {}))
    assert block["scope"] == (covers or "customer")

    def denied() -> list[bool]:
        answers = [
            shop.check("rules", subject=zone),
            shop.check("rules", subject=other),
            shop.check("boxes", customer="ada"),
        ]
        assert [each["value"] for each in answers] == ["20", "20", "1"]
        assert all((each["reason"] == "blocked") != each["allowed"] for each in answers)
        return [not each["allowed"] for each in answers]

    assert denied() == blocked
    shop.post(f"blocks/{block['id']}/lift")
    assert denied() == [False, False, False]


def test_whoever_comes_later_is_blocked_with_the_customer(shop: World) -> None:
    zone_on(shop)
    place(shop)
    assert rules(shop, shop.zone("ada", "new.example")) == (False, "5", "blocked", ["fraud"])


def test_many_checks_are_answered_like_single_ones(shop: World) -> None:
    zone = zone_on(shop)
    place(shop, subject=zone)
    questions = [{"subject": zone, "feature": "rules"}, {"customer": "ada", "feature": "boxes"}]
    results = shop.post("entitlements/check", checks=questions)["results"]
    found = [each["check"] for each in results]
    assert [(each["reason"], each["blocked_by"]) for each in found] == [
        ("blocked", ["fraud"]),
        ("within_limit", []),
    ]
    single = shop.check("rules", subject=zone)
    assert {**found[0], "as_of": None} == {**single, "as_of": None}


def test_a_block_without_access_leaves_what_may_be_used_alone(shop: World) -> None:
    zone = zone_on(shop)
    before = revision(shop)
    place(shop, effects=["billing", "change"])
    assert (rules(shop, zone), revision(shop)) == (OPEN, before)


def test_targets_of_a_blocked_owner_are_suspended_and_list_the_contract(
    shop: World, settings: Any
) -> None:
    settings.PRODUCT_SERVICE_NETWORKS = ["127.0.0.1/32"]
    zone = zone_on(shop)
    shop.put("product-services/edge", url="http://127.0.0.1:9/edge", sandbox=True)
    shop.settle()

    def document() -> dict[str, Any]:
        return dict(Target.objects.get(subject_id=zone).desired_content)

    values = {"requests", "rules"}
    assert (document()["state"], document()["blocks"]) == ("active", [])
    block = place(shop)
    assert (document()["state"], document()["blocks"]) == ("suspended", ["fraud"])
    assert (document()["delete_after"], set(document()["entitlements"])) == (None, values)
    generation = Target.objects.get(subject_id=zone).desired_generation
    shop.post(f"blocks/{block['id']}/lift")
    assert (document()["state"], document()["blocks"]) == ("active", [])
    assert Target.objects.get(subject_id=zone).desired_generation == generation + 1

    # one that is announced ends what is granted at its beginning, and suspends then
    place(shop, "audit", **{"from": "2025-01-11T00:00:00Z", "until": "2025-01-21T00:00:00Z"})
    assert document()["entitlements"]["rules"]["until"] == "2025-01-11T00:00:00Z"
    for day, state in [("2025-01-11", "suspended"), ("2025-01-21", "active")]:
        shop.advance_to(day)
        assert document()["state"] == state
    assert document()["entitlements"]["rules"]["until"] is None


# --- change -----------------------------------------------------------------------------------


def as_customer(world: World) -> str:
    """Return a token for somebody who may buy and decide nothing."""
    return world.token_for([Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE])


def refused(world: World, method: str, path: str, **body: Any) -> list[dict[str, str]]:
    answer = world.call(method, path, status=409, body=body, token=as_customer(world))
    assert answer["code"] == "blocked"
    return list(answer["blocked_by"])


def test_a_customer_that_may_not_change_buys_nothing_more(shop: World) -> None:
    zone = zone_on(shop)
    place(shop, effects=CHANGE, public_reason="Call us.")
    by = [{"name": "fraud", "public_reason": "Call us."}]
    path = f"subscriptions/{shop.subscription(zone)['id']}"
    for method, at, body in [
        ("POST", f"{path}/change", {"plan": "business"}),
        ("POST", f"{path}/change", {"add_ons": {"extra_rules": 1}}),
        ("PUT", f"customers/ada/subjects/{zone}/products/zone", {"plan": "business"}),
        ("POST", "subscriptions", {"customer": "ada", "plan": "vault"}),
        ("POST", "subscriptions", {"customer": "ada", "plan": "desk_plus"}),
    ]:
        assert refused(shop, method, at, **body) == by
    named = {"key": "new.example", "kind": "zone", "plans": {"zone": "pro"}}
    assert shop.post("customers/ada/subjects", status=409, **named)["code"] == "blocked"
    assert shop.subscription(zone)["plan"] == "pro"

    # a new zone on the free plan buys nothing; staff may sell what they like
    shop.zone("ada", "new.example")
    shop.change(zone, "business")
    assert shop.subscription(zone)["plan"] == "business"


def test_more_units_are_refused_and_fewer_are_not(shop: World) -> None:
    zone = zone_on(shop, "free")
    shop.change(zone, "crew", quantity=4)
    place(shop, effects=CHANGE)
    path = f"subscriptions/{shop.subscription(zone)['id']}/change"
    assert refused(shop, "POST", path, quantity=5) == [{"name": "fraud", "public_reason": ""}]
    fewer = shop.call("POST", path, status=200, body={"quantity": 2}, token=as_customer(shop))
    assert [each["kind"] for each in fewer["resource"]["pending"]] == ["quantity"]


def test_going_down_and_away_always_works(shop: World) -> None:
    zone = zone_on(shop, "business")
    place(shop, effects=CHANGE)
    path = f"subscriptions/{shop.subscription(zone)['id']}"
    for at, body in [("change", {"plan": "pro"}), ("cancel", {}), ("uncancel", {})]:
        shop.call("POST", f"{path}/{at}", status=200, body=body, token=as_customer(shop))


def test_a_narrow_block_refuses_only_there_and_an_old_one_nothing(shop: World) -> None:
    zone, other = zone_on(shop), zone_on(shop, "pro", "blog.example")
    place(shop, effects=CHANGE, subject=zone, until="2025-01-11T00:00:00Z")
    token = as_customer(shop)

    def up(owner: str, status: int) -> None:
        path = f"subscriptions/{shop.subscription(owner)['id']}/change"
        shop.call("POST", path, status=status, body={"plan": "business"}, token=token)

    up(zone, 409)
    up(other, 200)
    shop.advance_to("2025-01-11")
    token = as_customer(shop)
    up(zone, 200)
