"""Where periods are counted from, and how that moves."""

import pytest

from tests.scenarios.club import PRICES, Club, pending, period, short
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def test_an_anchor_moves_at_its_next_recurrence_and_cuts_the_open_period(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    world.advance_to("2026-01-20")
    agreed = club.do("anchor", day_of_month=1)["resource"]
    assert (pending(agreed), period(agreed)) == (
        [("anchor", "2026-02-01")],
        ("2026-01-10", "2026-02-10"),
    )
    # what is agreed for the period's end comes with the cut
    assert pending(club.on("club_free")["resource"]) == [
        ("anchor", "2026-02-01"),
        ("plan", "2026-02-01"),
    ]
    club.on("club_basic", status=409)
    world.put(f"customers/ada/subjects/{club.id}/products/club", plan="club_basic")
    assert club.do("anchor", day_of_month=1)["changes"] == []  # agreed already

    world.advance_to("2026-02-01")
    now = club.now()
    assert (period(now), short(now["anchor"])) == (("2026-02-01", "2026-03-01"), "2026-02-01")
    assert club.timeline()[-1]["decision"]["rule"] == "anchor"
    assert club.charged() == [
        "2026-01-10 advance 31.00",
        "2026-02-01 credit -9.00",
        "2026-02-01 advance 31.00",
    ]

    # an instant whose day is today acts now; yearly, the next such day is in a year
    world.advance_to("2026-02-15")
    today = club.do("anchor", at="2020-06-15T00:00:00Z")["resource"]
    assert (period(today), today["pending"]) == (("2026-02-15", "2026-03-15"), [])
    assert club.do("anchor", at="2020-06-15T00:00:00Z")["changes"] == []


def test_a_change_of_plan_at_the_instant_of_a_move_keeps_the_new_count(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    world.advance_to("2026-01-20")
    club.do("anchor", at="2025-01-20T00:00:00Z")
    up = club.on("club_gold")["resource"]
    assert (period(up), short(up["anchor"])) == (("2026-01-20", "2026-02-20"), "2025-01-20")


def test_the_calendar_and_days_of_the_month_where_they_make_sense(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic", interval="week")
    assert club.refused("anchor", 422, day_of_month=1) == "anchor_not_allowed"
    agreed = club.do("anchor", calendar=True)["resource"]
    assert pending(agreed) == [("anchor", "2026-01-12")]  # a Monday
    for body in ({}, {"calendar": False}, {"day_of_month": 32}, {"at": "2026-01-10"}):
        assert club.do("anchor", status=400, **body)["status"] == 400
    both = {"day_of_month": 1, "zone": "Europe/Berlin"}
    assert club.do("anchor", status=400, **both)["status"] == 400
    assert club.refused("anchor", 400, zone="Europe/Atlantis") == "unknown_zone"

    # what was agreed can be taken back, and a month remembers the 31st
    world.delete(f"subscriptions/{club.subscription}/schedule/{agreed['pending'][0]['id']}")
    club.on("club_basic", interval="month", timing="now")
    world.advance_to("2026-01-31")
    club.do("anchor", day_of_month=31)
    assert period(club.now()) == ("2026-01-31", "2026-02-28")
    world.advance_to("2026-02-28")
    assert period(club.now()) == ("2026-02-28", "2026-03-31")


def test_another_zone_counts_from_the_end_of_the_period(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    agreed = club.do("anchor", zone="America/New_York")["resource"]
    assert (pending(agreed), agreed["zone"]) == ([("anchor", "2026-02-10")], "UTC")
    assert club.do("anchor", zone="America/New_York")["changes"] == []

    world.advance_to("2026-02-10")
    now = club.now()
    assert now["zone"] == "America/New_York"
    # midnight in New York is 05:00 in UTC, and 04:00 in summer
    assert (now["period_start"], now["period_end"]) == (
        "2026-02-10T00:00:00Z",
        "2026-03-10T04:00:00Z",
    )
    world.advance_to("2026-03-10T04:00:00")
    assert club.now()["period_end"] == "2026-04-10T04:00:00Z"


def test_a_subscription_begins_where_it_is_told_to(world: World) -> None:
    club = Club(world, "2026-01-10")
    body = {"customer": "ada", "subject": club.id, "plan": "club_basic"}
    taken = world.post("subscriptions", anchor={"day_of_month": 5}, **body)["resource"]
    assert (short(taken["anchor"]), period(taken)) == ("2026-02-05", ("2026-01-10", "2026-02-05"))

    # access at once, billing from 1 March and counted from there, until the end of May
    annex = club.another("annex")
    begun = world.post(
        "subscriptions",
        customer="ada",
        subject=annex,
        plan="club_gold",
        interval="year",
        billing_start="2026-03-01T00:00:00Z",
        ends_at="2026-06-01T00:00:00Z",
    )["resource"]
    assert (begun["state"], begun["billed"], short(begun["anchor"])) == (
        "active",
        False,
        "2026-03-01",
    )
    assert pending(begun) == [("billing_start", "2026-03-01"), ("end", "2026-06-01")]
    world.advance_to("2026-03-01")
    billed = world.subscription(annex)
    assert (billed["billed"], period(billed)) == (True, ("2026-03-01", "2027-03-01"))
    world.advance_to("2026-06-01")
    assert world.subscription(annex)["plan"] == "club_free"


def test_dates_that_cannot_be_are_refused(world: World) -> None:
    club = Club(world, "2026-01-10")
    body = {"customer": "ada", "subject": club.id, "plan": "club_basic"}
    refusals = [
        ({"access_start": "2026-01-09T00:00:00Z"}, "date_in_past"),
        ({"billing_start": "2026-01-09T00:00:00Z"}, "dates_out_of_order"),
        ({"ends_at": "2026-01-10T00:00:00Z"}, "dates_out_of_order"),
        (
            {"billing_start": "2026-03-01T00:00:00Z", "ends_at": "2026-02-01T00:00:00Z"},
            "dates_out_of_order",
        ),
        ({"interval": "week", "anchor": {"day_of_month": 5}}, "anchor_not_allowed"),
    ]
    for more, code in refusals:
        assert world.post("subscriptions", status=422, **body, **more)["code"] == code
    for more in ({"access_start": "2026-02-01T00:00:00.5Z"}, {"anchor": {"at": "soon"}}):
        assert world.post("subscriptions", status=400, **body, **more)["status"] == 400
    assert club.now()["plan"] == "club_free"
