"""Many who use the same thing at once: each unit is used once, and what is recorded adds up."""

from collections import Counter as Tally
from functools import partial
from typing import Any

import pytest
from django.test import Client

from tests.racing import together
from tests.usage.using import Shop
from tests.world import World
from usage.models import EventKey, UsageEvent

MANY = 20


def at_once(shop: Shop, *bodies: dict[str, Any], verb: str = "consume") -> Tally[str]:
    """Send uses at once, each on a connection of its own; count what they are answered."""

    def send(body: dict[str, Any]) -> str:
        world = World(Client(), token=shop.world.token)
        said = {"customer": "ada", "quantity": "1", **body}
        return str(world.post(f"entitlements/{verb}", **said)["result"])

    return Tally(together(*(lambda body=body: send(body) for body in bodies)))


def each(feature: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": f"use-{number}", "feature": feature, **more} for number in range(MANY)]


@pytest.mark.parametrize(
    ("feature", "used_before"), [("builds", 9), ("seeds", 4), ("exports", 2), ("projects", 2)]
)
def test_of_twenty_who_want_the_last_unit_one_gets_it(
    busy_shop: Shop, feature: str, used_before: int
) -> None:
    busy_shop.uses(feature, used_before, id="before")
    assert at_once(busy_shop, *each(feature)) == {"recorded": 1, "denied": MANY - 1}
    used, remaining, reason = busy_shop.stands(feature)
    assert (used, remaining, reason) == (str(used_before + 1), "0", "limit_reached")
    assert (UsageEvent.objects.count(), EventKey.objects.count()) == (2, 2)


@pytest.mark.parametrize("feature", ["builds", "exports", "projects"])
def test_the_first_use_of_a_window_can_be_many(busy_shop: Shop, feature: str) -> None:
    amount = int(str(busy_shop.world.check(feature, customer="ada")["value"]))
    assert at_once(busy_shop, *each(feature)) == {"recorded": amount, "denied": MANY - amount}
    assert busy_shop.stands(feature)[0] == str(amount)


@pytest.mark.parametrize("feature", ["pages", "exports", "projects"])
def test_one_identifier_counts_once(busy_shop: Shop, feature: str) -> None:
    same = [{"id": "one", "feature": feature}] * MANY
    assert at_once(busy_shop, *same) == {"recorded": 1, "repeated": MANY - 1}
    assert busy_shop.stands(feature)[0] == "1"


def test_one_identifier_of_the_last_unit_is_never_denied(busy_shop: Shop) -> None:
    busy_shop.uses("builds", 9)
    same = [{"id": "one", "feature": "builds"}] * MANY
    assert at_once(busy_shop, *same) == {"recorded": 1, "repeated": MANY - 1}


@pytest.mark.parametrize(("feature", "free"), [("builds", 3), ("seeds", 2), ("exports", 1)])
def test_whoever_reserves_and_whoever_uses_want_the_same_units(
    busy_shop: Shop, feature: str, free: int
) -> None:
    amount = int(str(busy_shop.world.check(feature, customer="ada")["value"]))
    busy_shop.uses(feature, amount - free)

    def use(number: int) -> str:
        shop = Shop(World(Client(), token=busy_shop.world.token))
        return str(shop.uses(feature, id=f"race-{number}")["result"])

    def hold(number: int) -> str:
        shop = Shop(World(Client(), token=busy_shop.world.token))
        return str(shop.reserves(feature, 1, id=f"hold-{number}")["result"])

    works = [partial(kind, number) for number in range(MANY // 2) for kind in (use, hold)]
    assert Tally(together(*works)) == {"recorded": free, "denied": MANY - free}
    assert busy_shop.stands(feature)[1:] == ("0", "limit_reached")


def test_a_reservation_is_finalized_once(busy_shop: Shop) -> None:
    busy_shop.reserves("builds", 5)

    def finalize(quantity: int) -> str:
        answer = Client().post(
            "/v1/entitlements/reservations/hold/finalize",
            {"quantity": str(quantity)},
            content_type="application/json",
            headers={"Authorization": f"Bearer {busy_shop.world.token}"},
        )
        return str(answer.json().get("result") or answer.json()["code"])

    answers = Tally(together(*(partial(finalize, 3 + number % 2) for number in range(MANY))))
    half = MANY // 2
    assert answers == {"recorded": 1, "repeated": half - 1, "reservation_over": half}
    assert busy_shop.stands("builds")[0] in ("3", "4")


def test_giving_back_at_once_never_goes_below_zero(busy_shop: Shop) -> None:
    busy_shop.reports({"customer": "ada", "feature": "projects", "level": "3"})
    same = [{"id": "one", "feature": "projects"}] * MANY
    assert at_once(busy_shop, *same, verb="release") == {"recorded": 1, "repeated": MANY - 1}
    assert busy_shop.stands("projects")[0] == "2"
