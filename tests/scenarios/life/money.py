"""What a timeline costs, worked out a second time with dates of the standard library.

It reads what the API answers about a subscription, and shares nothing with the code that charges.
"""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.scenarios.life import prices

MONTHS = {"month": 1, "year": 12}


def read(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Count(NamedTuple):
    """What periods are counted from."""

    anchor: datetime
    day: int | None
    zone: str

    def boundary(self, interval: str, n: int) -> datetime:
        if n == 0:
            return self.anchor
        zone = ZoneInfo(self.zone)
        wall = self.anchor.astimezone(zone).replace(tzinfo=None)
        if interval == "week":
            return _instant(wall + timedelta(days=7 * n), zone)
        months = wall.year * 12 + wall.month - 1 + n * MONTHS[interval]
        year, month = divmod(months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        day = min(self.day or wall.day, last)
        return _instant(wall.replace(year=year, month=month + 1, day=day), zone)

    def period(self, interval: str, at: datetime) -> tuple[datetime, datetime]:
        """The full period that contains an instant."""
        days = {"week": 7, "month": 31, "year": 366}[interval]
        n = (at - self.anchor) // timedelta(days=days) - 2
        while self.boundary(interval, n + 1) <= at:
            n += 1
        return self.boundary(interval, n), self.boundary(interval, n + 1)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)


class Edge(NamedTuple):
    """Where something changes, in served time, and how that counts."""

    at: datetime
    proration: str


@dataclass(frozen=True)
class Held:
    """One price that is held from one edge to another (None: still), in served time."""

    item: str
    interval: str
    quantity: int
    count: Count
    start: Edge
    end: Edge | None
    begun_at: datetime  # by the clock, as over_at
    over_at: datetime | None

    @property
    def cents(self) -> int:
        return prices.cents(self.item.split("_", 1)[1], self.interval, self.quantity)


@dataclass(frozen=True)
class Entry:
    """A line of a timeline, with what the subscription's own page says of that instant."""

    line: dict[str, Any]
    page: dict[str, Any]

    @property
    def starts_at(self) -> datetime:
        return read(self.line["starts_at"])

    @property
    def count(self) -> Count:
        return Count(read(self.page["anchor"]), self.page["anchor_day"], self.page["zone"])

    @property
    def is_frozen(self) -> bool:
        return self.page["pause_mode"] == "extend"

    @property
    def is_charged(self) -> bool:
        awake = self.page["state"] in ("active", "past_due")
        trying = self.page["trial_end"] is not None
        return self.page["billed"] and not trying and (awake or self.is_frozen)

    def served(self, at: datetime) -> datetime:
        """An instant in the count of this entry, without the time that pauses have added."""
        if self.is_frozen:
            at = min(at, read(self.page["paused_since"]))
        return at - timedelta(seconds=self.page["extended_seconds"])

    def edge(self, at: datetime, by: "Entry") -> Edge:
        return Edge(self.served(at), by.line["decision"].get("proration", "second"))

    def items(self) -> Iterable[tuple[str, int]]:
        plan = self.page["plan"]
        seats = prices.PLANS[plan.split("_", 1)[1]].seats
        yield plan, self.page["quantity"] if seats else 1
        yield from self.page["add_ons"].items()


def holdings(entries: Sequence[Entry]) -> list[Held]:
    """What was held for how long; what took no time is left out.

    In a pause that extends, what was held before goes on, and nothing new begins.
    """
    found: list[Held] = []
    going: set[tuple[str, int, str, Count]] = set()
    for entry, following in zip(entries, [*entries[1:], None], strict=True):
        here = {(*each, entry.page["interval"], entry.count) for each in entry.items()}
        going = (here & going if entry.is_frozen else here) if entry.is_charged else set()
        start = entry.edge(entry.starts_at, entry)
        end = None if following is None else entry.edge(following.starts_at, following)
        if end is not None and start.at == end.at:
            continue
        found += [
            Held(
                item,
                entry.page["interval"],
                quantity,
                entry.count,
                start,
                end,
                entry.starts_at,
                following and following.starts_at,
            )
            for item, quantity, *_ in sorted(going)
        ]
    return found


def runs(found: Iterable[Held]) -> list[Held]:
    """Neighbours that are the same are one."""
    merged: list[Held] = []
    for held in found:
        last = next((each for each in reversed(merged) if _touch(each, held)), None)
        if last is None:
            merged.append(held)
        else:
            merged[merged.index(last)] = replace(last, end=held.end, over_at=held.over_at)
    return merged


def _touch(one: Held, other: Held) -> bool:
    same = (one.item, one.interval, one.quantity, one.count)
    joined = one.end is not None and one.end.at == other.start.at
    return joined and same == (other.item, other.interval, other.quantity, other.count)


def owed(entries: Sequence[Entry], *, now: datetime) -> tuple[int, int]:
    """What the periods that have begun cost, in cents: without and with one that begins just where
    a pause does, which may have been charged before the pause was asked for."""
    last = [each for each in entries if each.starts_at <= now][-1]
    found = [each for each in runs(holdings(entries)) if each.begun_at <= now]
    without, with_it = (
        sum(map(_owed, _by_slot(found, last, now, begins))) for begins in (not last.is_frozen, True)
    )
    return without, with_it


def _by_slot(
    found: Iterable[Held], last: Entry, now: datetime, begins: bool
) -> list[list[tuple[Any, Held]]]:
    slots: dict[Any, list[tuple[Any, Held]]] = defaultdict(list)
    for held in found:
        full = held.count.period(held.interval, held.start.at)
        until = held.end.at if held.end else None
        while _has_begun(full[0], held, last, now, begins) and (until is None or full[0] < until):
            kind = "plan" if held.item.split("_", 1)[1] in prices.PLANS else held.item
            slots[kind, full].append((full, held))
            full = held.count.period(held.interval, full[1])
    return list(slots.values())


def _has_begun(start: datetime, held: Held, last: Entry, now: datetime, begins: bool) -> bool:
    """Of what is not over, periods begin as served time goes on."""
    if held.over_at is not None and held.over_at <= now:
        return True
    come = last.served(now)
    return start < come or (start == come and begins)


def _owed(slot: list[tuple[Any, Held]]) -> int:
    """Pieces of one price in one quantity are priced as one, where nothing lies between them."""
    total, reached, open_share = 0, Fraction(0), Fraction(0)
    before: Held | None = None
    before_end: datetime | None = None
    for full, held in slot:
        start = max(held.start.at, full[0])
        from_ = max(reached, _position(full, Edge(start, held.start.proration), held.count.zone))
        to = Fraction(1)
        if held.end is not None:
            to = max(from_, _position(full, held.end, held.count.zone))
        joins = (
            before is not None
            and before_end == start
            and (before.item, before.interval, before.quantity)
            == (held.item, held.interval, held.quantity)
            and from_ == reached
        )
        if not joins and before is not None:
            total += _rounded(before.cents * open_share)
            open_share = Fraction(0)
        if to > from_ or not joins:
            open_share += to - from_
            before, before_end = held, held.end.at if held.end else full[1]
        reached = to
    if before is not None:
        total += _rounded(before.cents * open_share)
    return total


def _position(full: tuple[datetime, datetime], edge: Edge, zone: str) -> Fraction:
    start, end = full
    if edge.at <= start:
        return Fraction(0)
    if edge.at >= end or edge.proration == "none":
        return Fraction(1)
    if edge.proration == "day":
        days = [each.astimezone(ZoneInfo(zone)).date() for each in (start, edge.at, end)]
        return Fraction((days[1] - days[0]).days, (days[2] - days[0]).days)
    seconds = timedelta(seconds=1)
    return Fraction((edge.at - start) // seconds, (end - start) // seconds)


def _rounded(exact: Fraction) -> int:
    """Half away from zero."""
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
