"""What each product service should hold: through the API, in the customer's time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import Event
from core.transactions import unit_of_work
from customers import turns
from entitlements.models import Timeline
from provisioning import services
from provisioning.invariants import INVARIANTS
from provisioning.models import Target
from provisioning.services import planning
from tests.provisioning.conftest import Provisioning
from tests.racing import Gate, start, wait_until_blocked
from tests.world import World


@pytest.fixture
def edge(provisioning: Provisioning) -> Any:
    """A sandbox service that is configured and never called."""
    server = provisioning.sample()
    provisioning.configure(server, "edge", sandbox=True)
    provisioning.configure(server, "desk", sandbox=True)
    return server


def rules(value: int, until: str | None = None) -> dict[str, Any]:
    return {"rules": {"type": "limit", "value": value, "until": until, "trim": False}}


def test_a_target_begins_with_the_first_entitlement(
    world: World, provisioning: Provisioning, edge: Any
) -> None:
    ada = world.customer()
    assert not Target.objects.exists()
    assert world.get(f"customers/{ada}/provisioning")["data"] == []

    made = world.post(f"customers/{ada}/subjects", status=201, key="shop", kind="zone")
    assert made["provisioning"] == {"targets": 1, "status": "pending"}
    target = Target.objects.get()
    assert (target.customer_id, target.subject_id) == (ada, made["resource"]["id"])
    assert (target.desired_generation, target.state) == (1, "active")
    assert target.desired_content["entitlements"] == rules(5)


def test_the_generation_counts_what_changed_and_there_and_back_is_two(
    world: World, provisioning: Provisioning, edge: Any
) -> None:
    shop = world.zone(world.customer())
    first = provisioning.target(shop)
    world.change(shop, "pro")
    second = provisioning.target(shop)
    world.change(shop, "free", timing="now")
    third = provisioning.target(shop)
    assert [each.desired_generation for each in (first, second, third)] == [1, 2, 3]
    assert first.desired_hash == third.desired_hash != second.desired_hash


def test_a_renewal_and_a_change_of_value_for_later_send_nothing(
    world: World, provisioning: Provisioning, edge: Any
) -> None:
    world.starts_on("2026-01-31")
    shop = world.zone(world.customer())
    world.change(shop, "business")
    world.advance_to("2026-02-28")
    assert provisioning.target(shop).desired_generation == 2

    world.change(shop, "pro")  # from 31 March on
    assert provisioning.target(shop).desired_generation == 2
    assert provisioning.target(shop).desired_content["entitlements"] == rules(100)
    world.advance_to("2026-03-31")
    assert provisioning.target(shop).desired_generation == 3
    assert provisioning.target(shop).desired_content["entitlements"] == rules(20)


def test_an_end_agreed_for_later_is_told_at_once_and_taken_back(
    world: World, provisioning: Provisioning, edge: Any
) -> None:
    world.starts_on("2026-01-31")
    ada = world.customer()
    pack = world.post("subscriptions", status=201, customer=ada, plan="pack")["resource"]
    world.post(f"subscriptions/{pack['id']}/cancel")
    target = provisioning.target(ada, "desk")
    assert target.desired_generation == 2
    assert target.desired_content["entitlements"]["seats"]["until"] == "2026-02-28T00:00:00Z"

    world.post(f"subscriptions/{pack['id']}/uncancel")
    assert provisioning.target(ada, "desk").desired_generation == 3
    assert (
        provisioning.target(ada, "desk").desired_content["entitlements"]["seats"]["until"] is None
    )


def test_with_nothing_left_an_owner_is_suspended_until_its_grace_is_over(
    world: World, provisioning: Provisioning, edge: Any
) -> None:
    world.put(
        "product-services/desk",
        url=f"http://127.0.0.1:{edge.server_address[1]}",
        sandbox=True,
        grace_days=10,
    )
    world.starts_on("2026-01-31")
    ada = world.customer()
    pack = world.post("subscriptions", status=201, customer=ada, plan="pack")["resource"]
    world.post(f"subscriptions/{pack['id']}/cancel")
    world.advance_to("2026-02-28")

    target = provisioning.target(ada, "desk")
    assert target.state == "suspended"
    assert target.desired_content["entitlements"] == {}
    assert target.desired_content["delete_after"] == "2026-03-10T00:00:00Z"

    # looked at again and again, the date stays; bought again, it is gone
    world.advance_to("2026-03-05")
    services.plan_targets([])
    assert provisioning.target(ada, "desk").desired_generation == target.desired_generation
    world.post("subscriptions", status=201, customer=ada, plan="pack")
    assert provisioning.target(ada, "desk").state == "active"
    assert provisioning.target(ada, "desk").desired_content["delete_after"] is None


def test_an_ended_subject_leaves_a_tombstone_and_a_closed_customer_several(
    world: World, provisioning: Provisioning, edge: Any
) -> None:
    ada = world.customer()
    shop, blog = world.zone(ada, key="shop"), world.zone(ada, key="blog")
    world.post("subscriptions", status=201, customer=ada, plan="pack")

    world.delete(f"customers/{ada}/subjects/{shop}")
    assert provisioning.target(shop).state == "deleted"
    assert provisioning.target(shop).desired_content == {
        "customer": ada,
        "subject": shop,
        "state": "deleted",
        "delete_after": None,
        "entitlements": {},
        "blocks": [],
    }
    assert provisioning.target(blog).state == "active"

    world.delete(f"customers/{ada}")
    assert {each.state for each in Target.objects.all()} == {"deleted"}
    provisioning.deliver()
    assert {each.document.state for each in edge.store.all()} == {"deleted"}


def test_customers_on_a_test_clock_are_only_told_to_sandbox_services(
    world: World, provisioning: Provisioning
) -> None:
    server = provisioning.sample()
    provisioning.configure(server, "edge", sandbox=False)
    live = world.zone(world.customer("live"))
    world.starts_on("2026-01-31")
    ada = world.customer("ada")
    shop = world.zone(ada)
    assert set(Target.objects.values_list("subject_id", flat=True)) == {live}

    # marked as a sandbox it gets them all, and unmarked they are suspended there
    world.call("PATCH", "product-services/edge", status=200, body={"sandbox": True})
    world.settle()
    assert provisioning.target(shop).state == "active"
    world.call("PATCH", "product-services/edge", status=200, body={"sandbox": False})
    world.settle()
    assert provisioning.target(shop).state == "suspended"
    assert provisioning.target(live).desired_generation == 1


def test_a_service_that_comes_later_gets_all_owners_in_batches_and_goes_on_where_it_stopped(
    world: World, provisioning: Provisioning, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = world.customer()
    for number in range(7):
        world.zone(ada, key=f"zone-{number}")
    monkeypatch.setattr(planning, "OWNERS_PER_BATCH", 3)
    batches: list[int] = []
    plan = planning._plan

    def plan_twice(looked_at: Any, configured: Any) -> None:
        if len(batches) == 2:
            batches.append(-1)
            raise KeyboardInterrupt  # the worker is killed in its third batch
        batches.append(len(looked_at))
        plan(looked_at, configured)

    with monkeypatch.context() as killed:
        killed.setattr(planning, "_plan", plan_twice)
        with pytest.raises(KeyboardInterrupt):
            provisioning.configure(provisioning.sample())
    assert batches == [3, 3, -1]
    assert Target.objects.count() == 6
    assert provisioning.configuration().planned_through is not None

    services.replan_service([])
    assert Target.objects.count() == 7
    assert provisioning.configuration().planning_since is None


def test_an_owner_that_cannot_be_planned_keeps_no_other_from_it(
    world: World, provisioning: Provisioning, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = world.customer()
    zones = [world.zone(ada, key=f"zone-{number}") for number in range(5)]
    plan = planning._plan

    def fails_for_one(looked_at: Any, configured: Any) -> None:
        if any(each.owner.subject_id == zones[2] for each in looked_at):
            raise ValueError("poison")
        plan(looked_at, configured)

    monkeypatch.setattr(planning, "_plan", fails_for_one)
    provisioning.configure(provisioning.sample())
    monkeypatch.undo()
    planned = set(Target.objects.values_list("subject_id", flat=True))
    assert planned == {*zones} - {zones[2]}

    # it is named by the invariants, and right again with its next change
    found = {each.name: list(each.find()) for each in INVARIANTS}
    assert found["documents_are_what_timelines_say"] == [f"edge:{zones[2]}"]
    world.change(zones[2], "pro")
    assert provisioning.target(zones[2]).desired_generation == 1


def test_a_service_that_appears_while_somebody_plans_misses_no_owner(
    world: World, provisioning: Provisioning, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = world.customer()
    gate = Gate()
    looks = planning.looks

    def held_up(at: Any) -> Any:
        gate.pass_through()
        return looks(at)

    with monkeypatch.context() as held:
        held.setattr(planning, "looks", held_up)
        planner = start(lambda: world.zone(ada))
        gate.wait_until_reached()
    configuring = start(lambda: provisioning.configure(provisioning.sample()))
    wait_until_blocked()
    gate.open()
    shop = planner.result(20)
    configuring.result(20)
    assert provisioning.target(shop).desired_generation == 1


def test_planning_takes_the_same_number_of_queries_for_one_owner_and_for_many(
    world: World, provisioning: Provisioning, edge: Any
) -> None:
    def queries(number: int) -> int:
        ada = world.customer(f"of-{number}")
        zones = [{"key": f"zone-{place}", "kind": "zone"} for place in range(number)]
        path = f"customers/{ada}/subjects/bulk"
        with CaptureQueriesContext(
            connection,
        ) as seen:
            world.post(path, status=201, subjects=zones)
        assert Target.objects.filter(customer_id=ada).count() == number
        return len([each for each in seen if "provisioning_" in each["sql"]])

    assert queries(1) == queries(12)


def test_due_work_that_comes_late_does_not_bring_back_what_was_before(
    world: World, provisioning: Provisioning, edge: Any
) -> None:
    world.starts_on("2026-01-31")
    ada = world.customer()
    shop = world.zone(ada)
    world.change(shop, "business")
    world.advance_to("2026-02-10")
    world.change(shop, "pro", timing="now")
    before = provisioning.target(shop)

    late = _event_at("2026-02-01", ada, shop)
    with_history = Timeline.objects.get(subject_id=shop)
    assert with_history.starts_at > late.occurred_at
    unit_of_work(lambda: services.plan_targets([late]))
    assert provisioning.target(shop).desired_generation == before.desired_generation


def test_parked_customers_are_planned_too_when_a_service_appears(
    world: World, provisioning: Provisioning
) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    turns.park(customer_id=ada, error=ValueError("poison"))
    provisioning.configure(provisioning.sample())
    assert provisioning.target(shop).desired_generation == 1
    turns.unpark(customer_id=ada)


def _event_at(text: str, customer: str, subject: str) -> Any:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return Event(
        type="entitlements.changed", customer_id=customer, subject_id=subject, occurred_at=at
    )
