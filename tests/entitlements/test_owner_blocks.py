"""Blocks of whole owners: from what was placed to what is stored, read by time and folded in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlements import blocks
from entitlements.blocks import Block
from entitlements.decisions import decide
from entitlements.resolution import Segment, segments
from entitlements.timelines import standing
from subscriptions import blocks as placed
from subscriptions.blocks import Effect
from tests.entitlements.given import CUSTOMER, SUBJECT, at, fact, feature

MOMENT = timedelta(microseconds=1)
RULES = feature()
FEATURES = {RULES.key: RULES}


def was_placed(name: str, start: str, end: str | None = None, **of: Any) -> placed.Block:
    return placed.Block(
        name=name,
        customer_id=CUSTOMER,
        effects=frozenset({Effect.ACCESS}),
        starts_at=at(start),
        ends_at=None if end is None else at(end),
        **of,
    )


def block(start: str, end: str | None = None, name: str = "fraud") -> Block:
    return Block(name, at(start), None if end is None else at(end))


def test_blocks_of_owners_and_narrow_ones_go_their_ways() -> None:
    found = [
        was_placed("late", "2025-03-01"),
        was_placed("fraud", "2025-01-10", "2025-02-10"),
        was_placed("abuse", "2025-01-10", subject_id=SUBJECT),
        was_placed("zones", "2025-01-10", product_key="zones"),
        was_placed("one", "2025-01-10", subscription_id="sub_1"),
    ]
    assert blocks.of_owners(found) == {
        CUSTOMER: (block("2025-01-10", "2025-02-10"), block("2025-03-01", name="late")),
        SUBJECT: (block("2025-01-10", name="abuse"),),
    }
    assert blocks.narrow(found) == {
        CUSTOMER: [
            replace(block("2025-01-10", name="zones"), product="zones"),
            replace(block("2025-01-10", name="one"), subscription_id="sub_1"),
        ]
    }


@pytest.mark.parametrize(
    ("day", "names"),
    [("2025-01-01", ["fraud", "late"]), ("2025-02-10", ["late"]), ("2030-01-01", ["late"])],
)
def test_what_is_over_is_left_out(day: str, names: list[str]) -> None:
    held = (block("2025-01-10", "2025-02-10"), block("2025-03-01", name="late"))
    assert [each.name for each in blocks.standing(held, at(day))] == names


def test_they_are_stored_and_read() -> None:
    held = (block("2025-01-10", "2025-02-10 12:30"), block("2025-03-01", name="late"))
    stored = blocks.to_json(held)
    assert stored == [
        {"name": "fraud", "from": "2025-01-10T00:00:00Z", "until": "2025-02-10T12:30:00Z"},
        {"name": "late", "from": "2025-03-01T00:00:00Z"},
    ]
    assert blocks.from_json(stored) == held


def track(*facts: Any) -> tuple[Segment, ...]:
    return segments(facts, FEATURES, at("2025-01-01"))


def test_folding_cuts_segments_where_blocks_begin_and_end() -> None:
    found = blocks.folded(
        track(fact(5, "2025-01-01", "2025-02-01"), fact(20, "2025-02-01")),
        [block("2025-01-10", "2025-02-10"), block("2025-02-05", name="abuse")],
    )
    assert [(f"{each.starts_at:%d %b}", each.value, each.blocked_by) for each in found] == [
        ("01 Jan", 5, ()),
        ("10 Jan", 5, ("fraud",)),
        ("01 Feb", 20, ("fraud",)),
        ("05 Feb", 20, ("abuse", "fraud")),
        ("10 Feb", 20, ("abuse",)),
    ]
    assert [each.ends_at for each in found] == [*(each.starts_at for each in found[1:]), None]


def test_without_blocks_nothing_is_cut() -> None:
    assert blocks.folded(track(fact(5)), []) == track(fact(5))


_days = st.integers(1, 28)


@given(
    ends=st.lists(st.tuples(_days, _days), max_size=4),
    values=st.lists(st.tuples(_days, _days, st.integers(0, 9)), max_size=4),
)
def test_a_folded_timeline_denies_what_a_check_denies(
    ends: Sequence[tuple[int, int]], values: Sequence[tuple[int, int, int]]
) -> None:
    def day(number: int) -> str:
        return f"2025-01-{number:02d}"

    held = [block(day(a), day(b), name=f"b{place}") for place, (a, b) in enumerate(ends) if a < b]
    facts = [
        fact(value, day(a), day(b), number=place + 1)
        for place, (a, b, value) in enumerate(values)
        if a < b
    ]
    found = track(*facts)
    cut = blocks.folded(found, held)
    for instant in (
        at(day(number)) + step for number in range(1, 29) for step in (0 * MOMENT, -MOMENT)
    ):
        by_time = decide(standing(found, instant), Decimal(1), blocks=blocks.names(held, instant))
        in_it = decide(standing(cut, instant), Decimal(1))
        assert (in_it.allowed, in_it.reason) == (by_time.allowed, by_time.reason)
