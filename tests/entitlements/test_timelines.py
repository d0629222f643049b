"""Timelines as values: their stored form, what ends, what changed."""

from typing import Any

import pytest

from entitlements import timelines
from entitlements.resolution import Segment, segments
from entitlements.timelines import Timeline
from entitlements.windows import WindowRule
from plans.resets import ResetKind
from tests.entitlements.given import CUSTOMER, SUBJECT, at, fact, feature

RULES = feature()
FEATURES = {RULES.key: RULES}


def timeline(*facts: Any, from_: str = "2025-01-01") -> Timeline:
    found = segments(facts, FEATURES, at(from_))
    return Timeline(SUBJECT, CUSTOMER, SUBJECT, 1, at(from_), found)


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("boolean", True),
        ("limit", 20),
        ("limit", {"unlimited": True}),
        ("number_set", [1, "2.5"]),
        ("range", {"min": 1, "max": 5}),
        ("string", "eu"),
        ("config", {"a": {"b": [1, "x"]}}),
        ("metered", {"included": 5, "reset": {"calendar": "day"}, "zone": "UTC"}),
    ],
)
def test_what_is_stored_is_read_back(type: str, value: Any) -> None:
    of = feature(type)
    rule = WindowRule(ResetKind.FIXED, "7 days", "Europe/Berlin", at("2025-01-31 09:30"))
    facts = [
        fact(value, "2025-01-01", "2025-02-01", of=of, window=rule, plan="free"),
        fact(value, "2025-02-01", of=of, window=WindowRule(ResetKind.NEVER)),
    ]
    found = segments(facts, {of.key: of}, at("2025-01-01"))
    assert timelines.from_json(timelines.to_json(found), {of.key: of}) == found


def test_the_stored_form() -> None:
    found = timeline(fact(20, "2025-01-01", "2025-02-01"), fact(5, "2025-02-01", plan="free"))
    assert timelines.to_json(found.segments)["features"] == {
        "rules": [
            {
                "from": "2025-01-01T00:00:00Z",
                "until": "2025-02-01T00:00:00Z",
                "value": 20,
                "sources": [0],
            },
            {"from": "2025-02-01T00:00:00Z", "until": None, "value": 5, "sources": [1]},
        ]
    }


@pytest.mark.parametrize(
    ("facts", "until"),
    [
        ([fact(20)], None),
        ([fact(20, end="2025-03-01")], "2025-03-01"),
        ([fact(20, end="2025-03-01"), fact(5, "2025-03-01", plan="free")], None),
        ([fact(20, end="2025-03-01"), fact(5, "2025-04-01", plan="free")], "2025-03-01"),
    ],
)
def test_a_feature_ends_only_where_nothing_of_it_follows(facts: Any, until: str | None) -> None:
    assert timeline(*facts).until("rules", at("2025-02-01")) == (until and at(until))


def test_values_by_instant() -> None:
    found = timeline(fact(20, "2025-01-01", "2025-02-01"), fact(5, "2025-02-01", plan="free"))
    assert [
        found.value_at("rules", at(day)) for day in ("2024-12-31", "2025-01-01", "2025-02-01")
    ] == [None, 20, 5]


def test_changed_features_are_those_with_another_track_or_a_passed_boundary() -> None:
    def track(key: str, until: str | None) -> Segment:
        end = None if until is None else at(until)
        return Segment(key, at("2025-01-01"), end, True, (), None)

    before = [track("a", None), track("b", None), track("c", None)]
    after = [track("a", None), track("b", "2025-05-01"), track("d", None)]
    assert timelines.changed_features(before, after, passed=["e"]) == ["b", "c", "d", "e"]


def test_boundaries_passed_in_a_stretch_of_time() -> None:
    found = timeline(fact(20, "2025-01-01", "2025-02-01"), fact(5, "2025-03-01", "2025-04-01"))
    stretches = [
        ("2025-01-01", "2025-01-31"),
        ("2025-01-01", "2025-02-01"),
        ("2025-02-01", "2025-02-28"),
        ("2025-02-28", "2025-03-01"),
        ("2025-03-31", "2025-04-01"),
    ]
    assert [
        timelines.passing(found.segments, after=at(after), until=at(until))
        for after, until in stretches
    ] == [[], ["rules"], [], ["rules"], ["rules"]]
