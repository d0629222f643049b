"""Many checks in one call: in order, an answer or a problem each, few queries."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.principals import Scope
from entitlements.queries import check_many
from entitlements.reader import Asked
from identity.tokens import verify
from tests.world import World


def checks(world: World, *questions: dict[str, Any], token: str | None = None) -> list[Any]:
    body = {"checks": list(questions)}
    answer = world.call("POST", "entitlements/check", status=200, body=body, token=token)
    return list(answer["results"])


def test_each_question_gets_the_answer_or_problem_of_a_single_check(world: World) -> None:
    ada = world.customer("ada")
    shop = world.zone(ada, "shop.example")
    answerable = [
        {"subject": shop, "feature": "rules", "quantity": "6"},
        {"customer": "ada", "feature": "seats"},
        {"customer": "ada", "subject": "shop.example", "feature": "regex"},
        {"customer": ada, "subject": shop, "feature": "requests"},
    ]
    refused = [
        ({"customer": "eve", "feature": "seats"}, "customer_not_found"),
        ({"customer": "ada", "subject": "x", "feature": "rules"}, "subject_not_found"),
        ({"customer": "ada", "feature": "nothing"}, "feature_not_found"),
        ({"customer": "ada", "feature": "rules"}, "subject_required"),
        ({"subject": "shop.example", "feature": "rules"}, "owner_required"),
        ({"customer": shop, "feature": "seats"}, "customer_not_found"),
    ]
    mixed = [answerable[0], *(question for question, _ in refused), *answerable[1:]]
    results = checks(world, *mixed)
    codes = [each["problem"] and each["problem"]["code"] for each in results]
    assert codes == [None, *(code for _, code in refused), None, None, None]
    single = [world.get("entitlements/check", **question) for question in answerable]
    assert [each["check"] for each in results if each["check"]] == single
    assert [(each["check"] is None) != (each["problem"] is None) for each in results] == [True] * 10


def test_problems_of_a_batch_look_like_those_of_single_checks(world: World) -> None:
    [result] = checks(world, {"customer": "eve", "feature": "seats"})
    single = world.get("entitlements/check", status=404, customer="eve", feature="seats")
    assert result["problem"].keys() == single.keys()
    assert {**result["problem"], "request_id": ""} == {**single, "request_id": ""}


def test_what_another_tenant_has_is_missing(world: World) -> None:
    ada, bob = world.customer("ada"), world.customer("bob")
    shop = world.zone(bob)
    token = world.token_for([Scope.ENTITLEMENTS_CHECK], customer_id=ada, product_service="desk")
    results = checks(
        world,
        {"customer": "ada", "feature": "seats"},
        {"customer": "bob", "feature": "seats"},
        {"subject": shop, "feature": "seats"},
        {"customer": "ada", "feature": "rules"},
        token=token,
    )
    assert [each["problem"] and each["problem"]["code"] for each in results] == [
        None,
        "customer_not_found",
        "subject_not_found",
        "feature_not_found",
    ]


def test_the_number_of_queries_does_not_depend_on_the_number_of_questions(world: World) -> None:
    ada = world.customer()
    zones = [world.zone(ada, f"z{n}.example") for n in range(5)]
    principal = verify(world.token)
    counts = []
    for size in (1, 5, 500):
        questions = [(Asked(None, zones[n % 5]), "rules", Decimal(1)) for n in range(size)]
        with CaptureQueriesContext(connection) as captured:
            answers = check_many(questions, principal)
        assert [each["subject"] for each in answers if isinstance(each, dict)] == [
            zones[n % 5] for n in range(size)
        ]
        counts.append(len(captured))
    assert counts[0] == counts[1] == counts[2] <= 1  # and one statement of the reader's own


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/checks", "required"),
        ({"checks": []}, "/checks", "min_length"),
        ({"checks": [{"feature": "seats"}] * 501}, "/checks", "max_length"),
        ({"checks": [{}]}, "/checks/0/feature", "required"),
        ({"checks": [{"feature": 5}]}, "/checks/0/feature", "not_text"),
        ({"checks": [{"feature": "x", "quantity": 3}]}, "/checks/0/quantity", "not_text"),
        ({"checks": [{"feature": "x", "quantity": "-3"}]}, "/checks/0/quantity", "negative"),
        ({"checks": [{"feature": "x", "other": 1}]}, "/checks/0/other", "unknown_field"),
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(
    world: World, body: Any, pointer: str, code: str
) -> None:
    problem = world.call("POST", "entitlements/check", status=400, body=body)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(pointer, code)]


def test_an_idempotency_key_is_ignored(world: World) -> None:
    world.customer("ada")
    body = {"checks": [{"customer": "ada", "feature": "seats"}]}
    answers = [
        world.call("POST", "entitlements/check", status=200, body=body, **{"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    other = {"checks": [{"customer": "ada", "feature": "region"}]}
    world.call("POST", "entitlements/check", status=200, body=other, **{"Idempotency-Key": "k"})
