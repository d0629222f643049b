"""Limits that are kept from earlier versions of a plan: the facts of spans, and the words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.periods import Anchor, Cycle, Period
from entitlements import facts
from entitlements.explaining import Record, described, explain
from entitlements.facts import Fact
from entitlements.resolution import resolve, segments
from entitlements.timelines import from_json, to_json
from entitlements.words import Telling
from plans import values
from plans.terms import Effect, Terms, ValueTerms
from plans.values import Comparison, Value
from subscriptions.agreement import AddOnHeld
from subscriptions.spans import Span
from tests.entitlements.given import CUSTOMER, SUBJECT, at, feature
from tests.subscriptions.given import PRO, add_on

RULES = feature("limit")
CALLS = feature("metered", key="calls", scope="customer")
REGEX = feature("boolean", key="regex")
PORTS = feature("number_set", key="ports")
FEATURES = {each.key: each for each in (RULES, CALLS, REGEX, PORTS)}
CHANGED = at("2026-01-20")
TELLING = Telling("Zone shop.example", "UTC", {}, versions={"v1": 1, "v2": 2, "v3": 3})


def version(number: int, **given: Any) -> Terms:
    """A version of Pro that gives these features, in their JSON form."""
    return replace(
        PRO,
        version_id=f"v{number}",
        version=number,
        features={
            key: ValueTerms(FEATURES[key], values.parse(FEATURES[key].type, form))
            for key, form in given.items()
        },
    )


def span(on: str, *limits_of: str, quantity: int = 1, add_ons: tuple[AddOnHeld, ...] = ()) -> Span:
    cycle = Cycle(Anchor(at("2026-01-10"), "UTC"))
    return Span(
        subscription_id="sub_1",
        customer_id=CUSTOMER,
        subject_id=SUBJECT,
        product_key="zone",
        plan_key="pro",
        plan_version_id=on,
        quantity=quantity,
        add_ons=add_ons,
        start=CHANGED,
        end=None,
        interval="month",
        cycle=cycle,
        period=Period(at("2026-01-10"), at("2026-02-10")),
        is_paused=False,
        cause="changed",
        limits_of=limits_of,
    )


def made(held: Span, *versions: Terms) -> list[Fact]:
    terms = {each.version_id: each for each in versions}
    return facts.of_spans([held], terms, {CUSTOMER: "UTC"})


def given_by(held: Span, *versions: Terms) -> Mapping[str, tuple[Any, str]]:
    """Return each feature's value, and the version that a higher limit is kept from."""
    return {
        each.feature: (values.to_json(each.value), each.source.kept_from)
        for each in made(held, *versions)
    }


def calls(included: Any, *, overage: str = "block", every: str = "month") -> dict[str, Any]:
    return {"included": included, "reset": {"calendar": every}, "overage": overage}


@pytest.mark.parametrize(
    ("kept", "present", "expected"),
    [
        ([20], 10, (20, "v1")),
        ([20], 20, (20, "")),  # as much: nothing has to be kept
        ([20], 30, (30, "")),
        ([{"unlimited": True}], 1000, ({"unlimited": True}, "v1")),
        ([20], {"unlimited": True}, ({"unlimited": True}, "")),
        ([20], None, (20, "v1")),  # the present version does not give it at all
        # of several the highest; of equals the one that was held first
        ([20, 30], 10, (30, "v2")),
        ([30, 20], 10, (30, "v1")),
        ([20, 20], 10, (20, "v1")),
    ],
)
def test_the_highest_limit_counts(kept: list[Any], present: Any, expected: Any) -> None:
    earlier = [version(number, rules=value) for number, value in enumerate(kept, start=1)]
    now = version(3, **({} if present is None else {"rules": present}))
    held = span("v3", *(each.version_id for each in earlier))
    assert given_by(held, now, *earlier) == {"rules": expected}


@pytest.mark.parametrize(
    ("quantity", "expected"), [(1, (20, "v1")), (2, (20, "v1")), (3, (24, "")), (10, (80, ""))]
)
def test_it_is_the_highest_at_the_present_quantity(quantity: int, expected: Any) -> None:
    held = span("v2", "v1", quantity=quantity)
    found = given_by(held, version(1, rules=20), version(2, rules={"per_unit": 8}))
    assert found == {"rules": expected}


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (calls(300), (calls(500), "v1")),
        (calls(800), (calls(800), "")),
        # with another overage or window it is neither more nor less: the present one counts
        (calls(300, overage="allow"), (calls(300, overage="allow"), "")),
        (calls(300, every="week"), (calls(300, every="week"), "")),
    ],
)
def test_an_allowance_is_kept_where_its_rules_are_the_same(present: Any, expected: Any) -> None:
    found = given_by(span("v2", "v1"), version(1, calls=calls(500)), version(2, calls=present))
    assert found == {"calls": expected}


def test_a_kept_allowance_has_its_own_window() -> None:
    [fact] = made(span("v2", "v1"), version(1, calls=calls(500)), version(2))
    assert fact.window is not None
    assert (fact.window.every, fact.window.zone) == ("month", "UTC")


def test_what_is_no_limit_is_never_kept() -> None:
    before = version(1, rules=20, regex=True, ports=[80, 443])
    after = version(2, rules=20, regex=False)
    assert given_by(span("v2", "v1"), before, after) == {"rules": (20, ""), "regex": (False, "")}


def test_add_ons_come_on_top_of_what_is_kept() -> None:
    extra = add_on("extra")
    more = ValueTerms(RULES, Decimal(50), Effect.ADD)
    held = AddOnHeld(replace(extra.terms, features={"rules": more}), 1)
    found = made(span("v2", "v1", add_ons=(held,)), version(1, rules=20), version(2, rules=10))
    assert resolve(found, FEATURES, CHANGED).value("rules") == 70


def test_it_is_told_in_words_which_version_the_limit_is_kept_from() -> None:
    [fact] = made(span("v2", "v1"), version(1, rules=20), version(2, rules=10))
    explanation = explain(RULES, [fact], CHANGED)
    told = described(
        explanation,
        telling=replace(TELLING, plans={"v2": "Pro"}),
        records={fact: Record(CHANGED, None, None)},
        remedies=[],
    )
    [step] = told["steps"]
    assert step["because"] == (
        "nothing else gives it; version 1 gave more, and its limits are kept"
    )
    assert step["source"]["limit_kept_from"] == "v1"
    assert told["in_words"] == (
        "Zone shop.example may use custom rules up to 20 rules: Pro gives 20 (kept from version 1)"
        " since 20 January 2026. Not blocked."
    )


def test_a_timeline_is_stored_with_it() -> None:
    found = segments(
        made(span("v2", "v1"), version(1, rules=20), version(2, rules=10)), FEATURES, CHANGED
    )
    assert from_json(to_json(found), FEATURES) == found
    assert [each.kept_from for each in found[0].sources] == ["v1"]


AMOUNTS = (
    st.integers(0, 50)
    | st.just({"unlimited": True})
    | st.integers(0, 9).map(lambda each: {"per_unit": each})
)
OFFERS = st.fixed_dictionaries({}, optional={"rules": AMOUNTS, "calls": AMOUNTS.map(calls)})


def is_at_least(one: Value | None, other: Value) -> bool:
    return one is not None and values.compare(other, one) in (Comparison.MORE, Comparison.SAME)


@given(st.lists(OFFERS, min_size=1, max_size=4), st.integers(1, 9))
def test_nobody_has_less_than_any_version_gave_and_all_that_they_have_was_given(
    offers: list[dict[str, Any]], quantity: int
) -> None:
    versions = [version(number, **offer) for number, offer in enumerate(offers, start=1)]
    *earlier, now = versions
    held = span(now.version_id, *(each.version_id for each in earlier), quantity=quantity)
    found = made(held, *versions)
    resolution = resolve(found, FEATURES, CHANGED)
    timeline = segments(found, FEATURES, CHANGED)
    for key in ("rules", "calls"):
        offered = [
            values.at_quantity(each.features[key].value, quantity)
            for each in versions
            if key in each.features
        ]
        value = resolution.value(key)
        assert all(is_at_least(value, each) for each in offered)
        assert value in offered or (value is None and not offered)
        for instant in (CHANGED, CHANGED + timedelta(days=1)):
            read = [each.value for each in timeline if each.feature == key]
            assert read == ([] if resolve(found, FEATURES, instant).value(key) is None else [value])


def test_without_kept_limits_nothing_else_is_looked_at() -> None:
    assert given_by(span("v2"), version(2, rules=10)) == {"rules": (10, "")}
