"""What is told of the future is what comes, also where little or nothing comes."""

import pytest

from tests.scenarios.club import PRICES, Club, pending
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def test_an_end_of_a_pause_that_never_was_is_not_pending_after_its_date(world: World) -> None:
    club = Club(world, "2026-01-10")
    dates = {"at": "2026-01-20T00:00:00Z", "resumes_at": "2026-01-30T00:00:00Z"}
    planned = club.do("pause", **dates)["resource"]["pending"]
    pause = next(each for each in planned if each["kind"] == "pause")
    world.delete(f"subscriptions/{club.subscription}/schedule/{pause['id']}")
    assert pending(club.now()) == [("resume", "2026-01-30")]

    foretold = club.at("2026-01-30")
    assert foretold["pending"] == []
    assert [each["agreed"] for each in club.timeline()] == [False]
    world.advance_to("2026-01-30")
    moving = {name: club.now()[name] for name in ("version", "updated_at")}
    assert {**foretold, **moving, "projected": False} == club.now()


def test_a_payment_method_decides_what_follows_a_subjects_trial(world: World) -> None:
    club = Club(world, "2026-01-10")
    club.on("club_tried")
    after = "2026-01-24T00:00:00Z"
    assert value_at(club, after) == "1"  # Free

    world.put("customers/ada/payment-method", on_file=True)
    assert (club.at("2026-01-24")["plan"], value_at(club, after)) == ("club_tried", "20")
    world.put("customers/ada/payment-method", on_file=False)
    assert (club.at("2026-01-24")["plan"], value_at(club, after)) == ("club_free", "1")


def value_at(club: Club, at: str) -> str:
    path = f"customers/{club.customer}/entitlements"
    listed = club.world.get(path, subject=club.id, at=at)["data"]
    return next(str(each["value"]) for each in listed if each["feature"] == "club_visits")
