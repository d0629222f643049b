"""What must fit together: quantities and what counts them, trials and where they end, add-ons and
the plans that include them."""

from typing import Any

import pytest

from tests.plans.catalogs import BASE, small
from tests.plans.test_catalog_document import problems


@pytest.mark.parametrize(
    "counted",
    [
        {f"{BASE}/model": "per_unit"},
        {"/plans/pro/features/rules": {"per_unit": 2}},
        {"/plans/pro/features/hits": {"included": {"per_unit": 2}}},
        {"/plans/pro/features/hits": {"per_unit": 2}},
        {"/plans/pro/publish": False},
    ],
)
def test_a_quantity_needs_something_that_counts_it_once_it_is_published(
    counted: dict[str, Any],
) -> None:
    assert problems(small({**counted, "/plans/pro/quantity": {"min": 2, "max": 5}})) == []


def test_a_trial_ends_somewhere_else_and_somewhere_at_all() -> None:
    tried = {"/plans/pro/trial": {"days": 14, "ends": "free"}}
    nowhere = small({**tried, "/products/site/fallback_plan": "none"})
    assert problems(nowhere) == [("/plans/pro/trial/ends", "no_fallback")]
    nowhere["plans"]["pro"]["trial"]["ends"] = "paid_if_method"
    assert problems(nowhere) == []
    itself = small({**tried, "/products/site/fallback_plan": "pro"})
    assert problems(itself) == [("/plans/pro/trial/ends", "falls_back_to_itself")]
    own = {"customers": ["cus_01jd0000000000000000000001"], "prices": {"month": {}}}
    own |= {"features": small()["plans"]["pro"]["features"], "trial": {"days": 1, "ends": "free"}}
    private = {"/plans/pro/private_versions": {"acme": {**own, "publish": True}}}
    assert problems(small({**private, "/products/site/fallback_plan": "none"})) == [
        ("/plans/pro/private_versions/acme/trial/ends", "no_fallback")
    ]


def test_a_trial_for_each_subject_is_of_a_product_for_subjects() -> None:
    tree = small({"/plans/pro/trial": {"days": 14, "scope": "subject"}})
    assert problems(tree) == []
    for feature in tree["features"].values():
        feature["scope"] = "customer"
    tree["products"]["site"]["scope"] = "customer"
    assert problems(tree) == [("/plans/pro/trial/scope", "scope_differs")]


@pytest.mark.parametrize(
    ("feature", "effect", "sound"),
    [
        ("rules", {"add": 20}, True),
        ("rules", {"add": 21}, False),
        ("rules", {"replace": {"unlimited": True}}, False),
        ("rules", {"add": {"per_unit": 20}}, True),
        ("hits", {"add": {"included": 1000, "reset": "never"}}, True),
        ("hits", {"add": 1001}, True),  # malformed, which is what is reported
        ("hits", {"add": {"included": 1001}}, False),
    ],
)
def test_a_plan_that_includes_an_add_on_gives_as_much(
    feature: str, effect: dict[str, Any], sound: bool
) -> None:
    tree = small({"/add_ons/more/available_for": [], "/add_ons/more/included_in": ["pro"]})
    tree["add_ons"]["more"]["features"] = {feature: effect}
    found = [each for each in problems(tree) if each[1] != "malformed_value"]
    below = [("/add_ons/more/included_in", "value_below_add_on")]
    assert found == ([] if sound else below)
    tree["add_ons"]["more"]["archived"] = True
    assert [each for each in problems(tree) if each[1] != "malformed_value"] == []
