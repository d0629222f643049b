"""What a document may say: every mistake is found at once, where it is, with a stable code."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plans.document import difference, rules, text
from plans.document.sections import SECTIONS, read_document
from plans.document.state import Catalog
from tests.plans.catalogs import BASE, HITS, REMOVED, small

EMPTY = Catalog({section: {} for section in SECTIONS}, {}, frozenset())


def problems(tree: Any) -> list[tuple[str, str]]:
    document, found = read_document(tree)
    _, broken = rules.check(document, EMPTY)
    return sorted({(each.pointer, each.code) for each in (*found, *broken)})


def test_the_small_catalog_is_sound() -> None:
    assert problems(small()) == []


FEE = {"model": "flat", "amount": 5, "interval": "once"}
COUPON = {"percent_off": 5, "duration": "once"}
TIERS = {"model": "graduated", "meter": "hits"}
SHARE = {"model": "percentage", "meter": "hits", "rate": 1}
FIVE = {"up_to": 5, "amount": 1}
PRO = "/plans/pro"
BAD: list[tuple[str, Any, list[tuple[str, str]]]] = [
    # shape
    ("/plan", {}, [("/plan", "unknown_field")]),
    ("/plans/pro/colour", "red", [("/plans/pro/colour", "unknown_field")]),
    ("/plans/pro/rank", REMOVED, [("/plans/pro/rank", "required")]),
    ("/plans/pro/rank", "1", [("/plans/pro/rank", "invalid_type")]),
    ("/plans/pro/rank", True, [("/plans/pro/rank", "invalid_type")]),
    ("/plans/pro/rank", -1, [("/plans/pro/rank", "out_of_range")]),
    ("/plans/pro/publish", "yes", [("/plans/pro/publish", "invalid_type")]),
    ("/plans/pro/name", "", [("/plans/pro/name", "out_of_range")]),
    ("/plans/pro/name", "a\nb", [("/plans/pro/name", "out_of_range")]),
    ("/plans/pro/trial", None, [("/plans/pro/trial", "invalid_type")]),
    ("/plans/pro", [], [("/plans/pro", "invalid_type")]),
    ("/plans", [], [("/plans", "invalid_type"),
                    ("/products/site/default_plan", "unknown_plan"),
                    ("/products/site/fallback_plan", "unknown_plan"),
                    ("/add_ons/more/available_for", "unknown_plan")]),
    ("/coupons/-", COUPON, [("/coupons/-", "malformed_key")]),
    ("/coupons/cpn_01jd0000000000000000000000", COUPON, [
        ("/coupons/cpn_01jd0000000000000000000000", "malformed_key")]),
    # currencies, meters, features
    ("/currencies", ["EUR", "EUR"], [("/currencies/1", "duplicate_item")]),
    ("/currencies/0", "XAU", [("/currencies/0", "unknown_currency"),
                              ("/plans/pro/prices/month/EUR", "currency_not_sold"),
                              ("/add_ons/more/prices/month/EUR", "currency_not_sold")]),
    ("/meters/hits/aggregation", "count", [("/meters/hits/value_property", "not_allowed")]),
    ("/meters/hits/value_property", REMOVED, [("/meters/hits/value_property", "required")]),
    ("/meters/hits/filters", {"a": []}, [("/meters/hits/filters/a", "required")]),
    ("/features/rules/type", "number", [("/features/rules/type", "invalid_choice")]),
    ("/features/rules/combine", "any", [("/features/rules/combine", "invalid_choice")]),
    ("/features/rules/meter", "hits", [("/features/rules/meter", "not_allowed")]),
    ("/features/hits/meter", REMOVED, [("/features/hits/meter", "required")]),
    ("/features/hits/meter", "misses", [("/features/hits/meter", "unknown_meter")]),
    ("/features/hits/fed_by", "consume", []),
    ("/features/rules/product_service", "core", [
        ("/features/rules/product_service", "unknown_product_service")]),
    ("/features/rules/unit", "u" * 64, []),
    ("/features/rules/unit", "u" * 65, [("/features/rules/unit", "out_of_range")]),
    ("/features/rules/downgrade", "drop", [("/features/rules/downgrade", "invalid_choice")]),
    ("/features/rules/downgrade", {"keep_until_days": 0}, [
        ("/features/rules/downgrade/keep_until_days", "out_of_range")]),
    ("/features/rules/list_prices", {"USD": "1"}, [
        ("/features/rules/list_prices/USD", "currency_not_sold")]),
    ("/features/rules/list_prices", {"EUR": "0.005"}, []),  # finer than a minor unit
    ("/features/rules/list_prices", {"EUR": "0"}, [
        ("/features/rules/list_prices/EUR", "out_of_range")]),
    ("/features/rules/list_prices", {"EUR": "-1"}, [
        ("/features/rules/list_prices/EUR", "malformed_value")]),
    ("/features/rules/list_prices", {"EUR": 1.5}, [
        ("/features/rules/list_prices/EUR", "invalid_type")]),
    ("/features/rules/list_prices", ["1"], [("/features/rules/list_prices", "invalid_type")]),
    # products
    ("/products/site/exclusive", False, [("/products/site/default_plan", "needs_exclusive"),
                                         ("/products/site/fallback_plan", "needs_exclusive")]),
    ("/products/site/features", ["rules", "hits", "rules"], [
        ("/products/site/features/2", "duplicate_item")]),
    ("/products/site/features/1", "bits", [
        ("/products/site/features/1", "unknown_feature"),
        ("/plans/free/features/hits", "feature_not_in_product"),
        ("/plans/pro/features/hits", "feature_not_in_product"),
        ("/plans/free/features", "value_missing"),
        ("/plans/pro/features", "value_missing")]),
    ("/products/site/default_plan", "pro", []),
    ("/products/site/default_plan", "gold", [("/products/site/default_plan", "unknown_plan"),
                                             ("/products/site/fallback_plan", "unknown_plan")]),
    ("/products/site/fallback_plan", "none", []),
    ("/products/site/change_rules", [{"name": "a", "timing": "soon"}], [
        ("/products/site/change_rules/0/timing", "invalid_choice")]),
    ("/products/site/change_rules", [{"name": "a", "timing": "now", "when": {"rank": "higher"}}], [
        ("/products/site/change_rules/0/when/rank", "invalid_choice")]),
    ("/products/site/change_rules", [{"name": "a", "timing": "now"}] * 2, [
        ("/products/site/change_rules/1/name", "duplicate_item")]),
    ("/products/site/cancel", {}, []),
    ("/products/site/cancel", {"access_end": "date"}, [
        ("/products/site/cancel/access_end", "invalid_choice")]),
    ("/products/site/cancel", {"billing_end": "now", "settlement": "gift"}, [
        ("/products/site/cancel/settlement", "invalid_choice")]),
    ("/products/site/subject_kind", "k" * 64, []),
    ("/products/site/subject_kind", "k" * 65, [("/products/site/subject_kind", "out_of_range")]),
    # landing
    ("/plans/free/publish", False, [("/products/site/default_plan", "plan_not_published"),
                                    ("/products/site/fallback_plan", "plan_not_published")]),
    ("/plans/free/archived", True, [("/products/site/default_plan", "plan_archived"),
                                    ("/products/site/fallback_plan", "plan_archived")]),
    ("/plans/free/prices", {"month": "contract"}, [
        ("/products/site/default_plan", "plan_not_sellable"),
        ("/products/site/fallback_plan", "plan_not_sellable")]),
    ("/plans/free/externally_managed", True, [
        ("/products/site/default_plan", "plan_not_sellable"),
        ("/products/site/fallback_plan", "plan_not_sellable")]),
    # plans
    ("/plans/pro/product", "shop", [("/plans/pro/product", "unknown_product")]),
    ("/plans/pro/billing_zone", "Berlin", [("/plans/pro/billing_zone", "unknown_zone")]),
    ("/plans/pro/effective_from", "2026-01-01", [("/plans/pro/effective_from", "invalid_type")]),
    ("/plans/pro/effective_from", "2026-01-01T00:00:00", [
        ("/plans/pro/effective_from", "invalid_type")]),
    ("/plans/pro/effective_from", "2026-02-30T00:00:00Z", [
        ("/plans/pro/effective_from", "invalid_type")]),
    ("/plans/pro/effective_from", "2026-01-01T00:00:00.5Z", [
        ("/plans/pro/effective_from", "invalid_type")]),
    ("/plans/pro/effective_from", "0001-01-01T00:00:00+01:00", [
        ("/plans/pro/effective_from", "out_of_range")]),
    ("/plans/pro/trial", {"days": 0}, [("/plans/pro/trial/days", "out_of_range")]),
    ("/plans/pro/trial", {"days": 14, "ends": "never"}, [
        ("/plans/pro/trial/ends", "invalid_choice")]),
    ("/plans/pro/trial", {"days": 14, "ends": "free"}, []),
    ("/plans/free/trial", {"days": 14, "ends": "paid"}, []),
    ("/plans/free/trial", {"days": 14, "ends": "free"}, [
        ("/plans/free/trial/ends", "falls_back_to_itself")]),
    ("/plans/free/trial", {"days": 14}, [("/plans/free/trial/ends", "falls_back_to_itself")]),
    ("/plans/pro/pause", "stop", [("/plans/pro/pause", "invalid_choice")]),
    ("/plans/pro/quantity", {"min": 2}, [("/plans/pro/quantity", "not_allowed")]),
    ("/plans/pro/quantity", {"min": 0}, [("/plans/pro/quantity/min", "out_of_range")]),
    ("/plans/pro/quantity", {"min": 3, "max": 2}, [("/plans/pro/quantity/max", "out_of_range")]),
    ("/plans/pro/quantity", {"min": 3, "default": 2}, [
        ("/plans/pro/quantity/default", "out_of_range")]),
    ("/plans/pro/quantity", {"max": 3, "default": 4}, [
        ("/plans/pro/quantity/default", "out_of_range")]),
    ("/plans/pro/features/rules", REMOVED, [("/plans/pro/features", "value_missing")]),
    ("/plans/pro/features/bits", 1, [("/plans/pro/features/bits", "unknown_feature"),
                                     ("/plans/pro/features/bits", "feature_not_in_product")]),
    ("/plans/pro/features/rules", 2.5, [("/plans/pro/features/rules", "malformed_value")]),
    ("/plans/pro/features/hits/reset", "daily", [
        ("/plans/pro/features/hits/reset", "malformed_value")]),
    ("/plans/pro/private_versions", {"acme": {"customers": [], "prices": {"month": {}}}}, [
        ("/plans/pro/private_versions/acme/customers", "required")]),
    ("/plans/pro/private_versions", {"acme": {"customers": ["acme"], "prices": {"month": {}}}}, [
        ("/plans/pro/private_versions/acme/customers/0", "malformed_id")]),
    # prices
    ("/plans/pro/prices", {}, [("/plans/pro/prices", "required")]),
    ("/plans/pro/prices", {"month": {}, "year": "contract"}, [
        ("/plans/pro/prices", "contract_mixed")]),
    ("/plans/pro/prices", {"1 month": {}, "month": {}}, [
        ("/plans/pro/prices/month", "duplicate_key")]),
    ("/plans/pro/prices/monthly", {}, [("/plans/pro/prices/monthly", "malformed_interval")]),
    ("/plans/pro/prices/month/USD", {}, [("/plans/pro/prices/month/USD", "currency_not_sold")]),
    ("/plans/pro/prices/once", {"EUR": {"fee": FEE}}, [
        ("/plans/pro/prices/once", "interval_not_recurring")]),
    ("/plans/pro/prices", {"once": "contract"}, [
        ("/plans/pro/prices/once", "interval_not_recurring")]),
    ("/add_ons/more/prices/once", {"EUR": {"fee": FEE}}, [
        ("/add_ons/more/prices/once", "interval_not_recurring")]),
    ("/add_ons/more/prices", {"month": "contract"}, [("/add_ons/more/prices", "not_allowed")]),
    (f"{BASE}/model", REMOVED, [(f"{BASE}/model", "required")]),
    (f"{BASE}/amount", 20.5, [(f"{BASE}/amount", "invalid_type")]),
    (f"{BASE}/amount", "-1", [(f"{BASE}/amount", "malformed_value")]),
    (f"{BASE}/amount", "1e2", [(f"{BASE}/amount", "malformed_value")]),
    (f"{BASE}/amount", "20.005", [(f"{BASE}/amount", "amount_too_fine")]),
    (f"{BASE}/meter", "hits", [(f"{BASE}/meter", "unknown_field")]),
    (f"{BASE}/interval", "year", [(f"{BASE}/interval", "interval_does_not_divide")]),
    (f"{BASE}/interval", "week", [(f"{BASE}/interval", "interval_does_not_divide")]),
    (f"{BASE}/interval", "once", []),
    (f"{BASE}/amount", "10000000000000", []),
    (f"{BASE}/amount", "10000000000000.01", [(f"{BASE}/amount", "out_of_range")]),
    (f"{HITS}/interval", "once", [(f"{HITS}/interval", "not_allowed")]),
    (f"{BASE}/maximum", "0.001", [(f"{BASE}/maximum", "amount_too_fine")]),
    (f"{HITS}/amount", "0.000000000001", []),
    (f"{HITS}/amount", "0.0000000000001", [(f"{HITS}/amount", "malformed_value")]),
    (f"{HITS}/meter", "misses", [(f"{HITS}/meter", "unknown_meter")]),
    (f"{HITS}/due", "advance", [(f"{HITS}/due", "usage_in_advance")]),
    (f"{HITS}/divide_by", 0, [(f"{HITS}/divide_by", "out_of_range")]),
    (f"{HITS}/rounding", "down", [(f"{HITS}/rounding", "invalid_choice")]),
    (HITS, {**TIERS, "tiers": []}, [(f"{HITS}/tiers", "last_tier_bounded")]),
    (HITS, {**TIERS, "tiers": [{"up_to": 5, "amount": 1}]}, [
        (f"{HITS}/tiers", "last_tier_bounded")]),
    (HITS, {**TIERS, "tiers": [FIVE, FIVE, {"amount": 1}]}, [
        (f"{HITS}/tiers/1/up_to", "tiers_not_ascending")]),
    (HITS, {**TIERS, "tiers": [{"amount": 1}, {"amount": 1}]}, [
        (f"{HITS}/tiers/0/up_to", "tiers_not_ascending")]),
    (HITS, {"model": "percentage", "rate": "1.5"}, [(f"{HITS}/meter", "required")]),
    (HITS, {**SHARE, "min_per_event": 2, "max_per_event": 1}, [
        (f"{HITS}/max_per_event", "out_of_range")]),
    (HITS, {"model": "package", "meter": "hits", "amount": 1}, [
        (f"{HITS}/package_size", "required")]),
    # add-ons and coupons
    ("/add_ons/more/available_for", ["gold"], [("/add_ons/more/available_for", "unknown_plan")]),
    ("/add_ons/more/included_in", ["pro"], [("/add_ons/more/included_in", "duplicate_item")]),
    ("/add_ons/more/quantity", {"max": 5}, [("/add_ons/more/quantity", "not_allowed")]),
    ("/add_ons/more/features/rules", {"add": 1, "replace": 2}, [
        ("/add_ons/more/features/rules", "required")]),
    ("/add_ons/more/features/rules", {"add": "many"}, [
        ("/add_ons/more/features/rules/add", "malformed_value")]),
    ("/coupons/ten/percent_off", 101, [("/coupons/ten/percent_off", "out_of_range")]),
    ("/coupons/ten/amounts_off", {"EUR": "5"}, [("/coupons/ten", "required")]),
    ("/coupons/ten", {"amounts_off": {"EUR": "5.005"}, "duration": "once"}, [
        ("/coupons/ten/amounts_off/EUR", "amount_too_fine")]),
    ("/coupons/ten", {"amounts_off": {"EUR": 0}, "duration": "once"}, [
        ("/coupons/ten/amounts_off/EUR", "out_of_range")]),
    ("/coupons/ten", {"amounts_off": {"USD": 5}, "duration": {"months": 3}}, [
        ("/coupons/ten/amounts_off/USD", "currency_not_sold")]),
    ("/coupons/ten/duration", "always", [("/coupons/ten/duration", "invalid_choice")]),
]  # fmt: skip


@pytest.mark.parametrize(("pointer", "value", "expected"), BAD, ids=lambda each: str(each)[:60])
def test_one_mistake_is_reported_where_it_is(
    pointer: str, value: Any, expected: list[tuple[str, str]]
) -> None:
    assert problems(small({pointer: value})) == sorted(expected)


def test_all_mistakes_are_reported_together() -> None:
    tree = small({"/plans/pro/rank": "1", "/coupons/ten/duration": "always", f"{HITS}/meter": "no"})
    assert problems(tree) == [
        ("/coupons/ten/duration", "invalid_choice"),
        ("/plans/pro/rank", "invalid_type"),
    ]
    tree = small({"/coupons/ten/duration": "always", f"{HITS}/meter": "no"})
    assert problems(tree) == [
        ("/coupons/ten/duration", "invalid_choice"),
        (f"{HITS}/meter", "unknown_meter"),
    ]


def test_what_is_consumed_has_a_meter_of_its_own_that_adds_up() -> None:
    clicks = {"product_service": "edge", "type": "metered", "scope": "subject", "meter": "hits"}
    assert problems(small({"/features/clicks": clicks})) == []
    shared = [("/features/clicks/meter", "meter_shared"), ("/features/hits/meter", "meter_shared")]
    for consumed in ("clicks", "hits"):
        tree = small({"/features/clicks": clicks, f"/features/{consumed}/fed_by": "consume"})
        assert problems(tree) == shared
    latest = {"/meters/hits/aggregation": "latest", "/features/hits/fed_by": "consume"}
    assert problems(small(latest)) == [("/features/hits/fed_by", "meter_does_not_add_up")]


def test_a_string_feature_comes_from_one_exclusive_product_only() -> None:
    text = {"product_service": "edge", "type": "string", "scope": "customer"}
    loose = {"scope": "customer", "exclusive": False, "features": ["tone"]}
    tree = small({"/features/tone": text, "/products/extra": loose})
    assert problems(tree) == [("/features/tone/combine", "needs_exclusive")]
    two = small(
        {
            "/features/tone": text,
            "/products/extra": {**loose, "exclusive": True},
            "/products/more": {**loose, "exclusive": True},
        }
    )
    assert problems(two) == [("/features/tone/combine", "not_combinable")]


def test_only_values_that_have_a_sum_can_be_added() -> None:
    tree = small(
        {
            "/features/tone": {"product_service": "edge", "type": "string", "scope": "subject"},
            "/products/site/features": ["rules", "hits", "tone"],
            "/plans/free/features/tone": "calm",
            "/plans/pro/features/tone": "loud",
            "/add_ons/more/features/tone": {"add": "er"},
        }
    )
    assert problems(tree) == [("/add_ons/more/features/tone", "not_addable")]
    tree["add_ons"]["more"]["features"]["tone"] = {"replace": "louder"}
    assert problems(tree) == []


def test_an_add_on_changes_features_that_its_plans_have() -> None:
    other = {"product_service": "edge", "type": "limit", "scope": "subject"}
    tree = small({"/features/bits": other, "/add_ons/more/features/bits": {"add": 1}})
    assert problems(tree) == [("/add_ons/more/features/bits", "feature_not_in_product")]


def test_a_product_lands_on_a_plan_of_its_own() -> None:
    other = {"scope": "subject", "exclusive": True, "default_plan": "free"}
    assert problems(small({"/products/shop": other})) == [
        ("/products/shop/default_plan", "different_product"),
        ("/products/shop/fallback_plan", "different_product"),
    ]
    assert problems(small({"/products/shop": {**other, "archived": True}})) == []
    nowhere = {**other, "default_plan": "gold", "archived": True}
    assert problems(small({"/products/shop": nowhere})) == [
        ("/products/shop/default_plan", "unknown_plan"),
        ("/products/shop/fallback_plan", "unknown_plan"),
    ]


def test_a_default_plan_is_sold_in_every_currency() -> None:
    tree = small({"/currencies": ["EUR", "USD"], "/products/site/default_plan": "pro"})
    assert problems(tree) == [
        ("/products/site/default_plan", "plan_not_sellable"),
        ("/products/site/fallback_plan", "plan_not_sellable"),
    ]


def test_a_product_gives_features_of_its_own_scope() -> None:
    tree = small({"/features/rules/scope": "customer"})
    assert problems(tree) == [("/products/site/features/0", "scope_differs")]


def test_a_customer_is_in_one_private_version_of_a_plan() -> None:
    own = {"customers": ["cus_01jd0000000000000000000001"], "prices": {"month": {}}}
    tree = small({"/plans/pro/private_versions": {"one": own, "two": own}})
    assert problems(tree) == [("/plans/pro/private_versions/two/customers", "duplicate_item")]


@pytest.mark.parametrize("tree", [None, [], "catalog", 5])
def test_a_document_is_an_object(tree: Any) -> None:
    assert problems(tree) == [("", "invalid_type")]


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


INVENTED = text.load(
    (Path(__file__).parents[2] / "examples" / "catalog-invented.yaml").read_bytes()
)


def _places(tree: Any, *path: str | int) -> list[tuple[str | int, ...]]:
    """Return the way to every place in a tree."""
    children: Any = ()
    if isinstance(tree, dict):
        children = tree.items()
    elif isinstance(tree, list):
        children = enumerate(tree)
    return [path, *(way for name, child in children for way in _places(child, *path, name))]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(_places(INVENTED)[1:]), st.one_of(st.just(REMOVED), json_values))
def test_whatever_stands_anywhere_is_taken_or_reported_and_never_a_crash(
    path: tuple[str | int, ...], value: Any
) -> None:
    tree = copy.deepcopy(INVENTED)
    place = tree
    for step in path[:-1]:
        place = place[step]
    if value is REMOVED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    document, found = read_document(tree)
    checked, broken = rules.check(document, EMPTY)
    if not (found or broken):
        assert not difference.compare(checked, EMPTY).changes_nothing
