"""Add-ons: what comes on top of a plan, and goes with it."""

import pytest

from core.principals import Scope
from tests.scenarios.club import PRICES, Club, pending
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def test_an_add_on_gives_its_own_quantity_now_and_less_of_it_at_renewal(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    own = world.token_for(
        [Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE], customer_id=club.customer
    )
    path = f"subscriptions/{club.subscription}/add-ons"
    body = {"add_on": "club_guest", "quantity": 2}
    added = world.call("POST", path, status=200, body=body, token=own)
    assert added["resource"]["add_ons"] == {"club_guest": 2}
    assert (added["parts"][0]["kind"], added["parts"][0]["rule"]) == ("add_on", "add_on_up")
    assert club.value("club_guests") == "2"

    fewer = club.do("add-ons", add_on="club_guest", quantity=1)
    assert fewer["resource"]["add_ons"] == {"club_guest": 2}
    assert [(each["add_on"], each["quantity"]) for each in fewer["resource"]["pending"]] == [
        ("club_guest", 1)
    ]
    world.advance_to("2026-02-10")
    assert (club.now()["add_ons"], club.value("club_guests")) == ({"club_guest": 1}, "1")

    gone = club.do("add-ons", add_on="club_guest", quantity=0)
    assert pending(gone["resource"]) == [("add_on", "2026-03-10")]
    world.advance_to("2026-03-10")
    assert (club.now()["add_ons"], club.value("club_guests")) == ({}, "0")


def test_an_add_on_that_the_new_plan_includes_or_does_not_know_ends_with_the_change(
    world: World,
) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic", add_ons={"club_guest": 2})
    gold = club.on("club_gold")["resource"]
    assert gold["add_ons"] == {}
    club.do("add-ons", add_on="club_pool")
    club.do("cancel", when="now", reason="asked for")
    assert club.now()["add_ons"] == {}


def test_what_cannot_be_had_is_refused_by_name(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_gold")
    refusals = [
        ({"add_on": "club_guest"}, 422, "add_on_included"),
        ({"add_on": "club_pool", "quantity": 2}, 422, "quantity_not_allowed"),
        ({"add_on": "club_sauna"}, 404, "add_on_not_found"),
        ({"add_on": "club_pool", "quantity": 0}, 409, "nothing_to_change"),
    ]
    for body, status, code in refusals:
        assert club.refused("add-ons", status, **body) == code
    club.on("club_basic", timing="now")
    assert club.refused("add-ons", 422, add_on="club_pool") == "add_on_not_available"
    assert club.refused("add-ons", 422, add_on="club_guest", quantity=6) == "quantity_not_allowed"
    assert club.do("add-ons", status=400, add_on="club_guest", quantity=-1)["status"] == 400
    assert club.now()["add_ons"] == {}
