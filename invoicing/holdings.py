"""From what a subscription was, is and will be, to the stretches that are charged. Pure.

Nothing is charged before a start, in a trial, in a pause with credit, and outside what is billed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from invoicing.stretches import Edge, Stretch, same_count
from plans.change_rules import Proration, Settlement
from plans.terms import PauseMode, PriceTerms
from subscriptions.agreement import Agreement
from subscriptions.history import Entry, History
from subscriptions.states import State

PLAN = "plan"
_SECOND = timedelta(seconds=1)
_HELD_NOTHING = frozenset({State.PENDING, State.CANCELED})
Name = tuple[str, str]  # of an item and of one of its prices


@dataclass(frozen=True, slots=True)
class _Held:
    version_id: str
    price: PriceTerms
    quantity: int


def stretches_of(history: History, *, with_agreed: bool = False) -> list[Stretch]:
    """Return what was held for how long; with what is agreed for later, if that is asked for."""
    reader = _Reader()
    for entry in (*history.entries, *(history.agreed if with_agreed else ())):
        reader.read(entry)
    return [*reader.closed, *reader.open.values()]


def open_since(
    history: History, at: datetime, *, recorded_since: datetime | None = None
) -> datetime:
    """Return an instant of served time; only full periods that end after it can have changed.

    Those are what the period in force just before ``at`` touches, and what the latest word on the
    history does if it is news, recorded since an instant: it may be about the past.
    """
    entry = history.at(at - _SECOND) or history.entries[0]
    agreement = entry.agreement
    instant = agreement.pause.since if agreement.pause else max(at - _SECOND, entry.starts_at)
    instants = [agreement.cycle.period_at(agreement.every, instant).start]
    spoken = max((each.recorded_at for each in history.entries if each.recorded_at), default=None)
    if spoken is not None and recorded_since is not None and spoken >= recorded_since:
        instants += [each.starts_at for each in history.entries if each.recorded_at == spoken]
    shift = max(each.agreement.cycle.shift_seconds for each in history.entries)
    return min(instants) - timedelta(seconds=shift)


@dataclass(slots=True)
class _Reader:
    """Reads entries in order, and keeps what is held open."""

    open: dict[Name, Stretch] = field(default_factory=dict)
    closed: list[Stretch] = field(default_factory=list)
    started: set[Name] = field(default_factory=set)

    def read(self, entry: Entry) -> None:
        agreement = entry.agreement
        wanted = dict(_holdings(agreement))
        self.started &= wanted.keys()
        if agreement.pause is not None and agreement.pause.mode == PauseMode.EXTEND:
            self._freeze(entry, wanted, agreement.pause.since)
        else:
            self._go_on(entry, wanted if agreement.is_charged else {})

    def _freeze(self, entry: Entry, wanted: Mapping[Name, _Held], since: datetime) -> None:
        """What is held stays charged, and no time passes; a change meanwhile ends it there."""
        for name, stretch in list(self.open.items()):
            if _is_held(stretch, wanted.get(name)):
                self.open[name] = replace(stretch, frozen_at=since)
            else:
                self._close(name, entry, goes_on=False)

    def _go_on(self, entry: Entry, wanted: Mapping[Name, _Held]) -> None:
        cycle = entry.agreement.cycle
        items = {item for item, _ in wanted} | ({PLAN} if entry.agreement.is_charged else set())
        for name, stretch in list(self.open.items()):
            if stretch.cycle != cycle or not _is_held(stretch, wanted.get(name)):
                goes_on = name[0] in items and same_count(stretch.cycle, cycle)
                self._close(name, entry, goes_on=goes_on)
            elif stretch.frozen_at is not None:  # a pause that took no time
                self.open[name] = replace(stretch, frozen_at=None)
        for name, held in wanted.items():
            if name not in self.open:
                self.open[name] = Stretch(
                    item=name[0],
                    version_id=held.version_id,
                    price=held.price,
                    quantity=held.quantity,
                    cycle=cycle,
                    start=_edge(entry, entry.starts_at),
                    is_first=name not in self.started,
                )
                self.started.add(name)

    def _close(self, name: Name, entry: Entry, *, goes_on: bool) -> None:
        stretch = self.open.pop(name)
        until = entry.decision.get("billed_until")
        at = (
            entry.starts_at
            if until is None
            else max(datetime.fromisoformat(until), stretch.start.at)
        )
        edge = _edge(entry, stretch.frozen_at or at, goes_on=goes_on)
        self.closed.append(replace(stretch, end=edge, frozen_at=None))


def _edge(entry: Entry, at: datetime, *, goes_on: bool = False) -> Edge:
    return Edge(
        at,
        Proration(entry.decision.get("proration") or Proration.SECOND),
        Settlement(entry.decision.get("settlement") or Settlement.CREDIT),
        goes_on,
    )


def _is_held(stretch: Stretch, held: _Held | None) -> bool:
    return held == _Held(stretch.version_id, stretch.price, stretch.quantity)


def _holdings(agreement: Agreement) -> Iterator[tuple[Name, _Held]]:
    """Yield what is paid for by holding it; usage is another matter."""
    if agreement.state in _HELD_NOTHING:
        return
    interval, currency = agreement.interval, agreement.currency
    plan = agreement.terms
    for price in plan.prices_of(interval, currency):
        if price.meter is None:
            yield (PLAN, price.key), _held(plan.version_id, price, agreement.quantity)
    for add_on in agreement.add_ons:
        for price in add_on.terms.prices_of(interval, currency):
            if price.meter is None:
                item = f"add_on:{add_on.key}"
                yield (item, price.key), _held(add_on.terms.version_id, price, add_on.quantity)


def _held(version_id: str, price: PriceTerms, quantity: int) -> _Held:
    return _Held(version_id, price, quantity if price.is_per_seat else 1)
