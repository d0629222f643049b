"""Limits: how many there are, as reported, consumed and given back."""

from typing import Any

import pytest

from core.principals import Scope
from tests.usage.using import Shop, told
from usage.models import Level, UsageEvent


def level(number: Any, observed_at: str | None = None, **more: Any) -> dict[str, Any]:
    at = {"observed_at": observed_at} if observed_at else {}
    return {"customer": "ada", "feature": "projects", "level": str(number), **at, **more}


def counted(results: list[Any]) -> list[tuple[str, bool]]:
    return [(each["level"]["used"], each["level"]["taken"]) for each in results]


def test_of_a_limit_that_nobody_reported_nothing_is_known(shop: Shop) -> None:
    answer = shop.world.check("projects", customer="ada", quantity="3")
    assert (answer["used"], answer["remaining"], answer["allowed"]) == (None, None, True)
    assert not shop.world.check("projects", customer="ada", quantity="4")["allowed"]


def test_a_reported_level_counts_in_every_check(shop: Shop) -> None:
    ada = shop.world.get("customers/ada")["id"]
    assert shop.reports(level(2)) == [
        {
            "level": {
                "feature": "projects",
                "customer": ada,
                "subject": None,
                "used": "2",
                "taken": True,
            },
            "problem": None,
        }
    ]
    assert shop.stands("projects") == ("2", "1", "within_limit")
    assert not shop.world.check("projects", customer="ada", quantity="2")["allowed"]
    shop.reports(level(4))  # there are more than the limit: that is what there is
    assert shop.stands("projects") == ("4", "0", "limit_reached")
    assert not shop.world.check("projects", customer="ada", quantity="0")["allowed"]


def test_what_was_observed_last_counts_whatever_arrives_last(shop: Shop) -> None:
    first, second = "2025-01-01T11:00:00.25Z", "2025-01-01T11:00:00.5Z"
    assert counted(shop.reports(level(2, second))) == [("2", True)]
    assert counted(shop.reports(level(1, first))) == [("2", False)]
    assert counted(shop.reports(level(3, second))) == [("3", True)]  # the later to arrive
    assert counted(shop.reports(level(1, first), level(0), level(2, second))) == [
        ("0", False), ("0", True), ("0", False),
    ]  # fmt: skip
    assert Level.objects.count() == 1


def test_each_report_is_answered_for_itself_and_in_order(shop: Shop) -> None:
    world = shop.world
    zone = world.zone(world.get("customers/ada")["id"], "ada.example")
    results = shop.reports(
        level(1),
        level(1, feature="builds"),
        level(1, customer="eve"),
        level(1, feature="rules"),
        level(1, feature="rules", subject="ada.example"),
        level(1, feature="nothing"),
        level(1, "2025-01-01T12:05:00.000001Z"),
        level(2, "2025-01-01T12:05:00Z", subject=zone),  # the customer's, whoever is named
    )
    codes = [each["problem"] and each["problem"]["code"] for each in results]
    assert codes == [
        None,
        "not_a_limit",
        "customer_not_found",
        "subject_required",
        None,
        "feature_not_found",
        "observed_in_the_future",
        None,
    ]
    assert results[4]["level"]["subject"] == zone
    assert shop.stands("rules", subject=zone) == ("1", "1", "within_limit")
    assert (results[7]["level"]["subject"], shop.stands("projects")[0]) == (None, "2")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        (level(-1), "/levels/0/level"),
        (level(1) | {"level": 1}, "/levels/0/level"),
        (level(1, "2025-01-01T12:00:00"), "/levels/0/observed_at"),
        (level(1, oops=1), "/levels/0/oops"),
    ],
)
def test_bad_input_is_refused_whole(shop: Shop, wrong: dict[str, Any], pointer: str) -> None:
    [answer] = shop.reports(wrong, level(1), status=400)
    assert [each["pointer"] for each in answer["errors"]] == [pointer]
    assert not Level.objects.exists()


def test_a_batch_has_five_hundred_at_most_and_one_at_least(shop: Shop) -> None:
    for levels in ([], [level(1)] * 501):
        assert shop.reports(*levels, status=400)[0]["code"] == "invalid_input"
    assert len(shop.reports(*[level(1)] * 500)) == 500


def test_things_are_made_and_deleted_one_by_one(shop: Shop) -> None:
    assert told(shop.uses("projects", 2)) == ("recorded", True, "within_limit", "2", "1")
    assert told(shop.uses("projects", 2)) == ("denied", False, "limit_reached", "2", "1")
    assert told(shop.uses("projects", 1)) == ("recorded", True, "within_limit", "3", "0")
    assert told(shop.gives_back("projects", 2)) == ("recorded", True, "within_limit", "1", "2")
    assert list(UsageEvent.objects.order_by("id").values_list("quantity", flat=True)) == [2, 1, -2]


def test_giving_back_twice_counts_once(shop: Shop) -> None:
    shop.uses("projects", 3)
    shop.gives_back("projects", 2, id="deleted")
    assert told(shop.gives_back("projects", 2, id="deleted")) == (
        "repeated", True, "within_limit", "1", "2",
    )  # fmt: skip
    assert shop.gives_back("projects", 1, id="deleted", status=409)["code"] == "usage_id_reused"
    assert shop.uses("projects", 2, id="deleted", status=409)["code"] == "usage_id_reused"


def test_more_than_there_is_cannot_be_given_back(shop: Shop) -> None:
    assert shop.gives_back("projects", 1, status=409)["code"] == "level_below_zero"
    shop.uses("projects", 1)
    assert shop.gives_back("projects", 2, status=409)["code"] == "level_below_zero"
    assert shop.stands("projects") == ("1", "2", "within_limit")
    assert UsageEvent.objects.count() == 1


def test_what_was_used_of_a_metered_feature_stays_used(shop: Shop) -> None:
    shop.uses("builds", 4)
    assert shop.gives_back("builds", 1, status=422)["code"] == "not_a_limit"
    assert shop.stands("builds")[0] == "4"


def test_a_report_from_before_a_use_does_not_undo_it(shop: Shop) -> None:
    shop.reports(level(1))
    shop.world.advance_to("2025-01-01T13:00:00")
    shop.uses("projects", 1)
    assert counted(shop.reports(level(1, "2025-01-01T12:59:59Z"))) == [("2", False)]
    assert counted(shop.reports(level(1, "2025-01-01T13:00:00.5Z"))) == [("1", True)]


def test_things_above_the_limit_can_be_given_back(shop: Shop) -> None:
    shop.reports(level(5))
    assert told(shop.gives_back("projects", 1)) == ("recorded", False, "limit_reached", "4", "0")


def test_only_whoever_serves_everybody_says_how_many_there_are(shop: Shop) -> None:
    ada = shop.world.get("customers/ada")["id"]
    token = shop.world.token_for([Scope.USAGE_REPORT], customer_id=ada)
    answer = shop.world.call(
        "PUT", "entitlements/levels", status=403, body={"levels": [level(0)]}, token=token
    )
    assert answer["code"] == "limited_caller"
