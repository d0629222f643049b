"""Two commands at once on one customer: one goes first, the other sees what it did."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from core import acting
from core.errors import DomainError
from plans import queries as catalog
from subscriptions import services
from subscriptions.models import Subscription, Term
from subscriptions.services.cancel import When
from tests.world import World


@pytest.fixture
def world(transactional_db: Any) -> Iterator[World]:
    made = World(Client())
    made.open()
    made.starts_on("2026-01-10")
    yield made
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


def test_subscribing_eight_times_at_once_makes_one_subscription(world: World) -> None:
    ada = world.customer("ada")
    plan = catalog.find_plan("r2_standard").id

    outcomes = at_once(
        *[lambda: services.subscribe(customer_id=ada, plan_id=plan) for _ in range(8)]
    )

    assert sorted(outcomes) == ["already_subscribed"] * 7 + ["ok"]
    assert Subscription.objects.filter(customer_id=ada, product__key="r2").count() == 1


def test_an_upgrade_and_a_cancellation_at_once_both_count_in_some_order(world: World) -> None:
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    subscription = world.subscription(shop)["id"]
    business = catalog.find_plan("business").id

    outcomes = at_once(
        lambda: services.change(subscription_id=subscription, plan_id=business),
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

    outcomes = at_once(
        *[lambda: services.cancel(subscription_id=subscription, when=When.NOW) for _ in range(2)]
    )

    assert sorted(outcomes) == ["ok", "subscription_ended"]
    assert Term.objects.filter(subscription_id=subscription).count() == 1
    assert world.events(ada).count("subscription.ended") == 1
