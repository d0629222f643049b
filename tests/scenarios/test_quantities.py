"""How many: within what the plan allows, more at once and less at renewal."""

from typing import Any

import pytest

from tests.scenarios.club import PRICES, Club, pending, period
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def parts(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["kind"], each["timing"], each["rule"]) for each in answer["parts"]]


def test_more_acts_now_and_less_at_renewal(world: World) -> None:
    club = Club(world, "2026-01-10")
    assert club.on("club_team")["resource"]["quantity"] == 3  # what the plan says without a word
    world.advance_to("2026-01-20")

    more = club.do("change", quantity=5)
    assert (more["resource"]["quantity"], club.value()) == (5, "50")
    assert parts(more) == [("quantity", "now", "quantity_up")]
    assert more["decision"]["rule"] == "quantity_up"
    assert period(more["resource"]) == ("2026-01-10", "2026-02-10")
    assert club.net() == 30.00 + 13.55  # 2 x 10.00 x 21/31

    less = club.do("change", quantity=2)
    assert (less["resource"]["quantity"], pending(less["resource"])) == (
        5,
        [("quantity", "2026-02-10")],
    )
    assert less["resource"]["pending"][0]["quantity"] == 2
    assert parts(less) == [("quantity", "period_end", "quantity_down")]
    assert less["parts"][0]["effective_at"] == "2026-02-10T00:00:00Z"

    # a new one takes the place of what was agreed
    other = club.do("change", quantity=4)
    assert other["replaced"] == [less["resource"]["pending"][0]["id"]]
    world.advance_to("2026-02-10")
    assert (club.now()["quantity"], club.value(), club.now()["pending"]) == (4, "40", [])


def test_the_plan_says_how_many_may_be_had(world: World) -> None:
    club = Club(world, "2026-01-10")
    too_few = club.on("club_team", status=422, quantity=1)
    assert (too_few["code"], too_few["minimum"], too_few["maximum"]) == (
        "quantity_not_allowed",
        2,
        10,
    )
    club.on("club_team", quantity=10)
    assert club.refused("change", 422, quantity=11) == "quantity_not_allowed"
    assert club.refused("change", 409, quantity=10) == "nothing_to_change"
    # who falls back has as many as that plan gives
    club.do("cancel", when="now", reason="asked for")
    assert (club.now()["plan"], club.now()["quantity"]) == ("club_free", 1)


def test_several_things_at_once_each_happen_in_their_own_time(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic", add_ons={"club_guest": 2})
    world.advance_to("2026-01-20")

    # up in plan and number: both now; one guest less at renewal
    up = club.on("club_team", quantity=4, add_ons={"club_guest": 1})
    assert parts(up) == [
        ("plan", "now", "rank_up"),
        ("quantity", "now", "quantity_up"),
        ("add_on", "period_end", "add_on_down"),
    ]
    assert (up["resource"]["quantity"], up["resource"]["add_ons"]) == (4, {"club_guest": 2})
    assert [each["add_on"] for each in up["parts"]] == ["", "", "club_guest"]

    # down in plan for later: what only that plan gives comes with it, more of what is had comes now
    down = club.on("club_gold", add_ons={"club_pool": 1})
    assert parts(down) == [
        ("plan", "period_end", "rank_down"),
        ("add_on", "period_end", "rank_down"),
    ]
    assert down["resource"]["add_ons"] == {"club_guest": 2}
    world.advance_to("2026-02-10")
    now = club.now()
    assert (now["plan"], now["quantity"], now["add_ons"]) == ("club_gold", 1, {"club_pool": 1})


def test_a_new_period_is_a_renewal_for_less_as_well(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_team", quantity=6)
    world.advance_to("2026-01-20")
    yearly = club.do("change", interval="year", quantity=5)
    assert parts(yearly) == [
        ("plan", "now", "longer_interval"),
        ("quantity", "now", "quantity_down"),
    ]
    assert (yearly["resource"]["quantity"], period(yearly["resource"])) == (
        5,
        ("2026-01-20", "2027-01-20"),
    )


def test_less_moves_with_the_end_of_the_period(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_team", quantity=6)
    club.do("change", quantity=5)
    assert pending(club.now()) == [("quantity", "2026-02-10")]
    world.advance_to("2026-01-20")
    restarted = club.do("change", interval="year")["resource"]
    assert pending(restarted) == [("quantity", "2027-01-20")]


def test_an_immediate_change_takes_plan_and_end_away_and_leaves_the_others(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_team", quantity=6)
    club.do("change", quantity=5)
    club.on("club_basic")
    assert pending(club.now()) == [("quantity", "2026-02-10"), ("plan", "2026-02-10")]

    kept = club.on("club_gold", timing="now", keep_pending=True)["resource"]
    assert [each["kind"] for each in kept["pending"]] == ["quantity", "plan"]
    up = club.on("club_team")
    assert [each["kind"] for each in up["resource"]["pending"]] == ["quantity"]
    assert len(up["replaced"]) == 1

    # canceling supersedes what was agreed; a later change takes the place of the end
    canceled = club.do("cancel")
    assert pending(canceled["resource"]) == [("end", "2026-02-10")]
    assert len(canceled["replaced"]) == 1
    instead = club.on("club_basic")
    assert pending(instead["resource"]) == [("plan", "2026-02-10")]
    assert instead["replaced"] == [canceled["resource"]["pending"][0]["id"]]


def test_a_desired_state_says_how_many(world: World) -> None:
    club = Club(world, "2026-01-10")
    path = f"customers/ada/subjects/{club.id}/products/club"
    world.put(path, plan="club_team", quantity=4)
    told = club.told()
    assert world.put(path, plan="club_team", quantity=4)["changes"] == []
    agreed = world.put(path, plan="club_team", quantity=3)["resource"]["pending"]
    assert world.put(path, plan="club_team", quantity=3)["resource"]["pending"] == agreed
    # without a word about it the number, and what is agreed of it, stays
    assert world.put(path, plan="club_team")["resource"]["pending"] == agreed
    back = world.put(path, plan="club_team", quantity=4)
    assert (back["resource"]["pending"], back["replaced"]) == ([], [agreed[0]["id"]])
    assert club.told() == [*told, "scheduled", "unscheduled"]
