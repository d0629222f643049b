"""A change is shown, and then it is exactly what was shown."""

from typing import Any

from core.models import AuditEntry, Event
from core.principals import Scope
from provisioning.models import Target
from subscriptions.models import PendingChange, Subscription, Term
from tests.changes.conftest import Changes
from tests.conftest import MachineTime


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def test_an_upgrade_is_previewed_and_then_is_what_was_previewed(world: Changes) -> None:
    # 10 January: Pro, 25.00 a month. 20 January: what would Business cost, 250.00 a month?
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop = world.zone(ada)
    world.change(shop, "pro")
    world.advance_to("2026-01-20")
    told = world.events(ada)

    made = world.preview(shop, {"change": {"plan": "business"}}, reason="asked for by phone")

    assert (made["state"], made["effective_at"]) == ("ready", "2026-01-20T00:00:00Z")
    item = made["item"]
    money = item["preview"]["money"]
    # 21 of 31 days: 250.00 becomes 169.35; of the 25.00, 16.94 come back
    assert [each["amount"] for each in money["charges"]] == [usd(-1694), usd(16935)]
    assert money["due_now"] == usd(15241)
    assert (money["credit_balance_change"], money["refund"]) == (usd(0), usd(0))
    assert (money["next_invoice"]["at"], money["next_invoice"]["amount"]) == (
        "2026-02-10T00:00:00Z",
        usd(25000),
    )
    changes = {each["feature"]: each for each in item["preview"]["entitlements"]}
    assert changes["waf_custom_rules"] == {
        "owner": shop,
        "feature": "waf_custom_rules",
        "before": 20,
        "after": 100,
        "at": "2026-01-20T00:00:00Z",
    }
    (document,) = item["preview"]["provisioning"]
    assert (document["service"], document["owner"]) == ("edge", shop)
    assert document["before"]["entitlements"]["waf_custom_rules"]["value"] == 20
    assert document["after"]["entitlements"]["waf_custom_rules"]["value"] == 100
    assert item["preview"]["warnings"] == []
    assert (item["before"]["plan"], item["after"]["plan"]) == ("pro", "business")
    assert item["valid_until"] == "2026-02-10T00:00:00Z"

    # nothing has happened
    assert world.events(ada) == told
    assert world.subscription(shop)["plan"] == "pro"
    assert world.charges(shop) == [("advance", 2500)]
    assert world.check("waf_custom_rules", subject=shop)["value"] == "20"

    applied = world.decide(made, "apply")

    assert applied["state"] == "applied"
    assert applied["item"]["preview"] == item["preview"]
    assert world.subscription(shop)["plan"] == "business"
    assert sorted(world.charges(shop)) == [("advance", 2500), ("advance", 16935), ("credit", -1694)]
    assert world.check("waf_custom_rules", subject=shop)["value"] == "100"
    assert world.documents(shop)["edge"]["entitlements"]["waf_custom_rules"]["value"] == 100
    assert world.events(ada)[len(told) :].count("subscription.changed") == 1

    # once more changes nothing
    told = world.events(ada)
    assert world.decide(made, "apply")["state"] == "applied"
    assert world.events(ada) == told


def test_a_preview_leaves_nothing_behind(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")

    def everything() -> tuple[Any, ...]:
        models = (Event, Term, PendingChange, Target)
        rows = Subscription.objects.values_list("version", "updated_at").order_by("id")
        audited = AuditEntry.objects.exclude(table_name__startswith="changes_")
        return (*(each.objects.count() for each in models), list(rows), audited.count())

    before = everything()
    world.preview(shop, {"change": {"plan": "business"}})
    world.preview(shop, {"change": {"plan": "free"}})
    world.preview(shop, {"cancel": {"when": "now"}}, reason="asked for")
    assert everything() == before


def test_a_scheduled_change_is_shown_at_its_date(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "business")

    item = world.preview(shop, {"change": {"plan": "free"}})["item"]

    # a downgrade waits for 10 February: nothing is due now, nor then
    money = item["preview"]["money"]
    assert (money["charges"], money["due_now"]) == ([], usd(0))
    assert (money["next_invoice"]["at"], money["next_invoice"]["amount"]) == (
        "2026-02-10T00:00:00Z",
        usd(0),
    )
    falls = next(
        each for each in item["preview"]["entitlements"] if each["feature"] == "waf_custom_rules"
    )
    assert (falls["before"], falls["after"], falls["at"]) == (100, 5, "2026-02-10T00:00:00Z")
    (document,) = item["preview"]["provisioning"]
    assert document["at"] == "2026-02-10T00:00:00Z"
    assert document["after"]["entitlements"]["waf_custom_rules"]["value"] == 5
    assert item["after"]["plan"] == "business"
    (planned,) = item["after"]["pending"]
    assert (planned["kind"], planned["plan"]) == ("plan", "free")
    # the price list protects who has more rules than that, and nobody said how many there are
    warned = {each["item"]: each for each in item["preview"]["warnings"]}
    assert warned["waf_custom_rules"]["code"] == "downgrade_below_use_unknown"
    assert warned["waf_custom_rules"]["detail"] == (
        "It falls from 100 rules to 5 rules. How much is in use is not known, so nothing is kept; "
        "if it were, the feature's policy would leave what is in use for 30 days."
    )
    assert warned["max_upload_size_mb"]["code"] == "limit_use_unknown"


def test_what_the_command_refuses_is_refused_at_once(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    subscription = world.subscription(shop)["id"]

    def refused(status: int, *operations: dict[str, Any], **more: Any) -> str:
        body = {"subscription": subscription, "operations": list(operations), **more}
        return str(world.post("change-sets", status=status, **body)["code"])

    assert refused(409, {"change": {"plan": "free"}}) == "nothing_to_change"
    assert refused(409, {"uncancel": {}}) == "not_canceling"
    assert refused(422, {"change": {"plan": "workers_paid"}}) == "different_product"
    assert refused(404, {"change": {"plan": "gold"}}) == "plan_not_found"
    assert refused(400, {"cancel": {"when": "now"}}) == "reason_required"
    # the second of two, after a first that would work
    assert refused(409, {"change": {"plan": "pro"}}, {"uncancel": {}}) == "not_canceling"
    assert world.get("change-sets")["data"] == []


def test_several_operations_are_one_change_at_one_instant(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))

    made = world.preview(shop, {"change": {"plan": "pro"}}, {"cancel": {"when": "period_end"}})

    assert made["item"]["after"]["plan"] == "pro"
    assert [each["kind"] for each in made["item"]["after"]["pending"]] == ["end"]
    rules = [
        (each["before"], each["after"], each["at"])
        for each in made["item"]["preview"]["entitlements"]
        if each["feature"] == "waf_custom_rules"
    ]
    assert rules == [(5, 20, "2026-01-10T00:00:00Z")]  # and then as it would have been
    world.decide(made, "apply")
    world.advance_to("2026-02-10")
    assert world.subscription(shop)["plan"] == "free"


def test_a_subscription_can_begin(world: Changes) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop = world.zone(ada)
    body = {"customer": ada, "plan": "r2_standard"}

    made = world.post("change-sets", status=201, operations=[{"subscribe": body}])["resource"]
    assert (made["item"]["subscription"], made["item"]["before"]) == (None, None)
    applied = world.decide(made, "apply")
    begun = world.get(f"subscriptions/{applied['item']['subscription']}")
    assert (begun["plan"], begun["state"]) == ("r2_standard", "active")

    # on a default free plan it is a change in place
    body = {"customer": ada, "subject": shop, "plan": "pro"}
    made = world.post("change-sets", status=201, operations=[{"subscribe": body}])["resource"]
    assert made["item"]["before"]["plan"] == "free"
    assert made["item"]["subscription"] == world.subscription(shop)["id"]
    world.decide(made, "apply")
    assert world.subscription(shop)["plan"] == "pro"


def test_what_has_moved_since_is_not_applied(world: Changes) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop, blog = world.zone(ada), world.zone(ada, "blog.example")
    first = world.preview(shop, {"change": {"plan": "pro"}})
    second = world.preview(shop, {"change": {"plan": "business"}})
    other = world.preview(blog, {"change": {"plan": "pro"}})

    world.decide(second, "apply")
    stale = world.decide(first, "apply", status=409)
    assert (stale["code"], stale["moved"]) == ("change_set_stale", ["plan_version", "subscription"])
    assert world.change_set(first)["state"] == "ready"
    assert world.subscription(shop)["plan"] == "business"

    # the other zone was not touched, and what it would cost is the same: its months count from now
    assert world.decide(other, "apply")["state"] == "applied"


def test_a_preview_is_stale_when_its_result_is_another_one(world: Changes) -> None:
    # two zones would each begin the customer's month on the day of their upgrade
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop, blog = world.zone(ada), world.zone(ada, "blog.example")
    world.change(shop, "pro")
    world.advance_to("2026-01-20")
    joins = world.preview(blog, {"change": {"plan": "pro"}})
    assert joins["item"]["preview"]["money"]["due_now"] == usd(1694)  # 21 of 31 days

    # with the first one gone there is no month to join any more
    world.change(shop, "free", timing="now")
    stale = world.decide(joins, "apply", status=409)
    assert (stale["code"], stale["moved"]) == (
        "change_set_stale",
        ["after", "money"],
    )
    assert world.charges(blog) == []


def test_time_ends_a_preview(world: Changes) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    made = world.preview(shop, {"change": {"plan": "business"}})

    # within the period it is applied as of its instant: what was shown is what is charged
    world.advance_to("2026-01-20")
    later = world.preview(shop, {"change": {"plan": "business"}})
    assert world.decide(made, "apply")["item"]["applied_at"] is not None
    term = Term.objects.standing().get(
        subscription=world.subscription(shop)["id"], plan_version__plan__key="business"
    )
    assert term.starts_at.isoformat() == "2026-01-10T00:00:00+00:00"

    world.advance_to("2026-02-10")
    over = world.decide(later, "apply", status=409)
    assert over["code"] == "change_set_stale"


def test_a_preview_ahead_shows_what_would_be_and_waits_for_its_instant(world: Changes) -> None:
    world.starts_on("2026-01-10")
    ada = world.customer("ada")
    shop = world.zone(ada)
    world.change(shop, "pro")
    told = world.events(ada)

    # on 24 February, after the renewal of the 10th: 14 of 28 days are left
    made = world.preview(
        shop, {"change": {"plan": "business"}}, effective_at="2026-02-24T00:00:00Z"
    )
    money = made["item"]["preview"]["money"]
    assert [each["amount"] for each in money["charges"]] == [usd(-1250), usd(12500)]
    assert made["item"]["before"]["period_start"] == "2026-02-10T00:00:00Z"
    assert world.events(ada) == told

    early = world.decide(made, "apply", status=409)
    assert early["code"] == "change_set_lies_ahead"
    world.advance_to("2026-02-25")
    assert world.decide(made, "apply")["state"] == "applied"
    assert sorted(amount for _, amount in world.charges(shop)) == [-1250, 2500, 2500, 12500]

    far = {"subscription": world.subscription(shop)["id"], "operations": [{"uncancel": {}}]}
    problem = world.post("change-sets", status=422, effective_at="2199-01-01T00:00:00Z", **far)
    assert problem["code"] == "effective_at_too_far"


def test_what_nobody_decided_on_in_time_is_over(world: Changes, machine_time: MachineTime) -> None:
    world.token = world.token_for(list(Scope))
    shop = world.zone(world.customer("ada"))
    made = world.preview(shop, {"change": {"plan": "pro"}})
    discarded = world.preview(shop, {"change": {"plan": "pro"}})
    assert world.decide(discarded, "discard")["state"] == "discarded"

    machine_time.passes(minutes=15)
    world.token = world.token_for(list(Scope))
    late = world.decide(made, "apply", status=409)
    assert late["code"] == "change_set_expired"
    world.settle()
    over = world.change_set(made)
    assert (over["state"], over["item"]["state"]) == ("expired", "skipped")
    for gone in (made, discarded):
        assert world.decide(gone, "approve", status=409)["code"] in (
            "change_set_expired",
            "change_set_wrong_state",
        )
    assert world.subscription(shop)["plan"] == "free"
