"""Many subscriptions: previewed, approved, applied, paused, stopped and taken back by workers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from changes import services, working
from changes.models import ChangeSetItem
from changes.services import working as item_work
from core import acting, clock, ids
from core.models import Event
from core.principals import Scope
from tests.changes.conftest import Changes
from tests.changes.test_one_subscription import usd
from tests.racing import together

PRO = {"change": {"plan": "pro"}}
FREE_ZONES = {"plan": "free"}


@pytest.fixture
def zones(world: Changes) -> list[str]:
    """Five zones on Free, of two customers, on 10 January."""
    world.starts_on("2026-01-10")
    ada, bob = world.customer("ada"), world.customer("bob")
    return [
        *(world.zone(ada, f"{n}.ada.example") for n in range(3)),
        *(world.zone(bob, f"{n}.bob.example") for n in range(2)),
    ]


def plans(world: Changes, zones: list[str]) -> list[str]:
    return [world.subscription(each)["plan"] for each in zones]


def work_once() -> int:
    with acting.acting_as("system:relay"):
        return working.work()


def test_a_selection_is_previewed_approved_and_applied(world: Changes, zones: list[str]) -> None:
    made = world.select(PRO, selector=FREE_ZONES, reason="moved to Pro by agreement")

    assert (made["state"], made["customer"], made["item"]) == ("ready", None, None)
    assert made["items"]["previewed"] == 5
    assert [each["due_now"] for each in made["totals"]["money"]] == [usd(5 * 2500)]
    assert plans(world, zones) == ["free"] * 5

    # somebody has to approve it
    early = world.decide(made, "apply", status=409)
    assert early["code"] == "change_set_wrong_state"
    world.decide(made, "approve")
    assert world.decide(made, "apply")["state"] == "applying"
    world.settle()

    done = world.change_set(made)
    assert (done["state"], done["items"]["applied"]) == ("applied", 5)
    assert plans(world, zones) == ["pro"] * 5
    assert [world.charges(each) for each in zones] == [[("advance", 2500)]] * 5
    (changed, *_) = Event.objects.filter(subject_id=zones[0], type="subscription.changed")
    assert changed.reason == "moved to Pro by agreement"
    assert changed.actor.startswith("client:")


def test_what_is_selected_is_frozen_and_what_is_excluded_stays_out(
    world: Changes, zones: list[str]
) -> None:
    out = world.subscription(zones[1])["id"]
    selector = {**FREE_ZONES, "exclude": {"subscriptions": [out], "customers": ["bob"]}}
    made = world.post("change-sets", status=201, operations=[PRO], selector=selector)["resource"]
    late = world.zone("ada", "late.example")
    world.settle()

    items = world.items(made)
    assert [each["subject"] for each in items] == sorted(
        [zones[0], zones[2]], key=lambda each: world.subscription(each)["id"]
    )
    assert made["selector"] == selector
    assert world.subscription(late)["plan"] == "free"
    for each in ChangeSetItem.objects.filter(change_set=made["id"]):
        assert ids.decode(each.id, prefix="chi").version == 7


def test_a_stale_item_is_left_out_and_the_rest_goes_on(world: Changes, zones: list[str]) -> None:
    made = world.select(PRO, selector=FREE_ZONES)
    world.change(zones[3], "business")
    world.decide(made, "approve")
    world.decide(made, "apply")
    world.settle()

    done = world.change_set(made)
    assert (done["state"], done["items"]["applied"], done["items"]["stale"]) == (
        "partly_applied",
        4,
        1,
    )
    assert done["totals"]["problems"] == {"change_set_stale": 1}
    (stale,) = world.items(made, state="stale")
    assert (stale["subject"], stale["problem"]["code"]) == (zones[3], "change_set_stale")
    assert plans(world, zones) == ["pro", "pro", "pro", "business", "pro"]


def test_what_a_command_refuses_is_a_failed_item(world: Changes, zones: list[str]) -> None:
    world.change(zones[0], "pro")
    made = world.select(PRO, selector={"product": "zone"})

    assert (made["state"], made["items"]["previewed"], made["items"]["failed"]) == ("ready", 4, 1)
    (failed,) = world.items(made, problem="nothing_to_change")
    assert (failed["subject"], failed["preview"]) == (zones[0], None)
    world.decide(made, "discard")


def test_pause_go_on_and_stop(
    world: Changes, zones: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "BATCH", 2)
    made = world.select(PRO, selector=FREE_ZONES)
    world.decide(made, "approve")
    world.decide(made, "apply")

    assert work_once() == 2
    assert world.decide(made, "pause")["state"] == "paused"
    assert work_once() == 0
    assert world.change_set(made)["items"]["applied"] == 2
    assert world.decide(made, "apply")["state"] == "applying"
    assert work_once() == 2
    stopped = world.decide(made, "stop")
    assert (stopped["state"], stopped["items"]["applied"], stopped["items"]["skipped"]) == (
        "partly_applied",
        4,
        1,
    )
    assert work_once() == 0
    assert sorted(plans(world, zones)) == ["free", "pro", "pro", "pro", "pro"]


def test_all_or_nothing(world: Changes, zones: list[str]) -> None:
    made = world.select(PRO, selector=FREE_ZONES, all_or_nothing=True)
    other = world.select(PRO, selector=FREE_ZONES, all_or_nothing=True)
    for each in (made, other):
        world.decide(each, "approve")
    assert world.decide(made, "apply")["state"] == "applied"
    assert plans(world, zones) == ["pro"] * 5

    # the other one finds them changed: none of it is applied
    stale = world.decide(other, "apply", status=409)
    assert stale["code"] == "change_set_stale"
    assert world.change_set(other)["items"]["previewed"] == 5

    undo = world.post(f"change-sets/{made['id']}/undo", status=201)["resource"]
    world.settle()
    world.decide(undo, "approve")
    assert world.decide(undo, "apply")["state"] == "applied"
    assert plans(world, zones) == ["free"] * 5


def test_a_bulk_undo_leaves_out_what_has_changed_since(world: Changes, zones: list[str]) -> None:
    made = world.select(PRO, selector=FREE_ZONES)
    world.decide(made, "approve")
    world.decide(made, "apply")
    world.settle()
    world.change(zones[4], "business")

    undo = world.post(f"change-sets/{made['id']}/undo", status=201)["resource"]
    world.settle()
    assert (
        world.change_set(undo)["items"] | {"previewed": 4, "stale": 1}
        == (world.change_set(undo)["items"])
    )
    world.decide(undo, "approve")
    world.decide(undo, "apply")
    world.settle()
    assert plans(world, zones) == ["free", "free", "free", "free", "business"]
    items = world.change_set(made)["items"]
    assert (items["undone"], items["applied"]) == (4, 1)


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Put the machine's time forward, for leases."""
    real = clock.system_now

    def pass_by(how_long: timedelta) -> None:
        monkeypatch.setattr(clock, "system_now", lambda: real() + how_long)

    return pass_by


@pytest.mark.parametrize("verb", ["preview", "apply"])
def test_a_worker_that_dies_half_way_loses_and_doubles_nothing(
    world: Changes, zones: list[str], ahead: Callable[[timedelta], None], verb: str
) -> None:
    made = world.post("change-sets", status=201, operations=[PRO], selector=FREE_ZONES)["resource"]
    if verb == "apply":
        world.settle()
        world.decide(made, "approve")
        world.decide(made, "apply")

    # it takes all five, finishes two and is gone
    with acting.acting_as("system:changes"):
        taken = services.claim(change_set_id=made["id"], limit=20, now=clock.system_now())
        for item in taken[:2]:
            services.work_on([item])
    assert (len(taken), work_once()) == (5, 0)

    # its lease runs out; another worker goes on with the three
    ahead(timedelta(seconds=61))
    assert work_once() == 3
    # it was only slow: what it does now does not count any more
    with acting.acting_as("system:changes"):
        for item in taken[2:]:
            services.work_on([item])
    world.settle()
    if verb == "preview":
        world.decide(made, "approve")
        world.decide(made, "apply")
        world.settle()

    assert world.change_set(made)["state"] == "applied"
    assert [world.charges(each) for each in zones] == [[("advance", 2500)]] * 5
    assert Event.objects.filter(type="subscription.changed").count() == 5


def test_an_item_that_kills_its_workers_is_given_up(
    world: Changes, zones: list[str], ahead: Callable[[timedelta], None]
) -> None:
    made = world.post("change-sets", status=201, operations=[PRO], selector=FREE_ZONES)["resource"]
    for tries in range(item_work.MOST_ATTEMPTS):
        ahead(tries * timedelta(seconds=61))
        with acting.acting_as("system:changes"):
            (_,) = services.claim(change_set_id=made["id"], limit=1, now=clock.system_now())
    ahead(item_work.MOST_ATTEMPTS * timedelta(seconds=61))
    world.settle()

    shown = world.change_set(made)
    assert (shown["items"]["previewed"], shown["items"]["failed"]) == (4, 1)
    assert shown["totals"]["problems"] == {"worker_lost": 1}
    world.decide(made, "discard")


def test_many_workers_at_once_apply_each_item_once(world: Changes, zones: list[str]) -> None:
    made = world.select(PRO, selector=FREE_ZONES)
    world.decide(made, "approve")
    world.decide(made, "apply")

    def worker() -> int:
        total = 0
        while done := work_once():
            total += done
        return total

    assert sum(together(*[worker] * 4)) == 5
    world.settle()
    assert world.change_set(made)["state"] == "applied"
    assert [world.charges(each) for each in zones] == [[("advance", 2500)]] * 5


def test_two_who_apply_at_once_apply_once(world: Changes, zones: list[str]) -> None:
    made = world.preview(zones[0], PRO)

    def apply() -> str:
        return str(services.apply(change_set_id=made["id"]).state)

    assert together(apply, apply, apply) == ["applied"] * 3
    assert world.charges(zones[0]) == [("advance", 2500)]
    assert Event.objects.filter(subject_id=zones[0], type="subscription.changed").count() == 1


def test_a_version_is_migrated_but_for_those_excluded(world: Changes, zones: list[str]) -> None:
    for each in zones:
        world.change(each, "pro")
    version = world.subscription(zones[0])["plan_version"]
    business = world.get("plans/business")["id"]
    assert business
    selector = {
        "plan_version": version,
        "exclude": {"subscriptions": [world.subscription(zones[2])["id"]]},
    }
    made = world.select({"change": {"plan": "business"}}, selector=selector)
    world.decide(made, "approve")
    world.decide(made, "apply")
    world.settle()
    assert plans(world, zones) == ["business", "business", "pro", "business", "business"]


def test_who_may_do_what(world: Changes, zones: list[str]) -> None:
    made = world.select(PRO, selector=FREE_ZONES)
    writer = world.token_for(
        [Scope.CHANGES_READ, Scope.CHANGES_WRITE, Scope.SUBSCRIPTIONS_OVERRIDE]
    )
    path = f"change-sets/{made['id']}"
    refused = world.call("POST", f"{path}/approve", status=403, token=writer)
    assert (refused["code"], refused["scope"]) == ("scope_missing", "changes:approve")
    world.decide(made, "approve")
    world.call("POST", f"{path}/apply", status=200, token=writer)
    world.settle()

    # who may not override the policy does not carry out what somebody else may
    plain = world.token_for([Scope.CHANGES_READ, Scope.CHANGES_WRITE])
    staffs = world.preview(zones[0], {"change": {"plan": "business"}})
    refused = world.call("POST", f"change-sets/{staffs['id']}/apply", status=403, token=plain)
    assert refused["scope"] == "subscriptions:override"
    subscription = world.subscription(zones[0])["id"]
    body = {"subscription": subscription, "operations": [{"change": {"plan": "business"}}]}
    own = world.call("POST", "change-sets", status=201, body=body, token=plain)["resource"]
    world.call("POST", f"change-sets/{own['id']}/apply", status=200, token=plain)
    for operation in (
        {"change": {"plan": "pro", "timing": "now"}},
        {"cancel": {"when": "now"}},
    ):
        body = {"subscription": subscription, "operations": [operation]}
        problem = world.call("POST", "change-sets", status=403, body=body, token=plain)
        assert problem["code"] == "field_not_allowed"


def test_a_customer_sees_only_its_own(world: Changes, zones: list[str]) -> None:
    scopes = [Scope.CHANGES_READ, Scope.CHANGES_WRITE]
    hers = world.token_for(scopes, customer_id=world.get("customers/ada")["id"])
    his = world.preview(zones[4], PRO)
    bulk = world.select(PRO, selector=FREE_ZONES)

    for each in (his, bulk):
        for verb in ("", "/items"):
            missing = world.call("GET", f"change-sets/{each['id']}{verb}", status=404, token=hers)
            assert missing["code"] == "change_set_not_found"
        for verb in ("apply", "pause", "stop", "discard", "undo"):
            path = f"change-sets/{each['id']}/{verb}"
            assert world.call("POST", path, status=404, token=hers)["code"] == (
                "change_set_not_found"
            )

    def ask(**body: Any) -> dict[str, Any]:
        body = {"operations": [PRO], **body}
        return world.call("POST", "change-sets", status=body.pop("status"), body=body, token=hers)

    theirs = world.subscription(zones[4])["id"]
    assert ask(subscription=theirs, status=404)["code"] == "subscription_not_found"
    assert ask(selector=FREE_ZONES, status=403)["code"] == "limited_caller"
    mine = ask(subscription=world.subscription(zones[0])["id"], status=201)["resource"]
    assert (mine["created_by"], mine["reason"]) == (None, None)
    block = {"name": "abuse", "effects": ["access"], "internal_reason": "case 4711"}
    blocking = world.preview(zones[0], {"block": block})
    assert blocking["operations"] == [{"block": block}]
    (latest, first) = world.call("GET", "change-sets", status=200, token=hers)["data"]
    assert (latest["id"], first["id"]) == (blocking["id"], mine["id"])
    assert latest["operations"] == [{"block": {"name": "abuse", "effects": ["access"]}}]
    for each in (bulk, his):
        world.decide(each, "discard")


def test_a_selection_is_frozen_in_one_statement(world: Changes, zones: list[str]) -> None:
    inserts: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO changes_changesetitem" in sql:
            inserts.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        made = world.post("change-sets", status=201, operations=[PRO], selector=FREE_ZONES)
    assert len(inserts) == 1
    assert len(world.items(made["resource"])) == 5
    world.decide(made["resource"], "discard")


def test_nothing_or_too_much_selected(world: Changes, zones: list[str]) -> None:
    def refused(status: int, **body: Any) -> str:
        body = {"operations": [PRO], **body}
        return str(world.post("change-sets", status=status, **body)["code"])

    assert refused(422, selector={"plan": "business"}) == "nothing_selected"
    assert refused(404, selector={"plan": "gold"}) == "plan_not_found"
    assert refused(404, selector={"customer": "carl"}) == "customer_not_found"
    world.post(
        "customers/ada/subjects/bulk",
        status=201,
        subjects=[{"kind": "zone", "key": f"{n}.more.example"} for n in range(96)],
    )
    too_many = refused(422, selector=FREE_ZONES, all_or_nothing=True)
    assert too_many == "too_many_for_all_or_nothing"
    assert world.get("change-sets")["data"] == []
