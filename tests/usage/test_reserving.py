"""Reservations: units that nobody else can use until it is known how many of them were used."""

from typing import Any

import pytest

from core.principals import Scope
from entitlements.api.reserving import ReserveOut
from tests.usage.using import Shop, told
from usage.models import Counter, Reservation, UsageEvent


def state(answer: dict[str, Any]) -> tuple[str, str, str | None]:
    """Return what it was answered, how the reservation stands, and what was used of it."""
    held = answer["reservation"]
    return answer["result"], held["state"], held["used"]


def test_what_is_reserved_cannot_be_used_by_anybody_else(shop: Shop) -> None:
    answer = shop.reserves("builds", 7)
    assert answer.keys() == ReserveOut().fields.keys()
    assert told(answer) == ("recorded", True, "within_limit", "0", "3")
    assert answer["reservation"] == {
        "state": "held",
        "quantity": "7",
        "used": None,
        "held_at": "2025-01-01T12:00:00Z",
        "expires_at": "2025-01-01T12:10:00Z",
    }
    assert shop.stands("builds") == ("0", "3", "within_limit")
    assert told(shop.uses("builds", 4)) == ("denied", False, "limit_reached", "0", "3")
    assert told(shop.uses("builds", 3)) == ("recorded", True, "within_limit", "3", "0")
    assert shop.stands("builds") == ("3", "0", "limit_reached")
    explained = shop.world.get("customers/ada/entitlements/explain", feature="builds")
    assert explained["usage"] == {"used": "3", "held": "7", "remaining": "0"}
    assert "3 builds used, 7 reserved, 0 left." in explained["in_words"]


def test_what_was_used_counts_and_the_rest_is_free_again(shop: Shop) -> None:
    shop.reserves("builds", 7)
    answer = shop.finalizes(5)
    assert state(answer) == ("recorded", "finalized", "5")
    assert told(answer) == ("recorded", True, "within_limit", "5", "5")
    [event] = UsageEvent.objects.all()
    assert (event.quantity, event.source) == (5, "reservation")


def test_without_a_quantity_all_of_it_was_used(shop: Shop) -> None:
    shop.reserves("builds", 7)
    assert state(shop.finalizes()) == ("recorded", "finalized", "7")
    assert shop.stands("builds")[0] == "7"


def test_what_is_let_go_was_not_used(shop: Shop) -> None:
    shop.reserves("builds", 7)
    assert state(shop.lets_go()) == ("recorded", "released", "0")
    assert shop.stands("builds") == ("0", "10", "within_limit")
    assert not UsageEvent.objects.exists()


def test_a_denied_reservation_holds_nothing(shop: Shop) -> None:
    shop.uses("builds", 6)
    answer = shop.reserves("builds", 5)
    assert (told(answer), answer["reservation"]) == (
        ("denied", False, "limit_reached", "6", "4"),
        None,
    )
    assert shop.reserves("builds", 11)["result"] == "denied"
    assert not Reservation.objects.exists()
    assert shop.reserves("builds", 4)["result"] == "recorded"


@pytest.mark.parametrize("feature", ["builds", "exports"])
def test_whether_it_has_expired_is_read_by_the_clock(shop: Shop, feature: str) -> None:
    whole = shop.stands(feature)[1]
    shop.reserves(feature, 2, seconds=60)
    shop.world.advance_to("2025-01-01T12:00:59")
    assert shop.stands(feature)[1] != whole
    shop.world.advance_to("2025-01-01T12:01:00")
    assert shop.stands(feature)[1] == whole
    assert told(shop.uses(feature, whole)) == ("recorded", True, "within_limit", whole, "0")
    assert shop.finalizes(1, status=409)["code"] == "reservation_over"
    assert state(shop.lets_go()) == ("repeated", "expired", None)
    assert Counter.objects.get().held == 0


def test_expired_units_can_be_reserved_by_others(shop: Shop) -> None:
    shop.reserves("builds", 10, id="first", seconds=1)
    assert shop.reserves("builds", 1, id="second")["result"] == "denied"
    shop.world.advance_to("2025-01-01T12:00:01")
    assert shop.reserves("builds", 10, id="second")["result"] == "recorded"
    assert state(shop.reserves("builds", 10, id="first", seconds=1)) == (
        "repeated", "expired", None,
    )  # fmt: skip


def test_repetitions_change_nothing_and_say_the_same(shop: Shop) -> None:
    assert state(shop.reserves("builds", 7)) == ("recorded", "held", None)
    assert state(shop.reserves("builds", 7)) == ("repeated", "held", None)
    shop.finalizes(5)
    assert state(shop.finalizes(5)) == ("repeated", "finalized", "5")
    assert state(shop.reserves("builds", 7)) == ("repeated", "finalized", "5")
    assert shop.finalizes(4, status=409)["code"] == "reservation_over"
    assert shop.finalizes(status=409)["code"] == "reservation_over"
    assert shop.lets_go(status=409)["code"] == "reservation_over"
    shop.reserves("builds", 1, id="other")
    assert state(shop.lets_go(id="other")) == ("recorded", "released", "0")
    assert state(shop.lets_go(id="other")) == ("repeated", "released", "0")
    assert shop.finalizes(1, id="other", status=409)["code"] == "reservation_over"
    assert shop.stands("builds") == ("5", "5", "within_limit")


@pytest.mark.parametrize("other", [{"quantity": 6}, {"feature": "minutes"}, {"seconds": 601}])
def test_an_identifier_means_one_reservation(shop: Shop, other: dict[str, Any]) -> None:
    shop.reserves("builds", 7)
    said = {"feature": "builds", "quantity": 7, **other}
    assert shop.reserves(**said, status=409)["code"] == "usage_id_reused"


def test_more_than_was_reserved_needs_a_word(shop: Shop) -> None:
    shop.reserves("builds", 7)
    assert shop.finalizes(12, status=409)["code"] == "more_than_reserved"
    assert state(shop.finalizes(12, allow_more=True)) == ("recorded", "finalized", "12")
    assert shop.stands("builds") == ("12", "0", "limit_reached")


def test_use_is_dated_when_it_was_reserved(shop: Shop) -> None:
    shop.world.advance_to("2025-01-01T23:59:00")
    shop.reserves("builds", 7)
    shop.world.advance_to("2025-01-02T00:01:00")
    assert shop.stands("builds") == ("0", "10", "within_limit")
    shop.finalizes(5)
    assert shop.stands("builds") == ("0", "10", "within_limit")
    [event] = UsageEvent.objects.all()
    assert f"{event.occurred_at:%d %H:%M} {event.window_start:%d}" == "01 23:59 01"


def test_a_block_denies_and_what_is_held_can_be_finalized(shop: Shop) -> None:
    shop.reserves("builds", 7)
    shop.world.post("customers/ada/blocks", status=201, name="abuse", effects=["access"])
    assert told(shop.reserves("builds", 1, id="next"))[:3] == ("denied", False, "blocked")
    assert state(shop.reserves("builds", 7)) == ("repeated", "held", None)
    assert state(shop.finalizes(7)) == ("recorded", "finalized", "7")


@pytest.mark.parametrize("feature", ["projects", "sso", "letters"])
def test_only_what_is_metered_here_is_reserved(shop: Shop, feature: str) -> None:
    assert shop.reserves(feature, 1, status=422)["code"] == "not_consumable"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"expires_in_seconds": 0}, "/expires_in_seconds"),
        ({"expires_in_seconds": 3601}, "/expires_in_seconds"),
        ({"expires_in_seconds": "60"}, "/expires_in_seconds"),
        ({"id": "a b"}, "/id"),
        ({"quantity": "-1"}, "/quantity"),
    ],
)
def test_bad_input_is_refused(shop: Shop, wrong: dict[str, Any], pointer: str) -> None:
    body = {"id": "a", "customer": "ada", "feature": "builds", "quantity": "1"}
    answer = shop.world.post(
        "entitlements/reservations", status=400, **{**body, "expires_in_seconds": 60, **wrong}
    )
    assert [each["pointer"] for each in answer["errors"]] == [pointer]


def test_a_reservation_is_its_callers_alone(shop: Shop) -> None:
    shop.reserves("builds", 7)
    world = shop.world
    world.token = world.token_for([Scope.USAGE_CONSUME])
    assert shop.finalizes(1, status=404)["code"] == "reservation_not_found"
    assert shop.lets_go(status=404)["code"] == "reservation_not_found"
    assert shop.finalizes(1, id="nothing", status=404)["code"] == "reservation_not_found"
    assert shop.reserves("builds", 3)["result"] == "recorded"
