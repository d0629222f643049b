"""What somebody who approves a change should know although it is not refused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from changes.undoing import Standing
from plans.terms import DowngradePolicy, FeatureTerms, Terms
from plans.values import Comparison, FeatureType, compare, parse
from subscriptions.history import History

Row = dict[str, Any]
# These leave somebody who uses more than the new limit something of it.
_PROTECTING = frozenset(
    {DowngradePolicy.REFUSE, DowngradePolicy.KEEP_UNTIL, DowngradePolicy.GRANDFATHER}
)


class Code(StrEnum):
    ADD_ON_ENDS = "add_on_ends"
    LIMIT_USE_UNKNOWN = "limit_use_unknown"
    DOWNGRADE_BELOW_USE_UNKNOWN = "downgrade_below_use_unknown"
    ESTIMATED = "estimated"
    LATER_NOT_SHOWN = "later_not_shown"
    DIFFERS_FROM_BEFORE = "differs_from_before"


MEANINGS: Mapping[Code, str] = {
    Code.ADD_ON_ENDS: "The add-on cannot be had with the new plan, or is part of it: it ends.",
    Code.LIMIT_USE_UNKNOWN: "The limit falls, and how much of it is in use was never reported.",
    Code.DOWNGRADE_BELOW_USE_UNKNOWN: (
        "The limit falls, its use was never reported, and the feature has a downgrade policy that "
        "would protect who uses more."
    ),
    Code.ESTIMATED: "The price depends on usage, which is not part of the amounts shown.",
    Code.LATER_NOT_SHOWN: "More lies between now and the date than a preview works through.",
    Code.DIFFERS_FROM_BEFORE: "The undo does not bring this back to what it was.",
}


def warning(code: Code, item: str) -> Row:
    return {"code": str(code), "item": item}


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
        if feature.type != FeatureType.LIMIT or feature.key in seen or not _falls(feature, row):
            continue
        seen.add(feature.key)
        protects = feature.downgrade.policy in _PROTECTING
        code = Code.DOWNGRADE_BELOW_USE_UNKNOWN if protects else Code.LIMIT_USE_UNKNOWN
        yield warning(code, feature.key)


def _falls(feature: FeatureTerms, row: Row) -> bool:
    if row["before"] is None:
        return False
    if row["after"] is None:
        return True
    before, after = parse(feature.type, row["before"]), parse(feature.type, row["after"])
    return compare(before, after) == Comparison.LESS


def estimates(terms: Terms, *, interval: str, currency: str) -> Iterator[Row]:
    """Name the prices whose amount depends on usage."""
    for price in terms.prices_of(interval, currency):
        if price.meter is not None:
            yield warning(Code.ESTIMATED, price.key)


_RESTORED = ("plan_version", "interval", "quantity", "add_ons", "state", "anchor", "pending")


def not_restored(wanted: Standing | None, after: Standing) -> Iterator[Row]:
    """Name what an undo leaves otherwise than it was."""
    for name in _RESTORED if wanted is not None else ():
        if wanted is not None and wanted[name] != after[name]:
            yield warning(Code.DIFFERS_FROM_BEFORE, name)
