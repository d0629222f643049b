"""The form in which states are kept."""

import json

import pytest

from tests.usage.given import EMPTY, after, every, grant, hold, on, reset, rolls, use, went
from usage.snapshots import AnotherForm, from_json, to_json

GRANTS = [
    grant("a", "10.50", recurs=every("week"), rollover=rolls(5, 1)),
    grant("b", 7, until=on(3), priority=1),
    grant("c", 7, voided_at=on(3), priority=1, paid=True),
]
ENTRIES = [
    reset(on(1), on(31), 4, rolls(2)),
    use(on(2), "1.25"),
    hold("h", on(9), 6, on(9, 1)),  # 4 of the allowance, and 2 that rolled over
]


def test_a_state_is_the_same_when_it_is_read_again() -> None:
    state = went(GRANTS, *ENTRIES, until=on(9))
    assert [each.carried for each in state.holds["h"].slices] == [False, True]
    text = json.dumps(to_json(state))
    assert from_json(json.loads(text)) == state
    later = after(GRANTS, state=from_json(json.loads(text)), at=on(20))
    assert later == after(GRANTS, state=state, at=on(20)) == after(GRANTS, *ENTRIES, at=on(20))


def test_an_empty_state_too() -> None:
    assert from_json(to_json(EMPTY)) == EMPTY


def test_it_is_written_in_one_way_only() -> None:
    state = went([grant("b", "1.50"), grant("a", 20)], reset(on(1)), until=on(2))
    assert to_json(state) == {
        "form": 1,
        "at": "2026-01-02T00:00:00+00:00",
        "window": {
            "starts_at": "2026-01-01T00:00:00+00:00",
            "ends_at": None,
            "included": "0",
            "given": "0",
            "used": "0",
            "rollover": None,
        },
        "accounts": {
            name: {
                "granted": units,
                "fresh": units,
                "carried": "0",
                "used": "0",
                "held": "0",
                "expired": "0",
                "voided": "0",
                "rounds": rounds,
                "turn": None,
                "carried_by_reset": name == "allowance",
                "end": None,
            }
            for name, units, rounds in [("a", "20", 0), ("allowance", "0", 1), ("b", "1.5", 0)]
        },
        "holds": {},
        "use": "0",
        "overage": "0",
        "unpaid": "0",
    }


def test_another_form_is_not_read() -> None:
    with pytest.raises(AnotherForm):
        from_json({**to_json(EMPTY), "form": 2})
