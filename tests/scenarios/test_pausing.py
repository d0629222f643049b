"""A pause gives time back: as money, or as time."""

import pytest

from core.principals import Scope
from tests.scenarios.club import PRICES, Club, pending, period, short
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def test_a_pause_with_a_credit_begins_a_full_period_around_the_day_it_ends(world: World) -> None:
    """The yearly period from 1 February 2025 is left on 11 March, and on 20 April the new one is
    counted from 1 April: 346 of its 365 days are still to come."""
    club = Club(world, "2025-02-01")
    club.on("club_basic", interval="year")
    assert period(club.now()) == ("2025-02-01", "2026-02-01")

    world.advance_to("2025-03-11")
    paused = club.do("pause", mode="credit")
    assert (paused["resource"]["state"], paused["resource"]["pause_mode"]) == ("paused", "credit")
    assert short(paused["resource"]["paused_since"]) == "2025-03-11"
    denied = world.check("club_visits", subject=club.id)
    assert (denied["allowed"], denied["reason"]) == (False, "paused")

    # once more changes nothing
    told = club.told()
    assert club.do("pause", mode="extend")["changes"] == []
    assert club.told() == told

    world.advance_to("2025-04-20")
    resumed = club.do("resume")["resource"]
    assert (resumed["state"], short(resumed["anchor"])) == ("active", "2025-04-01")
    assert period(resumed) == ("2025-04-20", "2026-04-01")
    assert club.value() == "10"
    assert club.do("resume")["changes"] == []
    assert club.told()[-2:] == ["paused", "resumed"]

    world.advance_to("2026-04-01")
    assert period(club.now()) == ("2026-04-01", "2027-04-01")
    # a dollar a day: 327 days are given back, 346 charged
    assert club.charged() == [
        "2025-02-01 advance 365.00",
        "2025-03-11 credit -327.00",
        "2025-04-20 advance 346.00",
        "2026-04-01 advance 365.00",
    ]


def test_a_pause_that_extends_moves_the_end_and_every_later_boundary(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_gold")
    club.do("change", plan="club_free")  # agreed for the period's end

    # 10 days in, Gold is paused: as the plan says, by extending, and with access
    world.advance_to("2026-01-20")
    paused = club.do("pause")["resource"]
    assert (paused["pause_mode"], period(paused)) == ("extend", ("2026-01-10", "2026-02-10"))
    assert club.value() == "100"

    # the period's end passes: nothing renews, and the change waits
    world.advance_to("2026-02-15")
    assert (club.now()["plan"], club.now()["state"]) == ("club_gold", "paused")

    # after 30 days the 21 that were left are still there
    world.advance_to("2026-02-19")
    resumed = club.do("resume")["resource"]
    assert period(resumed) == ("2026-01-10", "2026-03-12")
    assert resumed["extended_seconds"] == 30 * 86_400
    assert pending(resumed) == [("plan", "2026-03-12")]

    # without the change, later boundaries have moved as well: 10 March + 30 days
    club.do("change", plan="club_gold", status=409)
    world.put(f"customers/ada/subjects/{club.id}/products/club", plan="club_gold")
    assert club.now()["pending"] == []
    world.advance_to("2026-03-12")
    assert period(club.now()) == ("2026-03-12", "2026-04-09")
    assert club.charged() == ["2026-01-10 advance 62.00", "2026-03-12 advance 62.00"]


def test_repeated_pauses_stay_exact(world: World) -> None:
    """Three pauses of 1, 2 and 3 days: the period ends 6 days later, to the second."""
    club = Club(world, "2026-01-10")
    club.on("club_gold")
    for pause, resume in [("2026-01-12", "2026-01-13"), ("2026-01-14", "2026-01-16")]:
        world.advance_to(pause)
        club.do("pause")
        world.advance_to(resume)
        club.do("resume")
    world.advance_to("2026-01-20T12:00:00")
    club.do("pause", resumes_at="2026-01-23T12:00:00Z")
    world.advance_to("2026-01-24")

    now = club.now()
    assert (now["state"], period(now)) == ("active", ("2026-01-10", "2026-02-16"))
    assert now["pending"] == []
    world.advance_to("2026-02-16")
    assert period(club.now()) == ("2026-02-16", "2026-03-16")
    assert club.told().count("paused") == club.told().count("resumed") == 3


def test_a_pause_that_takes_no_time_leaves_no_trace(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic", interval="year")
    world.advance_to("2026-03-11")
    before = club.now()
    for mode in ("credit", "extend"):
        club.do("pause", mode=mode)
        back = club.do("resume")["resource"]
        assert {**back, "version": 0, "updated_at": ""} == {
            **before,
            "version": 0,
            "updated_at": "",
        }
    assert [each["cause"] for each in club.timeline()] == ["changed"]


def test_a_change_at_the_instant_of_a_pause_stays_paused(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    world.advance_to("2026-01-20")
    club.do("pause", mode="extend")
    up = club.on("club_gold")["resource"]
    assert (up["state"], up["plan"], up["pause_mode"]) == ("paused", "club_gold", "extend")

    world.advance_to("2026-01-30")
    back = club.do("resume")["resource"]
    assert (back["state"], period(back)) == ("active", ("2026-01-10", "2026-02-20"))
    again = club.on("club_basic", timing="now")["resource"]
    assert period(again) == ("2026-01-10", "2026-02-20")


def test_a_pause_and_its_end_can_be_agreed_for_dates(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    agreed = club.do("pause", at="2026-02-01T00:00:00Z", resumes_at="2026-02-05T00:00:00Z")
    assert pending(agreed["resource"]) == [("pause", "2026-02-01"), ("resume", "2026-02-05")]
    assert agreed["resource"]["state"] == "active"
    ahead = club.at("2026-02-03")
    assert (ahead["state"], ahead["projected"]) == ("paused", True)

    world.advance_to("2026-02-03")
    assert club.now()["state"] == "paused"
    later = club.do("resume", at="2026-02-07T00:00:00Z")
    assert pending(later["resource"]) == [("resume", "2026-02-07")]
    assert len(later["replaced"]) == 1

    # a credit: the new period is counted from the day of 10 January again
    world.advance_to("2026-02-07")
    now = club.now()
    assert (now["state"], short(now["anchor"])) == ("active", "2026-01-10")
    assert period(now) == ("2026-02-07", "2026-02-10")


def test_what_cannot_be_paused_says_so(world: World) -> None:
    club = Club(world, "2026-01-10", zone="UTC")
    club.on("club_basic")
    path = f"subscriptions/{club.subscription}"
    for verb in ("pause", "resume"):
        own = world.token_for(
            [Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE], customer_id=club.customer
        )
        problem = world.call("POST", f"{path}/{verb}", status=403, body={}, token=own)
        assert (problem["code"], problem["scope"]) == ("scope_missing", "subscriptions:override")

    assert club.refused("pause", 422, at="2026-01-09T00:00:00Z") == "date_in_past"
    order = {"at": "2026-02-02T00:00:00Z", "resumes_at": "2026-02-01T00:00:00Z"}
    assert club.refused("pause", 422, **order) == "dates_out_of_order"
    assert club.refused("resume", 409, at="2026-02-01T00:00:00Z") == "not_paused"
    for body in ({"mode": "hard"}, {"at": "2026-02-01T00:00:00.5Z"}, {"until": "now"}):
        assert club.do("pause", status=400, **body)["status"] == 400

    # what has not begun has nothing to pause
    body = {"customer": "ada", "plan": "towels", "access_start": "2026-02-01T00:00:00Z"}
    waiting = world.post("subscriptions", status=201, **body)["resource"]["id"]
    refused = world.post(f"subscriptions/{waiting}/pause", status=409)
    assert refused["code"] == "transition_not_allowed"


def test_a_paused_subscription_takes_no_add_ons_and_can_be_canceled(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_basic")
    world.advance_to("2026-01-20")
    club.do("pause", mode="extend")
    assert club.refused("add-ons", 409, add_on="club_guest") == "subscription_paused"
    assert club.refused("anchor", 409, day_of_month=1) == "subscription_paused"

    # the end goes with the period, which waits
    assert pending(club.do("cancel")["resource"]) == [("end", "2026-02-10")]
    world.advance_to("2026-03-20")
    assert club.now()["plan"] == "club_basic"
    assert pending(club.do("resume")["resource"]) == [("end", "2026-04-10")]
    world.advance_to("2026-04-10")
    assert (club.now()["plan"], club.now()["state"]) == ("club_free", "active")

    # with the rest credited there is nothing to wait for
    club.on("club_basic")
    club.do("pause", mode="credit")
    gone = club.do("cancel")["resource"]
    assert (gone["plan"], gone["state"], gone["pending"]) == ("club_free", "active", [])


def test_dates_happen_in_a_pause(world: World) -> None:
    """A dated change happens in a pause; what goes with the period's end waits."""
    club = Club(world, "2026-01-10")
    club.on("club_gold")
    club.on("club_basic", effective_at="2026-02-01T00:00:00Z")
    world.advance_to("2026-01-20")
    club.do("pause", mode="extend", resumes_at="2026-02-19T00:00:00Z")

    world.advance_to("2026-02-01")
    now = club.now()
    assert (now["plan"], now["state"], now["pending"][0]["kind"]) == (
        "club_basic",
        "paused",
        "resume",
    )
    world.advance_to("2026-02-19")
    assert period(club.now()) == ("2026-01-10", "2026-03-12")
