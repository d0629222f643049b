"""Blocks that take access away: of a whole owner, or of what comes from one source. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from entitlements.facts import Fact
from entitlements.resolution import Segment
from subscriptions import blocks as placed


@dataclass(frozen=True, slots=True)
class Block:
    """A block with the effect *access*, in ``[starts_at, ends_at)``.

    It covers its whole owner or, where it names one, what comes through one subscription or from
    one product.
    """

    name: str
    starts_at: datetime
    ends_at: datetime | None
    subscription_id: str | None = None
    product: str | None = None

    def is_in_effect(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def covers_all(self) -> bool:
        return self.subscription_id is None and self.product is None

    def covers(self, fact: Fact) -> bool:
        """Tell whether a narrow block is about what this fact gives."""
        return fact.source.subscription_id == self.subscription_id or (
            self.product is not None and fact.source.product == self.product
        )


def of_owners(found: Iterable[placed.Block]) -> dict[str, tuple[Block, ...]]:
    """Return the blocks of whole owners, customers and subjects, by their identifiers."""
    held: dict[str, list[Block]] = {}
    for each in found:
        block = _of(each)
        if block.covers_all():
            held.setdefault(each.subject_id or each.customer_id, []).append(block)
    return {owner_id: _in_order(blocks) for owner_id, blocks in held.items()}


def narrow(found: Iterable[placed.Block]) -> dict[str, list[Block]]:
    """Return the blocks of subscriptions and products, by the identifiers of customers."""
    held: dict[str, list[Block]] = {}
    for each in found:
        block = _of(each)
        if not block.covers_all():
            held.setdefault(each.customer_id, []).append(block)
    return held


def standing(blocks: Iterable[Block], at: datetime) -> tuple[Block, ...]:
    """Leave out what is over at an instant."""
    return tuple(each for each in blocks if each.ends_at is None or each.ends_at > at)


def names(blocks: Iterable[Block], at: datetime) -> tuple[str, ...]:
    """Name the blocks of a whole owner that are in effect, in alphabetical order."""
    return tuple(
        sorted({each.name for each in blocks if each.covers_all() and each.is_in_effect(at)})
    )


def changes_at(blocks: Iterable[Block], after: datetime) -> datetime | None:
    """Return the next instant at which a block of a whole owner begins or ends."""
    instants = [
        instant
        for each in blocks
        if each.covers_all()
        for instant in (each.starts_at, each.ends_at)
        if instant is not None and instant > after
    ]
    return min(instants, default=None)


def withheld(facts: Iterable[Fact], blocks: Sequence[Block]) -> list[Fact]:
    """Cut facts where narrow blocks that cover them begin and end, and mark the parts between."""
    return [part for fact in facts for part in _parts(fact, blocks)]


def folded(segments: Iterable[Segment], blocks: Sequence[Block]) -> tuple[Segment, ...]:
    """Cut segments where blocks of their whole owner begin and end, and say which deny them."""
    if not blocks:
        return tuple(segments)
    return tuple(part for segment in segments for part in _cut(segment, blocks))


def to_json(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """Write blocks of a whole owner."""
    return [
        {"name": each.name, "from": _written(each.starts_at)}
        | ({} if each.ends_at is None else {"until": _written(each.ends_at)})
        for each in blocks
    ]


def from_json(forms: Iterable[Mapping[str, Any]]) -> tuple[Block, ...]:
    """Read what ``to_json`` wrote."""
    return tuple(
        Block(
            form["name"],
            datetime.fromisoformat(form["from"]),
            datetime.fromisoformat(form["until"]) if "until" in form else None,
        )
        for form in forms
    )


def _of(each: placed.Block) -> Block:
    return Block(each.name, each.starts_at, each.ends_at, each.subscription_id, each.product_key)


def _in_order(blocks: Iterable[Block]) -> tuple[Block, ...]:
    return tuple(sorted(blocks, key=lambda each: (each.starts_at, each.name)))


def _cut(segment: Segment, blocks: Sequence[Block]) -> Iterable[Segment]:
    inside = {
        instant
        for each in blocks
        for instant in (each.starts_at, each.ends_at)
        if instant is not None and instant > segment.starts_at and segment.is_in_effect(instant)
    }
    begins = [segment.starts_at, *sorted(inside)]
    for start, end in zip(begins, [*begins[1:], segment.ends_at], strict=True):
        by = tuple(sorted({*segment.blocked_by, *names(blocks, start)}))
        yield replace(segment, starts_at=start, ends_at=end, blocked_by=by)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parts(fact: Fact, blocks: Sequence[Block]) -> Iterable[Fact]:
    covering = [each for each in blocks if not each.covers_all() and each.covers(fact)]
    inside = {
        instant
        for each in covering
        for instant in (each.starts_at, each.ends_at)
        if instant is not None and instant > fact.starts_at and fact.is_in_effect(instant)
    }
    begins = [fact.starts_at, *sorted(inside)]
    for start, end in zip(begins, [*begins[1:], fact.ends_at], strict=True):
        found = {each.name for each in covering if each.is_in_effect(start)}
        by = tuple(sorted({*fact.blocked_by, *found}))
        yield replace(fact, starts_at=start, ends_at=end, blocked_by=by)
