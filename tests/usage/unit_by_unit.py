"""The rules once more, as slowly and plainly as possible: every unit is a thing of its own.

It goes from half day to half day and knows no holds; grants recur every so many days of UTC.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from usage.entries import Change, Entry, Reset, Use
from usage.grants import ALLOWANCE, Grant, Rollover

STEP = timedelta(hours=12)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class Unit:
    of: str
    carried_until: datetime | None = None


@dataclass
class Slow:
    grants: list[Grant]
    entries: list[Entry]
    at: datetime
    units: list[Unit] = field(default_factory=list)
    granted: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    expired: Counter[str] = field(default_factory=Counter)
    voided: Counter[str] = field(default_factory=Counter)
    window: Reset | Change | None = None
    window_began: datetime | None = None
    given: int = 0
    overage: int = 0
    unpaid: int = 0

    def go_to(self, until: datetime) -> None:
        while self.at <= until:
            self.tick()
            self.at += STEP

    def tick(self) -> None:
        self.end_grants()
        now = [entry for entry in self.entries if entry.at == self.at]
        for reset in [entry for entry in now if isinstance(entry, Reset)]:
            self.reset(reset)
        for change in [entry for entry in now if isinstance(entry, Change)]:
            self.change(change)
        self.give_grants()
        owed, self.overage = self.overage, 0
        self.use(owed)
        for use in [entry for entry in now if isinstance(entry, Use)]:
            self.use(int(use.quantity))

    def end_grants(self) -> None:
        for grant in self.grants:
            if grant.expires_at == self.at:
                self.lose(self.of(grant.id), self.expired)
            if grant.voided_at == self.at:
                self.lose(self.of(grant.id), self.voided)

    def give_grants(self) -> None:
        for grant in self.grants:
            if grant.effective_from == self.at and self.is_open(grant):
                self.give(grant.id, int(grant.amount))
        for grant in self.grants:
            if self.recurs_now(grant):
                self.roll(grant.id, grant.rollover or Rollover(Decimal(0)), self.next_turn(grant))
                self.give(grant.id, int(grant.amount))

    def reset(self, reset: Reset) -> None:
        if not reset.keeps_overage:
            self.unpaid += self.overage
            self.overage = 0
        rollover = self.window and self.window.rollover
        end = reset.ends_at or NEVER
        self.roll(ALLOWANCE, rollover or Rollover(Decimal(0)), end)
        self.give(ALLOWANCE, int(reset.included))
        for grant in self.grants:
            if grant.rollover and grant.effective_from < self.at and self.is_open(grant):
                self.roll(grant.id, grant.rollover, end)
        self.window, self.window_began, self.given = reset, self.at, int(reset.included)

    def change(self, change: Change) -> None:
        self.window = change
        more = int(change.included) - self.given
        fresh = [unit for unit in self.of(ALLOWANCE) if unit.carried_until is None]
        for unit in fresh[: max(0, -more)]:
            self.units.remove(unit)
            self.granted[ALLOWANCE] -= 1
            self.given -= 1
        if more > 0:
            self.give(ALLOWANCE, more)
            self.given += more

    def roll(self, name: str, rollover: Rollover, end: datetime) -> None:
        units = self.of(name)
        over = int(rollover.of(Decimal(len(units))))
        self.lose(units[over:], self.expired)
        self.give(name, max(0, over - len(units)))
        for unit in self.of(name):
            unit.carried_until = end

    def use(self, quantity: int) -> None:
        for _ in range(quantity):
            if not self.units:
                self.overage += 1
                continue
            unit = min(self.units, key=self.rank)
            self.units.remove(unit)
            self.used[unit.of] += 1

    def rank(self, unit: Unit) -> tuple[object, ...]:
        carried = unit.carried_until is None
        if unit.of == ALLOWANCE:
            assert self.window is not None
            return (
                50,
                self.window.ends_at or NEVER,
                False,
                self.window_began,
                "allowance",
                carried,
            )
        (grant,) = [each for each in self.grants if each.id == unit.of]
        end = min(grant.expires_at or NEVER, unit.carried_until or NEVER)
        return (grant.priority, end, grant.paid, grant.effective_from, grant.id, carried)

    def recurs_now(self, grant: Grant) -> bool:
        if grant.recurrence is None or not grant.effective_from < self.at:
            return False
        since = self.at - grant.recurrence.anchor.at
        return self.is_open(grant) and since % timedelta(grant.recurrence.every.days) == timedelta()

    def next_turn(self, grant: Grant) -> datetime:
        assert grant.recurrence is not None
        return self.at + timedelta(grant.recurrence.every.days)

    def is_open(self, grant: Grant) -> bool:
        ends = (grant.expires_at or NEVER, grant.voided_at or NEVER)
        return grant.effective_from <= self.at < min(ends)

    def of(self, name: str) -> list[Unit]:
        return [unit for unit in self.units if unit.of == name]

    def give(self, name: str, amount: int) -> None:
        self.units += [Unit(name) for _ in range(amount)]
        self.granted[name] += amount

    def lose(self, units: list[Unit], where: Counter[str]) -> None:
        for unit in units:
            self.units = [each for each in self.units if each is not unit]
            where[unit.of] += 1
