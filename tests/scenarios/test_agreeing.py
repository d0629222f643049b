"""What is agreed for later stays as it was agreed, and commands act on what the caller has seen."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from core.principals import Scope
from tests.conftest import MachineTime
from tests.world import EXAMPLES, World


def edited(path: Path, **parts: Any) -> str:
    """Write the price list with other ``{section: {key: {field: value}}}``."""
    document = yaml.safe_load((EXAMPLES / "catalog.yaml").read_text())
    for section, objects in parts.items():
        for key, fields in objects.items():
            for name, value in fields.items():
                whole = document[section][key]
                whole[name] = {**whole[name], **value} if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(document))
    return str(path)


def apply(file: str) -> None:
    call_command("catalog", "apply", file, verbosity=0)


def etag(world: World, path: str) -> str:
    headers = {"Authorization": f"Bearer {world.token}"}
    return str(world.client.get(f"/v1/{path}", headers=headers).headers["ETag"])


def test_a_command_acts_only_on_the_subscription_that_the_caller_has_seen(world: World) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    path = f"subscriptions/{world.subscription(shop)['id']}"
    desired = f"customers/ada/subjects/{shop}/products/zone"

    seen = etag(world, path)
    noted = {"metadata": {"cost_center": "4711"}}
    world.call("PATCH", path, status=200, body=noted, **{"If-Match": seen})
    for method, at, body in [
        ("PATCH", path, {"metadata": {}}),
        ("POST", f"{path}/change", {"plan": "pro"}),
        ("POST", f"{path}/cancel", {}),
        ("PUT", desired, {"plan": "pro"}),
    ]:
        stale = world.call(method, at, status=412, body=body, **{"If-Match": seen})
        assert stale["code"] == "precondition_failed"
    for method, at, body in [
        ("POST", f"{path}/change", {"plan": "pro"}),
        ("POST", f"{path}/cancel", {}),
        ("POST", f"{path}/uncancel", {}),
        ("PUT", desired, {"plan": "business"}),
    ]:
        world.call(method, at, status=200, body=body, **{"If-Match": etag(world, path)})
    assert world.subscription(shop)["plan"] == "business"

    # to take over the default free plan is to change it
    blog = world.zone("ada", "blog.example")
    seen = etag(world, f"subscriptions/{world.subscription(blog)['id']}")
    asked = {"customer": "ada", "subject": blog, "plan": "pro"}
    world.call("POST", "subscriptions", status=200, body=asked, **{"If-Match": seen})


def test_an_announced_end_leads_where_it_led_when_it_was_announced(
    world: World, tmp_path: Path
) -> None:
    world.starts_on("2027-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "business")
    subscription = world.subscription(shop)["id"]
    (end,) = world.post(f"subscriptions/{subscription}/cancel")["resource"]["pending"]
    assert (end["kind"], end["plan"], end["interval"]) == ("end", "free", "month")

    # the price list changes under it: another Free, another fallback, another policy
    apply(
        edited(
            tmp_path / "catalog.yaml",
            plans={"free": {"features": {"waf_custom_rules": 7}}},
            products={"zone": {"fallback_plan": "pro"}},
        )
    )
    call_command("check_invariants", verbosity=0)
    foretold = world.get(
        "customers/ada/entitlements/explain",
        subject=shop,
        feature="waf_custom_rules",
        at="2027-02-10T00:00:00Z",
    )
    world.advance_to("2027-02-10")

    assert world.subscription(shop)["plan"] == "free"
    assert world.check("waf_custom_rules", subject=shop)["value"] == "5"
    assert foretold["result"]["value"] == "5"
    # whoever cancels now is led to what there is now
    other = world.zone("ada", "blog.example")
    world.change(other, "business")
    later = world.post(f"subscriptions/{world.subscription(other)['id']}/cancel")
    assert later["resource"]["pending"][0]["plan"] == "pro"


def test_wanting_what_a_cancellation_leads_to_does_nothing(world: World) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    canceled = world.post(f"subscriptions/{world.subscription(shop)['id']}/cancel")
    told = world.events(canceled["resource"]["customer"])

    same = world.put(f"customers/ada/subjects/{shop}/products/zone", plan="free")
    assert same["resource"]["pending"] == canceled["resource"]["pending"]
    assert (same["changes"], same["replaced"]) == ([], [])
    assert world.events(canceled["resource"]["customer"]) == told


def test_the_answer_says_that_something_is_pending_and_where_periods_count_from(
    world: World,
) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.advance_to("2026-01-20")

    def changes(answer: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        return {each["field"]: (each["before"], each["after"]) for each in answer["changes"]}

    paid = changes(world.change(shop, "pro"))
    assert paid["anchor"] == ("2026-01-10T00:00:00Z", "2026-01-20T00:00:00Z")
    agreed = world.change(shop, "free")
    (pending,) = agreed["resource"]["pending"]
    assert changes(agreed) == {"pending": ([], [pending["id"]])}
    assert changes(world.change(shop, "business"))["pending"] == ([pending["id"]], [])

    r2 = world.post("subscriptions", status=201, customer="ada", plan="r2_standard")["resource"]
    gone = world.post(f"subscriptions/{r2['id']}/cancel", when="now", reason="asked for")
    assert changes(gone) == {
        "state": ("active", "canceled"),
        "ended_at": (None, "2026-01-20T00:00:00Z"),
    }


def test_many_changes_at_one_instant_leave_one_open_period(world: World) -> None:
    world.starts_on("2026-01-31")
    shop = world.zone(world.customer("ada"))
    for _ in range(3):
        world.change(shop, "pro", interval="month", timing="now")
        world.change(shop, "pro", interval="year", timing="now")
        world.change(shop, "business", interval="month", timing="now")
        world.change(shop, "free", timing="now")
    world.change(shop, "pro")

    world.advance_to("2026-03-31")
    now = world.subscription(shop)
    assert (now["period_start"], now["period_end"]) == (
        "2026-03-31T00:00:00Z",
        "2026-04-30T00:00:00Z",
    )


def test_a_paid_month_shares_its_date_whatever_becomes_of_the_catalog(
    world: World, tmp_path: Path
) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")

    apply(edited(tmp_path / "catalog.yaml", products={"zone": {"co_terms": False}}))
    call_command("check_invariants", verbosity=0)
    assert world.get("customers/ada")["billing_anchor"] == "2026-01-10T00:00:00Z"

    # a product that does not co-term begins on its own day
    world.advance_to("2026-01-20")
    blog = world.zone("ada", "blog.example")
    world.change(blog, "pro")
    assert world.subscription(blog)["period_end"] == "2026-02-20T00:00:00Z"


def test_a_default_plan_for_other_subjects_is_nobody_elses_concern(
    world: World, tmp_path: Path
) -> None:
    world.starts_on("2026-01-10")
    trial = {"days": 14, "ends": "free", "usage": "free", "scope": "subject"}
    team = {"name": "Team", "scope": "subject", "subject_kind": "team", "exclusive": True}
    product = {**team, "features": ["waf_regex"], "default_plan": "crew", "fallback_plan": "hobby"}
    flat = {"month": {"USD": {"base": {"model": "flat", "amount": "10.00"}}}}
    plan = {"product": "team", "publish": True}
    hobby = {**plan, "name": "Hobby", "rank": 0, "prices": {"month": {}}}
    crew = {**plan, "name": "Crew", "rank": 1, "prices": flat, "trial": trial}
    document = {
        "products": {"team": product},
        "plans": {
            "hobby": {**hobby, "features": {"waf_regex": False}},
            "crew": {**crew, "features": {"waf_regex": True}},
        },
    }
    (tmp_path / "team.yaml").write_text(yaml.safe_dump(document))
    apply(str(tmp_path / "team.yaml"))
    ada = world.customer("ada")

    # zones are not teams; a team begins with the trial that its default plan has
    assert world.subscription(world.zone(ada))["plan"] == "free"
    made = world.post(f"customers/{ada}/subjects", status=201, key="crew", kind="team")
    crew_id = made["resource"]["id"]
    tried = world.subscription(crew_id)
    assert (tried["plan"], tried["state"]) == ("crew", "trialing")
    assert world.check("waf_regex", subject=crew_id)["allowed"] is True

    # 24 January, after 14 days: on the fallback, and the next trial is another team's
    world.advance_to("2026-01-23T23:59:59")
    assert world.subscription(crew_id)["state"] == "trialing"
    world.advance_to("2026-01-24")
    fallen = world.subscription(crew_id)
    assert (fallen["id"], fallen["plan"], fallen["state"]) == (tried["id"], "hobby", "active")
    assert world.check("waf_regex", subject=crew_id)["allowed"] is False
    again = world.change(crew_id, "crew")["resource"]
    assert (again["state"], again["period_end"]) == ("active", "2026-02-24T00:00:00Z")
    made = world.post(f"customers/{ada}/subjects", status=201, key="other-crew", kind="team")
    assert world.subscription(made["resource"]["id"])["state"] == "trialing"


def test_what_is_sold_once_has_no_periods_to_subscribe_to(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fee = {"once": {"USD": {"base": {"model": "flat", "amount": "99.00"}}}}
    lasting = {"name": "Lasting", "product": "r2", "rank": 5, "prices": fee, "publish": True}
    features = yaml.safe_load((EXAMPLES / "catalog.yaml").read_text())["plans"]["r2_standard"]
    document = {"plans": {"r2_lasting": {**lasting, "features": features["features"]}}}
    (tmp_path / "once.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(CommandError, match="nothing was changed"):
        apply(str(tmp_path / "once.yaml"))
    assert "nothing is sold once" in capsys.readouterr().err

    body = {"customer": world.customer("ada"), "plan": "r2_standard", "interval": "once"}
    assert world.post("subscriptions", status=422, **body)["code"] == "interval_not_sold"


def test_an_upgrade_after_missed_period_ends_comes_after_the_renewals(
    world: World, machine_time: MachineTime
) -> None:
    world.token = world.token_for(list(Scope))
    shop = world.zone(world.customer("ada"))  # 1 March, noon, in real time
    world.change(shop, "pro")
    machine_time.passes(days=75)  # nobody works until 15 May
    world.token = world.token_for(list(Scope))

    up = world.change(shop, "business")["resource"]
    assert (up["period_start"], up["period_end"]) == (
        "2026-05-01T12:00:00Z",
        "2026-06-01T12:00:00Z",
    )
    told = [
        (each["type"], each["occurred_at"])
        for each in reversed(world.get("customers/ada/timeline", subject=shop)["data"])
        if each["type"] != "charge.created"
    ]
    assert told[-4:] == [
        ("subscription.renewed", "2026-04-01T12:00:00Z"),
        ("subscription.renewed", "2026-05-01T12:00:00Z"),
        ("subscription.changed", "2026-05-15T12:00:00Z"),
        ("entitlements.changed", "2026-05-15T12:00:00Z"),
    ]


def test_more_missed_work_than_a_request_may_do_is_said(
    world: World, machine_time: MachineTime
) -> None:
    world.token = world.token_for(list(Scope))
    shop = world.zone(world.customer("ada"))
    path = f"subscriptions/{world.subscription(shop)['id']}/change"
    machine_time.passes(days=6 * 365)
    world.token = world.token_for(list(Scope))

    behind = world.post(path, status=503, plan="pro")
    assert behind["code"] == "catching_up"
    world.settle()
    world.post(path, plan="pro")
