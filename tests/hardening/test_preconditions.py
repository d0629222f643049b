"""If-Match: whoever saw an older state changes nothing, on every object that has an ETag."""

from typing import Any

import pytest

from tests.hardening.door import Door, door_of
from tests.racing import together
from tests.world import World


@pytest.fixture
def door(world: World) -> Door:
    world.starts_on("2026-01-31")
    world.zone(world.customer("ada"), "shop")
    return door_of(world)


def subscription(door: Door) -> str:
    (found,) = door.gets("/v1/subscriptions?subject=shop")["data"]
    return f"/v1/subscriptions/{found['id']}"


def seen(door: Door, path: str) -> str:
    return str(door.knock("GET", path).headers["ETag"])


@pytest.mark.parametrize(
    ("method", "place", "body"),
    [
        ("PATCH", "", {"metadata": {"a": "b"}}),
        ("POST", "/change", {"plan": "pro"}),
        ("POST", "/cancel", {}),
    ],
)
def test_a_subscription_is_changed_as_it_was_seen(
    door: Door, method: str, place: str, body: dict[str, Any]
) -> None:
    path = subscription(door)
    assert door.knock("POST", f"{path}/change", {"plan": "business"}).status_code == 200
    tag = seen(door, path)

    changed = door.knock(method, path + place, body, **{"If-Match": tag})
    stale = door.refuses(method, path + place, body, **{"If-Match": tag})

    assert changed.status_code == 200
    assert stale == (412, "precondition_failed")


def test_the_desired_state_of_a_product_is_put_as_it_was_seen(door: Door) -> None:
    tag = seen(door, subscription(door))
    path = "/v1/customers/ada/subjects/shop/products/zone"

    changed = door.knock("PUT", path, {"plan": "pro"}, **{"If-Match": tag})
    stale = door.refuses("PUT", path, {"plan": "business"}, **{"If-Match": tag})

    assert changed.status_code == 200
    assert stale == (412, "precondition_failed")


def test_other_objects_are_changed_as_they_were_seen(door: Door) -> None:
    """The clock moves last: nothing of its customers changes meanwhile."""
    clock = door.gets("/v1/test-clocks")["data"][0]["id"]
    for method, path, place, body, status in [
        ("PATCH", "/v1/customers/ada", "", {"profile": {"name": "Ada"}}, 200),
        ("PATCH", "/v1/product-services/edge", "", {"grace_days": 3}, 200),
        ("POST", "/v1/product-services/edge", "/pause", None, 200),
        ("DELETE", "/v1/customers/ada/subjects/shop", "", None, 200),
        ("DELETE", "/v1/customers/ada", "", None, 200),
        ("POST", f"/v1/test-clocks/{clock}", "/advance", {"to": "2026-02-01T00:00:00Z"}, 202),
    ]:
        for tag, refusal in [
            ('"of-long-ago"', (412, "precondition_failed")),
            ("of-long-ago", (400, "malformed_precondition")),
        ]:
            assert door.refuses(method, path + place, body, **{"If-Match": tag}) == refusal, path
        now = {"If-Match": seen(door, path)}
        assert door.knock(method, path + place, body, **now).status_code == status, path


def test_what_does_not_exist_yet_matches_nothing(door: Door) -> None:
    refused = door.refuses("POST", "/v1/customers", {"currency": "USD"}, **{"If-Match": "*"})

    assert refused == (412, "precondition_failed")


def test_of_many_who_saw_the_same_one_changes_it(door: Door) -> None:
    path = "/v1/customers/ada"
    tag = seen(door, path)

    def rename(name: str) -> int:
        mine = Door(door.token)
        return mine.knock(
            "PATCH", path, {"profile": {"name": name}}, **{"If-Match": tag}
        ).status_code

    answers = together(*(lambda name=f"Ada {n}": rename(name) for n in range(6)))

    assert sorted(answers) == [200, 412, 412, 412, 412, 412]
