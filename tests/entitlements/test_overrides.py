"""Overrides at the front door: made, in effect, over, taken back; and what that changes."""

from typing import Any

import pytest

from entitlements.models import Override
from provisioning.models import Target
from tests.entitlements.overriding import WHY, make, rules
from tests.world import World


def test_an_override_counts_until_it_expires_and_everything_follows(
    world: World, shop: str
) -> None:
    ada = world.get("customers/ada")["id"]
    told = len(world.events(ada))
    answer = world.post(
        "customers/ada/overrides",
        status=201,
        subject=shop,
        feature="rules",
        value=60,
        expires_at="2025-03-31T00:00:00Z",
        reason=WHY,
    )
    made = answer["resource"]
    assert made == {
        "id": made["id"],
        "customer": ada,
        "subject": shop,
        "feature": "rules",
        "mode": "at_least",
        "value": 60,
        "state": "active",
        "starts_at": "2025-01-31T00:00:00Z",
        "expires_at": "2025-03-31T00:00:00Z",
        "reason": WHY,
        "value_given": {"amount": 4000, "currency": "USD"},  # 40 rules at 0.50 for 2 months
        "created_at": "2025-01-31T00:00:00Z",
        "created_by": made["created_by"],
        "needs_approval": False,
        "approved_at": None,
        "approved_by": None,
        "rejected_at": None,
        "rejected_by": None,
        "superseded_at": None,
        "superseded_by": None,
        "revoked_at": None,
        "revoked_by": None,
    }
    assert made["created_by"].startswith("client:cli_")
    assert rules(world, at_least=answer["revision"]) == "60"
    assert world.events(ada)[told:] == ["override.granted", "entitlements.changed"]
    assert world.get("customers/ada/overrides")["data"] == [made]
    assert world.get(f"customers/ada/overrides/{made['id']}") == made

    world.advance_to("2025-03-30T23:59:59Z")
    assert rules(world) == "60"
    world.advance_to("2025-03-31")
    assert rules(world) == "20"
    assert world.events(ada)[-1] == "entitlements.changed"  # time alone, announced
    assert world.get(f"customers/ada/overrides/{made['id']}")["state"] == "ended"


def test_it_is_listed_checked_explained_and_told_in_words(world: World, shop: str) -> None:
    made = make(world, value=60, expires_at="2025-05-01T00:00:00Z")
    [_, held] = world.get("customers/ada/entitlements", subject=shop)["data"]
    source = {
        "type": "override",
        "id": made["id"],
        "product": None,
        "plan": None,
        "add_on": None,
        "limit_kept_from": None,
    }
    assert (held["value"], held["until"], held["sources"]) == (
        "60",
        "2025-05-01T00:00:00Z",
        [source],
    )
    assert world.check("rules", subject=shop)["valid_until"] == "2025-05-01T00:00:00Z"
    told = world.get("customers/ada/entitlements/explain", feature="rules", subject=shop)
    plan, override = told["steps"]
    assert (plan["value_out"], plan["won"], plan["because"]) == (
        "20",
        False,
        "an override gives more",
    )
    assert {name: override[name] for name in ("step", "rule", "value_in", "value_out", "won")} == {
        "step": "override",
        "rule": "at_least",
        "value_in": "20",
        "value_out": "60",
        "won": True,
    }
    assert override["source"] == source
    assert override["because"] == (
        "an override of at least 60 until 1 May 2025, because Promised by sales"
    )
    assert told["in_words"] == (
        "Zone shop.example may use rules up to 60 rules: an override of at least 60 since "
        "31 January 2025 until 1 May 2025, because Promised by sales. Pro gives 20, but an "
        "override gives more. Not blocked. Falls to 20 on 1 May 2025, when an override ends."
    )
    assert told["next_change"] == {
        "at": "2025-05-01T00:00:00Z",
        "from": "60",
        "to": "20",
        "cause": "override_ended",
    }


def test_one_for_later_begins_by_itself_and_one_that_never_began_is_gone(
    world: World, shop: str
) -> None:
    made = make(world, value=60, starts_at="2025-02-10T00:00:00Z")
    gone = make(world, "regex", value=True, starts_at="2025-02-20T00:00:00Z")
    assert (made["state"], rules(world)) == ("scheduled", "20")
    told = world.get("customers/ada/entitlements/explain", feature="rules", subject=shop)
    assert told["in_words"].endswith("Rises to 60 on 10 February 2025, when an override begins.")
    assert told["next_change"]["cause"] == "override"

    answer = world.post(f"customers/ada/overrides/{gone['id']}/revoke")
    assert answer["changes"] == [{"field": "state", "before": "scheduled", "after": "revoked"}]
    world.advance_to("2025-02-25")
    assert rules(world) == "60"
    assert world.check("regex", subject=shop)["value"] is False
    ended = world.post(f"customers/ada/overrides/{made['id']}/revoke", reason="Done.")["resource"]
    assert (ended["state"], ended["revoked_at"]) == ("revoked", "2025-02-25T00:00:00Z")
    assert (ended["revoked_by"], rules(world)) == (made["created_by"], "20")
    again = world.post(f"customers/ada/overrides/{made['id']}/revoke")
    assert (again["resource"], again["changes"]) == (ended, [])
    past = world.get("customers/ada/entitlements", subject=shop, at="2025-02-24T00:00:00Z")
    assert {each["feature"]: each["value"] for each in past["data"]} == {
        "regex": False,
        "rules": "60",
    }


def test_one_at_a_time_unless_it_supersedes(world: World, shop: str) -> None:
    first = make(world, value=60)
    refused = make(world, status=409, value=70, starts_at="2025-02-10T00:00:00Z")
    assert (refused["code"], refused["override"]) == ("override_exists", first["id"])
    make(world, "regex", value=True)  # of another feature
    second = make(
        world,
        value=70,
        starts_at="2025-02-10T00:00:00Z",
        expires_at="2025-02-20T00:00:00Z",
        supersede=True,
    )
    ends = world.get(f"customers/ada/overrides/{first['id']}")
    assert (ends["state"], ends["superseded_at"], ends["superseded_by"]) == (
        "active",
        "2025-02-10T00:00:00Z",
        second["id"],
    )
    make(world, value=80, starts_at="2025-02-20T00:00:00Z")  # where the other ends
    seen = [rules(world)]
    for day in ("2025-02-10", "2025-02-20"):
        world.advance_to(day)
        seen.append(rules(world))
    assert seen == ["60", "70", "80"]
    listed = world.get("customers/ada/overrides", feature="rules")["data"]
    assert [each["state"] for each in listed] == ["active", "ended", "ended"]


def test_what_another_one_has_ended_is_explained_by_who_made_it(world: World, shop: str) -> None:
    first = make(world, value=60, reason="Promised first.")
    world.advance_to("2025-03-05")
    make(world, value=80, reason="Promised more.", supersede=True)
    query = {"feature": "rules", "subject": "shop.example"}
    before = world.get("customers/ada/entitlements/explain", at="2025-03-02T00:00:00Z", **query)
    (step,) = (each for each in before["steps"] if each["step"] == "override")
    assert (step["value_out"], step["reason"], step["actor"]) == (
        "60",
        "Promised first.",
        first["created_by"],
    )
    assert "because Promised first" in before["in_words"]
    now = world.get("customers/ada/entitlements/explain", **query)
    assert [each["reason"] for each in now["steps"] if each["step"] == "override"] == [
        "Promised more."
    ]


def test_what_is_superseded_before_it_begins_never_counts(world: World, shop: str) -> None:
    later = make(world, value=60, starts_at="2025-03-01T00:00:00Z")
    make(world, value=70, expires_at="2025-03-10T00:00:00Z", supersede=True)
    assert world.get(f"customers/ada/overrides/{later['id']}")["state"] == "ended"
    world.advance_to("2025-03-10")
    assert rules(world) == "20"


@pytest.mark.parametrize(
    ("mode", "value", "result"),
    [("at_least", 60, "60"), ("at_least", 10, "20"), ("set", 10, "10"), ("add", 5, "25")],
)
def test_the_modes(world: World, shop: str, mode: str, value: int, result: str) -> None:
    make(world, mode=mode, value=value)
    assert rules(world) == result


def test_a_feature_that_nothing_else_gives(world: World) -> None:
    world.customer("ada")
    world.post("customers/ada/subjects", status=201, key="cart", kind="basket")
    assert world.check("regex", customer="ada", subject="cart")["reason"] == "not_entitled"
    make(world, "regex", value=True, subject="cart")
    found = world.check("regex", customer="ada", subject="cart")
    assert (found["allowed"], found["value"], found["reason"]) == (True, True, "granted")


def test_a_customers_block_denies_it_and_a_pause_of_the_plan_does_not(
    world: World, shop: str
) -> None:
    make(world, value=60)
    subscription = world.subscription(shop)["id"]
    world.post(f"subscriptions/{subscription}/pause")
    found = world.check("rules", subject=shop)
    assert (found["allowed"], found["value"]) == (True, "60")
    block = world.post("customers/ada/blocks", status=201, name="fraud", effects=["access"])
    found = world.check("rules", subject=shop)
    assert (found["allowed"], found["value"], found["blocked_by"]) == (False, "60", ["fraud"])
    world.post(f"blocks/{block['resource']['id']}/lift")
    assert world.check("rules", subject=shop)["allowed"] is True


def test_it_ends_with_its_owner_in_one_revision(world: World, shop: str) -> None:
    active = make(world, value=60)
    later = make(world, "regex", value=True, starts_at="2025-04-01T00:00:00Z")
    seats = make(world, "seats", value=9)
    before = world.get("customers/ada/entitlements/token")["revision"]
    world.delete("customers/ada/subjects/shop.example")
    assert world.get("customers/ada/entitlements/token")["revision"] == before + 1
    for made in (active, later):
        row = world.get(f"customers/ada/overrides/{made['id']}")
        assert (row["state"], row["revoked_at"]) == ("revoked", "2025-01-31T00:00:00Z")
    assert world.get(f"customers/ada/overrides/{seats['id']}")["state"] == "active"
    world.delete("customers/ada")
    assert world.get(f"customers/ada/overrides/{seats['id']}")["state"] == "revoked"
    assert Override.objects.filter(revoked_at=None).count() == 0


def test_a_product_service_is_told_and_told_again_when_it_is_over(
    world: World, settings: Any
) -> None:
    """Also one of which the owner has nothing else."""
    settings.PRODUCT_SERVICE_NETWORKS = ["127.0.0.1/32"]
    world.put("product-services/edge", url="http://127.0.0.1:9", sandbox=True)
    world.customer("ada")
    zone = world.post("customers/ada/subjects", status=201, key="cart", kind="basket")["resource"]

    def desired() -> Any:
        return Target.objects.get(subject=zone["id"]).desired_content["entitlements"]

    make(world, "rules", value=60, subject="cart", expires_at="2025-03-01T00:00:00Z")
    assert desired() == {
        "rules": {"type": "limit", "value": 60, "until": "2025-03-01T00:00:00Z", "trim": False}
    }
    world.advance_to("2025-03-01")
    assert desired() == {}
