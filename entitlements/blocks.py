"""Blocks that take access away: of a whole owner, or of what comes from one source. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entitlements.facts import Fact


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
