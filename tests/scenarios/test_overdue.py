"""A payment fails, fails for good, and is made after all."""

from typing import Any

import pytest

from core.principals import Scope
from tests.world import World


def zone_on(world: World, plan: str, key: str = "shop.example", **more: Any) -> str:
    if not world.get("customers", key="ada")["data"]:
        world.customer("ada")
    zone = world.zone("ada", key)
    world.change(zone, plan, **more)
    return zone


def ids(world: World, *owners: str) -> list[str]:
    return [str(world.subscription(owner)["id"]) for owner in owners]


def fails(world: World, *owners: str, final: bool = False) -> dict[str, Any]:
    named = ids(world, *owners)
    return world.post("customers/ada/payment-failures", subscriptions=named, final=final)


def is_paid(world: World, *subscriptions: str) -> dict[str, Any]:
    return world.post("customers/ada/payment-recoveries", subscriptions=list(subscriptions))


def stands(world: World, owner: str) -> tuple[str, str]:
    now = world.subscription(owner)
    return now["plan"], now["state"]


def blocks(world: World) -> list[tuple[str, str, list[str]]]:
    listed = world.get("customers/ada/blocks", lifted="false")["data"]
    return [(each["name"], each["source"], each["effects"]) for each in listed]


OVERDUE = [("overdue", "overdue", ["change"])]


def test_after_a_first_failure_all_goes_on_but_nothing_more_is_bought(shop: World) -> None:
    zone = zone_on(shop, "pro")
    shop.advance_to("2025-01-11")
    ada = shop.get("customers/ada")["id"]
    before, told = shop.check("rules", subject=zone), len(shop.events(ada))
    answer = fails(shop, zone)
    (shown,) = answer["resource"]["subscriptions"]
    assert (answer["resource"]["customer"], shown["state"], shown["plan"]) == (
        ada,
        "past_due",
        "pro",
    )
    assert answer["changes"] == [
        {"field": f"{shown['id']}.state", "before": "active", "after": "past_due"}
    ]
    assert shop.check("rules", subject=zone) == before  # of the same revision, too
    assert shop.events(ada)[told:] == ["subscription.past_due", "block.placed"]
    assert blocks(shop) == OVERDUE

    buyer = shop.token_for([Scope.SUBSCRIPTIONS_WRITE])
    path = f"subscriptions/{shown['id']}/change"
    up = shop.call("POST", path, status=409, body={"plan": "business"}, token=buyer)
    assert (up["code"], up["blocked_by"]) == (
        "blocked",
        [{"name": "overdue", "public_reason": "An invoice is overdue."}],
    )
    # a second failure says nothing new, and the subscription renews past due
    again = fails(shop, zone)
    assert (again["changes"], len(shop.events(ada))) == ([], told + 2)
    shop.advance_to("2025-02-01")
    assert stands(shop, zone) == ("pro", "past_due")
    assert shop.subscription(zone)["period_start"] == "2025-02-01T00:00:00Z"


def test_what_is_paid_in_time_goes_on_as_if_nothing_had_been(shop: World) -> None:
    zone = zone_on(shop, "pro")
    (subscription,) = ids(shop, zone)
    fails(shop, zone)
    shop.advance_to("2025-01-05")
    answer = is_paid(shop, subscription)
    assert answer["changes"] == [
        {"field": f"{subscription}.state", "before": "past_due", "after": "active"}
    ]
    assert (stands(shop, zone), blocks(shop)) == (("pro", "active"), [])
    ada = shop.get("customers/ada")["id"]
    assert shop.events(ada)[-2:] == ["subscription.recovered", "block.lifted"]
    told = shop.events(ada)
    assert is_paid(shop, subscription)["changes"] == []
    assert shop.events(ada) == told
    shop.change(zone, "business")


def test_after_the_last_try_all_fall_back_at_once(shop: World) -> None:
    zone, other = zone_on(shop, "pro"), zone_on(shop, "business", "blog.example")
    vault = shop.post("subscriptions", status=201, customer="ada", plan="vault")["resource"]["id"]
    shop.advance_to("2025-01-11")
    fails(shop, zone, other)
    named = [*ids(shop, zone, other), vault]
    before = shop.get("customers/ada/entitlements/token")["revision"]
    final = shop.post("customers/ada/payment-failures", subscriptions=named, final=True)
    shown = {each["id"]: each for each in final["resource"]["subscriptions"]}
    states = [(shown[each]["plan"], shown[each]["state"]) for each in named]
    assert states == [("free", "active"), ("free", "active"), ("vault", "canceled")]
    assert shop.get("customers/ada/entitlements/token")["revision"] == before + 1
    assert shop.check("rules", subject=zone)["value"] == "5"
    assert shop.check("gigabytes", customer="ada")["reason"] == "expired"
    assert blocks(shop) == OVERDUE
    told = shop.get(f"subscriptions/{named[0]}/timeline")["data"]
    assert "past_due" in [each["cause"] for each in told]
    # nothing is given back for the rest of the period: it comes back if that is paid
    assert sum(each["amount"]["amount"] for each in charges(shop)) == 3000 + 30000 + 3100


def charges(world: World) -> list[dict[str, Any]]:
    listed = world.get("customers/ada/charges", limit=100)["data"]
    return [each for each in listed if each["kind"] != "forfeited"]


def test_a_last_try_without_one_before_does_the_same(shop: World) -> None:
    zone = zone_on(shop, "pro")
    fails(shop, zone, final=True)
    assert (stands(shop, zone), blocks(shop)) == (("free", "active"), OVERDUE)


def test_planned_changes_go_with_what_is_lost(shop: World) -> None:
    zone = zone_on(shop, "business")
    shop.change(zone, "pro")  # agreed for 1 February
    fails(shop, zone, final=True)
    assert shop.subscription(zone)["pending"] == []


def test_the_free_plan_a_trial_and_what_has_ended_are_left_alone(shop: World) -> None:
    ada = shop.customer("ada")
    zone = shop.zone(ada, "shop.example")
    shop.change(ada, "desk_plus")
    ended = shop.post("subscriptions", status=201, customer="ada", plan="vault")["resource"]["id"]
    shop.post(f"subscriptions/{ended}/cancel", when="now", reason="asked for")
    named = [*ids(shop, ada, zone), ended]
    final = shop.post("customers/ada/payment-failures", subscriptions=named, final=True)
    states = {each["plan"]: each["state"] for each in final["resource"]["subscriptions"]}
    assert states == {"desk_plus": "trialing", "free": "past_due", "vault": "canceled"}
    is_paid(shop, *named)
    assert stands(shop, zone) == ("free", "active")


def test_a_pause_remembers_that_a_payment_failed(shop: World) -> None:
    zone = zone_on(shop, "pro")
    (subscription,) = ids(shop, zone)
    shop.post(f"subscriptions/{subscription}/pause", mode="extend")
    fails(shop, zone, final=True)  # nothing goes on that could be lost
    assert stands(shop, zone) == ("pro", "paused")
    shop.post(f"subscriptions/{subscription}/resume")
    assert stands(shop, zone) == ("pro", "past_due")
    is_paid(shop, subscription)
    assert (stands(shop, zone), blocks(shop)) == (("pro", "active"), [])


@pytest.mark.parametrize("final", [False, True])
def test_while_something_else_is_overdue_nothing_is_bought(shop: World, final: bool) -> None:
    zone, other = zone_on(shop, "pro"), zone_on(shop, "pro", "blog.example")
    one, two = ids(shop, zone, other)
    fails(shop, zone)
    fails(shop, other, final=final)
    is_paid(shop, one)
    assert blocks(shop) == OVERDUE
    is_paid(shop, two)
    assert blocks(shop) == []


def test_a_debt_that_was_settled_does_not_come_back(shop: World) -> None:
    """What was paid and not restored is no debt in the next quarrel."""
    zone, other = zone_on(shop, "pro"), zone_on(shop, "pro", "blog.example")
    one, two = ids(shop, zone, other)
    fails(shop, zone, final=True)
    is_paid(shop, one)
    shop.advance_to("2025-01-11")
    fails(shop, other)
    is_paid(shop, two)
    assert blocks(shop) == []


@pytest.mark.parametrize("path", ["payment-failures", "payment-recoveries"])
def test_what_cannot_be_reported(shop: World, path: str) -> None:
    zone = zone_on(shop, "pro")
    (subscription,) = ids(shop, zone)
    bobs = shop.subscription(shop.customer("bob"))["id"]
    told = shop.events(shop.get("customers/ada")["id"])

    def refused(status: int, *named: str, token: str | None = None, **more: Any) -> str:
        body = {"subscriptions": list(named), **more}
        url = f"customers/ada/{path}"
        return str(shop.call("POST", url, status=status, body=body, token=token)["code"])

    assert refused(404, subscription, bobs) == "subscription_not_found"
    assert refused(404, "sub_01jd0000000000000000000000") == "subscription_not_found"
    assert refused(400) == "invalid_input"
    assert refused(400, "shop.example") == "invalid_input"
    assert refused(400, subscription, amount=1) == "unknown_field"
    weak = shop.token_for([Scope.SUBSCRIPTIONS_WRITE, Scope.SUBSCRIPTIONS_OVERRIDE])
    assert refused(403, subscription, token=weak) == "scope_missing"
    own = shop.token_for([Scope.PAYMENTS_WRITE], customer_id=shop.get("customers/ada")["id"])
    assert refused(403, subscription, token=own) == "limited_caller"
    assert shop.events(shop.get("customers/ada")["id"]) == told
    assert stands(shop, zone) == ("pro", "active")
