"""Trials: had once, kept by changes of plan, moved by staff, and followed by what the plan says."""

import pytest

from tests.scenarios.club import PRICES, Club, pending, period, short
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def test_a_trial_ends_as_paid_with_a_payment_method_and_counts_from_its_end(world: World) -> None:
    club = Club(world, "2026-01-10")
    begun = club.on("club_tried")["resource"]
    assert (begun["state"], short(begun["trial_end"])) == ("trialing", "2026-01-24")
    assert period(begun) == ("2026-01-10", "2026-01-24")
    assert club.value() == "20"
    world.put("customers/ada/payment-method", on_file=True)

    ahead = club.at("2026-02-01")
    assert (ahead["state"], period(ahead)) == ("active", ("2026-01-24", "2026-02-24"))
    world.advance_to("2026-01-24")
    paid = club.now()
    assert (paid["state"], paid["trial_end"], short(paid["anchor"])) == (
        "active",
        None,
        "2026-01-24",
    )
    assert period(paid) == ("2026-01-24", "2026-02-24")
    assert club.told()[-1] == "trial_ended"
    assert club.charged() == ["2026-01-24 advance 31.00"]


def test_a_trial_falls_back_without_a_payment_method_and_is_had_once(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_tried")
    world.advance_to("2026-01-24")
    now = club.now()
    assert (now["plan"], now["state"], club.value()) == ("club_free", "active", "1")
    assert club.told()[-2:] == ["trial_ended", "changed"]

    # one per customer: neither this club nor another gets a second one
    again = club.on("club_tried")["resource"]
    assert (again["state"], period(again)) == ("active", ("2026-01-24", "2026-02-24"))
    other = club.another("annex")
    body = {"customer": "ada", "subject": other, "plan": "club_tried"}
    spent = world.post("subscriptions", status=409, trial_days=7, **body)
    assert spent["code"] == "trial_spent"
    assert world.post("subscriptions", **body)["resource"]["state"] == "active"


def test_going_up_and_back_within_a_second_leaves_the_trial_unspent(world: World) -> None:
    club = Club(world, "2026-01-10")
    free = club.now()
    for instant in ("2026-01-10", "2026-01-12"):  # the first is that of the beginning
        world.advance_to(instant)
        club.on("club_tried")
        back = club.on("club_free", timing="now")["resource"]
        assert (back["plan"], back["anchor"], period(back)) == (
            "club_free",
            free["anchor"],
            period(free),
        )
        assert [short(each["starts_at"]) for each in club.timeline()] == ["2026-01-10"]
    assert club.on("club_tried")["resource"]["state"] == "trialing"


def test_a_change_of_plan_keeps_the_end_or_counts_a_longer_trial_from_the_start(
    world: World,
) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_tried")
    world.advance_to("2026-01-15")

    # an upgrade acts now and costs nothing; its trial of 30 days is counted from 10 January
    longer = club.on("club_tried_longer")
    assert longer["decision"]["rule"] == "rank_up"
    assert short(longer["resource"]["trial_end"]) == "2026-02-09"
    assert short(longer["resource"]["anchor"]) == "2026-02-09"

    # a plan without a trial keeps the end, and none shortens it
    world.advance_to("2026-01-16")
    kept = club.on("club_team", quantity=2)["resource"]
    assert (kept["state"], short(kept["trial_end"])) == ("trialing", "2026-02-09")

    # a downgrade waits for the trial's end; less of something does not
    fewer = club.do("change", quantity=4)
    assert club.do("change", quantity=2)["parts"][0]["timing"] == "now"
    assert fewer["resource"]["quantity"] == 4
    down = club.on("club_tried")
    assert pending(down["resource"]) == [("plan", "2026-02-09")]
    world.put("customers/ada/payment-method", on_file=True)
    world.advance_to("2026-02-09")
    now = club.now()
    assert (now["plan"], now["state"], period(now)) == (
        "club_tried",
        "active",
        ("2026-02-09", "2026-03-09"),
    )
    assert club.told()[-2:] == ["trial_ended", "changed"]


def test_staff_move_the_end_of_a_trial(world: World) -> None:
    club = Club(world, "2026-01-10")
    assert club.refused("trial", 409, extend_days=7) == "not_trialing"
    club.on("club_tried")
    club.do("cancel")

    longer = club.do("trial", extend_days=7)["resource"]
    assert (short(longer["trial_end"]), short(longer["anchor"])) == ("2026-01-31", "2026-01-31")
    assert pending(longer) == [("end", "2026-01-31")]
    shorter = club.do("trial", end="2026-01-20T00:00:00Z")["resource"]
    assert (short(shorter["trial_end"]), pending(shorter)) == (
        "2026-01-20",
        [("end", "2026-01-20")],
    )
    assert club.refused("trial", 422, end="2026-01-10T00:00:00Z") == "trial_end_not_ahead"
    for body in ({}, {"end_now": False}, {"extend_days": 0}, {"extend_days": 1, "end_now": True}):
        assert club.do("trial", status=400, **body)["status"] == 400

    # ended now, with a payment method: paid from now
    club.do("uncancel")
    world.put("customers/ada/payment-method", on_file=True)
    world.advance_to("2026-01-12")
    over = club.do("trial", end_now=True)["resource"]
    assert (over["state"], over["trial_end"], period(over)) == (
        "active",
        None,
        ("2026-01-12", "2026-02-12"),
    )


def test_a_trial_is_only_extended_by_a_pause(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_tried")
    assert club.refused("pause", 422, mode="credit") == "trial_is_extended"
    world.advance_to("2026-01-14")
    assert club.do("pause")["resource"]["pause_mode"] == "extend"
    world.advance_to("2026-02-14")
    back = club.do("resume")["resource"]
    # 10 days of the trial were left on 14 January, and are left on 14 February
    assert (back["state"], short(back["trial_end"])) == ("trialing", "2026-02-24")


def test_a_trial_can_be_asked_for_and_a_start_can_lie_ahead(world: World) -> None:
    club = Club(world, "2026-01-10")
    body = {"customer": "ada", "plan": "towels"}
    waiting = world.post(
        "subscriptions",
        status=201,
        access_start="2026-02-01T00:00:00Z",
        trial_days=10,
        anchor={"day_of_month": 15},
        **body,
    )["resource"]
    assert (waiting["state"], waiting["trial_end"]) == ("pending", None)
    assert pending(waiting) == [("start", "2026-02-01")]
    path = f"subscriptions/{waiting['id']}"
    start = waiting["pending"][0]["id"]
    assert world.delete(f"{path}/schedule/{start}", status=409)["code"] == "not_unscheduled"

    ahead = world.get(path, at="2026-02-05T00:00:00Z")
    assert (ahead["state"], short(ahead["trial_end"])) == ("trialing", "2026-02-11")
    world.advance_to("2026-02-01")
    begun = world.get(path)
    assert (begun["state"], short(begun["trial_end"])) == ("trialing", "2026-02-11")

    # after the trial: a piece of the period to the 15th, then from 15th to 15th
    world.put("customers/ada/payment-method", on_file=True)
    world.advance_to("2026-02-11")
    assert period(world.get(path)) == ("2026-02-11", "2026-02-15")
    world.advance_to("2026-02-15")
    assert period(world.get(path)) == ("2026-02-15", "2026-03-15")

    # one that has not begun ends at once, by whoever cancels it
    world.customer("bob")
    body = {"customer": "bob", "plan": "towels", "access_start": "2026-03-01T00:00:00Z"}
    unwanted = world.post("subscriptions", status=201, **body)["resource"]["id"]
    gone = world.post(f"subscriptions/{unwanted}/cancel")["resource"]
    assert (gone["state"], short(gone["ended_at"])) == ("canceled", "2026-03-01")
    assert club.now()["state"] == "active"
