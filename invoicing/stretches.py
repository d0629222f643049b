"""What one price was held for, and how long: the input of everything that is charged. Pure.

A subscription's history comes in as stretches: one price of one version, in one quantity, from one
instant to another. Here they are brought into served time, in which a pause that extends takes no
time, and those that only look like two are made one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from core.periods import ONCE, Cycle, Interval, Period
from plans.change_rules import Proration, Settlement
from plans.terms import PriceTerms


@dataclass(frozen=True, slots=True)
class Edge:
    """An instant at which something changes, and how that change counts.

    ``settlement`` is what becomes of an amount in the customer's favour. ``goes_on`` says of an
    end that the item is still held after it, in the same periods: only its version, price or
    quantity changed, so what is due at the period's end waits for it.
    """

    at: datetime
    proration: Proration = Proration.SECOND
    settlement: Settlement = Settlement.CREDIT
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """One price of one version, held in one quantity from ``start`` until ``end``; None: open.

    ``item`` is ``plan`` or ``add_on:KEY``. ``quantity`` is 1 where the price does not count it.
    ``is_first`` tells whether the item begins here; a one-time fee is charged there and nowhere
    else. ``frozen_at`` is when a pause that extends began: until it is over, time stands still.
    """

    item: str
    version_id: str
    price: PriceTerms
    quantity: int
    cycle: Cycle
    start: Edge
    end: Edge | None = None
    is_first: bool = False
    frozen_at: datetime | None = None

    @property
    def every(self) -> Interval:
        return Interval.parse(self.price.interval)

    @property
    def is_one_time(self) -> bool:
        return self.price.interval == str(ONCE)


@dataclass(frozen=True, slots=True)
class Run:
    """Stretches of the same thing that follow each other in served time, as one.

    ``start`` and ``end`` are in served time; ``parts`` keeps what is needed to find the real one.
    """

    parts: tuple[Stretch, ...]

    @property
    def first(self) -> Stretch:
        return self.parts[0]

    @property
    def last(self) -> Stretch:
        return self.parts[-1]

    @property
    def start(self) -> datetime:
        return self.first.cycle.served(self.first.start.at)

    @property
    def end(self) -> datetime | None:
        end = self.last.end
        return None if end is None else self.last.cycle.served(end.at)

    def real_start(self, served: datetime) -> datetime:
        """Return when something began that began at an instant of served time."""
        return self._cycle(served, itself=True).real(served)

    def real_end(self, served: datetime) -> datetime:
        """Return when something ends that ends at an instant of served time."""
        return self._cycle(served, itself=False).real(served)

    def _cycle(self, served: datetime, *, itself: bool) -> Cycle:
        """At the instant of a pause served time stands: what ends there ends before it, what
        begins there begins after it."""
        found = self.first.cycle
        for part in self.parts[1:]:
            began = part.cycle.served(part.start.at)
            if began < served or (itself and began == served):
                found = part.cycle
        return found

    def periods(self, *, at: datetime, since: datetime | None) -> Iterator[Period]:
        """Yield the full periods, in served time, that have begun and end after ``since``."""
        begin, end = self.start, self.end
        full = self.last.cycle.served_period_at(self.first.every, max(begin, since or begin))
        while self.has_begun(full.start, at) and (end is None or full.start < end):
            yield full
            full = self.last.cycle.served_period_at(self.first.every, full.end)

    def has_begun(self, served: datetime, at: datetime) -> bool:
        """Tell whether served time has come to an instant; while it stands, nothing begins."""
        now, stands = self._served(at)
        return served < now or (served == now and not stands)

    def now(self, at: datetime) -> datetime:
        """Return how far served time has come."""
        return self._served(at)[0]

    def _served(self, at: datetime) -> tuple[datetime, bool]:
        """Return served time at an instant, and whether it stands there, in a pause."""
        part = self.first
        stops = [each.end.at for each in self.parts[:-1] if each.end is not None]
        for following, stop in zip(self.parts[1:], stops, strict=True):
            if at < following.start.at:
                return part.cycle.served(min(at, stop)), stop <= at
            part = following
        frozen_at = part.frozen_at
        if frozen_at is None or at < frozen_at:
            return part.cycle.served(at), False
        return part.cycle.served(frozen_at), True


def runs(stretches: Iterable[Stretch]) -> list[Run]:
    """Return the runs of one price of one item, in order.

    What took no time is dropped, with the count of periods that only it began; neighbours of equal
    version and quantity are one.
    """
    found: list[Run] = []
    for each in _lasting(sorted(stretches, key=lambda each: each.start.at)):
        if found and _goes_on(found[-1], each):
            found[-1] = Run((*found[-1].parts, each))
        else:
            found.append(Run((each,)))
    return found


def until(stretches: Sequence[Stretch], at: datetime) -> list[Stretch]:
    """Return what has begun at an instant, without the ends that are still to come."""
    return [
        replace(each, end=None) if each.end is not None and each.end.at > at else each
        for each in stretches
        if each.start.at <= at
    ]


def same_count(one: Cycle, other: Cycle) -> bool:
    """Tell whether two cycles count the same periods, whatever pauses have moved them by."""
    return replace(one, shift_seconds=0) == replace(other, shift_seconds=0)


def _lasting(stretches: Sequence[Stretch]) -> list[Stretch]:
    lasting = [each for each in stretches if each.end is None or each.start.at < each.end.at]
    if len(lasting) == len(stretches):
        return lasting
    instants = {each.start.at: each for each in stretches if each not in lasting}
    return list(_without_their_counts(lasting, instants))


def _without_their_counts(
    lasting: Sequence[Stretch], dropped: dict[datetime, Stretch]
) -> Iterator[Stretch]:
    """What comes back to itself at the instant of a dropped stretch keeps counting as before."""
    kept: Cycle | None = None
    made: Cycle | None = None
    yield from lasting[:1]
    for before, after in pairwise(lasting):
        between = dropped.get(after.start.at)
        if between is not None and _is_same(before, after) and _touch(before, after):
            kept, made = before.cycle, between.cycle
        yield replace(after, cycle=kept) if kept and after.cycle == made else after


def _goes_on(run: Run, following: Stretch) -> bool:
    return (
        _is_same(run.last, following)
        and same_count(run.last.cycle, following.cycle)
        and run.end == following.cycle.served(following.start.at)
    )


def _is_same(one: Stretch, other: Stretch) -> bool:
    return (one.version_id, one.price, one.quantity) == (
        other.version_id,
        other.price,
        other.quantity,
    )


def _touch(one: Stretch, other: Stretch) -> bool:
    return one.end is not None and one.end.at == other.start.at
