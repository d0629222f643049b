"""What should have been charged, from what was held: one line per price, version and quantity of
each full period of an item. Pure and exact; each merged segment is rounded once.

``docs/explanation/charges.md`` has the rules in words, with worked numbers.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from core.money import Money, multiply_unit_price, round_half_away
from invoicing.clips import Clip, by_period, left_over
from invoicing.positions import END
from invoicing.stretches import Run, Stretch, runs
from plans import pricing
from plans.change_rules import Settlement
from plans.pricing import ZERO
from plans.terms import Due, PriceTerms


class Part(StrEnum):
    """What a line is: a period's fee, a fee asked once, what is missing to a commitment."""

    FEE = "fee"
    ONE_TIME = "one_time"
    TRUE_UP = "true_up"


class Slot(NamedTuple):
    """A full period of an item, in served time. A one-time fee has no end."""

    item: str
    start: datetime
    end: datetime | None


class LineKey(NamedTuple):
    """What makes a line one: amounts of equal keys are one sum, whenever they were charged."""

    slot: Slot
    price_key: str
    version_id: str
    quantity: int
    part: Part


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a line, in real time. ``exact`` is in minor units; rounded and capped it is
    ``amount``. ``is_due`` says that ``due_at`` has come."""

    start: datetime
    end: datetime | None
    fraction: Fraction
    exact: Fraction
    amount: int
    due_at: datetime
    is_due: bool


@dataclass(frozen=True, slots=True)
class Line:
    """What one price of one version costs in one quantity in a full period, here in real time."""

    key: LineKey
    price: PriceTerms
    period_start: datetime
    period_end: datetime | None
    segments: tuple[Segment, ...]

    @property
    def amount(self) -> int:
        return sum(each.amount for each in self.segments)

    @property
    def due_amount(self) -> int:
        return sum(each.amount for each in self.segments if each.is_due)


@dataclass(slots=True)
class Targets:
    """``kept`` is what stays charged in a slot of what ended without a settlement; ``settlements``
    what becomes of other reductions in it."""

    lines: dict[LineKey, Line] = field(default_factory=dict)
    kept: dict[Slot, int] = field(default_factory=dict)
    settlements: dict[Slot, Settlement] = field(default_factory=dict)


def targets(
    stretches: Iterable[Stretch], *, at: datetime, since: datetime | None = None
) -> Targets:
    """Return what should have been charged at an instant, of the full periods that end after
    ``since``, which is in served time; of all of them without it."""
    result = Targets()
    by_price: dict[tuple[str, str], list[Stretch]] = defaultdict(list)
    for each in stretches:
        by_price[each.item, each.price.key].append(each)
    for (item, _), held in sorted(by_price.items()):
        periodic = _begun(runs(each for each in held if not each.is_one_time), at)
        for full, clips in by_period(periodic, at=at, since=since).items():
            _price(result, Slot(item, full.start, full.end), clips)
        for run in _begun(runs(each for each in held if each.is_one_time), at):
            if run.first.is_first:
                line = _one_time(run)
                result.lines[line.key] = line
    return result


def _begun(found: Iterable[Run], at: datetime) -> list[Run]:
    return [run for run in found if run.first.start.at <= at]


def _one_time(run: Run) -> Line:
    """Asked in full where the item begins, and not given back when it ends."""
    held = run.first
    start = held.start.at
    exact = pricing.price(held.price, held.quantity)
    segment = Segment(start, None, END, exact, round_half_away(exact), start, is_due=True)
    slot = Slot(held.item, run.start, None)
    key = LineKey(slot, held.price.key, held.version_id, held.quantity, Part.ONE_TIME)
    return Line(key, held.price, start, None, (segment,))


def _price(result: Targets, slot: Slot, clips: Sequence[Clip]) -> None:
    """Add the lines of one price in one full period."""
    segments: dict[LineKey, list[Segment]] = defaultdict(list)
    prices: dict[LineKey, PriceTerms] = {}
    charged, exact = 0, ZERO
    for piece in _merged(clips):
        key, segment = _key(slot, piece[0], Part.FEE), _segment(piece, charged)
        segments[key].append(segment)
        prices[key] = piece[0].price
        charged, exact = charged + segment.amount, exact + segment.exact
    found = [(key, prices[key], tuple(segments[key])) for key in segments]
    missing = _true_up(clips, charged)
    if missing is not None:
        found.append((_key(slot, clips[-1], Part.TRUE_UP), clips[-1].price, (missing,)))
    start, end = clips[0].run.real_start(slot.start), clips[-1].run.real_end(clips[-1].full.end)
    for key, price, pieces in found:
        result.lines[key] = Line(key, price, start, end, pieces)
    if clips[-1].price.due == Due.ADVANCE:
        _keep(result, slot, clips, exact=exact, charged=charged)


def _keep(
    result: Targets, slot: Slot, clips: Sequence[Clip], *, exact: Fraction, charged: int
) -> None:
    kept, settlement = left_over(clips)
    if kept:
        more = max(round_half_away(exact + kept) - charged, 0)
        result.kept[slot] = result.kept.get(slot, 0) + more
    if settlement is not None:
        result.settlements[slot] = settlement


def _key(slot: Slot, clip: Clip, part: Part) -> LineKey:
    return LineKey(slot, clip.price.key, clip.version_id, clip.quantity, part)


def _merged(clips: Sequence[Clip]) -> Iterator[list[Clip]]:
    """Yield what is priced as one: neighbours of one version and quantity. What has no share of the
    period keeps nothing apart."""
    group: list[Clip] = []
    for clip in clips:
        if not clip.share:
            continue
        if group and not (group[-1].is_like(clip) and group[-1].to == clip.from_):
            yield group
            group = []
        group.append(clip)
    if group:
        yield group


def _segment(piece: Sequence[Clip], charged: int) -> Segment:
    """Price a piece once. The cap is never prorated: it holds for all of the period's pieces."""
    first, last = piece[0], piece[-1]
    price, share = first.price, last.to - first.from_
    uncapped = price if price.maximum is None else replace(price, maximum=None)
    exact = pricing.price(uncapped, first.quantity) * share
    amount = round_half_away(exact)
    if price.maximum is not None:
        most = Money.from_major(price.maximum, price.currency).amount
        amount = min(amount, max(most - charged, 0))
    is_arrears = price.due == Due.ARREARS
    return Segment(
        start=first.real_start,
        end=last.real_end,
        fraction=share,
        exact=exact,
        amount=amount,
        due_at=last.over_at if is_arrears else first.real_start,
        is_due=last.is_over or not is_arrears,
    )


def _true_up(clips: Sequence[Clip], charged: int) -> Segment | None:
    """Return what is missing to the commitment: that of all pieces, rounded once, less what they
    cost."""
    last = clips[-1]
    committed = ((clip.price.minimum, clip) for clip in clips)
    exact = sum(
        (
            multiply_unit_price(minimum, clip.share, clip.price.currency)
            for minimum, clip in committed
            if minimum is not None
        ),
        ZERO,
    )
    missing = round_half_away(exact) - charged
    if missing <= 0:
        return None
    return Segment(
        start=clips[0].real_start,
        end=last.real_end,
        fraction=sum((clip.share for clip in clips), ZERO),
        exact=exact,
        amount=missing,
        due_at=last.over_at,
        is_due=last.is_over,
    )
