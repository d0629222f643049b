"""What is agreed for later keeps the rest of a period from being charged; taken back, it is."""

from typing import Any

import pytest

from tests.scenarios.club import PRICES, Club, pending
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


@pytest.mark.parametrize(
    ("verb", "asked"),
    [
        ("anchor", {"day_of_month": 20}),
        ("pause", {"at": "2026-01-20T00:00:00Z", "mode": "credit"}),
    ],
)
def test_what_a_period_was_not_charged_for_is_charged_when_that_is_taken_back(
    world: World, verb: str, asked: dict[str, Any]
) -> None:
    club = Club(world, "2026-01-10")
    club.do(verb, **asked)
    club.on("club_basic")
    assert pending(club.now()) == [(verb, "2026-01-20")]
    assert club.charged() == ["2026-01-10 advance 10.00"]  # of 31 days those to the 20th

    world.advance_to("2026-01-15")
    (agreed,) = club.now()["pending"]
    world.delete(f"subscriptions/{club.subscription}/schedule/{agreed['id']}")
    assert club.charged()[1:] == ["2026-01-15 advance 21.00"]
    world.advance_to("2026-02-10")
    assert club.charged()[2:] == ["2026-02-10 advance 31.00"]


def test_a_later_end_in_the_place_of_an_earlier_one_is_charged_for(world: World) -> None:
    club = Club(world, "2026-01-10")
    made = {"customer": "ada", "subject": club.id, "plan": "club_basic"}
    world.post("subscriptions", **made, ends_at="2026-01-20T00:00:00Z")
    assert club.net() == 10.00
    club.do("cancel", access_end="2026-01-25T00:00:00Z")
    assert club.net() == 15.00
    club.do("uncancel")
    assert club.net() == 31.00
