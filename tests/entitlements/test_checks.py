"""The check at the front door."""

from typing import Any

import pytest

from core.principals import Scope
from entitlements.api.serializers import CheckOut
from tests.world import World

MISSING_CUSTOMER = "cus_01jd3vq6n0e6rt1c7h9a2b4c5d"
MISSING_SUBJECT = "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e"


def test_a_check_answers_every_field(world: World) -> None:
    ada = world.customer("ada")
    shop = world.zone(ada)
    assert world.check("rules", subject=shop, quantity="3") == {
        "feature": "rules",
        "customer": ada,
        "subject": shop,
        "allowed": True,
        "type": "limit",
        "value": "5",
        "unlimited": False,
        "unit": "rule",
        "used": None,
        "remaining": None,
        "window": None,
        "reason": "within_limit",
        "blocked_by": [],
        "revision": 2,
        "as_of": "2025-01-31T00:00:00Z",
        "valid_until": None,
        "degraded": False,
    }


def test_an_answer_has_the_documented_members(world: World) -> None:
    answer = world.check("rules", subject=world.zone(world.customer()))
    assert answer.keys() == CheckOut().fields.keys()


@pytest.mark.parametrize(
    ("feature", "value", "reason"),
    [
        ("seats", "3", "within_limit"),
        ("ports", ["80", "443"], "granted"),
        ("sizes", {"min": "1", "max": "2.5"}, "granted"),
        ("region", "eu", "granted"),
        ("theme", {"color": "blue"}, "granted"),
        ("requests", "1000", "within_limit"),
    ],
)
def test_values_of_every_type(world: World, feature: str, value: Any, reason: str) -> None:
    answer = world.check(feature, customer=world.customer())
    assert (answer["value"], answer["reason"], answer["subject"]) == (value, reason, None)


def test_a_metered_feature_shows_its_allowance_and_window(world: World) -> None:
    answer = world.check("requests", customer=world.customer(zone="Europe/Berlin"))
    assert answer["window"] == {
        "start": "2025-01-30T23:00:00Z",
        "end": "2025-01-31T23:00:00Z",
        "reset": "calendar",
    }
    assert answer["valid_until"] == "2025-01-31T23:00:00Z"


@pytest.mark.parametrize(
    ("quantity", "allowed", "reason"),
    [
        ("5", True, "within_limit"),
        ("5.5", False, "limit_reached"),
        ("6", False, "limit_reached"),
        ("0", True, "within_limit"),
    ],
)
def test_a_limit_compares_what_is_asked_for_with_its_value(
    world: World, quantity: str, allowed: bool, reason: str
) -> None:
    shop = world.zone(world.customer())
    answer = world.check("rules", subject=shop, quantity=quantity)
    assert (answer["allowed"], answer["reason"]) == (allowed, reason)


def test_a_value_that_gives_nothing_and_one_that_has_ended(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    assert world.check("regex", subject=shop)["reason"] == "not_entitled"
    world.advance_to("2025-02-10")
    world.delete(f"customers/{ada}/subjects/{shop}")
    assert world.check("rules", subject=shop)["reason"] == "expired"
    assert world.check("regex", subject=shop)["reason"] == "not_entitled"


def test_owners_and_features_are_named_by_id_or_key(world: World) -> None:
    ada = world.customer("ada")
    shop = world.zone(ada, "shop.example")
    by_id = world.check("rules", subject=shop)
    feature_id = world_feature_id("rules")
    for query in (
        {"customer": "ada", "subject": "shop.example"},
        {"customer": ada, "subject": "shop.example"},
        {"customer": "ada", "subject": shop},
    ):
        assert world.check("rules", **query) == by_id
        assert world.check(feature_id, **query) == by_id


def world_feature_id(key: str) -> str:
    from plans.models import Feature

    return str(Feature.objects.get(key=key).id)


def test_a_customers_feature_asked_with_a_subject_is_the_customers(world: World) -> None:
    ada = world.customer()
    shop = world.zone(ada)
    answer = world.check("seats", subject=shop)
    assert (answer["value"], answer["customer"], answer["subject"]) == ("3", ada, shop)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"feature": "nothing", "customer": "ada"}, 404, "feature_not_found"),
        ({"feature": MISSING_CUSTOMER, "customer": "ada"}, 404, "feature_not_found"),
        ({"feature": "seats", "customer": "eve"}, 404, "customer_not_found"),
        ({"feature": "seats", "customer": MISSING_CUSTOMER}, 404, "customer_not_found"),
        ({"feature": "seats", "customer": MISSING_SUBJECT}, 404, "customer_not_found"),
        ({"feature": "rules", "subject": MISSING_SUBJECT}, 404, "subject_not_found"),
        ({"feature": "rules", "subject": MISSING_CUSTOMER}, 404, "subject_not_found"),
        ({"feature": "rules", "customer": "ada", "subject": "x"}, 404, "subject_not_found"),
        ({"feature": "rules", "customer": "ada"}, 422, "subject_required"),
        ({"feature": "rules", "subject": "shop.example"}, 400, "owner_required"),
        ({"feature": "rules"}, 400, "owner_required"),
        ({"customer": "ada"}, 400, "missing_parameter"),
        ({"feature": "seats", "customer": "ada", "quantity": "-1"}, 400, "malformed_parameter"),
        ({"feature": "seats", "customer": "ada", "quantity": "1_0"}, 400, "malformed_parameter"),
        ({"feature": "seats", "customer": "ada", "quantity": "NaN"}, 400, "malformed_parameter"),
        ({"feature": "seats", "customer": "ada", "quantity": "1e9"}, 400, "malformed_parameter"),
        ({"feature": "seats", "customer": "ada", "quantity": "٣"}, 400, "malformed_parameter"),
        ({"feature": "seats", "customer": "a\x00"}, 400, "malformed_parameter"),
        ({"feature": "seats", "customer": "ada", "featuer": "x"}, 400, "unknown_parameter"),
        ({"feature": "seats", "customer": ""}, 400, "empty_parameter"),
        ({"feature": ["seats", "seats"], "customer": "ada"}, 400, "duplicate_parameter"),
        (
            {"feature": "seats", "customer": "ada", "at_least": "rv1_x"},
            400,
            "malformed_revision_token",
        ),
    ],
)
def test_what_cannot_be_answered_says_why(
    world: World, query: dict[str, Any], status: int, code: str
) -> None:
    world.zone(world.customer("ada"), "shop.example")
    problem = world.get("entitlements/check", status=status, **query)
    assert (problem["code"], problem["status"]) == (code, status)


def test_a_subject_of_another_customer_is_missing(world: World) -> None:
    shop = world.zone(world.customer("ada"))
    world.customer("bob")
    problem = world.get(
        "entitlements/check", status=404, feature="rules", customer="bob", subject=shop
    )
    assert problem["code"] == "subject_not_found"


def test_a_caller_of_one_customer_sees_no_other(world: World) -> None:
    ada, bob = world.customer("ada"), world.customer("bob")
    shop = world.zone(bob)
    token = world.token_for([Scope.ENTITLEMENTS_CHECK], customer_id=ada)
    answers = [
        world.call("GET", "entitlements/check", status=status, query=query, token=token)
        for status, query in (
            (200, {"feature": "seats", "customer": "ada"}),
            (404, {"feature": "seats", "customer": "bob"}),
            (404, {"feature": "seats", "customer": "eve"}),
            (404, {"feature": "rules", "subject": shop}),
            (404, {"feature": "rules", "subject": MISSING_SUBJECT}),
        )
    ]
    without_request_id = [
        {name: value for name, value in each.items() if name != "request_id"}
        for each in answers[1:]
    ]
    assert without_request_id[0] == without_request_id[1]
    assert without_request_id[2] == without_request_id[3]
    assert (answers[1]["code"], answers[3]["code"]) == ("customer_not_found", "subject_not_found")


def test_a_caller_of_one_product_service_sees_only_its_features(world: World) -> None:
    shop = world.zone(world.customer("ada"))
    token = world.token_for([Scope.ENTITLEMENTS_CHECK], product_service="edge")
    seen = world.call(
        "GET",
        "entitlements/check",
        status=200,
        query={"feature": "rules", "subject": shop},
        token=token,
    )
    hidden = world.call(
        "GET",
        "entitlements/check",
        status=404,
        query={"feature": "seats", "customer": "ada"},
        token=token,
    )
    assert (seen["value"], hidden["code"]) == ("5", "feature_not_found")


# --- the way through Django -------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["*/*", "application/json;q=0.9, */*;q=0.1"])
@pytest.mark.parametrize(
    ("headers", "status", "code", "challenge"),
    [
        ({}, 401, "not_authenticated", 'Bearer realm="api"'),
        (
            {"Authorization": "Basic eDp5"},
            401,
            "invalid_token",
            'Bearer realm="api", error="invalid_token"',
        ),
        (
            {"Authorization": "Bearer x"},
            401,
            "invalid_token",
            'Bearer realm="api", error="invalid_token"',
        ),
    ],
)
def test_unknown_callers_are_refused_alike_on_both_ways(
    world: World, accept: str, headers: dict[str, str], status: int, code: str, challenge: str
) -> None:
    answer = world.client.get(
        "/v1/entitlements/check?oops=1", headers={"Accept": accept, **headers}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == challenge
    assert answer["X-Request-Id"] == answer.json()["request_id"]


@pytest.mark.parametrize("accept", ["*/*", "application/json;q=0.9, */*;q=0.1"])
def test_both_ways_answer_the_same(world: World, accept: str) -> None:
    shop = world.zone(world.customer())
    headers = {"Authorization": f"Bearer {world.token}", "Accept": accept, "X-Request-Id": "mine"}
    answer = world.client.get(
        f"/v1/entitlements/check?feature=rules&subject={shop}", headers=headers
    )
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer["X-Request-Id"] == "mine"
    assert answer.json() == world.check("rules", subject=shop)


@pytest.mark.parametrize("accept", ["*/*", "application/json;q=0.9, */*;q=0.1"])
def test_the_scope_is_needed_on_both_ways(world: World, accept: str) -> None:
    token = world.token_for([Scope.ENTITLEMENTS_READ])
    answer = world.client.get(
        "/v1/entitlements/check?feature=seats&customer=x",
        headers={"Authorization": f"Bearer {token}", "Accept": accept},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_other_methods(world: World) -> None:
    shop = world.zone(world.customer())
    headers = {"Authorization": f"Bearer {world.token}"}
    path = f"/v1/entitlements/check?feature=rules&subject={shop}"
    head = world.client.head(path, headers=headers)
    options = world.client.options(path, headers=headers)
    delete = world.client.delete(path, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert (options.status_code, options["Allow"]) == (204, "GET, POST, HEAD, OPTIONS")
    assert (delete.status_code, delete.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("query", ["feature=%ff", "feature=\xe9", "feature=a%00"])
def test_text_that_is_no_utf8_is_refused(world: World, query: str) -> None:
    answer = world.client.get(
        "/v1/entitlements/check",
        QUERY_STRING=query,
        headers={"Authorization": f"Bearer {world.token}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_parameter")
