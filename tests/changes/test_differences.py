"""What is shown as different, from two readings."""

from datetime import UTC, datetime
from typing import Any

import pytest

from changes.differences import Document, Holding, document_changes, entitlement_changes


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def holds(value: Any, start: int, end: int | None = None, feature: str = "rules") -> Holding:
    return Holding("sbj_1", feature, day(start), None if end is None else day(end), value)


def rows(before: list[Holding], after: list[Holding], at: int) -> list[tuple[Any, ...]]:
    found = entitlement_changes(before, after, at=day(at))
    assert all(each["owner"] == "sbj_1" for each in found)
    return [(each["feature"], each["before"], each["after"], each["at"][8:10]) for each in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([holds(5, 1)], [holds(5, 1)], []),
        ([holds(5, 1)], [holds(5, 1, 10), holds(20, 10)], [("rules", 5, 20, "10")]),
        # the past does not matter
        ([holds(5, 1)], [holds(20, 1, 5), holds(5, 5)], []),
        # agreed for later: shown at its date
        ([holds(20, 1)], [holds(20, 1, 15), holds(5, 15)], [("rules", 20, 5, "15")]),
        # what was agreed for later is taken away by a change now
        (
            [holds(20, 1, 15), holds(5, 15)],
            [holds(20, 1, 10), holds(100, 10)],
            [("rules", 20, 100, "10"), ("rules", 5, 100, "15")],
        ),
        # the difference ends by itself
        ([holds(20, 1, 15), holds(5, 15)], [holds(20, 1, 10), holds(5, 10)],
         [("rules", 20, 5, "10")]),
        # nothing before, nothing after, withheld
        ([], [holds(20, 10)], [("rules", None, 20, "10")]),
        ([holds(20, 1)], [holds(20, 1, 10)], [("rules", 20, None, "10")]),
        ([holds(20, 1)], [holds(20, 1, 10), holds(None, 10, 12), holds(20, 12)],
         [("rules", 20, None, "10")]),
        # and again: it is shown again
        ([holds(20, 1)],
         [holds(None, 10, 12), holds(20, 12, 14), holds(None, 14)],
         [("rules", 20, None, "10"), ("rules", 20, None, "14")]),
    ],
)  # fmt: skip
def test_entitlements(
    before: list[Holding], after: list[Holding], expected: list[tuple[Any, ...]]
) -> None:
    assert rows(before, after, at=10) == expected


def test_features_are_in_order_of_time_and_name() -> None:
    after = [holds(1, 12, feature="a"), holds(True, 10, feature="c"), holds(2, 10, feature="b")]
    assert rows([], after, at=10) == [
        ("b", None, 2, "10"),
        ("c", None, True, "10"),
        ("a", None, 1, "12"),
    ]


def document(state: str, **values: int) -> Document:
    content = {"customer": "cus_1", "subject": "sbj_1", "state": state, "entitlements": values}
    return Document("tgt_1", content)


def test_of_a_document_only_what_differs_is_shown() -> None:
    key = ("edge", "sbj_1")
    (row,) = document_changes(
        {key: document("active", rules=20, size=100)},
        {key: document("active", rules=100, size=100, logs=1)},
        at=day(10),
    )
    assert (row["service"], row["owner"], row["target"]) == ("edge", "sbj_1", "tgt_1")
    assert row["before"] == {"entitlements": {"rules": 20}}
    assert row["after"] == {"entitlements": {"rules": 100, "logs": 1}}
    assert row["at"] == "2026-01-10T00:00:00Z"

    same = {key: document("active", rules=20)}
    assert document_changes(same, {key: document("active", rules=20)}, at=day(10)) == []
    (new,) = document_changes({}, same, at=day(10))
    assert (new["target"], new["before"]) == (None, None)
    assert new["after"] == {"state": "active", "entitlements": {"rules": 20}}
    (suspended,) = document_changes(same, {key: document("suspended")}, at=day(10))
    assert suspended["before"] == {"state": "active", "entitlements": {"rules": 20}}
    assert suspended["after"] == {"state": "suspended", "entitlements": {}}
