"""What was lost or canceled comes back in one call, in its period or, later, in a new one."""

from typing import Any

import pytest

from core.principals import Scope
from tests.scenarios.shop import publish_another
from tests.world import World


def zone_on(world: World, plan: str, key: str = "shop.example", **more: Any) -> str:
    if not world.get("customers", key="ada")["data"]:
        world.customer("ada")
    zone = world.zone("ada", key)
    world.change(zone, plan, **more)
    return zone


def lose(world: World, *owners: str) -> list[str]:
    named = [str(world.subscription(owner)["id"]) for owner in owners]
    world.post("customers/ada/payment-failures", subscriptions=named, final=True)
    return named


def pay(world: World, subscriptions: list[str]) -> None:
    world.post("customers/ada/payment-recoveries", subscriptions=subscriptions)


def restore(world: World, status: int = 200, token: str | None = None) -> dict[str, Any]:
    return world.call("POST", "customers/ada/restore", status=status, body={}, token=token)


def cancel_now(world: World, owner: str, **more: Any) -> str:
    subscription = str(world.subscription(owner)["id"])
    path = f"subscriptions/{subscription}/cancel"
    world.post(path, when="now", reason="asked for", **more)
    return subscription


SHOWN = ("plan", "state", "quantity", "add_ons", "anchor", "period_start", "period_end")


def shown(world: World, owner: str) -> dict[str, Any]:
    now = world.subscription(owner)
    return {name: now[name] for name in SHOWN}


def owed(world: World) -> int:
    """What the customer was charged, all in all, less what was credited."""
    listed = world.get("customers/ada/charges", limit=100)["data"]
    return sum(each["amount"]["amount"] for each in listed if each["kind"] != "forfeited")


def test_paid_inside_its_period_it_is_that_period_again_at_no_cost(shop: World) -> None:
    zone = zone_on(shop, "pro", add_ons={"extra_rules": 1})
    shop.advance_to("2025-01-20")
    other = zone_on(shop, "crew", "blog.example", quantity=4)
    anchor = shop.get("customers/ada")["billing_anchor"]
    before, blog, cost = shown(shop, zone), shown(shop, other), owed(shop)
    shop.advance_to("2025-01-22")
    named = lose(shop, zone, other)
    assert shop.get("customers/ada")["billing_anchor"] is None
    assert shop.check("rules", subject=zone)["value"] == "5"

    shop.advance_to("2025-01-25")
    pay(shop, named)
    answer = restore(shop)
    assert [each["id"] for each in answer["resource"]["subscriptions"]] == sorted(named)
    assert (shown(shop, zone), shown(shop, other)) == (before, blog)
    assert shop.get("customers/ada")["billing_anchor"] == anchor
    assert shop.check("rules", subject=zone, at_least=answer["revision"])["value"] == "70"
    assert owed(shop) == cost
    # and it renews when it would have
    shop.advance_to("2025-02-01")
    assert shown(shop, zone)["period_start"] == "2025-02-01T00:00:00Z"
    assert owed(shop) == cost + 3000 + 600 + 4000


def test_what_had_been_agreed_for_later_is_agreed_again(shop: World) -> None:
    zone = zone_on(shop, "business")
    shop.change(zone, "pro")
    shop.advance_to("2025-01-11")
    pay(shop, lose(shop, zone))
    restore(shop)
    (planned,) = shop.subscription(zone)["pending"]
    assert (planned["kind"], planned["plan"], planned["effective_at"]) == (
        "plan",
        "pro",
        "2025-02-01T00:00:00Z",
    )


def test_what_ended_for_good_is_reopened_under_its_id(shop: World) -> None:
    ada = shop.customer("ada")
    vault = shop.post("subscriptions", status=201, customer="ada", plan="vault")["resource"]
    shop.advance_to("2025-01-11")
    shop.post("customers/ada/payment-failures", subscriptions=[vault["id"]], final=True)
    assert shop.check("gigabytes", customer=ada)["reason"] == "expired"
    shop.advance_to("2025-01-16")
    pay(shop, [vault["id"]])
    restore(shop)
    back = shop.get(f"subscriptions/{vault['id']}")
    same = ("state", "ended_at", "started_at", "period_start", "period_end", "anchor")
    assert {name: back[name] for name in same} == {name: vault[name] for name in same}
    assert shop.check("gigabytes", customer=ada)["value"] == "100"
    assert owed(shop) == 3100
    # the gap stays in its history
    gap = shop.get("customers/ada/entitlements", at="2025-01-12T00:00:00Z")["data"]
    assert [each["reason"] for each in gap if each["feature"] == "gigabytes"] == ["expired"]


def test_after_its_period_a_new_one_begins(shop: World) -> None:
    zone = zone_on(shop, "pro", add_ons={"packs": 3})
    shop.advance_to("2025-01-11")
    named = lose(shop, zone)
    cost = owed(shop)
    shop.advance_to("2025-02-10")
    pay(shop, named)
    restore(shop)
    assert shown(shop, zone) == {
        "plan": "pro",
        "state": "active",
        "quantity": 1,
        "add_ons": {"packs": 3},
        "anchor": "2025-02-10T00:00:00Z",
        "period_start": "2025-02-10T00:00:00Z",
        "period_end": "2025-03-10T00:00:00Z",
    }
    assert owed(shop) == cost + 3000 + 300
    assert shop.get("customers/ada")["billing_anchor"] == "2025-02-10T00:00:00Z"


@pytest.mark.parametrize(("day", "rules"), [("2025-04-10", "20"), ("2025-04-11", "25")])
def test_versions_are_kept_for_ninety_days(shop: World, day: str, rules: str) -> None:
    """Lost on 11 January: ninety days are over on 11 April."""
    zone = zone_on(shop, "pro")
    shop.advance_to("2025-01-11")
    named = lose(shop, zone)
    publish_another("pro", "2025-02-01T00:00:00Z", rules=25)
    shop.advance_to(day)
    pay(shop, named)
    restore(shop)
    assert shop.check("rules", subject=zone)["value"] == rules


def test_there_is_no_second_trial_and_one_that_was_cut_is_not_brought_back(shop: World) -> None:
    ada = shop.customer("ada")
    shop.put("customers/ada/payment-method", on_file=True)
    shop.change(ada, "desk_plus")
    shop.advance_to("2025-01-02")
    subscription = cancel_now(shop, ada)
    assert shop.subscription(ada)["plan"] == "desk"
    assert restore(shop, status=409)["code"] == "nothing_to_restore"

    # had in full and lost, it comes back paid
    shop.change(ada, "desk_plus")
    assert shop.subscription(ada)["state"] == "active"
    shop.advance_to("2025-01-11")
    lose(shop, ada)
    shop.advance_to("2025-02-10")
    pay(shop, [subscription])
    restore(shop)
    now = shop.subscription(ada)
    assert (now["plan"], now["state"], now["trial_end"]) == ("desk_plus", "active", None)


def test_what_the_customer_canceled_comes_back_too(shop: World) -> None:
    zone, other = zone_on(shop, "pro"), zone_on(shop, "pro", "blog.example")
    before, cost = shown(shop, zone), owed(shop)
    shop.advance_to("2025-01-11")
    cancel_now(shop, other)
    shop.advance_to("2025-01-12")
    cancel_now(shop, zone)
    # the last that was canceled is the previous set; the other was a decision of its own
    answer = restore(shop)
    assert [each["subject"] for each in answer["resource"]["subscriptions"]] == [zone]
    assert (shown(shop, zone), shop.subscription(other)["plan"]) == (before, "free")
    assert owed(shop) == cost


def test_what_was_canceled_with_a_credit_is_charged_again_for_what_is_left(shop: World) -> None:
    zone = zone_on(shop, "pro")
    shop.advance_to("2025-01-11")
    cancel_now(shop, zone, settlement="credit")
    left = owed(shop)
    assert left == 3000 - 2032  # 30.00 times 21/31 is 20.32
    restore(shop)
    assert owed(shop) == 3000


def test_an_announced_end_that_has_come_begins_a_new_period(shop: World) -> None:
    zone, other = zone_on(shop, "pro"), zone_on(shop, "pro", "blog.example")
    for owner in (zone, other):
        shop.post(f"subscriptions/{shop.subscription(owner)['id']}/cancel")
    shop.advance_to("2025-02-01")
    assert shop.subscription(zone)["plan"] == "free"
    restore(shop)
    for owner in (zone, other):
        now = shown(shop, owner)
        assert (now["plan"], now["period_start"]) == ("pro", "2025-02-01T00:00:00Z")


def test_at_the_instant_of_the_loss_it_leaves_no_trace(shop: World) -> None:
    zone = zone_on(shop, "pro")
    before, cost = shown(shop, zone), owed(shop)
    shop.advance_to("2025-01-11")
    pay(shop, lose(shop, zone))
    restore(shop)
    assert (shown(shop, zone), owed(shop)) == (before, cost)


def test_what_was_decided_since_is_left_alone(shop: World) -> None:
    zone, other = zone_on(shop, "pro"), zone_on(shop, "pro", "blog.example")
    shop.advance_to("2025-01-11")
    pay(shop, lose(shop, zone, other))
    shop.change(zone, "business")
    answer = restore(shop)
    assert [each["subject"] for each in answer["resource"]["subscriptions"]] == [other]
    assert shop.subscription(zone)["plan"] == "business"
    assert restore(shop, status=409)["code"] == "nothing_to_restore"


def test_a_place_that_is_taken_is_left_alone(shop: World) -> None:
    shop.customer("ada")
    vault = shop.post("subscriptions", status=201, customer="ada", plan="vault")["resource"]["id"]
    shop.advance_to("2025-01-11")
    shop.post(f"subscriptions/{vault}/cancel", when="now", reason="asked for")
    shop.post("subscriptions", status=201, customer="ada", plan="vault")
    assert restore(shop, status=409)["code"] == "nothing_to_restore"


def test_what_has_ended_with_its_zone_stays_ended(shop: World) -> None:
    zone = zone_on(shop, "pro")
    shop.advance_to("2025-01-11")
    lose(shop, zone)
    shop.delete(f"customers/ada/subjects/{zone}")
    assert restore(shop, status=409)["code"] == "nothing_to_restore"


def test_until_it_is_paid_only_staff_restore(shop: World) -> None:
    zone = zone_on(shop, "pro")
    shop.advance_to("2025-01-11")
    named = lose(shop, zone)
    buyer = shop.token_for([Scope.SUBSCRIPTIONS_WRITE])
    assert restore(shop, status=409, token=buyer)["code"] == "blocked"
    pay(shop, named)
    restore(shop, token=buyer)
    assert shop.subscription(zone)["plan"] == "pro"


def test_a_reader_restores_nothing(shop: World) -> None:
    zone_on(shop, "pro")
    reader = shop.token_for([Scope.SUBSCRIPTIONS_READ])
    assert restore(shop, status=403, token=reader)["code"] == "scope_missing"
    assert restore(shop, status=409)["code"] == "nothing_to_restore"


def test_what_is_restored_is_told(shop: World) -> None:
    zone = zone_on(shop, "pro")
    shop.advance_to("2025-01-11")
    pay(shop, lose(shop, zone))
    ada = shop.get("customers/ada")["id"]
    shop.advance_to("2025-01-12")
    told = shop.events(ada)
    restore(shop)
    assert shop.events(ada)[len(told) :] == [
        "subscription.restored",
        "entitlements.changed",
        "charge.created",  # of no money: what was forfeited is in use again
    ]


def test_what_was_had_for_no_time_was_not_lost(shop: World) -> None:
    zone = zone_on(shop, "pro")
    pay(shop, lose(shop, zone))
    assert restore(shop, status=409)["code"] == "nothing_to_restore"
