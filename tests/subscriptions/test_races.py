"""Several commands at once on one customer: one goes first, the others see what it did."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.db import connection
from django.test import Client

from core import acting, relay
from core.errors import DomainError
from core.models import Event
from plans import queries as catalog
from plans.terms import PauseMode
from subscriptions import services
from subscriptions.models import SpentTrial, Subscription, Term
from subscriptions.services import Order, Wanted
from subscriptions.services.cancel import When
from tests.world import World, instant


@pytest.fixture
def world(transactional_db: Any) -> Iterator[World]:
    made = World(Client())
    made.open()
    made.starts_on("2026-01-10")
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)


def at_once(*commands: Callable[[], Any]) -> list[str]:
    """Run commands in threads that start together; return ``ok`` or the error code of each."""
    gate = threading.Barrier(len(commands))
    outcomes = [""] * len(commands)

    def run(place: int, command: Callable[[], Any]) -> None:
        gate.wait()
        try:
            with acting.acting_as(f"test:{place}"):
                command()
            outcomes[place] = "ok"
        except DomainError as error:
            outcomes[place] = error.code
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(place, command))
        for place, command in enumerate(commands)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def plan_id(key: str) -> str:
    return str(catalog.find_plan(key).id)


def team_product(folder: Path) -> None:
    """Teams begin on Hobby; Crew has one trial of 14 days per customer, whichever team it is."""
    trial = {"days": 14, "ends": "free", "usage": "free", "scope": "customer"}
    flat = {"month": {"USD": {"base": {"model": "flat", "amount": "10.00"}}}}
    team = {"name": "Team", "scope": "subject", "subject_kind": "team", "exclusive": True}
    plan = {"product": "team", "publish": True}
    hobby = {**plan, "name": "Hobby", "rank": 0, "prices": {"month": {}}}
    crew = {**plan, "name": "Crew", "rank": 1, "prices": flat, "trial": trial}
    document = {
        "products": {"team": {**team, "features": ["waf_regex"], "default_plan": "hobby"}},
        "plans": {
            "hobby": {**hobby, "features": {"waf_regex": False}},
            "crew": {**crew, "features": {"waf_regex": True}},
        },
    }
    file = folder / "team.yaml"
    file.write_text(yaml.safe_dump(document))
    call_command("catalog", "apply", str(file), verbosity=0)


def test_subscribing_eight_times_at_once_makes_one_subscription(world: World) -> None:
    ada = world.customer("ada")
    order = Order(plan_id("r2_standard"))

    outcomes = at_once(*[lambda: services.subscribe(customer_id=ada, order=order)] * 8)

    assert sorted(outcomes) == ["already_subscribed"] * 7 + ["ok"]
    assert Subscription.objects.filter(customer_id=ada, product__key="r2").count() == 1
    assert Term.objects.filter(subscription__product__key="r2").count() == 1


def test_an_upgrade_and_a_cancellation_at_once_both_count_in_some_order(world: World) -> None:
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    subscription = world.subscription(shop)["id"]
    business = Wanted(plan_id("business"))

    outcomes = at_once(
        lambda: services.change(subscription_id=subscription, wanted=business),
        lambda: services.cancel(subscription_id=subscription),
    )

    assert outcomes == ["ok", "ok"]
    now = world.subscription(shop)
    assert now["plan"] == "business"
    # the end survives only if it was announced after the upgrade, which takes away what was agreed
    told = world.events(now["customer"])
    changed = len(told) - told[::-1].index("subscription.changed")
    ended = len(told) - told[::-1].index("subscription.scheduled")
    assert [each["kind"] for each in now["pending"]] == (["end"] if ended > changed else [])


def test_two_ends_at_once_end_it_once(world: World) -> None:
    ada = world.customer("ada")
    made = world.post("subscriptions", status=201, customer=ada, plan="r2_standard")
    subscription = made["resource"]["id"]

    outcomes = at_once(*[lambda: services.cancel(subscription_id=subscription, when=When.NOW)] * 2)

    assert sorted(outcomes) == ["ok", "subscription_ended"]
    assert Term.objects.standing().filter(subscription_id=subscription).count() == 1
    assert world.events(ada).count("subscription.ended") == 1


def test_of_many_teams_that_ask_at_once_one_gets_the_customers_trial(
    world: World, tmp_path: Path
) -> None:
    team_product(tmp_path)
    ada = world.customer("ada")
    crews = [
        world.post(f"customers/{ada}/subjects", status=201, key=f"crew-{each}", kind="team")
        for each in range(4)
    ]
    subscriptions = [world.subscription(each["resource"]["id"])["id"] for each in crews]
    crew = Wanted(plan_id("crew"))

    def upgrade(subscription: str) -> Callable[[], Any]:
        return lambda: services.change(subscription_id=subscription, wanted=crew)

    assert at_once(*[upgrade(each) for each in subscriptions]) == ["ok"] * 4

    states = Subscription.objects.filter(pk__in=subscriptions).values_list("state", flat=True)
    assert sorted(states) == ["active", "active", "active", "trialing"]
    spent = SpentTrial.objects.get()
    assert (str(spent.customer_id), spent.subject_id) == (ada, None)
    assert Subscription.objects.get(state="trialing").id == spent.subscription_id


def test_pausing_from_everywhere_at_once_pauses_once(world: World) -> None:
    shop = world.zone(world.customer("ada"))
    subscription = world.change(shop, "pro")["resource"]["id"]

    outcomes = at_once(
        *[lambda: services.pause(subscription_id=subscription, mode=PauseMode.EXTEND)] * 4
    )

    assert outcomes == ["ok"] * 4
    assert Event.objects.filter(type="subscription.paused").count() == 1
    assert world.subscription(shop)["state"] == "paused"


def test_a_command_during_an_advance_is_refused_or_dated_where_the_clock_stands(
    world: World,
) -> None:
    ada = world.customer("ada")
    shop = world.zone(ada)
    subscription = world.change(shop, "pro")["resource"]["id"]
    world.post(f"test-clocks/{world.clock_id}/advance", status=202, to=instant("2026-07-10"))
    refused = []

    def until_it_is_done() -> None:
        for _ in range(10_000):
            try:
                services.change(subscription_id=subscription, wanted=Wanted(plan_id("business")))
            except DomainError as error:
                refused.append(error.code)
            else:
                return

    assert at_once(relay.drain, until_it_is_done) == ["ok", "ok"]

    assert set(refused) <= {"clock_advancing"}
    (up,) = Event.objects.filter(type="subscription.changed", data__plan="business")
    assert f"{up.occurred_at:%Y-%m-%d}" == "2026-07-10"
    renewed = Event.objects.filter(type="subscription.renewed", data__subscription=subscription)
    assert [f"{each.occurred_at:%m-%d}" for each in renewed.order_by("sequence")] == [
        "02-10", "03-10", "04-10", "05-10", "06-10", "07-10",
    ]  # fmt: skip
    now = world.subscription(shop)
    assert (now["plan"], now["period_end"]) == ("business", "2026-08-10T00:00:00Z")


def test_resuming_and_canceling_at_once_leaves_one_of_both_orders(world: World) -> None:
    shop = world.zone(world.customer("ada"))
    subscription = world.change(shop, "pro")["resource"]["id"]
    services.pause(subscription_id=subscription, mode=PauseMode.EXTEND)
    world.advance_to("2026-01-20")

    outcomes = at_once(
        lambda: services.resume(subscription_id=subscription),
        lambda: services.cancel(subscription_id=subscription),
    )

    assert outcomes == ["ok", "ok"]
    now = world.subscription(shop)
    (end,) = now["pending"]
    # either way: resumed, and ending with a period that is ten days longer
    assert (now["state"], now["period_end"]) == ("active", "2026-02-20T00:00:00Z")
    assert (end["kind"], end["effective_at"]) == ("end", "2026-02-20T00:00:00Z")
