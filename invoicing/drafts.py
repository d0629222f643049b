"""The difference between what should have been charged and what was: the charges to write. Pure.

What is agreed for later counts one way only: nothing new is charged beyond it, and what was charged
already is given back when it happens, not before.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from invoicing import words
from invoicing.stretches import Run, Stretch, until
from invoicing.targets import Line, LineKey, Part, Segment, Slot, Targets, targets
from plans.change_rules import Settlement
from plans.terms import Due


class Kind(StrEnum):
    """``advance``, ``arrears`` and ``credit`` are money. ``forfeited`` says how much of what was
    charged stays so although it is not used: it moves nothing."""

    ADVANCE = "advance"
    ARREARS = "arrears"
    CREDIT = "credit"
    FORFEITED = "forfeited"


@dataclass(frozen=True, slots=True)
class Billed:
    """What the charges of one line add up to so far, in minor units.

    ``amount`` is of charges that are money, ``goodwill`` what was given for it besides: that is
    never asked back, but what was given cannot be given again. ``period_start``, ``period_end`` and
    ``currency`` are those of the latest charge, for a line that should not be there any more.
    """

    amount: int = 0
    forfeited: int = 0
    goodwill: int = 0
    currency: str = ""
    period_start: datetime | None = None
    period_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One charge to write. ``amount`` is in minor units, negative in the customer's favour;
    ``settlement`` is for those."""

    key: LineKey
    kind: Kind
    amount: int
    currency: str
    period_start: datetime
    period_end: datetime | None
    segments: tuple[Segment, ...]
    unit_price: str
    due_at: datetime
    explanation: str
    settlement: Settlement = Settlement.NONE


def assess(
    stretches: Sequence[Stretch],
    *,
    agreed: Sequence[Stretch] | None = None,
    billed: Mapping[LineKey, Billed],
    at: datetime,
    since: datetime | None = None,
) -> list[Draft]:
    """Return the charges to write at an instant; none if all is charged as it should be.

    ``stretches`` is what is so, ``agreed`` the same with what is agreed for later (default: the
    same). ``billed`` is compared in full periods that end after ``since`` (served time), and so has
    to hold all charges of those.

    What another system has billed ahead stays for periods to come that will be just as they were
    billed, and is given back for the others.
    """
    standing = until(stretches, at)
    coming = stretches if agreed is None else agreed
    so = targets(standing, at=at, since=since)
    ahead = so if standing == [*coming] else targets(coming, at=at, since=since)
    so = _with_billed_ahead(so, standing, billed, at=at, since=since)
    slots: dict[Slot, set[LineKey]] = defaultdict(set)
    for key in (*so.lines, *ahead.lines, *billed):
        if since is None or key.slot.end is None or key.slot.end > since:
            slots[key.slot].add(key)
    drafts: list[Draft] = []
    for slot, keys in sorted(slots.items(), key=lambda each: (each[0].item, each[0].start)):
        drafts += _Slot(slot, sorted(keys), so, ahead, billed, at).drafts()
    return drafts


def _with_billed_ahead(
    so: Targets,
    standing: Sequence[Stretch],
    billed: Mapping[LineKey, Billed],
    *,
    at: datetime,
    since: datetime | None,
) -> Targets:
    """Return targets with the lines of periods to come that are billed and will be as they were."""
    to_come = [
        (key, each)
        for key, line in billed.items()
        if line.amount and key not in so.lines
        for each in standing
        if each.end is None and _is_of(key, each) and not Run((each,)).has_begun(key.slot.start, at)
    ]
    if not to_come:
        return so
    lasting = {replace(each, frozen_at=None) for _, each in to_come}
    last = max(each.cycle.real(key.slot.start) for key, each in to_come)
    later = targets(lasting, at=last, since=since)
    lines = {key: later.lines[key] for key, _ in to_come if key in later.lines}
    return replace(so, lines={**so.lines, **lines})


def _is_of(key: LineKey, stretch: Stretch) -> bool:
    return (key.slot.item, key.price_key, key.version_id, key.quantity) == (
        stretch.item,
        stretch.price.key,
        stretch.version_id,
        stretch.quantity,
    )


@dataclass(slots=True)
class _Slot:
    """One full period of one item, while its charges are worked out."""

    slot: Slot
    keys: list[LineKey]
    so: Targets
    ahead: Targets
    billed: Mapping[LineKey, Billed]
    at: datetime
    withheld: dict[LineKey, int] = field(default_factory=dict)

    def drafts(self) -> Iterable[Draft]:
        changes = {key: self._change(key) for key in self.keys}
        self._withhold(changes)
        for key, change in changes.items():
            billed = self.billed.get(key, Billed())
            amount = change + self.withheld.get(key, 0)
            if amount > 0:
                yield self._charge(key, amount, billed)
            if amount < 0:
                yield self._credit(key, amount, billed)
            forfeited = self.withheld.get(key, 0) - billed.forfeited
            if forfeited:
                yield self._forfeit(key, forfeited, billed)

    def _change(self, key: LineKey) -> int:
        """Return what is missing to what is due, or, below zero, what is too much for what is so.
        Between the two nothing moves."""
        billed = self.billed.get(key, Billed())
        ahead, so = self.ahead.lines.get(key), self.so.lines.get(key)
        least = ahead.due_amount if ahead else 0
        most = max(so.amount if so else 0, least)
        wanted = min(max(billed.amount, least), most)
        if wanted >= billed.amount:
            return wanted - billed.amount
        return -min(billed.amount - wanted, max(billed.amount - billed.goodwill, 0))

    def _withhold(self, changes: Mapping[LineKey, int]) -> None:
        """Keep what ended without a settlement and is not used again: what else would be given back
        now, and what was kept before, also where the period costs more by now."""
        before = sum(self.billed[key].forfeited for key in self.keys if key in self.billed)
        left = min(self.so.kept.get(self.slot, 0), max(-sum(changes.values()), before))
        for key, change in changes.items():
            if change < 0 < left and key.part == Part.FEE:
                self.withheld[key] = min(left, -change)
                left -= self.withheld[key]

    def _charge(self, key: LineKey, amount: int, billed: Billed) -> Draft:
        line = self.ahead.lines[key]
        due = tuple(each for each in line.segments if each.is_due)
        in_arrears = key.part == Part.TRUE_UP or line.price.due == Due.ARREARS
        kind = Kind.ARREARS if in_arrears and key.part != Part.ONE_TIME else Kind.ADVANCE
        how = words.explain(
            line, due, amount=amount, billed=billed.amount, currency=line.price.currency
        )
        return self._draft(key, kind, amount, line, due, how, due_at=due[0].due_at)

    def _credit(self, key: LineKey, amount: int, billed: Billed) -> Draft:
        line = self.so.lines.get(key)
        segments = line.segments if line else ()
        how = words.explain(
            line, segments, amount=amount, billed=billed.amount, currency=billed.currency
        )
        settlement = self.so.settlements.get(self.slot, Settlement.CREDIT)
        draft = self._draft(key, Kind.CREDIT, amount, line, segments, how, due_at=self.at)
        return replace(draft, settlement=settlement)

    def _forfeit(self, key: LineKey, amount: int, billed: Billed) -> Draft:
        line = self.so.lines.get(key)
        how = words.explain_kept(
            billed.forfeited + amount, billed=billed.amount, currency=billed.currency
        )
        segments = line.segments if line else ()
        return self._draft(key, Kind.FORFEITED, amount, line, segments, how, due_at=self.at)

    def _draft(
        self,
        key: LineKey,
        kind: Kind,
        amount: int,
        line: Line | None,
        segments: tuple[Segment, ...],
        explanation: str,
        *,
        due_at: datetime,
    ) -> Draft:
        billed = self.billed.get(key, Billed())
        return Draft(
            key=key,
            kind=kind,
            amount=amount,
            currency=line.price.currency if line else billed.currency,
            period_start=line.period_start if line else billed.period_start or key.slot.start,
            period_end=line.period_end if line else billed.period_end,
            segments=segments,
            unit_price=words.unit_price(line.price) if line else "",
            due_at=due_at,
            explanation=explanation,
        )
