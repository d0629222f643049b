"""Use of what is given: checked and counted in one step."""

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.principals import Scope
from entitlements.api.consuming import ConsumeOut
from tests.usage.using import Shop, told
from tests.world import World
from usage import services
from usage.models import Counter, EventKey, Level, UsageEvent


def nothing_is_recorded() -> bool:
    return not any(each.objects.exists() for each in (UsageEvent, EventKey, Counter, Level))


def test_use_is_counted_and_answered_as_a_check_is(shop: Shop) -> None:
    ada = shop.world.get("customers/ada")["id"]
    answer = shop.uses("builds", 4, id="build-1")
    assert answer == {
        "id": "build-1",
        "result": "recorded",
        "feature": "builds",
        "customer": ada,
        "subject": None,
        "allowed": True,
        "type": "metered",
        "value": "10",
        "unlimited": False,
        "unit": "build",
        "used": "4",
        "remaining": "6",
        "window": {
            "start": "2025-01-01T00:00:00Z",
            "end": "2025-01-02T00:00:00Z",
            "reset": "calendar",
        },
        "reason": "within_limit",
        "blocked_by": [],
        "revision": 1,
        "as_of": "2025-01-01T12:00:00Z",
        "valid_until": "2025-01-02T00:00:00Z",
        "degraded": False,
    }
    assert answer.keys() == ConsumeOut().fields.keys()
    check = shop.world.check("builds", customer="ada")
    assert check == {key: answer[key] for key in check}


def test_what_does_not_fit_is_denied_and_leaves_no_trace(shop: Shop) -> None:
    assert told(shop.uses("builds", 11)) == ("denied", False, "limit_reached", "0", "10")
    assert nothing_is_recorded()
    shop.uses("builds", 8)
    assert told(shop.uses("builds", 3)) == ("denied", False, "limit_reached", "8", "2")
    assert told(shop.uses("builds", 2)) == ("recorded", True, "within_limit", "10", "0")
    assert shop.stands("builds") == ("10", "0", "limit_reached")
    assert UsageEvent.objects.count() == 2


def test_a_denied_identifier_can_be_used_when_there_is_room(shop: Shop) -> None:
    shop.uses("builds", 10)
    assert shop.uses("builds", id="again")["result"] == "denied"
    shop.world.advance_to("2025-01-02")
    assert told(shop.uses("builds", id="again")) == ("recorded", True, "within_limit", "1", "9")


def test_the_same_use_again_counts_once(shop: Shop) -> None:
    shop.uses("builds", 4, id="build-1")
    shop.uses("builds", 6)
    repeated = ("repeated", True, "within_limit", "10", "0")
    assert told(shop.uses("builds", 4, id="build-1")) == repeated
    assert told(shop.uses("builds", "4.000", id="build-1")) == repeated
    assert UsageEvent.objects.count() == 2


@pytest.mark.parametrize("other", [{"quantity": 5}, {"feature": "minutes"}, {"customer": "bob"}])
def test_an_identifier_means_one_thing(shop: Shop, other: dict[str, Any]) -> None:
    shop.world.customer("bob")
    shop.uses("builds", 4, id="build-1")
    said = {"feature": "builds", "quantity": 4, "customer": "ada", **other}
    assert shop.uses(id="build-1", status=409, **said)["code"] == "usage_id_reused"
    assert UsageEvent.objects.count() == 1


def test_each_caller_has_identifiers_of_its_own(shop: Shop) -> None:
    shop.uses("builds", id="build-1")
    other = Shop(shop.world)
    shop.world.token = shop.world.token_for(list(Scope))
    assert other.uses("builds", id="build-1")["result"] == "recorded"


def test_an_identifier_is_known_for_forty_days(shop: Shop) -> None:
    shop.uses("pages", 7, id="page-1")
    for _ in range(2):
        shop.uses("pages")
    late = clock.system_now() + timedelta(days=41)
    assert services.clean_up(now=late - timedelta(days=2)) == 0
    assert shop.uses("pages", 7, id="page-1")["result"] == "repeated"
    assert services.clean_up(now=late, at_once=2) == 3
    assert not EventKey.objects.exists()


def test_overage_is_used_as_far_as_the_plan_permits(shop: Shop) -> None:
    assert told(shop.uses("minutes", "99.5")) == ("recorded", True, "within_limit", "99.5", "0.5")
    assert told(shop.uses("minutes", 20)) == ("recorded", True, "overage", "119.5", "0")
    assert told(shop.uses("minutes", 1)) == ("denied", False, "limit_reached", "119.5", "0")
    assert told(shop.uses("minutes", "0.5")) == ("recorded", True, "overage", "120", "0")
    assert shop.stands("minutes") == ("120", "0", "limit_reached")
    assert told(shop.uses("pages", 5000)) == ("recorded", True, "overage", "5000", "0")


def test_use_without_a_limit_is_counted_too(shop: Shop) -> None:
    ada = shop.world.get("customers/ada")["id"]
    shop.world.change(ada, "team")
    assert told(shop.uses("minutes", 1_000_000)) == (
        "recorded", True, "within_limit", "1000000", None,
    )  # fmt: skip


def test_a_change_of_plan_within_a_window_carries_use_over(shop: Shop) -> None:
    ada = shop.world.get("customers/ada")["id"]
    shop.uses("builds", 9)
    shop.world.change(ada, "team")
    assert shop.stands("builds") == ("9", "41", "within_limit")
    assert told(shop.uses("builds", 41)) == ("recorded", True, "within_limit", "50", "0")


def test_another_window_begins_at_nothing(shop: Shop) -> None:
    ada = shop.world.get("customers/ada")["id"]
    shop.uses("seeds", 5)
    assert shop.stands("seeds") == ("5", "0", "limit_reached")
    shop.world.change(ada, "team")  # from never to a calendar month
    assert shop.stands("seeds") == ("0", "5", "within_limit")


def test_a_block_denies_and_what_was_recorded_before_stays(shop: Shop) -> None:
    ada = shop.world.get("customers/ada")["id"]
    shop.uses("builds", 4, id="before")
    shop.world.post(
        f"customers/{ada}/blocks",
        status=201,
        name="abuse",
        effects=["access"],
    )
    answer = shop.uses("builds", 1)
    assert told(answer) == ("denied", False, "blocked", "4", "6")
    assert answer["blocked_by"] == ["abuse"]
    assert shop.uses("builds", 4, id="before")["result"] == "repeated"


@pytest.mark.parametrize(
    ("feature", "owner", "status", "code"),
    [
        ("sso", {"customer": "ada"}, 422, "not_consumable"),
        ("letters", {"customer": "ada"}, 422, "not_consumable"),
        ("nothing", {"customer": "ada"}, 404, "feature_not_found"),
        ("builds", {"customer": "eve"}, 404, "customer_not_found"),
        ("rules", {"customer": "ada"}, 422, "subject_required"),
        ("rules", {"customer": "ada", "subject": "x"}, 404, "subject_not_found"),
        ("rules", {"subject": "x"}, 400, "owner_required"),
    ],
)
def test_what_cannot_be_consumed_says_why(
    shop: Shop, feature: str, owner: dict[str, str], status: int, code: str
) -> None:
    assert shop.uses(feature, status=status, **owner)["code"] == code
    assert nothing_is_recorded()


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"id": ""}, "/id"),
        ({"id": "x" * 129}, "/id"),
        ({"id": 7}, "/id"),
        ({"quantity": "-1"}, "/quantity"),
        ({"quantity": 1}, "/quantity"),
        ({"quantity": "NaN"}, "/quantity"),
        ({"quantity": "1" * 21}, "/quantity"),
        ({"feature": None}, "/feature"),
        ({"oops": 1}, "/oops"),
    ],
)
def test_bad_input_is_refused(shop: Shop, wrong: dict[str, Any], pointer: str) -> None:
    body = {"id": "a", "customer": "ada", "feature": "builds", "quantity": "1", **wrong}
    answer = shop.world.post("entitlements/consume", status=400, **body)
    assert [each["pointer"] for each in answer["errors"]] == [pointer]
    assert nothing_is_recorded()


def test_the_largest_quantity_there_is_fits(shop: Shop) -> None:
    most = "9" * 20 + "." + "9" * 12
    for _ in range(2):
        assert shop.uses("pages", most)["result"] == "recorded"
    assert shop.stands("pages")[0] == "199999999999999999999.999999999998"


def test_callers_see_only_what_is_theirs(shop: Shop) -> None:
    world = shop.world
    world.customer("bob")
    ada = world.get("customers/ada")["id"]
    of_ada = world.token_for([Scope.USAGE_CONSUME], customer_id=ada)
    of_mail = world.token_for([Scope.USAGE_CONSUME], product_service="mail")
    body = {"id": "a", "feature": "builds", "quantity": "1"}

    def send(token: str, status: int, verb: str = "consume", **more: str) -> Any:
        path = f"entitlements/{verb}"
        return World(world.client).call(
            "POST", path, status=status, body={**body, **more}, token=token
        )

    assert send(of_ada, 404, customer="bob")["code"] == "customer_not_found"
    assert send(of_mail, 404, customer="ada")["code"] == "feature_not_found"
    assert send(of_ada, 403, "release", customer="ada")["code"] == "limited_caller"
    assert nothing_is_recorded()
    assert send(of_ada, 200, customer="ada")["result"] == "recorded"
