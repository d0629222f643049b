"""What is warned of when a limit falls: what the feature's downgrade policy would do."""

from dataclasses import replace
from typing import Any

import pytest

from changes.warnings import limits_falling
from plans.terms import Downgrade, DowngradePolicy
from tests.entitlements.given import feature

UNPROTECTED, PROTECTED = "limit_use_unknown", "downgrade_below_use_unknown"
KEEP = Downgrade(DowngradePolicy.KEEP_UNTIL, 30)
UNLIMITED = {"unlimited": True}


def warned(*rows: tuple[Any, Any], policy: Downgrade = KEEP, type: str = "limit") -> list[Any]:
    of = replace(feature(type), downgrade=policy)
    changes = [{"feature": of.key, "before": before, "after": after} for before, after in rows]
    return list(limits_falling(changes, {of.key: of}))


@pytest.mark.parametrize(
    ("policy", "code", "would"),
    [
        (DowngradePolicy.REFUSE, PROTECTED, "refuse this while more is in use"),
        (DowngradePolicy.KEEP_UNTIL, PROTECTED, "leave what is in use for 30 days"),
        (DowngradePolicy.TRIM, UNPROTECTED, "leave no more than that"),
        (DowngradePolicy.GRANDFATHER, PROTECTED, "leave what is in use until less is"),
    ],
)
def test_it_says_what_the_policy_would_do(policy: DowngradePolicy, code: str, would: str) -> None:
    days = 30 if policy == DowngradePolicy.KEEP_UNTIL else None
    assert warned((100, 20), policy=Downgrade(policy, days)) == [
        {
            "code": code,
            "item": "rules",
            "detail": (
                "It falls from 100 rules to 20 rules. How much is in use is not known, so nothing "
                f"is kept; if it were, the feature's policy would {would}."
            ),
        }
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (UNLIMITED, 20, "from no limit to 20 rules"),
        (100, None, "from 100 rules to 0 rules"),  # nothing gives it, or it is withheld
        (2, 1, "from 2 rules to 1 rule"),
    ],
)
def test_how_far_it_falls(before: Any, after: Any, told: str) -> None:
    [warning] = warned((before, after))
    assert told in warning["detail"]


@pytest.mark.parametrize(
    ("before", "after"), [(20, 100), (20, UNLIMITED), (None, 20), (None, None), (0, None)]
)
def test_what_does_not_fall_is_not_warned_of(before: Any, after: Any) -> None:
    assert warned((before, after)) == []


def test_each_limit_is_named_once_where_it_falls_first() -> None:
    [warning] = warned((20, 100), (100, 20), (20, 5))
    assert "from 100 rules to 20 rules" in warning["detail"]


def test_only_limits_have_a_level_of_use() -> None:
    month = {"included": 500, "reset": "price_period", "overage": "block"}
    assert warned((month, None), type="metered") == []
    assert warned((True, False), type="boolean") == []
