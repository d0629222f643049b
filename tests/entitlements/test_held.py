"""What an owner holds, at any instant, and why, at the front door."""

from typing import Any

import pytest

from core.principals import Scope
from tests.world import World


def held(world: World, customer: str, **query: str) -> dict[str, Any]:
    return world.get(f"customers/{customer}/entitlements", **query)


def values(listed: dict[str, Any]) -> dict[str, Any]:
    return {each["feature"]: each["value"] for each in listed["data"]}


def explain(world: World, customer: str, feature: str, **query: str) -> dict[str, Any]:
    return world.get(f"customers/{customer}/entitlements/explain", feature=feature, **query)


def test_a_customers_own_and_a_subjects_own_features(world: World) -> None:
    ada = world.customer("ada")
    shop = world.zone(ada, "shop.example")
    assert sorted(values(held(world, ada))) == [
        "ports",
        "region",
        "requests",
        "seats",
        "sizes",
        "theme",
    ]
    listed = held(world, "ada", subject="shop.example")
    assert (listed["customer"], listed["subject"], listed["projected"]) == (ada, shop, False)
    assert values(listed) == {"rules": "5", "regex": False}


def test_an_entry_says_what_a_check_says_and_since_when_and_from_what(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    [_, rules] = held(world, ada, subject=shop)["data"]
    check = world.check("rules", subject=shop)
    assert {name: rules[name] for name in rules.keys() & check.keys()} == {
        name: check[name] for name in rules.keys() & check.keys()
    }
    subscription = world.subscription(shop)["id"]
    assert (rules["from"], rules["until"], rules["name"], rules["sources"]) == (
        "2025-01-31T00:00:00Z",
        None,
        "rules",
        [
            {
                "type": "plan",
                "id": subscription,
                "product": "zone",
                "plan": "free",
                "add_on": None,
                "limit_kept_from": None,
            }
        ],
    )


def test_the_past_the_present_and_the_agreed_future(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    world.advance_to("2025-02-10")
    world.change(shop, "business")
    world.advance_to("2025-02-20")
    world.change(shop, "pro")  # agreed for 10 March: the period that began with Business
    [change] = world.subscription(shop)["pending"]
    assert change["effective_at"] == "2025-03-10T00:00:00Z"
    by_instant = {
        at: (values(answer)["rules"], answer["projected"])
        for at in (
            "2025-02-09T23:59:59Z",
            "2025-02-10T00:00:00Z",
            "2025-02-20T00:00:00Z",
            "2025-03-09T23:59:59Z",
            "2025-03-10T00:00:00Z",
            "2030-01-01T00:00:00Z",
        )
        for answer in [held(world, ada, subject=shop, at=at)]
    }
    assert list(by_instant.values()) == [
        ("5", False),
        ("100", False),
        ("100", False),
        ("100", True),
        ("20", True),
        ("20", True),
    ]
    assert values(held(world, ada, subject=shop, at="2025-01-30T23:59:59Z")).get("rules") is None
    assert world.check("rules", subject=shop)["valid_until"] == "2025-03-10T00:00:00Z"


def test_now_is_the_same_with_and_without_at(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    world.change(shop, "pro")
    assert held(world, ada, subject=shop) == held(
        world, ada, subject=shop, at="2025-01-31T00:00:00Z"
    )


def test_the_customers_now_is_at_least_when_it_acted_last(world: World, machine_time: Any) -> None:
    """A machine whose clock went back a little answers what it has just confirmed."""
    world.clock_id = None
    ada = world.customer()
    machine_time.passes(seconds=-30)
    answer = world.check("seats", customer=ada)
    assert (answer["allowed"], answer["as_of"]) == (True, "2026-03-01T12:00:00Z")


def test_an_explanation_in_full(world: World) -> None:
    ada = world.customer("ada")
    shop = world.zone(ada, "shop.example")
    world.advance_to("2025-02-10")
    world.change(shop, "pro", reason="they asked")
    subscription = world.subscription(shop)["id"]
    world.post(f"subscriptions/{subscription}/cancel")
    told = explain(world, ada, "rules", subject=shop)
    assert (told["owner"], told["customer"], told["subject"]) == (shop, ada, shop)
    assert told["at"] == "2025-02-10T00:00:00Z"
    assert told["result"] == {
        "allowed": True,
        "reason": "within_limit",
        "type": "limit",
        "value": "20",
        "unlimited": False,
        "unit": "rule",
    }
    assert told["in_words"] == (
        "Zone shop.example may use rules up to 20 rules: Pro gives 20 since 10 February 2025. "
        "Not blocked. Falls to 5 on 10 March 2025, when Free follows."
    )
    [step] = told["steps"]
    assert (step["from"], step["until"]) == ("2025-02-10T00:00:00Z", "2025-03-10T00:00:00Z")
    assert (step["source"]["id"], step["source"]["plan"]) == (subscription, "pro")
    assert (step["value_in"], step["value_out"], step["won"]) == (None, "20", True)
    assert step["actor"].startswith("client:cli_")
    assert told["next_change"] == {
        "from": "20",
        "at": "2025-03-10T00:00:00Z",
        "to": "5",
        "cause": "fallback",
    }
    assert told["remedies"] == [{"code": "upgrade", "plan": "business", "gives": "100"}]
    assert (told["window"], told["usage"], told["blocked_by"]) == (None, None, [])


def test_a_denial_is_explained_like_a_grant(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada, "shop.example")
    told = explain(world, ada, "regex", subject=shop)
    assert (told["result"]["allowed"], told["result"]["reason"]) == (False, "not_entitled")
    assert told["in_words"] == (
        "Zone shop.example does not have regular expressions: Free does not include it since "
        "31 January 2025. Not blocked."
    )
    assert told["remedies"] == [{"code": "upgrade", "plan": "business", "gives": True}]


def test_something_never_given_is_explained_with_what_would_give_it(world: World) -> None:
    ada = world.customer()
    early = explain(world, ada, "seats", at="2025-01-01T00:00:00Z")
    assert (early["steps"], early["result"]["reason"]) == ([], "not_entitled")
    assert [each["code"] for each in early["remedies"]] == ["subscribe", "subscribe"]


def test_several_sources_are_steps_that_add_up(world: World) -> None:
    ada = world.customer()
    for _ in range(2):
        world.post("subscriptions", status=201, customer=ada, plan="pack")
    told = explain(world, ada, "seats")
    assert [(step["value_in"], step["value_out"], step["won"]) for step in told["steps"]] == [
        (None, "3", True),
        ("3", "13", True),
        ("13", "23", True),
    ]
    assert world.check("seats", customer=ada)["value"] == "23"


def test_callers_of_one_customer_are_not_told_who_acted_and_why(world: World) -> None:
    ada = world.customer()
    token = world.token_for([Scope.ENTITLEMENTS_READ], customer_id=ada)
    told = world.call(
        "GET",
        f"customers/{ada}/entitlements/explain",
        status=200,
        query={"feature": "seats"},
        token=token,
    )
    assert [(step["actor"], step["reason"]) for step in told["steps"]] == [(None, None)]


@pytest.mark.parametrize(
    ("instant", "sees"),
    [
        ("1970-01-01T00:00:00Z", {"rules": None, "regex": None}),
        ("2200-12-31T23:59:59Z", {"rules": "20", "regex": False}),
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
def test_the_ends_of_the_calendar(world: World, instant: str, sees: Any, zone: str) -> None:
    ada = world.customer(zone=zone)
    shop = world.zone(ada)
    world.change(shop, "pro")
    assert values(held(world, ada, subject=shop, at=instant)) == sees
    told = explain(world, ada, "requests", at=instant)
    is_given = sees["rules"] is not None
    assert (told["projected"], told["window"] is not None) == (is_given, is_given)


@pytest.mark.parametrize(
    "instant",
    [
        "1969-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2025-01-31T24:00:00Z",
        "2025-02-29T00:00:00Z",
        "2025-01-31T00:00:00.5Z",
        "2025-01-31T00:00:00+24:00",
        "٢٠٢٥-01-31T00:00:00Z",
        "1738281600",
        "now\x00",
    ],
)
def test_instants_that_are_none_of_ours_are_refused(world: World, instant: str) -> None:
    world.customer("ada")
    for path, query in (("", {}), ("/explain", {"feature": "seats"})):
        answer = world.get(f"customers/ada/entitlements{path}", status=400, at=instant, **query)
        assert answer["code"] == "malformed_parameter"


def test_an_unchanged_answer_is_not_sent_again(world: World) -> None:
    ada = world.customer()
    headers = {"Authorization": f"Bearer {world.token}"}
    first = world.client.get(f"/v1/customers/{ada}/entitlements", headers=headers)
    again = world.client.get(
        f"/v1/customers/{ada}/entitlements", headers={**headers, "If-None-Match": first["ETag"]}
    )
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("eve/entitlements", {}, 404, "customer_not_found"),
        ("ada/entitlements", {"subject": "x"}, 404, "subject_not_found"),
        ("ada/entitlements", {"at": "2025-01-01T00:00:00"}, 400, "malformed_parameter"),
        ("ada/entitlements", {"at": "yesterday"}, 400, "malformed_parameter"),
        ("ada/entitlements", {"when": "now"}, 400, "unknown_parameter"),
        ("eve/entitlements/explain", {"feature": "seats"}, 404, "customer_not_found"),
        ("ada/entitlements/explain", {"feature": "x"}, 404, "feature_not_found"),
        ("ada/entitlements/explain", {"feature": "rules"}, 422, "subject_required"),
        ("ada/entitlements/explain", {}, 400, "missing_parameter"),
        ("eve/entitlements/token", {}, 404, "customer_not_found"),
    ],
)
def test_what_cannot_be_told_says_why(
    world: World, path: str, query: dict[str, str], status: int, code: str
) -> None:
    world.customer("ada")
    assert world.get(f"customers/{path}", status=status, **query)["code"] == code


@pytest.mark.parametrize("what", ["entitlements", "entitlements/explain", "entitlements/token"])
def test_other_tenants_and_missing_scopes(world: World, what: str) -> None:
    ada = world.customer("ada")
    world.customer("bob")
    query = {"feature": "seats"} if what.endswith("explain") else {}
    of_ada = world.token_for([Scope.ENTITLEMENTS_READ], customer_id=ada)
    checking = world.token_for([Scope.ENTITLEMENTS_CHECK])
    for customer, token, status in (
        ("ada", of_ada, 200),
        ("bob", of_ada, 404),
        ("ada", checking, 403),
    ):
        world.call("GET", f"customers/{customer}/{what}", status=status, query=query, token=token)


def test_a_product_service_lists_only_its_features(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    token = world.token_for([Scope.ENTITLEMENTS_READ], product_service="edge")
    own = world.call("GET", f"customers/{ada}/entitlements", status=200, token=token)
    of_zone = world.call(
        "GET", f"customers/{ada}/entitlements", status=200, query={"subject": shop}, token=token
    )
    assert values(own) == {}
    assert values(of_zone) == {"rules": "5", "regex": False}
