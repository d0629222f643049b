"""Whether, and why: values, quantities and what was there before."""

from decimal import Decimal
from typing import Any

import pytest

from entitlements import answers
from entitlements.decisions import MEANINGS, Decision, Reason, decide
from entitlements.resolution import segments
from entitlements.timelines import standing
from plans import values
from tests.entitlements.given import at, fact, feature

METERED = {"included": 100, "reset": "never"}


def decided(type: str, value: Any, quantity: str = "1", *, end: str | None = None) -> Decision:
    of = feature(type)
    track = segments([fact(value, "2025-01-01", end, of=of)], {of.key: of}, at("2025-02-01"))
    return decide(standing(track, at("2025-02-01")), Decimal(quantity))


@pytest.mark.parametrize(
    ("type", "value", "quantity", "allowed", "reason"),
    [
        ("boolean", True, "1", True, Reason.GRANTED),
        ("boolean", False, "1", False, Reason.NOT_ENTITLED),
        ("limit", 20, "1", True, Reason.WITHIN_LIMIT),
        ("limit", 20, "20", True, Reason.WITHIN_LIMIT),
        ("limit", 20, "20.5", False, Reason.LIMIT_REACHED),
        ("limit", 20, "21", False, Reason.LIMIT_REACHED),
        ("limit", 20, "0", True, Reason.WITHIN_LIMIT),
        ("limit", 0, "1", False, Reason.NOT_ENTITLED),
        ("limit", {"unlimited": True}, "1000000", True, Reason.WITHIN_LIMIT),
        ("number_set", [1, 2], "5", True, Reason.GRANTED),
        ("range", {"min": 1, "max": 2}, "5", True, Reason.GRANTED),
        ("string", "eu", "5", True, Reason.GRANTED),
        ("config", {"a": 1}, "5", True, Reason.GRANTED),
        ("metered", {**METERED, "overage": "block"}, "100", True, Reason.WITHIN_LIMIT),
        ("metered", {**METERED, "overage": "block"}, "101", False, Reason.LIMIT_REACHED),
        ("metered", {**METERED, "overage": "allow"}, "101", True, Reason.OVERAGE),
        ("metered", {**METERED, "overage": {"allow_to_percent": 120}}, "120", True, Reason.OVERAGE),
        (
            "metered",
            {**METERED, "overage": {"allow_to_percent": 120}},
            "121",
            False,
            Reason.LIMIT_REACHED,
        ),
        ("metered", {"included": 0, "overage": "block"}, "1", False, Reason.NOT_ENTITLED),
        ("metered", {"unlimited": True}, "1000000", True, Reason.WITHIN_LIMIT),
    ],
)
def test_a_value_decides(
    type: str, value: Any, quantity: str, allowed: bool, reason: Reason
) -> None:
    assert decided(type, value, quantity) == Decision(allowed, reason)


@pytest.mark.parametrize(
    ("type", "value", "reason"),
    [
        ("limit", 20, Reason.EXPIRED),
        ("boolean", True, Reason.EXPIRED),
        ("boolean", False, Reason.NOT_ENTITLED),  # what ended was nothing
        ("limit", 0, Reason.NOT_ENTITLED),
    ],
)
def test_what_has_ended_is_told_from_what_never_was(type: str, value: Any, reason: Reason) -> None:
    assert decided(type, value, end="2025-01-15") == Decision(False, reason)


def test_nothing_at_all_is_not_entitled() -> None:
    assert decide(standing((), at("2025-02-01")), Decimal(1)) == Decision(
        False, Reason.NOT_ENTITLED
    )


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Reason)


@pytest.mark.parametrize(
    ("type", "form", "shown"),
    [
        ("boolean", True, True),
        ("limit", 20, Decimal(20)),
        ("limit", {"unlimited": True}, None),
        ("number_set", [3, 1], [Decimal(1), Decimal(3)]),
        ("range", {"min": 1, "max": "2.5"}, {"min": Decimal(1), "max": Decimal("2.5")}),
        ("string", "eu", "eu"),
        ("config", {"a": [1]}, {"a": [1]}),
        ("metered", {"included": "0.5"}, Decimal("0.5")),
        ("metered", {"unlimited": True}, None),
    ],
)
def test_how_values_are_shown(type: str, form: Any, shown: Any) -> None:
    assert answers.shown(values.parse(type, form)) == shown
