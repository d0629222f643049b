"""What a subscription was, is and will be."""

import pytest

from core.principals import Scope
from tests.scenarios.club import PRICES, Club, pending, period, short
from tests.world import World

pytestmark = pytest.mark.prices(PRICES)


def test_a_subscription_is_shown_at_any_instant_as_it_was_and_as_it_will_be(world: World) -> None:
    club = Club(world, "2026-01-10")
    world.advance_to("2026-01-15")
    club.on("club_basic")
    world.advance_to("2026-03-20")
    club.do("cancel")

    past = club.at("2026-01-12")
    assert (past["plan"], past["projected"], period(past)) == (
        "club_free",
        False,
        ("2026-01-10", "2026-02-10"),
    )
    # renewals are no entries, and still the period is the right one
    assert period(club.at("2026-02-20")) == ("2026-02-15", "2026-03-15")
    assert club.at("2026-03-19")["pending"] == []
    now = club.now()
    assert club.at("2026-03-20") == now
    assert pending(now) == [("end", "2026-04-15")]

    before = club.at("2026-04-14T23:59:59")
    assert (before["plan"], before["projected"], pending(before)) == (
        "club_basic",
        True,
        [("end", "2026-04-15")],
    )
    after = club.at("2026-05-20")
    assert (after["plan"], after["pending"], period(after)) == (
        "club_free",
        [],
        ("2026-05-15", "2026-06-15"),
    )
    early = world.get(f"subscriptions/{club.subscription}", status=404, at="2026-01-09T00:00:00Z")
    assert early["code"] == "nothing_then"
    for query in ({"at": "2026-01-12"}, {"at": ""}, {"when": "2026-01-12T00:00:00Z"}):
        assert world.get(f"subscriptions/{club.subscription}", status=400, **query)

    # what was told of the future comes true
    world.advance_to("2026-05-20")
    assert {**club.now(), "projected": True} == {**after, **_changing(club.now())}


def _changing(shown: dict) -> dict:
    return {name: shown[name] for name in ("version", "updated_at")}


def test_the_timeline_tells_the_past_then_what_is_agreed(world: World) -> None:
    club = Club(world, "2026-01-10")
    world.advance_to("2026-01-15")
    club.on("club_gold", reason="a better club")
    club.on("club_basic")
    club.do("pause", at="2026-03-01T00:00:00Z", resumes_at="2026-03-05T00:00:00Z")

    lines = club.timeline()
    assert [
        (short(each["starts_at"]), each["plan"], each["state"], each["cause"], each["agreed"])
        for each in lines
    ] == [
        ("2026-01-10", "club_free", "active", "default", False),
        ("2026-01-15", "club_gold", "active", "changed", False),
        ("2026-02-15", "club_basic", "active", "scheduled", True),
        ("2026-03-01", "club_basic", "paused", "scheduled", True),
        ("2026-03-05", "club_basic", "active", "resumed", True),
    ]
    _, gold, *agreed = lines
    assert (gold["decision"]["rule"], gold["reason"]) == ("free_to_paid", "a better club")
    assert gold["actor"].startswith("client:cli_")
    assert gold["recorded_at"] is not None
    assert [(each["id"], each["recorded_at"], each["actor"]) for each in agreed] == [
        (None, None, "")
    ] * 3

    # page by page it is the same
    path = f"subscriptions/{club.subscription}/timeline"
    paged, cursor = [], None
    for _ in lines:
        page = world.get(path, limit=1, **({"cursor": cursor} if cursor else {}))
        paged += page["data"]
        cursor = page["next_cursor"]
    assert (paged, cursor) == (lines, None)

    bob = world.customer("bob")
    # customers see what happened, not who on our side did it
    own = world.token_for([Scope.SUBSCRIPTIONS_READ], customer_id=club.customer)
    seen = world.call("GET", path, status=200, token=own)["data"]
    assert {each["actor"] for each in seen} == {""}
    stranger = world.token_for([Scope.SUBSCRIPTIONS_READ], customer_id=bob)
    for hidden in (path, f"customers/{club.customer}/subscriptions/timeline"):
        assert world.call("GET", hidden, status=404, token=stranger)["status"] == 404


def test_a_customers_timeline_has_all_its_subscriptions(world: World) -> None:
    club = Club(world, "2026-01-10")
    annex = club.another("annex")
    world.advance_to("2026-01-20")
    club.on("club_basic")
    club.do("cancel")
    other = world.subscription(annex)["id"]
    world.post(f"subscriptions/{other}/change", plan="club_gold")
    world.post("subscriptions", status=201, customer="ada", plan="towels")

    lines = world.get("customers/ada/subscriptions/timeline")["data"]
    assert [(short(each["starts_at"]), each["plan"], each["agreed"]) for each in lines] == [
        ("2026-01-10", "club_free", False),
        ("2026-01-10", "club_free", False),
        ("2026-01-20", "club_basic", False),
        ("2026-01-20", "club_gold", False),
        ("2026-01-20", "towels", False),
        ("2026-02-20", "club_free", True),
    ]
    assert {each["subject"] for each in lines} == {None, club.id, annex}
    paged, cursor = [], None
    for _ in range(3):
        page = world.get(
            "customers/ada/subscriptions/timeline",
            limit=2,
            **({"cursor": cursor} if cursor else {}),
        )
        paged += page["data"]
        cursor = page["next_cursor"]
    assert (paged, cursor) == (lines, None)
    assert world.get("customers/ada/subscriptions/timeline", status=400, cursor="x")["code"] == (
        "malformed_cursor"
    )
