"""Which operations lead back to what was."""

from typing import Any

import pytest

from changes.undoing import CannotBeUndone, rest_of_the_way, way_back

PRO: dict[str, Any] = {
    "plan": "pro",
    "plan_version": "plv_1",
    "interval": "month",
    "quantity": 3,
    "add_ons": {"extra": 1},
    "limits_kept_from": [],
    "state": "active",
    "started_at": "2026-01-10T00:00:00Z",
    "ended_at": None,
    "trial_end": None,
    "paused_since": None,
    "pause_mode": "",
    "anchor": "2026-01-10T00:00:00Z",
    "anchor_day": None,
    "zone": "UTC",
    "period_start": "2026-01-10T00:00:00Z",
    "period_end": "2026-02-10T00:00:00Z",
    "blocks": [],
    "overrides": [],
    "pending": [],
}
BACK = {"timing": "now", "settlement": "credit", "keep_pending": True}


def planned(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "add_on": "",
        "effective_at": "2026-02-10T00:00:00Z",
        "with_period": True,
        "plan": None,
        "plan_version": None,
        "interval": "",
        "quantity": None,
        "settlement": None,
        "details": {},
        **more,
    }


END = planned("end", settlement="none")
BILLING_END = planned("billing_end", effective_at="2026-02-01T00:00:00Z", with_period=False)
TO_FREE = planned("plan", plan="free", plan_version="plv_0", interval="month")
DATED = {"effective_at": "2026-03-01T00:00:00Z", "with_period": False}
BLOCK = {
    "name": "abuse",
    "effects": ["access"],
    "from": "2026-01-20T00:00:00Z",
    "until": None,
    "public_reason": "Reported.",
}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {}, []),
        # what is different, and only that
        (
            {},
            {"plan": "business", "plan_version": "plv_2"},
            [{"plan": "pro", "plan_version": "plv_1", "interval": "month"}],
        ),
        ({}, {"quantity": 5}, [{"quantity": 3}]),
        ({}, {"add_ons": {"other": 2}}, [{"add_ons": {"extra": 1, "other": 0}}]),
    ],
)
def test_what_has_changed_is_changed_back(
    before: dict[str, Any], now: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    found = way_back({**PRO, **before}, {**PRO, **now})
    assert found == [{"change": {**each, **BACK}} for each in expected]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([], [END], [{"unschedule": {"kind": "end"}}]),
        ([], [BILLING_END, END], [{"unschedule": {"kind": "end"}}]),
        (
            [],
            [planned("add_on", add_on="extra", quantity=0)],
            [{"unschedule": {"kind": "add_on", "add_on": "extra"}}],
        ),
        ([END], [], [{"cancel": {"when": "period_end", "settlement": "none"}}]),
        (
            [BILLING_END, END],
            [],
            [
                {
                    "cancel": {
                        "when": "period_end",
                        "settlement": "none",
                        "billing_end": "2026-02-01T00:00:00Z",
                    }
                }
            ],
        ),
        (
            [planned("end", **DATED)],
            [],
            [{"cancel": {"access_end": "2026-03-01T00:00:00Z"}}],
        ),
        # one plan replaced the other
        (
            [TO_FREE],
            [planned("plan", plan="pro", plan_version="plv_9", interval="year")],
            [
                {"unschedule": {"kind": "plan"}},
                {
                    "change": {
                        "plan": "free",
                        "plan_version": "plv_0",
                        "interval": "month",
                        "timing": "period_end",
                    }
                },
            ],
        ),
        (
            [planned("quantity", quantity=2, **DATED)],
            [],
            [{"change": {"quantity": 2, "effective_at": "2026-03-01T00:00:00Z"}}],
        ),
        (
            [planned("add_on", add_on="extra", quantity=0)],
            [],
            [{"change": {"add_ons": {"extra": 0}, "timing": "period_end"}}],
        ),
        (
            [planned("pause", details={"pause_mode": "extend"}, **DATED)],
            [],
            [{"pause": {"mode": "extend", "at": "2026-03-01T00:00:00Z"}}],
        ),
        ([planned("resume", **DATED)], [], [{"resume": {"at": "2026-03-01T00:00:00Z"}}]),
        (
            [planned("anchor", details={"zone": "Europe/Berlin"})],
            [],
            [{"anchor": {"zone": "Europe/Berlin"}}],
        ),
        ([planned("anchor", **DATED)], [], [{"anchor": {"at": "2026-03-01T00:00:00Z"}}]),
        ([TO_FREE], [TO_FREE], []),
    ],
)
def test_what_was_planned_is_planned_again(
    before: list[dict[str, Any]], now: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    found = way_back({**PRO, "pending": before}, {**PRO, "pending": now})
    assert found == expected


def test_what_cannot_be_led_back() -> None:
    with pytest.raises(CannotBeUndone):
        way_back(PRO, {**PRO, "state": "canceled"})
    with pytest.raises(CannotBeUndone):
        way_back({**PRO, "pending": [planned("start")]}, PRO)


def test_what_began_ends_once() -> None:
    assert way_back(None, PRO) == [{"cancel": {"when": "now", "settlement": "credit"}}]
    assert way_back(None, {**PRO, "state": "canceled"}) == []
    assert rest_of_the_way(None, PRO) == []


def test_pauses_and_blocks() -> None:
    paused = {**PRO, "paused_since": "2026-01-20T00:00:00Z", "pause_mode": "extend"}
    assert way_back(PRO, paused) == [{"resume": {}}]
    assert way_back(paused, PRO) == []
    assert rest_of_the_way(paused, PRO) == [{"pause": {"mode": "extend"}}]
    blocked = {**PRO, "blocks": [BLOCK]}
    assert way_back(PRO, blocked) == [{"lift": {"name": "abuse", "since": BLOCK["from"]}}]
    placed = {"name": "abuse", "effects": ["access"], "public_reason": "Reported."}
    assert way_back(blocked, PRO) == [{"block": placed}]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({}, []),
        ({"anchor": "2026-01-20T00:00:00Z"}, [{"anchor": {"at": "2026-01-10T00:00:00Z"}}]),
        ({"zone": "Europe/Berlin"}, [{"anchor": {"zone": "UTC"}}]),
        # while it is paused nothing is counted
        ({"anchor": "2026-01-20T00:00:00Z", "paused_since": "2026-01-20T00:00:00Z"}, []),
    ],
)
def test_periods_are_counted_as_before(now: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    assert rest_of_the_way(PRO, {**PRO, **now}) == expected


def test_a_day_of_the_month_is_kept() -> None:
    before = {**PRO, "anchor": "2025-11-30T00:00:00Z", "anchor_day": 31}
    assert rest_of_the_way(before, PRO) == [{"anchor": {"day_of_month": 31}}]
