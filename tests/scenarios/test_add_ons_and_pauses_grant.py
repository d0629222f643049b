"""What add-ons, quantities, pauses and trials let their owners use, and when."""

from typing import Any

import pytest

from provisioning.models import Target
from tests.world import World

ZONE = "shop.example"


def on(world: World, plan: str, **more: Any) -> str:
    """Return a zone on a plan."""
    zone = world.zone(world.customer("ada"), ZONE)
    if plan != "free":
        world.change(zone, plan, **more)
    return zone


def rules(world: World, zone: str, **query: Any) -> tuple[bool, str | None, str]:
    found = world.check("rules", subject=zone, **query)
    return found["allowed"], found["value"], found["reason"]


def rules_at(world: World, zone: str, day: str) -> str | None:
    listed = world.get("customers/ada/entitlements", subject=zone, at=f"{day}T00:00:00Z")
    return next((each["value"] for each in listed["data"] if each["feature"] == "rules"), None)


def change(world: World, zone: str, **what: Any) -> dict[str, Any]:
    return world.post(f"subscriptions/{world.subscription(zone)['id']}/change", **what)


def pause(world: World, zone: str, verb: str = "pause", **how: Any) -> dict[str, Any]:
    return world.post(f"subscriptions/{world.subscription(zone)['id']}/{verb}", **how)


def test_an_add_on_raises_a_limit_at_once_and_ends_with_its_period(shop: World) -> None:
    zone = on(shop, "pro")
    before = shop.get("customers/ada/entitlements/token")["revision"]
    bought = change(shop, zone, add_ons={"extra_rules": 1})
    assert rules(shop, zone, at_least=bought["revision"]) == (True, "70", "within_limit")
    assert shop.check("rules", subject=zone)["revision"] == before + 1

    # taken away on 20 January: it stays until the period ends on 1 February
    shop.advance_to("2025-01-20")
    change(shop, zone, add_ons={"extra_rules": 0})
    assert rules(shop, zone)[1] == "70"
    assert shop.check("rules", subject=zone)["valid_until"] == "2025-02-01T00:00:00Z"
    days = ("2024-12-31", "2025-01-01", "2025-01-31", "2025-02-01", "2026-01-01")
    assert [rules_at(shop, zone, day) for day in days] == [None, "70", "70", "20", "20"]
    shop.advance_to("2025-02-01")
    assert rules(shop, zone) == (True, "20", "within_limit")
    assert rules_at(shop, zone, "2025-01-31") == "70"


def test_who_gives_it_is_said_in_lists_steps_and_words(shop: World) -> None:
    zone = on(shop, "pro")
    change(shop, zone, add_ons={"extra_rules": 1})
    subscription = shop.subscription(zone)["id"]
    plan = {
        "type": "plan",
        "id": subscription,
        "product": "zone",
        "plan": "pro",
        "add_on": None,
        "limit_kept_from": None,
    }
    add_on = {**plan, "type": "add_on", "add_on": "extra_rules"}
    listed = shop.get("customers/ada/entitlements", subject=zone)["data"]
    assert [each["sources"] for each in listed if each["feature"] == "rules"] == [[plan, add_on]]

    told = shop.get("customers/ada/entitlements/explain", subject=zone, feature="rules")
    steps = [
        (each["source"], each["step"], each["rule"], each["value_in"], each["value_out"])
        for each in told["steps"]
    ]
    assert steps == [(plan, "plan", "max", None, "20"), (add_on, "add_on", "add", "20", "70")]
    assert told["in_words"] == (
        "Zone shop.example may use rules up to 70 rules: Pro gives 20 since 1 January 2025, "
        "add-on Extra rules adds 50 since 1 January 2025. Not blocked."
    )


def test_an_add_on_may_take_the_place_of_what_the_plan_gives(shop: World) -> None:
    zone = on(shop, "pro")
    change(shop, zone, add_ons={"extra_rules": 1, "rule_book": 1})
    assert rules(shop, zone)[1] == "140"  # 90 instead of 20, and 50 more

    # Business includes the book and is not sold with the extra rules: both end with the change
    shop.change(zone, "business")
    assert rules(shop, zone)[1] == "100"


@pytest.mark.parametrize(("units", "value"), [(2, "100"), (5, "250")])
def test_what_is_given_per_unit_counts_the_quantity(shop: World, units: int, value: str) -> None:
    zone = on(shop, "crew", quantity=units)
    assert rules(shop, zone)[1] == value


def test_more_units_count_at_once_and_fewer_from_the_next_period(shop: World) -> None:
    zone = on(shop, "crew", quantity=2)
    change(shop, zone, quantity=4)
    assert rules(shop, zone)[1] == "200"
    change(shop, zone, quantity=1)
    assert [rules_at(shop, zone, day) for day in ("2025-01-31", "2025-02-01")] == ["200", "50"]


def test_an_add_ons_own_quantity_counts(shop: World) -> None:
    zone = on(shop, "pro")
    change(shop, zone, add_ons={"packs": 3})
    assert rules(shop, zone)[1] == "50"  # 20, and 3 times 10
    change(shop, zone, add_ons={"packs": 5})
    assert rules(shop, zone)[1] == "70"


def test_a_remedy_counts_the_units_that_a_plan_is_sold_in(shop: World) -> None:
    zone = on(shop, "business")
    told = shop.get("customers/ada/entitlements/explain", subject=zone, feature="rules")
    assert told["remedies"] == [{"code": "upgrade", "plan": "crew", "gives": "150"}]  # 3 times 50


@pytest.mark.parametrize("mode", ["credit", "extend"])
def test_a_pause_takes_access_and_leaves_the_value(shop: World, mode: str) -> None:
    zone = on(shop, "pro")
    change(shop, zone, add_ons={"extra_rules": 1})
    shop.advance_to("2025-01-11")
    pause(shop, zone, mode=mode)
    assert rules(shop, zone) == (False, "70", "paused")
    told = shop.get("customers/ada/entitlements/explain", subject=zone, feature="rules")
    assert told["in_words"].startswith("Zone shop.example may not use rules now: Pro gives 20")
    assert told["in_words"].endswith(" Paused.")

    shop.advance_to("2025-01-21")
    pause(shop, zone, "resume")
    assert rules(shop, zone) == (True, "70", "within_limit")
    past = shop.get("customers/ada/entitlements", subject=zone, at="2025-01-15T00:00:00Z")
    assert [each["reason"] for each in past["data"] if each["feature"] == "rules"] == ["paused"]


def test_a_plan_may_leave_access_while_it_is_paused(shop: World) -> None:
    zone = on(shop, "business")
    pause(shop, zone, mode="extend")
    assert rules(shop, zone) == (True, "100", "within_limit")


def test_an_announced_pause_is_a_boundary_that_needs_no_worker(shop: World) -> None:
    zone = on(shop, "pro")
    pause(shop, zone, mode="extend", at="2025-01-11T00:00:00Z", resumes_at="2025-01-16T00:00:00Z")
    assert rules(shop, zone) == (True, "20", "within_limit")
    assert shop.check("rules", subject=zone)["valid_until"] == "2025-01-11T00:00:00Z"
    ahead = shop.get("customers/ada/entitlements", subject=zone, at="2025-01-11T00:00:00Z")
    assert ahead["projected"]
    assert [each["reason"] for each in ahead["data"]] == ["paused", "paused"]


def test_the_target_of_a_paused_owner_is_suspended_and_lists_the_contract(
    shop: World, settings: Any
) -> None:
    settings.PRODUCT_SERVICE_NETWORKS = ["127.0.0.1/32"]
    zone = on(shop, "pro")
    shop.put("product-services/edge", url="http://127.0.0.1:9/edge", sandbox=True)
    shop.settle()

    def document() -> tuple[str, list[str], Any]:
        content = Target.objects.get(subject_id=zone).desired_content
        assert content["delete_after"] is None
        return content["state"], content["blocks"], content["entitlements"]["rules"]["value"]

    assert document() == ("active", [], 20)
    pause(shop, zone, mode="extend")
    assert document() == ("suspended", [], 20)
    pause(shop, zone, "resume")
    assert document() == ("active", [], 20)


def test_windows_of_billing_periods_follow_a_pause_that_extends(shop: World) -> None:
    """Paused from 11 to 16 January: the period of 1 January ends on 6 February."""
    zone = on(shop, "pro")
    shop.advance_to("2025-01-11")
    pause(shop, zone, mode="extend")
    shop.advance_to("2025-01-16")
    pause(shop, zone, "resume")

    def window() -> dict[str, Any]:
        return dict(shop.check("requests", subject=zone)["window"])

    price_period = {"reset": "price_period"}
    assert window() == {
        "start": "2025-01-01T00:00:00Z",
        "end": "2025-02-06T00:00:00Z",
        **price_period,
    }
    assert shop.subscription(zone)["period_end"] == window()["end"]
    shop.advance_to("2025-02-06")
    assert window() == {
        "start": "2025-02-06T00:00:00Z",
        "end": "2025-03-06T00:00:00Z",
        **price_period,
    }


def test_windows_of_billing_periods_follow_a_zone_change(shop: World) -> None:
    """From UTC to New York at the end of the period: the next one ends at midnight there."""
    zone = on(shop, "pro")
    path = f"subscriptions/{shop.subscription(zone)['id']}/anchor"
    shop.post(path, zone="America/New_York")
    shop.advance_to("2025-02-10")
    window = shop.check("requests", subject=zone)["window"]
    now = shop.subscription(zone)
    assert (window["start"], window["end"]) == (now["period_start"], now["period_end"])
    assert window["start"] == "2025-02-01T00:00:00Z"


def boxes(world: World) -> str:
    return str(world.check("boxes", customer="ada")["value"])


def boxes_at(world: World, day: str) -> str:
    listed = world.get("customers/ada/entitlements", at=f"{day}T00:00:00Z")["data"]
    return next(str(each["value"]) for each in listed if each["feature"] == "boxes")


def on_trial(world: World) -> str:
    """Return a customer in a trial of fourteen days, until 15 January."""
    ada = world.customer("ada")
    world.change(ada, "desk_plus")
    assert world.subscription(ada)["trial_end"] == "2025-01-15T00:00:00Z"
    return ada


def test_a_trial_grants_what_its_plan_does_and_without_a_payment_method_ends(shop: World) -> None:
    ada = on_trial(shop)
    assert boxes(shop) == "10"
    assert shop.check("boxes", customer=ada)["valid_until"] == "2025-01-15T00:00:00Z"
    assert [boxes_at(shop, day) for day in ("2025-01-14", "2025-01-15")] == ["10", "1"]
    shop.advance_to("2025-01-15")
    assert boxes(shop) == "1"


def test_a_trial_with_a_payment_method_goes_on(shop: World) -> None:
    ada = shop.customer("ada")
    put = shop.put("customers/ada/payment-method", on_file=True)
    assert put["resource"]["payment_method_on_file"] is True
    assert put["changes"] == [{"field": "payment_method_on_file", "before": False, "after": True}]
    shop.change(ada, "desk_plus")
    assert shop.check("boxes", customer=ada)["valid_until"] is None
    assert boxes_at(shop, "2025-01-15") == "10"
    shop.advance_to("2025-01-15")
    assert boxes(shop) == "10"
    assert shop.subscription(ada)["state"] == "active"


def test_a_payment_method_on_the_thirteenth_day_takes_the_end_away(shop: World) -> None:
    ada = on_trial(shop)
    shop.advance_to("2025-01-13")
    told = shop.events(ada)
    shop.put("customers/ada/payment-method", on_file=True)
    assert shop.events(ada)[len(told) :] == [
        "customer.payment_method_changed",
        "entitlements.changed",
    ]
    assert shop.check("boxes", customer=ada)["valid_until"] is None
    # said once more it changes nothing, and taken away the end is there again
    again = shop.put("customers/ada/payment-method", on_file=True)
    assert (again["changes"], len(shop.events(ada))) == ([], len(told) + 2)
    shop.put("customers/ada/payment-method", on_file=False)
    assert shop.check("boxes", customer=ada)["valid_until"] == "2025-01-15T00:00:00Z"
    shop.put("customers/ada/payment-method", on_file=True)
    shop.advance_to("2025-01-15")
    assert (boxes(shop), shop.subscription(ada)["state"]) == ("10", "active")
