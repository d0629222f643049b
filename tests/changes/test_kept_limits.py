"""Subscribers are moved to another version of their plan and keep what the old one gave more."""

from typing import Any

import pytest
import yaml
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.principals import Scope
from entitlements.queries.granted import granted
from plans.models import PlanVersion
from plans.services import apply_catalog
from subscriptions.models import Term
from tests.changes.conftest import Changes
from tests.changes.test_undo import codes, undone
from tests.world import EXAMPLES

LIMITS = ("waf_custom_rules", "max_upload_size_mb")


def publish(plan: str, *changed: dict[str, Any], file: str = "catalog.yaml") -> list[str]:
    """Publish versions of a plan with other features, each beside the first version; return the
    identifiers of all versions, the first one's included."""
    document = yaml.safe_load((EXAMPLES / file).read_text())
    first = dict(document["plans"][plan]["features"])
    for features in changed:
        document["plans"][plan]["features"] = {**first, **features}
        apply_catalog(tree=document)
    return list(
        PlanVersion.objects.filter(plan__key=plan).order_by("number").values_list("id", flat=True)
    )


@pytest.fixture
def pro(world: Changes) -> list[str]:
    """Three versions of Pro: 20, 10 and 15 rules, uploads of 100, 150 and 120 MB."""
    world.starts_on("2026-01-10")
    return publish(
        "pro",
        {"waf_custom_rules": 10, "max_upload_size_mb": 150},
        {"waf_custom_rules": 15, "max_upload_size_mb": 120},
    )


def to(version: str, *, keep: bool = True, **more: Any) -> dict[str, Any]:
    return {
        "change": {
            "plan": "pro",
            "plan_version": version,
            "keep_higher_limits": keep,
            "timing": "now",
            **more,
        }
    }


def on_first(world: Changes, version: str, *, customer: str = "ada") -> str:
    """Return a zone that has been on Pro in its first version since 10 January, on the 20th."""
    shop = world.zone(world.customer(customer))
    world.change(shop, "pro", plan_version=version)
    world.advance_to("2026-01-20")
    return shop


def migrate(world: Changes, shop: str, *versions: str) -> None:
    """Move to versions one after the other, a day apart, and keep the higher limits."""
    for number, version in enumerate(versions, start=21):
        world.decide(world.preview(shop, to(version)), "apply")
        world.advance_to(f"2026-01-{number}")


def limits(world: Changes, shop: str) -> list[Any]:
    return [int(world.check(each, subject=shop)["value"]) for each in LIMITS]


def statements(world: Changes, shop: str) -> int:
    """Return how many statements it takes to read what the zone's customer is granted."""
    customer = world.subscription(shop)["customer"]
    granted([customer])  # the catalog is read once, and kept
    with CaptureQueriesContext(connection) as captured:
        granted([customer])
    return len(captured)


def changes(made: dict[str, Any]) -> list[tuple[str, Any, Any, str]]:
    return [
        (each["feature"], each["before"], each["after"], each["at"][:10])
        for each in made["item"]["preview"]["entitlements"]
    ]


def test_the_higher_of_the_old_and_the_new_limits_stays(world: Changes, pro: list[str]) -> None:
    shop = on_first(world, pro[0])
    falls = world.preview(shop, to(pro[1], keep=False))
    assert ("waf_custom_rules", 20, 10, "2026-01-20") in changes(falls)
    assert codes(falls) == {"downgrade_below_use_unknown"}

    made = world.preview(shop, to(pro[1]))
    assert changes(made) == [("max_upload_size_mb", 100, 150, "2026-01-20")]
    assert codes(made) == set()
    assert made["item"]["before"]["limits_kept_from"] == []
    assert made["item"]["after"]["limits_kept_from"] == [pro[0]]
    (document,) = made["item"]["preview"]["provisioning"]
    assert list(document["after"]["entitlements"]) == ["max_upload_size_mb"]
    # Version 2 costs the same: 21 of 31 days of the one for 21 of 31 of the other
    money = made["item"]["preview"]["money"]
    assert [each["amount"]["amount"] for each in money["charges"]] == [-1694, 1694]
    assert money["due_now"]["amount"] == 0

    # what was shown is what is: the subscription, the check, the document
    applied = world.decide(made, "apply")
    assert applied["item"]["after"] == made["item"]["after"]
    now = world.subscription(shop)
    assert (now["plan_version"], now["limits_kept_from"]) == (pro[1], [pro[0]])
    assert limits(world, shop) == [20, 150]
    sent = world.documents(shop)["edge"]["entitlements"]
    assert [sent[each]["value"] for each in LIMITS] == [20, 150]


def test_it_is_explained_and_told_of_every_day(world: Changes, pro: list[str]) -> None:
    shop = on_first(world, pro[0])
    world.decide(world.preview(shop, to(pro[1])), "apply")
    customer = world.subscription(shop)["customer"]

    told = world.get(
        f"customers/{customer}/entitlements/explain", subject=shop, feature="waf_custom_rules"
    )
    assert "up to 20 rules: Pro gives 20 (kept from version 1) since" in told["in_words"]
    (step,) = told["steps"]
    assert (step["source"]["limit_kept_from"], step["because"]) == (
        pro[0],
        "nothing else gives it; version 1 gave more, and its limits are kept",
    )
    path = f"subscriptions/{world.subscription(shop)['id']}"
    assert world.get(path, at="2026-01-19T00:00:00Z")["limits_kept_from"] == []
    assert world.get(path, at="2026-05-01T00:00:00Z")["limits_kept_from"] == [pro[0]]
    assert world.get(f"{path}/timeline")["data"][-1]["limits_kept_from"] == [pro[0]]

    own = Term.objects.filter(subscription__subject=shop).order_by("-starts_at")[:1].get()
    with (
        pytest.raises(IntegrityError, match="term_keeps_limits_of_other_versions"),
        transaction.atomic(),
    ):
        Term.objects.filter(pk=own.id).update(limits_of=[pro[1]])


def test_limits_are_kept_through_versions_and_whatever_else_changes(
    world: Changes, pro: list[str]
) -> None:
    shop = on_first(world, pro[0])
    migrate(world, shop, pro[1], pro[2])
    assert world.subscription(shop)["limits_kept_from"] == pro[:2]
    assert limits(world, shop) == [20, 150]

    path = f"subscriptions/{world.subscription(shop)['id']}"
    world.post(f"{path}/change", interval="year")
    world.post(f"{path}/pause", mode="extend")
    world.advance_to("2026-01-30")
    world.post(f"{path}/resume")
    world.post(f"{path}/anchor", day_of_month=15)
    world.advance_to("2027-03-01")
    assert limits(world, shop) == [20, 150]

    # another plan gives them up, and coming back does not bring them back
    world.change(shop, "business")
    assert world.subscription(shop)["limits_kept_from"] == []
    assert limits(world, shop) == [100, 200]
    world.advance_to("2027-03-02")
    world.change(shop, "pro", plan_version=pro[2], timing="now")
    assert limits(world, shop) == [15, 120]


def test_another_version_without_keeping_gives_them_up(world: Changes, pro: list[str]) -> None:
    shop = on_first(world, pro[0])
    migrate(world, shop, pro[1])
    made = world.preview(shop, to(pro[2], keep=False))
    assert changes(made) == [
        ("max_upload_size_mb", 150, 120, "2026-01-21"),
        ("waf_custom_rules", 20, 15, "2026-01-21"),
    ]
    world.decide(made, "apply")
    assert world.subscription(shop)["limits_kept_from"] == []


def test_an_undo_brings_back_the_limits_that_were_kept(world: Changes, pro: list[str]) -> None:
    shop = on_first(world, pro[0])
    migrate(world, shop, pro[1])
    before = world.subscription(shop)

    made = world.decide(world.preview(shop, to(pro[2])), "apply")
    world.advance_to("2026-01-25")
    undo = undone(world, made)
    now = world.subscription(shop)
    assert (now["plan_version"], now["limits_kept_from"]) == (pro[1], [pro[0]])
    assert codes(undo) == set()
    assert limits(world, shop) == [20, 150]

    # the undo undone
    undone(world, undo)
    now = world.subscription(shop)
    assert (now["plan_version"], now["limits_kept_from"]) == (pro[2], pro[:2])

    # at one instant a change and its undo leave what was
    world.advance_to("2026-01-26")
    terms = Term.objects.standing().filter(subscription=before["id"])
    number = terms.count()
    undone(world, world.decide(world.preview(shop, to(pro[0])), "apply"))
    assert world.subscription(shop)["limits_kept_from"] == pro[:2]
    assert terms.count() == number


def test_a_change_that_gave_them_up_is_undone(world: Changes, pro: list[str]) -> None:
    shop = on_first(world, pro[0])
    migrate(world, shop, pro[1])
    up = world.decide(world.preview(shop, {"change": {"plan": "business"}}), "apply")
    world.advance_to("2026-01-25")
    undone(world, up)
    now = world.subscription(shop)
    assert (now["plan_version"], now["limits_kept_from"]) == (pro[1], [pro[0]])


def test_many_are_migrated_but_those_excluded_and_all_led_back(
    world: Changes, pro: list[str]
) -> None:
    ada, bob, carl = (on_first(world, pro[0], customer=each) for each in ("ada", "bob", "carl"))
    again = world.zone(world.subscription(ada)["customer"], "again.example")
    world.change(again, "pro", plan_version=pro[1])

    selector = {"plan": "pro", "exclude": {"customers": ["bob"]}}
    made = world.select(to(pro[1]), selector=selector, reason="Version 2 replaces version 1.")
    assert (made["items"]["previewed"], made["totals"]["warnings"]) == (2, {})
    assert made["totals"]["problems"] == {"nothing_to_change": 1}
    world.decide(made, "approve")
    world.decide(made, "apply")
    world.settle()

    def kept() -> list[tuple[str, list[str]]]:
        rows = [world.subscription(each) for each in (ada, carl, bob, again)]
        return [(row["plan_version"], row["limits_kept_from"]) for row in rows]

    moved = (pro[1], [pro[0]])
    assert kept() == [moved, moved, (pro[0], []), (pro[1], [])]
    assert [limits(world, each) for each in (ada, carl)] == [[20, 150], [20, 150]]
    assert [limits(world, each) for each in (bob, again)] == [[20, 100], [10, 150]]

    # what is granted is read in as many statements as without
    assert statements(world, ada) == statements(world, bob)

    back = world.post(f"change-sets/{made['id']}/undo", status=201)["resource"]
    world.settle()
    world.decide(back, "approve")
    world.decide(back, "apply")
    world.settle()
    assert kept() == [(pro[0], []), (pro[0], []), (pro[0], []), (pro[1], [])]


def test_it_can_be_agreed_for_later(world: Changes, pro: list[str]) -> None:
    shop = on_first(world, pro[0])
    made = world.preview(shop, to(pro[1], timing="period_end"))
    assert changes(made) == [("max_upload_size_mb", 100, 150, "2026-02-10")]
    world.decide(made, "apply")
    (planned,) = world.subscription(shop)["pending"]
    assert (planned["plan_version"], planned["keep_higher_limits"]) == (pro[1], True)

    # taken back by an undo, and agreed again by undoing that
    undo = undone(world, made)
    assert world.subscription(shop)["pending"] == []
    undone(world, undo)
    (planned,) = world.subscription(shop)["pending"]
    assert planned["keep_higher_limits"] is True

    world.advance_to("2026-02-10")
    now = world.subscription(shop)
    assert (now["plan_version"], now["limits_kept_from"]) == (pro[1], [pro[0]])
    assert limits(world, shop) == [20, 150]


def test_right_after_another_change_what_is_had_then_is_kept(
    world: Changes, pro: list[str]
) -> None:
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro", plan_version=pro[0])
    world.decide(world.preview(shop, to(pro[1])), "apply")
    assert limits(world, shop) == [20, 150]
    # more changes of the same instant leave it, and one of the version back takes it away
    world.change(shop, "pro", interval="year")
    assert world.subscription(shop)["limits_kept_from"] == [pro[0]]


def test_a_correction_of_the_past_keeps_them_from_then_on(world: Changes, pro: list[str]) -> None:
    shop = on_first(world, pro[0])
    since = {"effective_at": "2026-01-15T00:00:00Z"}
    body = {"plan": "pro", "plan_version": pro[1], "keep_higher_limits": True, **since}
    world.decide(world.preview(shop, {"change": body}), "apply")
    subscription = world.subscription(shop)
    assert subscription["limits_kept_from"] == [pro[0]]
    at = f"subscriptions/{subscription['id']}"
    assert world.get(at, at="2026-01-14T00:00:00Z")["limits_kept_from"] == []
    assert world.get(at, at="2026-01-15T00:00:00Z")["limits_kept_from"] == [pro[0]]
    assert limits(world, shop) == [20, 150]


def test_what_is_given_per_seat_is_compared_at_the_number_of_seats(invented: Changes) -> None:
    invented.starts_on("2026-01-10")
    fewer = {"included": {"per_unit": 300}, "reset": {"calendar": "month"}, "zone": "customer"}
    versions = publish(
        "team_studio",
        # 12 projects are as many as 5 per seat would be for two seats and a bit
        {"team_projects": 12, "team_builds": {**fewer, "overage": {"allow_to_percent": 150}}},
        {"team_projects": 12, "team_builds": {**fewer, "overage": "block"}},
        file="catalog-invented.yaml",
    )
    ada = invented.customer("ada", currency="EUR")
    made = invented.post(f"customers/{ada}/subjects", status=201, key="team", kind="team")
    team = made["resource"]["id"]
    invented.change(team, "team_studio", plan_version=versions[0], quantity=2)
    invented.advance_to("2026-01-12")

    def gives() -> list[int]:
        names = ("team_projects", "team_builds")
        return [int(invented.check(each, subject=team)["value"]) for each in names]

    moved = {"plan": "team_studio", "keep_higher_limits": True, "timing": "now"}
    assert gives() == [10, 1000]
    change = {"change": {**moved, "plan_version": versions[1]}}
    invented.decide(invented.preview(team, change), "apply")
    assert gives() == [12, 1000]
    subscription = invented.subscription(team)["id"]
    invented.post(f"subscriptions/{subscription}/change", quantity=3)
    assert gives() == [15, 1500]

    # an allowance with another overage is not comparable: the new one counts
    invented.advance_to("2026-01-13")
    change = {"change": {**moved, "plan_version": versions[2]}}
    invented.decide(invented.preview(team, change), "apply")
    assert gives() == [15, 900]


def test_where_there_are_no_limits_to_keep(world: Changes, pro: list[str]) -> None:
    shop = on_first(world, pro[0])
    business = PlanVersion.objects.get(plan__key="business").id
    other = {"plan": "business", "plan_version": business, "keep_higher_limits": True}

    def refused(status: int, operation: dict[str, Any], **more: Any) -> dict[str, Any]:
        subscription = world.subscription(shop)["id"]
        return world.call(
            "POST",
            "change-sets",
            status=status,
            body={"subscription": subscription, "operations": [operation]},
            **more,
        )

    assert refused(422, {"change": other})["code"] == "no_limits_to_keep"
    # the version that is had already, with another interval and without
    same = {"plan_version": pro[0], "keep_higher_limits": True}
    assert refused(422, {"change": {**same, "interval": "year"}})["code"] == "no_limits_to_keep"
    assert refused(409, {"change": same})["code"] == "nothing_to_change"
    assert refused(404, to(business))["code"] == "plan_version_not_found"
    # no version is named: not with a plan, not with a quantity, not with an add-on
    for what in ({"plan": "pro"}, {"quantity": 2}, {"add_ons": {"extra": 1}}, {}):
        problem = refused(400, {"change": {**what, "keep_higher_limits": True}})
        (error,) = problem["errors"]
        assert (problem["code"], error["pointer"]) == (
            "invalid_input",
            "/operations/0/change/keep_higher_limits",
        )
    for wrong in ("yes", 1, None):
        assert refused(400, to(pro[1], keep_higher_limits=wrong))["code"] == "invalid_input"
    # what only an undo says, and what a plain change does not take
    assert refused(400, to(pro[1], limits_of=[pro[0]]))["code"] == "unknown_field"
    back = {"change_back": {"plan_version": pro[1], "limits_of": []}}
    assert refused(400, back)["code"] == "unknown_field"
    plain = world.change(shop, "pro", 400, plan_version=pro[1], keep_higher_limits=True)
    assert plain["code"] == "unknown_field"
    # whoever may not choose versions may not keep limits
    limited = world.token_for([Scope.CHANGES_WRITE, Scope.SUBSCRIPTIONS_WRITE])
    problem = refused(403, {"change": {"plan": "pro", "keep_higher_limits": False}}, token=limited)
    assert (problem["code"], problem["field"]) == ("field_not_allowed", "keep_higher_limits")
    assert world.subscription(shop)["limits_kept_from"] == []
