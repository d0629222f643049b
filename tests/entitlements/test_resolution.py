"""From facts to values: combining, winners and losers, segments."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entitlements.facts import Fact
from entitlements.resolution import Segment, clipped, resolve, segments
from entitlements.timelines import next_boundary
from plans import values
from plans.terms import FeatureTerms
from plans.values import COMBINES, UNLIMITED, Combine, FeatureType
from tests.entitlements.given import CUSTOMER, SUBJECT, at, fact, feature, source

MOMENT = timedelta(microseconds=1)
UNLIMITED_FORM = {"unlimited": True}


def resolved(facts: list[Fact], of: FeatureTerms, instant: str = "2025-02-01") -> Any:
    value = resolve(facts, {of.key: of}, at(instant)).value(of.key)
    return None if value is None else values.to_json(value)


@pytest.mark.parametrize(
    ("type", "combine", "given_values", "result"),
    [
        ("boolean", "any", [False, True], True),
        ("boolean", "any", [False, False], False),
        ("limit", "max", [5, 20], 20),
        ("limit", "min", [5, 20], 5),
        ("limit", "sum", [5, 20], 25),
        ("limit", "max", [5, UNLIMITED_FORM], UNLIMITED_FORM),
        ("limit", "min", [5, UNLIMITED_FORM], 5),
        ("limit", "sum", [5, UNLIMITED_FORM], UNLIMITED_FORM),
        ("number_set", "union", [[1, 3], [2, 3]], [1, 2, 3]),
        ("range", "union", [{"min": 2, "max": 5}, {"min": 4, "max": 9}], {"min": 2, "max": 9}),
        ("string", "single", ["eu", "us"], "eu"),
        ("config", "single", [{"a": 1}, {"b": 2}], {"a": 1}),
    ],
)
def test_values_of_several_plans_are_combined_as_the_feature_says(
    type: str, combine: str, given_values: list[Any], result: Any
) -> None:
    of = feature(type, combine=combine)
    facts = [fact(value, of=of, number=n) for n, value in enumerate(given_values, 1)]
    assert resolved(facts, of) == result


def test_a_metered_value_keeps_the_rules_of_the_allowance_that_won() -> None:
    of = feature("metered", combine="max")
    small = {"included": 10, "reset": "never", "overage": "block"}
    large = {"included": 50, "reset": {"calendar": "month"}, "overage": "allow"}
    assert resolved([fact(small, of=of), fact(large, of=of, number=2)], of) == large


def test_a_fact_counts_from_its_beginning_until_just_before_its_end() -> None:
    of = feature()
    facts = [fact(20, "2025-02-01", "2025-03-01", of=of)]
    by_instant = {
        instant: resolve(facts, {of.key: of}, instant).value(of.key)
        for instant in (
            at("2025-02-01") - MOMENT,
            at("2025-02-01"),
            at("2025-03-01") - MOMENT,
            at("2025-03-01"),
        )
    }
    assert list(by_instant.values()) == [None, Decimal(20), Decimal(20), None]


def test_the_trace_begins_with_nothing_and_ends_with_the_result_and_lists_losers() -> None:
    of = feature(combine="max")
    facts = [fact(5, of=of, plan="free", number=1), fact(20, of=of, plan="pro", number=2)]
    found = resolve(facts, {of.key: of}, at("2025-02-01")).outcomes[of.key]
    assert [
        (step.fact.source.plan, step.value_in, step.value_out, step.won) for step in found.steps
    ] == [
        ("free", None, Decimal(5), False),
        ("pro", Decimal(5), Decimal(20), True),
    ]
    assert found.winners == (facts[1],)


def test_of_equal_values_the_oldest_source_wins_and_in_a_sum_all_do() -> None:
    same = [fact(20, number=2), fact(20, number=1)]
    highest = resolve(same, {"rules": feature(combine="max")}, at("2025-02-01"))
    summed = resolve(same, {"rules": feature(combine="sum")}, at("2025-02-01"))
    assert [each.source.id for each in highest.outcomes["rules"].winners] == [
        source("", number=1).id
    ]
    assert summed.value("rules") == Decimal(40)
    assert len(summed.outcomes["rules"].winners) == 2


def test_facts_of_unknown_features_are_left_out() -> None:
    assert resolve([fact(20)], {}, at("2025-02-01")).outcomes == {}
    assert segments([fact(20)], {}, at("2025-02-01")) == ()


def test_neighbours_that_say_the_same_are_one_segment() -> None:
    of = feature()
    halves = [
        fact(20, "2025-01-01", "2025-02-01", of=of),
        fact(20, "2025-02-01", None, of=of, cause="changed"),
    ]
    assert segments(halves, {of.key: of}, at("2025-01-01")) == (
        Segment(of.key, at("2025-01-01"), None, Decimal(20), (source("pro"),), None),
    )


def test_equal_values_of_different_plans_are_two_segments() -> None:
    of = feature()
    facts = [
        fact(100, "2025-01-01", "2025-02-01", of=of, plan="free"),
        fact(100, "2025-02-01", None, of=of, plan="pro"),
    ]
    found = segments(facts, {of.key: of}, at("2025-01-01"))
    assert [(each.starts_at, each.sources[0].plan) for each in found] == [
        (at("2025-01-01"), "free"),
        (at("2025-02-01"), "pro"),
    ]


@pytest.mark.parametrize(
    ("from_", "starts"),
    [
        ("2025-01-15", ["2025-01-01", "2025-03-01"]),  # in the first
        ("2025-02-15", ["2025-01-01", "2025-03-01"]),  # in the gap: the first tells "expired"
        ("2025-03-01", ["2025-03-01"]),
        ("2025-06-01", ["2025-03-01"]),  # all over: the last one stays
        ("2024-06-01", ["2025-01-01", "2025-03-01"]),  # not begun
    ],
)
def test_the_past_is_left_out_but_for_the_last_of_a_feature_without_a_value(
    from_: str, starts: list[str]
) -> None:
    of = feature()
    facts = [
        fact(5, "2025-01-01", "2025-02-01", of=of),
        fact(20, "2025-03-01", "2025-04-01", of=of),
    ]
    found = segments(facts, {of.key: of}, at(from_))
    assert [each.starts_at for each in found] == [at(each) for each in starts]


FORMS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "limit": st.one_of(st.integers(0, 50), st.just(UNLIMITED_FORM)),
    "number_set": st.lists(st.integers(0, 9), unique=True, max_size=4),
    "range": st.tuples(st.integers(0, 5), st.integers(5, 9)).map(
        lambda ends: {"min": ends[0], "max": ends[1]}
    ),
    "string": st.sampled_from(["eu", "us"]),
    "config": st.sampled_from([{"a": 1}, {"b": 2}]),
    "metered": st.builds(
        lambda included, reset: {"included": included, "reset": reset, "overage": "block"},
        st.one_of(st.integers(0, 50), st.just(UNLIMITED_FORM)),
        st.sampled_from(["never", {"calendar": "day"}]),
    ),
}


@st.composite
def histories(draw: st.DrawFn) -> tuple[FeatureTerms, list[Fact]]:
    """A feature and facts of up to three sources that do not overlap themselves."""
    kind = draw(st.sampled_from(sorted(FORMS)))
    of = feature(kind, combine=draw(st.sampled_from(COMBINES[FeatureType(kind)])))
    facts: list[Fact] = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        days = sorted(draw(st.lists(st.integers(1, 28), min_size=1, max_size=6, unique=True)))
        for start, end in zip(days, [*days[1:], None], strict=True):
            if draw(st.booleans()):
                until = None if end is None else f"2025-01-{end:02d}"
                facts.append(
                    fact(
                        draw(FORMS[kind]),
                        f"2025-01-{start:02d}",
                        until,
                        of=of,
                        number=number,
                    )
                )
    return of, facts


def instants(facts: list[Fact]) -> list[datetime]:
    ends = {each.ends_at for each in facts if each.ends_at} | {each.starts_at for each in facts}
    return sorted(end + step for end in ends for step in (-MOMENT, timedelta(0), MOMENT))


@settings(max_examples=150, deadline=None)
@given(history=histories(), seed=st.randoms())
def test_the_order_of_facts_does_not_matter(
    history: tuple[FeatureTerms, list[Fact]], seed: Any
) -> None:
    of, facts = history
    shuffled = list(facts)
    seed.shuffle(shuffled)
    features = {of.key: of}
    assert segments(shuffled, features, at("2025-01-01")) == segments(
        facts, features, at("2025-01-01")
    )
    for instant in instants(facts):
        assert resolve(shuffled, features, instant) == resolve(facts, features, instant)


@settings(max_examples=150, deadline=None)
@given(history=histories(), day=st.integers(1, 28))
def test_splitting_what_a_source_gives_changes_nothing(
    history: tuple[FeatureTerms, list[Fact]], day: int
) -> None:
    of, facts = history
    cut = at(f"2025-01-{day:02d}")
    split: list[Fact] = []
    for each in facts:
        if each.starts_at < cut and (each.ends_at is None or cut < each.ends_at):
            split += [replace(each, ends_at=cut), replace(each, starts_at=cut)]
        else:
            split.append(each)
    features = {of.key: of}
    assert segments(split, features, at("2025-01-01")) == segments(
        facts, features, at("2025-01-01")
    )


@settings(max_examples=150, deadline=None)
@given(history=histories(), from_day=st.integers(1, 28))
def test_the_timeline_agrees_with_resolve_at_every_boundary_and_a_microsecond_either_side(
    history: tuple[FeatureTerms, list[Fact]], from_day: int
) -> None:
    of, facts = history
    from_ = at(f"2025-01-{from_day:02d}")
    track = segments(facts, {of.key: of}, from_)
    for instant in [from_, *(each for each in instants(facts) if each > from_)]:
        holding = [each for each in track if each.is_in_effect(instant)]
        expected = resolve(facts, {of.key: of}, instant).value(of.key)
        assert [each.value for each in holding] == ([] if expected is None else [expected])


@settings(max_examples=150, deadline=None)
@given(history=histories(), first=st.integers(1, 27), later=st.integers(0, 10))
def test_a_timeline_may_be_clipped_instead_of_computed_again(
    history: tuple[FeatureTerms, list[Fact]], first: int, later: int
) -> None:
    of, facts = history
    start = at(f"2025-01-{first:02d}")
    then = start + timedelta(days=later)
    features = {of.key: of}
    assert clipped(segments(facts, features, start), then) == segments(facts, features, then)


@settings(max_examples=150, deadline=None)
@given(history=histories())
def test_nothing_changes_between_boundaries(history: tuple[FeatureTerms, list[Fact]]) -> None:
    of, facts = history
    track = segments(facts, {of.key: of}, at("2025-01-01"))
    instant = at("2025-01-01")
    while (following := next_boundary(track, instant)) is not None:
        before = [each for each in track if each.is_in_effect(instant)]
        assert [each for each in track if each.is_in_effect(following - MOMENT)] == before
        instant = following


@settings(max_examples=100, deadline=None)
@given(amounts=st.lists(st.integers(0, 10**15), max_size=4), place=st.integers(0, 4))
def test_unlimited_is_the_highest_value(amounts: list[int], place: int) -> None:
    forms: list[Any] = list(amounts)
    forms.insert(place, UNLIMITED_FORM)
    facts = [fact(form, number=n) for n, form in enumerate(forms, 1)]
    for combine in (Combine.MAX, Combine.SUM):
        of = feature(combine=combine)
        assert resolve(facts, {of.key: of}, at("2025-02-01")).value(of.key) == UNLIMITED


def test_owner_of_a_fact_is_the_subject_or_the_customer() -> None:
    assert fact(1).owner_id == SUBJECT
    assert fact(1, subject=None).owner_id == CUSTOMER
