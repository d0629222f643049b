"""The past of the open period can be corrected; what came later is carried along."""

from typing import Any

import pytest

from core.principals import Scope
from tests.conftest import MachineTime
from tests.scenarios.club import PRICES, Club, period, short
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def story(club: Club) -> list[tuple[str | None, str, int]]:
    return [
        (short(each["starts_at"]), each["plan"], each["quantity"])
        for each in club.timeline()
        if not each["agreed"]
    ]


def test_a_change_of_the_past_goes_through_what_came_later(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_team", quantity=3)
    world.advance_to("2026-01-20")
    club.do("change", quantity=5)
    world.advance_to("2026-01-25")

    # since the 15th it was 4: the 5 since the 20th stay
    late = club.do("change", quantity=4, effective_at="2026-01-15T00:00:00Z")
    assert late["parts"][0]["effective_at"] == "2026-01-15T00:00:00Z"
    assert late["decision"]["rule"] == "override"
    assert story(club) == [
        ("2026-01-10", "club_team", 3),
        ("2026-01-15", "club_team", 4),
        ("2026-01-20", "club_team", 5),
    ]
    assert late["changes"] == []

    # and it was Gold since the 12th: the plan goes through, the numbers stay where they can
    club.do("change", plan="club_gold", effective_at="2026-01-12T00:00:00Z")
    assert story(club) == [
        ("2026-01-10", "club_team", 3),
        ("2026-01-12", "club_gold", 1),
        ("2026-01-15", "club_gold", 1),
        ("2026-01-20", "club_gold", 1),
    ]
    assert (club.now()["plan"], period(club.now())) == ("club_gold", ("2026-01-10", "2026-02-10"))
    assert club.value() == "100"


def test_the_order_of_corrections_does_not_matter(world: World) -> None:
    steps: list[dict[str, Any]] = [
        {"plan": "club_team", "quantity": 3, "effective_at": "2026-01-12T00:00:00Z"},
        {"quantity": 7, "effective_at": "2026-01-16T00:00:00Z"},
        {"add_ons": {"club_guest": 2}, "effective_at": "2026-01-14T00:00:00Z"},
    ]
    orders = [(0, 1, 2), (0, 2, 1), (2, 0, 1)]
    found = []
    club = Club(world, "2026-01-10")
    for place in range(len(orders)):
        club.id = club.another(f"club-{place}")
        club.subscription = world.subscription(club.id)["id"]
        club.on("club_basic")
    world.advance_to("2026-01-20")
    for place, order in enumerate(orders):
        rows = world.get("subscriptions", subject=f"club-{place}")["data"]
        club.subscription = rows[0]["id"]
        for step in order:
            club.do("change", **steps[step])
        found.append(
            [
                (each["starts_at"], each["plan"], each["quantity"], each["add_ons"])
                for each in club.timeline()
            ]
        )
    assert found[0] == found[1] == found[2]
    assert [each[1:] for each in found[0]] == [
        ("club_basic", 1, {}),
        ("club_team", 3, {}),
        ("club_team", 3, {"club_guest": 2}),
        ("club_team", 7, {"club_guest": 2}),
    ]


def test_what_was_known_before_a_correction_can_still_be_told(
    world: World, machine_time: MachineTime
) -> None:
    world.token = world.token_for(list(Scope))
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    world.advance_to("2026-01-20")
    before = machine_time.now.isoformat().replace("+00:00", "Z")
    machine_time.passes(seconds=60)
    club.do("change", plan="club_gold", effective_at="2026-01-15T00:00:00Z")

    assert club.net() == 31.00 + 26.00  # a dollar more a day since the 15th
    assert club.at("2026-01-16")["plan"] == "club_gold"
    assert club.at("2026-01-14")["plan"] == "club_basic"
    assert club.at("2026-01-16", known_at=before)["plan"] == "club_basic"
    assert [each["plan"] for each in club.timeline(known_at=before)] == ["club_basic"]
    assert [each["plan"] for each in club.timeline()] == ["club_basic", "club_gold"]


def test_only_the_open_period_can_be_corrected(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    world.advance_to("2026-02-12")
    assert (
        club.refused("change", 409, plan="club_gold", effective_at="2026-02-09T23:59:59Z")
        == "period_closed"
    )
    same = {"plan": "club_basic", "effective_at": "2026-02-11T00:00:00Z"}
    assert club.refused("change", 409, **same) == "nothing_to_change"
    club.do("change", plan="club_gold", effective_at="2026-02-10T00:00:00Z")
    assert period(club.now()) == ("2026-02-10", "2026-03-10")
    # a date ahead is agreed
    ahead = club.do("change", plan="club_basic", effective_at="2026-02-20T00:00:00Z")
    assert ahead["resource"]["pending"][0]["effective_at"] == "2026-02-20T00:00:00Z"
    both = {"plan": "club_basic", "timing": "now", "effective_at": "2026-02-11T00:00:00Z"}
    assert club.do("change", status=400, **both)["status"] == 400


def test_an_end_in_the_past_puts_aside_what_came_later(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    world.advance_to("2026-01-20")
    club.on("club_gold")
    world.advance_to("2026-01-25")
    ended = club.do("cancel", access_end="2026-01-15T00:00:00Z")["resource"]
    assert (ended["plan"], ended["state"]) == ("club_free", "active")
    assert [(short(each["starts_at"]), each["plan"]) for each in club.timeline()] == [
        ("2026-01-10", "club_basic"),
        ("2026-01-15", "club_free"),
    ]
    assert club.refused("cancel", 409) == "already_on_fallback"

    towels = world.post("subscriptions", status=201, customer="ada", plan="towels")["resource"]
    world.advance_to("2026-01-30")
    gone = world.post(f"subscriptions/{towels['id']}/cancel", access_end="2026-01-27T00:00:00Z")
    assert (gone["resource"]["state"], short(gone["resource"]["ended_at"])) == (
        "canceled",
        "2026-01-27",
    )
    early = world.post("subscriptions", status=201, customer="ada", plan="towels")["resource"]
    refused = world.post(
        f"subscriptions/{early['id']}/cancel", status=409, access_end="2026-01-27T00:00:00Z"
    )
    assert refused["code"] == "period_closed"
