"""Every process of a running platform is killed while plans change; afterwards all is as sold."""

import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from deploy.local.environment import PROJECT
from tests.bin.processes import wait_for
from tests.faults.api import Api
from tests.faults.machine import Machine
from tests.faults.migration import Migration
from tests.running import Launched, environment, running_platform

RULES = {"pro": "20", "business": "100"}
# A worker that is killed while it sends leaves its target leased for a minute.
CONVERGE_SECONDS = 90.0
# What happens before each of ten changes, while the product service hangs.
FAULTS = (
    "flush",
    "web",
    "worker",
    "flush",
    "beat",
    "relay",
    "postgresql",
    "worker",
    "relay",
    "flush",
)


@pytest.fixture
def platform() -> Iterator[Launched]:
    with running_platform() as launched:
        yield launched


@pytest.fixture
def api(platform: Launched) -> Iterator[Api]:
    asked = Api(platform.said)
    yield asked
    asked.close()


@pytest.mark.slow
def test_what_was_sold_is_held_whatever_was_killed(platform: Launched, api: Api) -> None:
    machine = Machine(platform)
    shop, blog, traveler = Zone(api, "shop"), Zone(api, "blog"), Traveler(api)
    migration = Migration(api)
    wait_for(lambda: not lagging(api), seconds=CONVERGE_SECONDS)

    # A delivery is under way to a service that hangs, and its workers die.
    machine.freeze("service-edge")
    shop.change("pro")
    wait_for(lambda: shop.target()["leased_until"] is not None)
    machine.kill("worker")
    machine.kill("relay")

    # Ten more changes, a customer's clock that is told to move, and a change set of sixty.
    traveler.advance()
    migration.begin()
    for number, fault in enumerate(FAULTS):
        if fault == "flush":
            machine.flush_broker()
        else:
            machine.kill(fault)
        zone = (blog, shop)[number % 2]
        zone.change("business" if zone.plan == "pro" else "pro")
    assert (shop.target()["applied"]["generation"], shop.generation) == (1, 7)
    assert (blog.target()["applied"]["generation"], blog.generation) == (1, 6)

    # The service dies as well. It is started again with what it had.
    machine.kill("service-edge")
    wait_for(lambda: not lagging(api), seconds=CONVERGE_SECONDS)
    wait_for(traveler.has_arrived, seconds=CONVERGE_SECONDS)
    wait_for(migration.is_done, seconds=CONVERGE_SECONDS)

    shop.assert_as_sold()
    blog.assert_as_sold()
    traveler.assert_arrived()
    migration.assert_each_was_moved_once()
    assert_held_is_desired(api, platform)
    assert max(api.statuses) < 500
    assert_invariants_hold(platform)

    # And all goes on as before.
    shop.change("business" if shop.plan == "pro" else "pro")
    wait_for(lambda: not lagging(api))
    shop.assert_as_sold()
    assert_held_is_desired(api, platform)


class Zone:
    """A zone of a customer of its own, and what it should have come to."""

    def __init__(self, api: Api, key: str) -> None:
        self._api = api
        self.customer = api.post("customers", key=key, currency="USD")["resource"]["id"]
        made = api.post(f"customers/{key}/subjects", kind="zone", key=f"{key}.example")
        self.id = made["resource"]["id"]
        (self._subscription,) = api.rows("subscriptions", subject=self.id)
        self.plan = "free"
        self.generation = 1

    def change(self, plan: str) -> None:
        """Take another plan at once, and see that the next check and document agree."""
        answer = self._api.post(
            f"subscriptions/{self._subscription['id']}/change", plan=plan, timing="now"
        )
        self.plan = plan
        self.generation += 1
        check = self._api.get(
            "entitlements/check",
            subject=self.id,
            feature="waf_custom_rules",
            at_least=answer["revision"],
        )
        assert (check["value"], check["reason"]) == (RULES[plan], "within_limit")
        assert self.target()["generation"] == self.generation

    def target(self) -> Any:
        (target,) = self._api.rows("provisioning/targets", subject=self.id)
        return target

    def assert_as_sold(self) -> None:
        target = self.target()
        assert target["generation"] == target["applied"]["generation"] == self.generation
        attempts = self._api.rows(f"provisioning/targets/{target['id']}/attempts")
        applied = [each["generation"] for each in attempts if each["outcome"] == "applied"]
        assert applied[0] == self.generation
        assert all(newer > older for newer, older in pairwise(applied))
        events = self._api.rows(f"customers/{self.customer}/timeline")
        assert [event["sequence"] for event in events] == list(range(len(events), 0, -1))
        changes = [event for event in events if event["type"] == "subscription.changed"]
        assert len(changes) == self.generation - 1


class Traveler:
    """A customer in January with a downgrade agreed on, whose clock moves on to April."""

    def __init__(self, api: Api) -> None:
        self._api = api
        clock = api.post("test-clocks", frozen_at="2026-01-31T00:00:00Z")
        self._clock = clock["resource"]["id"]
        api.post("customers", key="traveler", currency="USD", test_clock=self._clock)
        made = api.post("customers/traveler/subjects", kind="zone", key="traveler.example")
        self.id = made["resource"]["id"]
        (subscription,) = api.rows("subscriptions", subject=self.id)
        for plan in ("business", "pro"):
            api.post(f"subscriptions/{subscription['id']}/change", plan=plan)

    def advance(self) -> None:
        self._api.post(f"test-clocks/{self._clock}/advance", to="2026-04-30T00:00:00Z")

    def has_arrived(self) -> bool:
        clock = self._api.get(f"test-clocks/{self._clock}")
        return bool(clock["status"] == "ready")

    def assert_arrived(self) -> None:
        (subscription,) = self._api.rows("subscriptions", subject=self.id)
        assert (subscription["plan"], subscription["period_start"], subscription["period_end"]) == (
            "pro",
            "2026-04-30T00:00:00Z",
            "2026-05-31T00:00:00Z",
        )
        events = self._api.rows("customers/traveler/timeline", subject=self.id)
        moved = [
            (event["occurred_at"], event["type"])
            for event in reversed(events)
            if event["type"] in ("subscription.changed", "subscription.renewed")
        ]
        assert moved == [
            ("2026-01-31T00:00:00Z", "subscription.changed"),
            ("2026-02-28T00:00:00Z", "subscription.changed"),
            ("2026-03-31T00:00:00Z", "subscription.renewed"),
            ("2026-04-30T00:00:00Z", "subscription.renewed"),
        ]
        (target,) = self._api.rows("provisioning/targets", subject=self.id)
        assert target["generation"] == target["applied"]["generation"] == 3


def lagging(api: Api) -> list[Any]:
    return api.rows("provisioning/targets", lagging="true")


def assert_held_is_desired(api: Api, platform: Launched) -> None:
    """Every target of the platform, the demo's too: held, desired and applied are the same."""
    urls = re.findall(r"^  Sample product service \S+ +(http\S+)/$", platform.said, re.MULTILINE)
    answers = [httpx2.get(f"{url}/held", trust_env=False).raise_for_status() for url in urls]
    held = {
        each["target"]: (each["generation"], each["hash"])
        for answer in answers
        for each in answer.json()["data"]
    }
    targets = api.rows("provisioning/targets")
    assert held == {each["id"]: (each["generation"], each["hash"]) for each in targets}
    assert all(
        (each["applied"]["generation"], each["applied"]["hash"]) == held[each["id"]]
        for each in targets
    )


def assert_invariants_hold(platform: Launched) -> None:
    ran = subprocess.run(
        [PROJECT / "bin" / "manage", "check_invariants"],
        env=environment(platform.data),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.fullmatch(r"\d+ invariants hold\n", ran.stdout)
