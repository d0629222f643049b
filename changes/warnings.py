"""What somebody who approves a change should know although it is not refused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from changes.undoing import Standing
from entitlements import downgrades, words
from entitlements.downgrades import Fall, Happens, Limit, Outcome
from plans.terms import FeatureTerms, Terms
from plans.values import FeatureType, Unlimited, parse
from subscriptions.history import History

Row = dict[str, Any]


class Code(StrEnum):
    ADD_ON_ENDS = "add_on_ends"
    LIMIT_USE_UNKNOWN = "limit_use_unknown"
    DOWNGRADE_BELOW_USE_UNKNOWN = "downgrade_below_use_unknown"
    OVERRIDE_WAITS = "override_waits"
    ESTIMATED = "estimated"
    LATER_NOT_SHOWN = "later_not_shown"
    DIFFERS_FROM_BEFORE = "differs_from_before"


MEANINGS: Mapping[Code, str] = {
    Code.ADD_ON_ENDS: "The add-on cannot be had with the new plan, or is part of it: it ends.",
    Code.LIMIT_USE_UNKNOWN: "The limit falls, and how much of it is in use is not known.",
    Code.DOWNGRADE_BELOW_USE_UNKNOWN: (
        "The limit falls, its use is not known, and the feature has a downgrade policy that would "
        "protect who uses more."
    ),
    Code.OVERRIDE_WAITS: (
        "The override gives away so much that somebody else has to approve it. Until then it has "
        "no effect."
    ),
    Code.ESTIMATED: "The price depends on usage, which is not part of the amounts shown.",
    Code.LATER_NOT_SHOWN: "More lies between now and the date than a preview works through.",
    Code.DIFFERS_FROM_BEFORE: "The undo does not bring this back to what it was.",
}
# What the policy would do for whoever uses more than the new limit.
_WOULD: Mapping[Happens, str] = {
    Happens.REFUSED: "refuse this while more is in use",
    Happens.KEPT: "leave what is in use for {days} days",
    Happens.GRANDFATHERED: "leave what is in use until less is",
    Happens.TRIMMED: "leave no more than that",
}


def warning(code: Code, item: str, detail: str = "") -> Row:
    return {"code": str(code), "item": item, "detail": detail or MEANINGS[code]}


def add_ons_ending(
    before: Standing | None, history: History, *, asked: Iterable[str]
) -> Iterator[Row]:
    """Name the add-ons that a change ends, now or when what is agreed happens, without being
    ``asked`` to."""
    held = set(before["add_ons"]) if before else set()
    gone: set[str] = set()
    for entry in (history.entries[-1], *history.agreed):
        left = {each.key for each in entry.agreement.add_ons}
        gone |= held - left
        held |= left
    for key in sorted(gone - set(asked)):
        yield warning(Code.ADD_ON_ENDS, key)


def limits_falling(changes: Sequence[Row], features: Mapping[str, FeatureTerms]) -> Iterator[Row]:
    """Name the limits that fall, each once: their use is not known to the platform."""
    seen: set[str] = set()
    for row in changes:
        feature = features[row["feature"]]
        if feature.type != FeatureType.LIMIT or feature.key in seen:
            continue
        fall = Fall(_limit(row["before"]), _limit(row["after"]), used=None)
        outcome = downgrades.asked(feature.downgrade, fall)
        if outcome.happens == Happens.UNKNOWN and outcome.would is not None:
            seen.add(feature.key)
            trims = outcome.would == Happens.TRIMMED
            code = Code.LIMIT_USE_UNKNOWN if trims else Code.DOWNGRADE_BELOW_USE_UNKNOWN
            would = _WOULD[outcome.would].format(days=outcome.days)
            yield warning(code, feature.key, _told(feature, fall, outcome, would))


def _limit(form: Any) -> Limit:
    """:raises ValueError: for what is no limit, or waits for a quantity"""
    found = downgrades.NOTHING if form is None else parse(FeatureType.LIMIT, form)
    if isinstance(found, Decimal | Unlimited):
        return found
    raise ValueError(f"{form} is not a limit")


def _told(feature: FeatureTerms, fall: Fall, outcome: Outcome, would: str) -> str:
    before, after = (words.amount(each, feature.unit) for each in (fall.before, outcome.after))
    return (
        f"It falls from {before} to {after}. How much is in use is not known, so nothing is kept; "
        f"if it were, the feature's policy would {would}."
    )


def overrides_waiting(before: Standing | None, after: Standing) -> Iterator[Row]:
    """Name the features of overrides that a change makes and that wait for an approval."""
    known = before["overrides"] if before else []
    for each in after["overrides"]:
        if each["waits"] and each not in known:
            yield warning(Code.OVERRIDE_WAITS, each["feature"])


def estimates(terms: Terms, *, interval: str, currency: str) -> Iterator[Row]:
    """Name the prices whose amount depends on usage."""
    for price in terms.prices_of(interval, currency):
        if price.meter is not None:
            yield warning(Code.ESTIMATED, price.key)


_RESTORED = (
    "plan_version",
    "interval",
    "quantity",
    "add_ons",
    "limits_kept_from",
    "state",
    "anchor",
    "pending",
)


def not_restored(wanted: Standing | None, after: Standing) -> Iterator[Row]:
    """Name what an undo leaves otherwise than it was."""
    for name in _RESTORED if wanted is not None else ():
        if wanted is not None and wanted[name] != after[name]:
            yield warning(Code.DIFFERS_FROM_BEFORE, name)
