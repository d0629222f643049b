"""What is different between two readings of the same owner. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
# What a document says of whom it is for is the same before and after.
_OWNER = frozenset({"customer", "subject"})


@dataclass(frozen=True, slots=True)
class Holding:
    """One owner has one feature's value in ``[starts_at, ends_at)``; a value that is withheld, by a
    pause or a block, is None. Values are as JSON has them."""

    owner: str
    feature: str
    starts_at: datetime
    ends_at: datetime | None
    value: Any


def entitlement_changes(
    before: Sequence[Holding], after: Sequence[Holding], *, at: datetime
) -> list[Row]:
    """Return what owners have otherwise, from ``at`` on: at each instant at which the difference
    begins or becomes another one, in the order of time, owner and feature.

    ``before`` is what would be without the change, at the same instant.
    """
    rows = []
    instants = sorted({at, *(each for each in _boundaries([*before, *after]) if each > at)})
    last: dict[tuple[str, str], tuple[Any, Any]] = {}
    for instant in instants:
        was, becomes = _at(before, instant), _at(after, instant)
        for owner, feature in sorted(was.keys() | becomes.keys() | last.keys()):
            key = owner, feature
            pair = was.get(key), becomes.get(key)
            if pair[0] != pair[1] and last.get(key) != pair:
                rows.append(
                    {
                        "owner": owner,
                        "feature": feature,
                        "before": pair[0],
                        "after": pair[1],
                        "at": written(instant),
                    }
                )
            last[key] = pair
    return rows


@dataclass(frozen=True, slots=True)
class Document:
    """What a product service should have of an owner; ``target`` names where it is kept, and is
    empty before there is anything."""

    target: str
    content: Mapping[str, Any]


Documents = Mapping[tuple[str, str], Document]  # by service and owner


def document_changes(before: Documents, after: Documents, *, at: datetime) -> list[Row]:
    """Return which documents become other ones; of each only what differs in it. ``before`` is
    null where there is none yet."""
    rows = []
    for service, owner in sorted(before.keys() | after.keys()):
        was, becomes = before.get((service, owner)), after.get((service, owner))
        if becomes is None or (was is not None and was.content == becomes.content):
            continue
        old, new = _parted(was.content if was else {}, becomes.content)
        rows.append(
            {
                "service": service,
                "owner": owner,
                "target": was.target if was else None,
                "before": old if was else None,
                "after": new,
                "at": written(at),
            }
        )
    return rows


def _parted(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Row, Row]:
    """Return the members that differ, and of ``entitlements`` those features that do."""
    old: Row = {}
    new: Row = {}
    for name in sorted((before.keys() | after.keys()) - _OWNER):
        was, becomes = before.get(name), after.get(name)
        if name == "entitlements":
            was, becomes = _differing(was or {}, becomes or {})
        if was != becomes:
            old[name], new[name] = was, becomes
    return old, new


def _differing(before: Row, after: Row) -> tuple[Row, Row]:
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return (
        {name: each for name, each in sorted(before.items()) if name in names},
        {name: each for name, each in sorted(after.items()) if name in names},
    )


def _boundaries(holdings: Iterable[Holding]) -> Iterator[datetime]:
    for each in holdings:
        yield each.starts_at
        if each.ends_at is not None:
            yield each.ends_at


def _at(holdings: Iterable[Holding], at: datetime) -> dict[tuple[str, str], Any]:
    return {
        (each.owner, each.feature): each.value
        for each in holdings
        if each.starts_at <= at and (each.ends_at is None or at < each.ends_at)
    }


def written(at: datetime) -> str:
    """Return an instant as it is written in rows."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
