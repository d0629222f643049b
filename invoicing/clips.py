"""Runs cut into full periods: how much of each period a price was held for, and when it is due."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from core.periods import Period
from invoicing.positions import END, START, position
from invoicing.stretches import Edge, Run
from plans.change_rules import Settlement
from plans.pricing import ZERO, price
from plans.terms import PriceTerms


@dataclass(frozen=True, slots=True)
class Clip:
    """The piece of a run in one full period, in served time, between two positions.

    ``over_at`` is the real instant at which it is due in arrears: when the item ends, at the latest
    when the period does. ``is_over`` says that this has come.
    """

    run: Run
    full: Period
    start: datetime
    end: datetime
    from_: Fraction
    to: Fraction
    over_at: datetime
    is_over: bool

    @property
    def price(self) -> PriceTerms:
        return self.run.first.price

    @property
    def version_id(self) -> str:
        return self.run.first.version_id

    @property
    def quantity(self) -> int:
        return self.run.first.quantity

    @property
    def share(self) -> Fraction:
        return self.to - self.from_

    @property
    def real_start(self) -> datetime:
        return self.run.real_start(self.start)

    @property
    def real_end(self) -> datetime:
        return self.run.real_end(self.end)

    @property
    def rate(self) -> Fraction:
        """What a whole period costs, in minor units."""
        return price(self.price, self.quantity)

    @property
    def cut(self) -> Edge | None:
        """What ended it before its period did."""
        return self.run.last.end if self.end < self.full.end else None

    def is_like(self, other: "Clip") -> bool:
        return (self.version_id, self.quantity) == (other.version_id, other.quantity)


def by_period(
    found: Iterable[Run], *, at: datetime, since: datetime | None
) -> Mapping[Period, list[Clip]]:
    """Cut the runs of one price into the full periods that have begun and end after ``since``."""
    clips: dict[Period, list[Clip]] = defaultdict(list)
    for run in found:
        for full in run.periods(at=at, since=since):
            # Positions never go back, however differently the boundaries of a period count.
            reached = clips[full][-1].to if clips[full] else START
            clips[full].append(_clip(run, full, reached, at))
    return {full: _chained(of_period) for full, of_period in clips.items()}


def _clip(run: Run, full: Period, reached: Fraction, at: datetime) -> Clip:
    zone = run.last.cycle.zone
    start, last = max(run.start, full.start), run.last.end
    end = full.end if run.end is None else min(run.end, full.end)
    from_ = max(reached, position(full, start, mode=run.first.start.proration, zone=zone))
    to = END
    if last is not None:
        to = max(from_, position(full, end, mode=last.proration, zone=zone))
    over = full.end if last is not None and last.goes_on else end
    return Clip(run, full, start, end, from_, to, run.real_end(over), over <= run.now(at))


def _chained(clips: Sequence[Clip]) -> list[Clip]:
    """What goes straight on as another version or quantity is over when that is."""
    dated = list(clips[-1:])
    for clip in reversed(clips[:-1]):
        after = dated[0]
        if clip.end == after.start:
            clip = replace(clip, over_at=after.over_at, is_over=after.is_over)
        dated.insert(0, clip)
    return dated


class _Level(NamedTuple):
    """What is paid per period between two positions, and the change that led there."""

    rate: Fraction
    share: Fraction
    edge: Edge | None


def left_over(clips: Sequence[Clip]) -> tuple[Fraction, Settlement | None]:
    """Return what stays charged because it ended without a settlement, in exact minor units, and
    what becomes of other reductions.

    A fall without a settlement leaves the rest of the period paid for at the old height. A rise
    uses that up first: time that is paid for is not paid for again.
    """
    kept = over = rate = ZERO
    settlement: Settlement | None = None
    if len(clips) == 1 and clips[0].cut is None:
        return kept, settlement
    for level in _levels(clips):
        if level.rate > rate:
            over = max(over - (level.rate - rate), ZERO)
        elif level.rate < rate and level.edge is not None:
            if level.edge.settlement == Settlement.NONE:
                over += rate - level.rate
            else:
                settlement = level.edge.settlement
        kept += over * level.share
        rate = level.rate
    return kept, settlement


def _levels(clips: Sequence[Clip]) -> list[_Level]:
    levels: list[_Level] = []
    before: Clip | None = None
    for clip in clips:
        if before is not None and before.end < clip.start:
            levels.append(_Level(ZERO, clip.from_ - before.to, before.cut))
            before = None
        levels.append(_Level(clip.rate, clip.share, before.cut if before else None))
        before = clip
    last = clips[-1]
    if last.cut is not None:
        levels.append(_Level(ZERO, END - last.to, last.cut))
    return levels
