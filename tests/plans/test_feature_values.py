"""Feature values: what each type takes, its one written form, how values combine and compare."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans import values
from plans.numbers import MalformedValue
from plans.values import (
    COMBINES,
    UNLIMITED,
    Combine,
    Comparison,
    Config,
    FeatureType,
    NumberSet,
    PerUnit,
    Range,
)

D = Decimal

CANONICAL: list[tuple[str, Any, Any]] = [
    ("boolean", True, True),
    ("boolean", False, False),
    ("limit", 20, 20),
    ("limit", 0, 0),
    ("limit", "20", 20),
    ("limit", {"per_unit": 5}, {"per_unit": 5}),
    ("limit", {"unlimited": True}, {"unlimited": True}),
    ("number_set", [443, 80, "8.5"], ["8.5", 80, 443]),
    ("number_set", [], []),
    ("range", {"min": "-1.50", "max": 7}, {"min": "-1.5", "max": 7}),
    ("range", {"min": 3, "max": 3}, {"min": 3, "max": 3}),
    ("string", "phone", "phone"),
    ("string", "", ""),
    ("config", {"b": [1, None], "a": "x"}, {"a": "x", "b": [1, None]}),
    (
        "metered",
        {"included": "100000", "reset": {"calendar": "day"}, "zone": "UTC"},
        {"included": 100000, "reset": {"calendar": "day"}, "overage": "block", "zone": "UTC"},
    ),
    (
        "metered",
        {"included": "0.5", "reset": {"fixed": "1 week"}, "overage": {"allow_to_percent": "120"}},
        {"included": "0.5", "reset": {"fixed": "week"}, "overage": {"allow_to_percent": 120}},
    ),
    (
        "metered",
        {"included": {"per_unit": 10}, "reset": "never", "overage": "allow", "zone": "customer"},
        {"included": {"per_unit": 10}, "reset": "never", "overage": "allow", "zone": "customer"},
    ),
    (
        "metered",
        {"unlimited": True},
        {"included": {"unlimited": True}, "reset": "price_period", "overage": "allow"},
    ),
    (
        "metered",
        {"per_unit": "2.5"},
        {"included": {"per_unit": "2.5"}, "reset": "price_period", "overage": "block"},
    ),
]


@pytest.mark.parametrize(("type", "form", "canonical"), CANONICAL)
def test_a_value_is_written_one_way_however_it_was_given(
    type: str, form: Any, canonical: Any
) -> None:
    assert values.to_json(values.parse(type, form)) == canonical
    assert values.parse(type, canonical) == values.parse(type, form)


MALFORMED: list[tuple[str, Any, str]] = [
    ("boolean", 1, ""),
    ("boolean", "true", ""),
    ("limit", -1, ""),
    ("limit", "1.5", ""),
    ("limit", 1.0, ""),
    ("limit", True, ""),
    ("limit", "1_000", ""),
    ("limit", "\u0661", ""),
    ("limit", "1e3", ""),
    ("limit", 2**53, ""),
    ("limit", None, ""),
    ("limit", {"unlimited": 1}, ""),
    ("limit", {"unlimited": False}, ""),
    ("limit", {"per_unit": 1, "unlimited": True}, ""),
    ("limit", {"per_unit": "0.5"}, "/per_unit"),
    ("number_set", 80, ""),
    ("number_set", [80, "80"], ""),
    ("number_set", [1, 2.5], "/1"),
    ("number_set", list(range(1001)), ""),
    ("range", [1, 2], ""),
    ("range", {"min": 1}, ""),
    ("range", {"min": 2, "max": 1}, "/max"),
    ("range", {"min": 1, "max": {"unlimited": True}}, "/max"),
    ("string", 5, ""),
    ("string", "x" * 1001, ""),
    ("config", [1], ""),
    ("config", {"a": {"b/c": [0, 1.5]}}, "/a/b~1c/1"),
    ("config", {"a": "x" * 16384}, ""),
    ("metered", 100, ""),
    ("metered", {"reset": "never"}, "/included"),
    ("metered", {"included": 5, "resets": "never"}, "/resets"),
    ("metered", {"included": -5}, "/included"),
    ("metered", {"included": 5, "reset": "month"}, "/reset"),
    ("metered", {"included": 5, "reset": {"calendar": "fortnight"}}, "/reset/calendar"),
    ("metered", {"included": 5, "reset": {"fixed": "once"}}, "/reset/fixed"),
    ("metered", {"included": 5, "reset": {"sliding": "P7D"}}, "/reset/sliding"),
    ("metered", {"included": 5, "reset": {"sliding": 7}}, "/reset/sliding"),
    ("metered", {"included": 5, "reset": {"fixed": "day", "calendar": "day"}}, "/reset"),
    ("metered", {"included": 5, "reset": {"weekly": 1}}, "/reset"),
    ("metered", {"included": 5, "zone": "Mars/Olympus"}, "/zone"),
    ("metered", {"included": 5, "overage": "stop"}, "/overage"),
    ("metered", {"included": 5, "overage": {"allow_to_percent": 99}}, "/overage/allow_to_percent"),
]


@pytest.mark.parametrize(("type", "form", "pointer"), MALFORMED)
def test_a_malformed_value_is_refused_where_it_is_malformed(
    type: str, form: Any, pointer: str
) -> None:
    with pytest.raises(MalformedValue) as refused:
        values.parse(type, form)
    assert refused.value.pointer == pointer
    assert refused.value.code == "malformed_value"


def test_per_unit_amounts_are_multiplied_by_the_quantity_and_others_are_not() -> None:
    allowance = values.parse("metered", {"included": {"per_unit": 500}, "reset": "never"})
    assert values.at_quantity(PerUnit(D(5)), 3) == D(15)
    assert values.to_json(values.at_quantity(allowance, 3))["included"] == 1500
    assert values.at_quantity(D(20), 3) == D(20)
    assert values.at_quantity(UNLIMITED, 3) == UNLIMITED
    assert [values.is_per_unit(each) for each in (allowance, PerUnit(D(1)), D(1))] == [
        True,
        True,
        False,
    ]


COMBINED: list[tuple[str, str, list[Any], Any]] = [
    ("boolean", "any", [False, True, False], True),
    ("boolean", "any", [False, False], False),
    ("limit", "max", [5, 20, 7], 20),
    ("limit", "max", [5, {"unlimited": True}], {"unlimited": True}),
    ("limit", "min", [5, 20, {"unlimited": True}], 5),
    ("limit", "sum", [5, 20], 25),
    ("limit", "sum", [5, {"unlimited": True}], {"unlimited": True}),
    ("number_set", "union", [[443, 80], [22, 80]], [22, 80, 443]),
    ("range", "union", [{"min": 1, "max": 7}, {"min": 5, "max": 90}], {"min": 1, "max": 90}),
    ("string", "single", ["mail"], "mail"),
]


@pytest.mark.parametrize(("type", "how", "forms", "result"), COMBINED)
def test_values_of_several_plans_become_one(
    type: str, how: str, forms: list[Any], result: Any
) -> None:
    read = [values.parse(type, form) for form in forms]
    assert values.to_json(values.combine(type, how, read)) == result


def test_the_window_of_combined_allowances_is_that_of_the_winner_or_of_the_first() -> None:
    daily = values.parse("metered", {"included": 100, "reset": {"calendar": "day"}})
    monthly = values.parse("metered", {"included": 900, "reset": "price_period"})
    assert values.combine("metered", "max", [daily, monthly]) == monthly
    assert values.combine("metered", "min", [daily, monthly]) == daily
    assert values.to_json(values.combine("metered", "sum", [daily, monthly])) == {
        "included": 1000,
        "reset": {"calendar": "day"},
        "overage": "block",
    }


@pytest.mark.parametrize(
    ("type", "how", "forms"),
    [
        ("limit", "max", []),
        ("string", "single", ["mail", "phone"]),
        ("limit", "union", [1, 2]),
        ("limit", "max", [1, {"per_unit": 2}]),
    ],
)
def test_what_cannot_be_combined_is_a_defect(type: str, how: str, forms: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"combine|amount"):
        values.combine(type, how, [values.parse(type, form) for form in forms])


COMPARED: list[tuple[str, Any, Any, Comparison]] = [
    ("boolean", False, True, Comparison.MORE),
    ("boolean", True, False, Comparison.LESS),
    ("limit", 20, 20, Comparison.SAME),
    ("limit", 20, {"unlimited": True}, Comparison.MORE),
    ("limit", 100, 20, Comparison.LESS),
    ("number_set", [80], [80, 443], Comparison.MORE),
    ("number_set", [80, 22], [80, 443], Comparison.DIFFERENT),
    ("range", {"min": 1, "max": 7}, {"min": 2, "max": 5}, Comparison.LESS),
    ("range", {"min": 1, "max": 7}, {"min": 2, "max": 9}, Comparison.DIFFERENT),
    ("string", "mail", "phone", Comparison.DIFFERENT),
    ("config", {"a": 1}, {"a": 2}, Comparison.DIFFERENT),
    ("config", {"a": 1, "b": 2}, {"b": 2, "a": 1}, Comparison.SAME),
    ("metered", {"included": 5}, {"included": 9}, Comparison.MORE),
    ("metered", {"included": 5}, {"included": 9, "overage": "allow"}, Comparison.DIFFERENT),
]


@pytest.mark.parametrize(("type", "before", "after", "result"), COMPARED)
def test_two_values_compare(type: str, before: Any, after: Any, result: Comparison) -> None:
    assert values.compare(values.parse(type, before), values.parse(type, after)) == result


amounts = st.one_of(st.integers(0, 10**9).map(D), st.just(UNLIMITED))
number_sets = st.sets(st.integers(-100, 100)).map(
    lambda found: NumberSet(tuple(sorted(D(each) for each in found)))
)
ranges = st.tuples(st.integers(-100, 100), st.integers(0, 100)).map(
    lambda pair: Range(D(pair[0]), D(pair[0] + pair[1]))
)


@given(st.lists(amounts, min_size=1, max_size=5))
def test_no_plan_gives_more_than_the_maximum_or_less_than_the_minimum(found: list[Any]) -> None:
    highest = values.combine("limit", "max", found)
    lowest = values.combine("limit", "min", found)
    for each in found:
        assert values.compare(each, highest) in (Comparison.SAME, Comparison.MORE)
        assert values.compare(each, lowest) in (Comparison.SAME, Comparison.LESS)


@given(
    st.one_of(
        st.tuples(st.just("number_set"), st.lists(number_sets, min_size=1, max_size=4)),
        st.tuples(st.just("range"), st.lists(ranges, min_size=1, max_size=4)),
    )
)
def test_a_union_covers_each_of_its_parts_in_any_order(pair: tuple[str, list[Any]]) -> None:
    kind, found = pair
    union = values.combine(kind, "union", found)
    assert values.combine(kind, "union", found[::-1]) == union
    for each in found:
        assert values.compare(each, union) in (Comparison.SAME, Comparison.MORE)


@given(st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5))))
def test_a_config_is_the_object_that_was_given(data: dict[str, Any]) -> None:
    read = values.parse("config", data)
    assert isinstance(read, Config)
    assert read.data == data
    assert values.parse("config", values.to_json(read)) == read


def test_every_type_has_a_parser_and_a_way_to_combine() -> None:
    assert set(COMBINES) == set(FeatureType)
    assert {how for hows in COMBINES.values() for how in hows} == set(Combine)
