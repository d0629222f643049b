"""An undo leads back to what was, from its own now on."""

from typing import Any

from tests.changes.conftest import Changes
from tests.changes.test_one_subscription import usd

COMPARED = ("plan", "plan_version", "interval", "quantity", "add_ons", "state")


def undone(world: Changes, made: dict[str, Any]) -> dict[str, Any]:
    """Undo a change set; return the undo, applied."""
    undo = world.post(f"change-sets/{made['id']}/undo", status=201)["resource"]
    assert (undo["undoes"], undo["operations"]) == (made["id"], [])
    return world.decide(undo, "apply")


def codes(change_set: dict[str, Any]) -> set[str]:
    return {each["code"] for each in change_set["item"]["preview"]["warnings"]}


def test_an_upgrade_is_undone_at_its_own_now(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    before = world.subscription(shop)
    made = world.decide(world.preview(shop, {"change": {"plan": "business"}}), "apply")

    # 20 January: 21 of 31 days of Business are credited, and charged for Pro
    world.advance_to("2026-01-20")
    undo = undone(world, made)

    now = world.subscription(shop)
    assert {name: now[name] for name in COMPARED} == {name: before[name] for name in COMPARED}
    assert "differs_from_before" not in codes(undo)
    assert undo["item"]["preview"]["money"]["credit_balance_change"] == usd(16935 - 1694)
    assert world.change_set(made)["items"]["undone"] == 1
    again = world.post(f"change-sets/{made['id']}/undo", status=422)
    assert again["code"] == "nothing_selected"

    # an undo is a change set, so it can be undone
    undone(world, undo)
    assert world.subscription(shop)["plan"] == "business"


def test_at_the_same_instant_an_undo_leaves_no_trace_in_money(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    world.advance_to("2026-01-20")
    before = world.subscription(shop)

    yearly = {"change": {"plan": "pro", "interval": "year"}}
    undo = undone(world, world.decide(world.preview(shop, yearly), "apply"))

    now = world.subscription(shop)
    for name in ("anchor", "period_start", "period_end", *COMPARED):
        assert now[name] == before[name], name
    assert codes(undo) == set()
    assert sum(amount for _, amount in world.charges(shop)) == 2500


def test_what_was_agreed_is_taken_back_and_what_was_dropped_is_agreed_again(
    world: Changes,
) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "business")

    # a cancellation replaces the planned Pro; undone, Pro is planned again
    (planned,) = world.change(shop, "pro")["resource"]["pending"]
    made = world.decide(world.preview(shop, {"cancel": {"when": "period_end"}}), "apply")
    assert [each["kind"] for each in world.subscription(shop)["pending"]] == ["end"]
    undone(world, made)
    (again,) = world.subscription(shop)["pending"]
    assert {**again, "id": "", "created_at": ""} == {**planned, "id": "", "created_at": ""}

    # an upgrade takes the planned change away; undone, it is there again
    made = world.decide(world.preview(shop, {"change": {"plan": "free", "timing": "now"}}), "apply")
    assert world.subscription(shop)["pending"] == []
    undone(world, made)
    now = world.subscription(shop)
    assert (now["plan"], [each["plan"] for each in now["pending"]]) == ("business", ["pro"])

    # to take a cancellation back can be undone too
    world.post(f"subscriptions/{now['id']}/cancel")
    made = world.decide(world.preview(shop, {"uncancel": {}}), "apply")
    undone(world, made)
    assert [each["kind"] for each in world.subscription(shop)["pending"]] == ["end"]


def test_what_began_ends_and_what_ended_for_good_stays_ended(world: Changes) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    body = {"customer": ada, "plan": "r2_standard"}
    made = world.post("change-sets", status=201, operations=[{"subscribe": body}])["resource"]
    begun = world.decide(made, "apply")
    ended = undone(world, begun)
    assert ended["item"]["after"]["state"] == "canceled"

    r2 = world.post("subscriptions", status=201, customer=ada, plan="r2_standard")["resource"]["id"]
    gone = world.post(
        "change-sets",
        status=201,
        subscription=r2,
        operations=[{"cancel": {"when": "now"}}],
        reason="asked for",
    )["resource"]
    world.decide(gone, "apply")
    problem = world.post(f"change-sets/{gone['id']}/undo", status=422)
    assert problem["code"] == "change_set_cannot_be_undone"


def test_what_has_changed_since_is_not_undone(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    preview = world.preview(shop, {"change": {"plan": "pro"}})
    not_applied = world.post(f"change-sets/{preview['id']}/undo", status=409)
    assert not_applied["code"] == "change_set_wrong_state"
    made = world.decide(preview, "apply")
    world.change(shop, "business")

    stale = world.post(f"change-sets/{made['id']}/undo", status=409)
    assert (stale["code"], stale["moved"]) == ("change_set_stale", ["subscription"])

    # nor after a renewal
    later = world.decide(world.preview(shop, {"change": {"plan": "pro", "timing": "now"}}), "apply")
    world.advance_to("2026-02-10")
    assert world.post(f"change-sets/{later['id']}/undo", status=409)["code"] == "change_set_stale"


def test_a_pause_is_undone(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    world.advance_to("2026-01-20")
    before = world.subscription(shop)

    made = world.preview(shop, {"pause": {"mode": "credit"}})
    assert made["item"]["after"]["state"] == "paused"
    assert made["item"]["preview"]["money"]["credit_balance_change"] == usd(1694)
    (document,) = made["item"]["preview"]["provisioning"]
    assert (document["before"]["state"], document["after"]["state"]) == ("active", "suspended")
    world.decide(made, "apply")
    assert world.check("waf_custom_rules", subject=shop)["reason"] == "paused"

    undo = undone(world, world.change_set(made))
    now = world.subscription(shop)
    for name in ("anchor", "period_end", *COMPARED):
        assert now[name] == before[name], name
    assert codes(undo) == set()

    # what is paused can be resumed by a change set, and that undone
    world.decide(world.preview(shop, {"pause": {"mode": "extend"}}), "apply")
    made = world.decide(world.preview(shop, {"resume": {}}), "apply")
    assert world.subscription(shop)["state"] == "active"
    undone(world, made)
    paused = world.subscription(shop)
    assert (paused["state"], paused["pause_mode"]) == ("paused", "extend")


def test_a_moved_anchor_is_moved_back(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")

    made = world.preview(shop, {"anchor": {"day_of_month": 15}})
    (planned,) = made["item"]["after"]["pending"]
    assert (planned["kind"], planned["effective_at"]) == ("anchor", "2026-01-15T00:00:00Z")
    # on the 15th, 26 of 31 days come back and a full month begins
    invoice = made["item"]["preview"]["money"]["next_invoice"]
    assert (invoice["at"], invoice["amount"]) == ("2026-01-15T00:00:00Z", usd(2500 - 2097))
    undone(world, world.decide(made, "apply"))
    assert world.subscription(shop)["pending"] == []

    # at once, and back at the same instant
    before = world.subscription(shop)
    made = world.preview(shop, {"change": {"plan": "pro", "interval": "year"}})
    world.decide(made, "apply")
    undone(world, made)
    assert world.subscription(shop)["anchor"] == before["anchor"]


def test_a_block_is_lifted(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    block = {"name": "abuse", "effects": ["access"], "public_reason": "Reported."}

    made = world.preview(shop, {"block": block})
    (shown,) = made["item"]["after"]["blocks"]
    assert (shown["name"], shown["effects"]) == ("abuse", ["access"])
    rules = [
        (each["before"], each["after"])
        for each in made["item"]["preview"]["entitlements"]
        if each["feature"] == "waf_custom_rules"
    ]
    assert rules == [(20, None)]
    world.decide(made, "apply")
    assert world.check("waf_custom_rules", subject=shop)["blocked_by"] == ["abuse"]
    twice = world.post(
        "change-sets",
        status=409,
        subscription=world.subscription(shop)["id"],
        operations=[{"block": block}],
    )
    assert twice["code"] == "already_blocked"

    # a block that somebody else lifted and placed anew is another one
    undone(world, world.change_set(made))
    assert world.check("waf_custom_rules", subject=shop)["allowed"] is True
