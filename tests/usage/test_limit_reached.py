"""Reaching a limit or an allowance is worth an event: once each time."""

import pytest

from core.models import Event
from tests.usage.using import Shop


def reached(shop: Shop) -> list[tuple[str, str, str]]:
    rows = Event.objects.filter(type="usage.limit_reached").order_by("ordinal")
    return [(row.data["feature"], row.data["used"], row.data["value"]) for row in rows]


@pytest.mark.parametrize(("feature", "amount"), [("builds", 10), ("exports", 3), ("seeds", 5)])
def test_the_use_that_takes_the_last_unit_is_told_once(
    shop: Shop, feature: str, amount: int
) -> None:
    shop.uses(feature, amount - 1)
    assert reached(shop) == []
    shop.uses(feature, 1, id="last")
    shop.uses(feature, 1, id="last")
    shop.uses(feature, 1)
    assert reached(shop) == [(feature, str(amount), str(amount))]


def test_it_is_the_customers_event(shop: Shop) -> None:
    world = shop.world
    ada = world.get("customers/ada")["id"]
    zone = world.zone(ada, "ada.example")
    shop.uses("rules", 2, subject=zone)
    event = Event.objects.filter(customer_id=ada).latest("sequence")
    assert (event.type, event.subject_id) == ("usage.limit_reached", zone)
    assert f"{event.occurred_at:%Y-%m-%d %H:%M}" == "2025-01-01 12:00"
    assert event.data == {"owner": zone, "feature": "rules", "used": "2", "value": "2"}


def test_each_window_has_its_own(shop: Shop) -> None:
    shop.uses("builds", 10)
    shop.world.advance_to("2025-01-02")
    shop.uses("builds", 10)
    assert reached(shop) == [("builds", "10", "10")] * 2


def test_overage_begins_once(shop: Shop) -> None:
    for quantity in ("99.5", "5", "5"):
        shop.uses("minutes", quantity)
    assert reached(shop) == [("minutes", "104.5", "100")]


def test_things_that_are_given_back_and_made_again_reach_it_again(shop: Shop) -> None:
    shop.uses("projects", 3)
    shop.gives_back("projects", 1)
    shop.uses("projects", 1)
    assert reached(shop) == [("projects", "3", "3")] * 2


@pytest.mark.parametrize(("feature", "amount"), [("builds", 10), ("exports", 3)])
def test_what_is_reserved_counts_when_it_is_finalized(
    shop: Shop, feature: str, amount: int
) -> None:
    shop.reserves(feature, amount)
    assert reached(shop) == []
    shop.finalizes()
    shop.finalizes()
    assert reached(shop) == [(feature, str(amount), str(amount))]


def test_a_window_that_is_over_is_not_told_of(shop: Shop) -> None:
    shop.world.advance_to("2025-01-01T23:59:00")
    shop.reserves("builds", 10)
    shop.world.advance_to("2025-01-02T00:01:00")
    shop.finalizes()
    assert reached(shop) == []


def test_without_a_limit_there_is_nothing_to_reach(shop: Shop) -> None:
    shop.world.change(shop.world.get("customers/ada")["id"], "team")
    shop.uses("minutes", 1_000_000)
    assert reached(shop) == []
