"""What differs between two instants, and what would differ if something were otherwise."""

from typing import Any

import pytest

from core.models import Event
from core.principals import Scope
from entitlements.models import Fact, Override
from tests.entitlements.overriding import make
from tests.world import World


@pytest.fixture
def shop(world: World) -> str:
    """Ada's zone, on Pro with 20 rules."""
    world.customer("ada")
    zone = world.zone("ada", "shop.example")
    world.change(zone, "pro")
    return zone


def diff(world: World, first: str, last: str, **query: Any) -> list[tuple[Any, ...]]:
    dates = {"from": f"{first}T00:00:00Z", "to": f"{last}T00:00:00Z"}
    answer = world.get("customers/ada/entitlements/diff", **dates, **query)
    names = ("feature", "before", "after", "cause")
    return [tuple(each[name] for name in names) for each in answer["data"]]


def simulate(world: World, status: int = 200, **body: Any) -> Any:
    answer = world.post(
        "entitlements/simulate", status=status, customer="ada", subject="shop.example", **body
    )
    if status != 200:
        return answer["code"]
    return {each["feature"]: (each["before"], each["after"]) for each in answer["data"]}


def test_two_instants_are_compared(world: World, shop: str) -> None:
    make(world, value=60, starts_at="2025-02-10T00:00:00Z", expires_at="2025-02-20T00:00:00Z")
    world.change(shop, "free")  # agreed for 28 February
    asked = {"subject": shop}
    assert diff(world, "2025-02-01", "2025-02-10", **asked) == [("rules", "20", "60", "override")]
    assert diff(world, "2025-02-10", "2025-02-20", **asked) == [
        ("rules", "60", "20", "override_ended")
    ]
    assert diff(world, "2025-02-01", "2025-02-20", **asked) == []
    assert diff(world, "2025-02-01", "2025-03-01", **asked) == [("rules", "20", "5", "scheduled")]
    assert diff(world, "2025-01-01", "2025-02-01", **asked) == [
        ("regex", None, False, "changed"),
        ("rules", None, "20", "changed"),
    ]
    assert diff(world, "2025-02-01", "2025-03-01") == []  # the customer's own
    answer = world.get(
        "customers/ada/entitlements/diff",
        subject="shop.example",
        **{"from": "2025-02-01T00:00:00Z", "to": "2025-02-10T00:00:00Z"},
    )
    assert {name: answer[name] for name in ("subject", "from", "to", "projected")} == {
        "subject": shop,
        "from": "2025-02-01T00:00:00Z",
        "to": "2025-02-10T00:00:00Z",
        "projected": True,
    }


def test_what_cannot_be_compared(world: World, shop: str) -> None:
    path = "customers/ada/entitlements/diff"
    day = "2025-02-01T00:00:00Z"
    assert world.get(path, status=400, to=day)["code"] == "missing_parameter"
    bad = {"from": "then", "to": day}
    assert world.get(path, status=400, **bad)["code"] == "malformed_parameter"
    dates = {"from": day, "to": day}
    assert world.get(path, status=404, subject="no", **dates)["code"] == "subject_not_found"
    theirs = world.token_for(list(Scope), customer_id=world.customer("bob"))
    answer = world.call("GET", path, status=404, token=theirs, query=dates)
    assert answer["code"] == "customer_not_found"
    edge = world.token_for([Scope.ENTITLEMENTS_READ], product_service="edge")
    query = {"from": "2025-01-01T00:00:00Z", "to": day}
    assert world.call("GET", path, status=200, token=edge, query=query)["data"] == []


def test_another_plan_is_supposed(world: World, shop: str) -> None:
    counted = (Fact.objects.count(), Event.objects.count())
    assert simulate(world, plan="business") == {"regex": (False, True), "rules": ("20", "100")}
    assert simulate(world, plan="free") == {"rules": ("20", "5")}
    assert simulate(world, plan="pro") == {}
    world.change(shop, "free")  # agreed for 28 February
    assert simulate(world, plan="business", at="2025-03-01T00:00:00Z") == {
        "regex": (False, True),
        "rules": ("5", "100"),
    }
    assert (Fact.objects.count(), Event.objects.count()) != counted  # the change alone
    counted = (Fact.objects.count(), Event.objects.count())
    simulate(world, plan="business")
    assert (Fact.objects.count(), Event.objects.count()) == counted
    own = world.post("entitlements/simulate", customer="ada", plan="team_free")
    assert (own["subject"], own["data"]) == (None, [])


def test_an_override_is_supposed_and_made_as_supposed(world: World, shop: str) -> None:
    asked = {"feature": "rules", "value": 60}
    assert simulate(world, override=asked) == {"rules": ("20", "60")}
    assert simulate(world, override={**asked, "mode": "add"}) == {"rules": ("20", "80")}
    assert simulate(world, override={**asked, "mode": "add"}, plan="business") == {
        "regex": (False, True),
        "rules": ("20", "160"),
    }
    assert simulate(world, override={"feature": "regex", "value": True}) == {"regex": (False, True)}
    assert not Override.objects.exists()
    make(world, value=70)
    assert simulate(world, override=asked) == {"rules": ("70", "60")}  # in its place
    assert simulate(world, plan="free") == {}  # at least 70 either way
    assert simulate(world, plan="business") == {"regex": (False, True), "rules": ("70", "100")}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_input"),
        ({"plan": "nothing"}, 404, "plan_not_found"),
        ({"plan": "team_free"}, 422, "not_subscribed"),
        ({"override": {"feature": "rules"}}, 400, "invalid_input"),
        ({"override": {"feature": "nothing", "value": 1}}, 404, "feature_not_found"),
        ({"override": {"feature": "seats", "value": 1}}, 422, "feature_of_customer"),
        ({"override": {"feature": "rules", "value": "x"}}, 400, "malformed_value"),
        (
            {"override": {"feature": "regex", "value": True, "mode": "add"}},
            422,
            "mode_not_allowed",
        ),
        ({"override": 5}, 400, "invalid_input"),
        ({"override": {"feature": "rules", "value": 1, "colour": 1}}, 400, "unknown_field"),
        ({"plan": "pro", "at": "soon"}, 400, "invalid_input"),
        ({"plan": "pro", "colour": "red"}, 400, "unknown_field"),
    ],
)
def test_what_cannot_be_supposed(
    world: World, shop: str, body: dict[str, Any], status: int, code: str
) -> None:
    assert simulate(world, status=status, **body) == code


def test_owners_that_are_not_the_callers_are_like_none(world: World, shop: str) -> None:
    theirs = world.token_for(list(Scope), customer_id=world.customer("bob"))
    body = {"customer": "ada", "subject": shop, "plan": "pro"}
    answer = world.call("POST", "entitlements/simulate", status=404, token=theirs, body=body)
    assert answer["code"] == "customer_not_found"
    refused = world.post("entitlements/simulate", status=400, plan="pro")
    assert refused["code"] == "owner_required"
    body = {"customer": "ada", "override": {"feature": "rules", "value": 1}}
    refused = world.post("entitlements/simulate", status=422, **body)
    assert refused["code"] == "subject_required"
    need = {"customer": "ada", "override": {"feature": "uploads", "value": {"included": 1}}}
    assert world.post("entitlements/simulate", status=422, **need)["code"] == "window_required"
