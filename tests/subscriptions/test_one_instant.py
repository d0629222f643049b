"""Several commands while a customer's clock stands still: each counts, and a change back undoes."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from subscriptions.models import Term
from tests.scenarios.club import PRICES, Club, period, short
from tests.world import World


@pytest.fixture
def world(transactional_db: Any) -> Iterator[World]:
    made = World(Client())
    made.open(str(PRICES))
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)


def test_more_of_it_right_after_an_upgrade_keeps_the_new_date(world: World) -> None:
    club = Club(world, "2026-01-03")
    world.advance_to("2026-01-10")
    paid = club.on("club_team", quantity=2)["resource"]
    assert (period(paid), short(paid["anchor"])) == (("2026-01-10", "2026-02-10"), "2026-01-10")
    more = club.do("change", quantity=3)["resource"]
    assert (more["quantity"], period(more), short(more["anchor"])) == (
        3,
        ("2026-01-10", "2026-02-10"),
        "2026-01-10",
    )


def test_an_upgrade_right_after_a_pause_keeps_the_days_that_it_gave_back(world: World) -> None:
    club = Club(world, "2026-01-03")
    world.advance_to("2026-01-10")
    club.on("club_basic")
    club.do("pause", mode="extend")
    world.advance_to("2026-02-20")
    resumed = club.do("resume")["resource"]
    assert period(resumed) == ("2026-01-10", "2026-03-23")
    up = club.on("club_gold")["resource"]
    assert (up["plan"], up["state"], period(up)) == (
        "club_gold",
        "active",
        ("2026-01-10", "2026-03-23"),
    )


def test_there_and_back_leaves_the_term_that_was_there(world: World) -> None:
    club = Club(world, "2026-01-03")
    world.advance_to("2026-01-10")
    before = club.on("club_basic")["resource"]
    world.advance_to("2026-01-20")
    club.on("club_gold", interval="year")
    back = club.on("club_basic", interval="month", timing="now")["resource"]
    assert {name: back[name] for name in ("plan", "interval", "anchor", "period_start")} == {
        name: before[name] for name in ("plan", "interval", "anchor", "period_start")
    }
    standing = Term.objects.standing().filter(subscription_id=back["id"]).order_by("starts_at")
    assert [f"{each.starts_at:%m-%d}" for each in standing] == ["01-03", "01-10"]


def test_a_trial_that_a_change_ended_goes_on_with_the_change_back(world: World) -> None:
    club = Club(world, "2026-01-03")
    world.advance_to("2026-01-10")
    club.on("club_tried")
    world.advance_to("2026-01-15")
    assert club.on("club_free", timing="now")["resource"]["state"] == "active"
    again = club.on("club_tried")["resource"]
    assert (again["state"], short(again["trial_end"])) == ("trialing", "2026-01-24")
    world.advance_to("2026-01-24")
    assert club.now()["plan"] == "club_free"
