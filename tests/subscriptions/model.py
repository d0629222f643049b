"""The life of a subscription told a second time, as simply as it can be: what the machine checks.

It shares nothing with the code that it checks: plans are names, periods are counted with the
standard library's dates, and what is agreed for the period's end has no date until that is asked.
"""

import calendar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

RANKS = {"free": 0, "pro": 1, "tried": 1, "business": 2, "tried_longer": 2}
TRIAL_DAYS = {"tried": 14, "tried_longer": 30}
MONTHS = {"month": 1, "year": 12}
RUNNING = ("active", "past_due")


@dataclass
class Agreed:
    """``at`` None: when the period is over."""

    at: datetime | None
    plan: str = ""
    interval: str = ""
    restarts: bool = False
    quantity: int = 0
    mode: str = ""
    anchor: datetime | None = None


@dataclass
class Model:
    plan: str
    interval: str
    quantity: int
    zone: str
    has_fallback: bool
    anchor: datetime
    period_end: datetime
    state: str = "active"
    add_ons: dict[str, int] = field(default_factory=dict)
    shift: timedelta = timedelta(0)
    day: int | None = None
    trial: tuple[datetime, datetime] | None = None
    paused_since: datetime | None = None
    pause_mode: str = ""
    state_before_pause: str = ""
    has_payment_method: bool = False
    is_trial_spent: bool = False
    agreed: dict[str, Agreed] = field(default_factory=dict)

    # --- counting ---

    def boundary_after(self, at: datetime, interval: str | None = None) -> datetime:
        """The first boundary after an instant, counted from the anchor by the calendar."""
        wall = self.anchor.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        step = MONTHS[interval or self.interval]
        served = at - self.shift
        months = (served.year - wall.year) * 12 + served.month - wall.month
        n = months // step - 2
        while self._boundary(wall, n * step) <= served:
            n += 1
        return self._boundary(wall, n * step) + self.shift

    def _boundary(self, wall: datetime, months: int) -> datetime:
        if months == 0:
            return self.anchor
        year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        day = min(self.day or wall.day, last)
        local = wall.replace(year=year, month=month + 1, day=day)
        return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def days_after(self, at: datetime, days: int) -> datetime:
        local = at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None) + timedelta(days=days)
        return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def counted_from(self, anchor: datetime, *, begins: datetime) -> None:
        self.anchor, self.shift, self.day = anchor, timedelta(0), None
        self.period_end = self.boundary_after(begins)

    # --- time ---

    def over_at(self) -> datetime:
        """When the open period is over: another anchor cuts it, but never a trial."""
        anchor = self.agreed.get("anchor")
        if anchor is not None and anchor.at is not None and self.trial is None:
            return min(self.period_end, anchor.at)
        return self.period_end

    def next_instant(self) -> datetime | None:
        if self.state == "canceled":
            return None
        found = [
            each.at or self.over_at() for name, each in self.agreed.items() if self.comes(name)
        ]
        if self.state in RUNNING:
            found.append(self.period_end)
        if self.state == "trialing" and self.trial is not None:
            found.append(self.trial[1])
        return min(found, default=None)

    def comes(self, name: str) -> bool:
        """In a pause the period does not end, and nothing new is counted."""
        waits = self.agreed[name].at is None or name == "anchor"
        return not (waits and self.state == "paused")

    def arrives(self, at: datetime) -> None:
        due = [name for name, each in self.agreed.items() if (each.at or self.over_at()) <= at]
        if self._take(due, "end"):
            self.agreed.clear()
            self.falls_back(at)
        self._trial_ends(at)
        if self.state == "canceled":
            return
        for _, change in self._take(due, "plan"):
            self.moves_to(change.plan, change.interval, change.restarts, at)
        for name, change in self._take(due, "quantity", "add_on:logs"):
            self.sets(name, change.quantity)
        for _, change in self._take(due, "anchor"):
            self.counts_from(change.anchor or at, at)
        for _, change in self._take(due, "pause"):
            self.pauses(change.mode, at)
        if self._take(due, "resume"):
            self.resumes(at)
        self.rolls(at)

    def _take(self, due: list[str], *names: str) -> list[tuple[str, Agreed]]:
        found = [name for name in names if name in due and name in self.agreed]
        return [(name, self.agreed.pop(name)) for name in found if self.comes(name)]

    def counts_from(self, anchor: datetime, at: datetime) -> None:
        if self.trial is None:
            self.counted_from(anchor, begins=at)
        else:
            self.anchor, self.shift, self.day = anchor, timedelta(0), None

    def rolls(self, at: datetime) -> None:
        waited = any(each.at is None for each in self.agreed.values()) and self.over_at() <= at
        if self.state in RUNNING and self.period_end <= at and not waited:
            self.period_end = self.boundary_after(self.period_end)

    def _trial_ends(self, at: datetime) -> None:
        if self.state != "trialing" or self.trial is None or self.trial[1] > at:
            return
        self.state, self.trial = "active", None
        self.period_end = self.boundary_after(at)
        if not self.has_payment_method and self.plan != "free":
            self.agreed.clear()
            self.falls_back(at)

    # --- what becomes of it ---

    def falls_back(self, at: datetime) -> None:
        if not self.has_fallback:
            self.state, self.trial, self.paused_since = "canceled", None, None
            return
        if self.trial is not None or self.paused_since is not None:
            self.period_end = self.boundary_after(at)
        self.state, self.trial, self.paused_since = "active", None, None
        restarts = self.interval != "month"
        self.plan, self.interval, self.quantity, self.add_ons = "free", "month", 1, {}
        if restarts:
            self.counted_from(at, begins=at)

    def moves_to(self, plan: str, interval: str, restarts: bool, at: datetime) -> None:
        if (plan, interval) == (self.plan, self.interval):
            return
        was_free, was_interval = self.plan == "free", self.interval
        self.plan, self.interval = plan, interval
        self._drop_add_ons()
        self._waits_for_the_anchor(None)
        if self.trial is not None and plan != "free":
            self._goes_on_trying(restarts)
            return
        begins = self.paused_since or at
        was_tried, self.trial = self.trial is not None, None
        if was_tried and self.state == "trialing":
            self.state = "active"
        if self.paused_since is not None and self.state_before_pause == "trialing":
            self.state_before_pause = "active"
        if restarts:
            self.counted_from(begins, begins=begins)
        elif interval != was_interval or was_tried:
            self.period_end = self.boundary_after(begins)
        if was_free and plan in TRIAL_DAYS and self.state == "active" and not self.is_trial_spent:
            self.tries(at)

    def _goes_on_trying(self, restarts: bool) -> None:
        assert self.trial is not None
        start, end = self.trial
        if self.plan in TRIAL_DAYS:
            end = max(end, self.days_after(start, TRIAL_DAYS[self.plan]) + self.shift)
        if self.anchor + self.shift == self.trial[1]:
            self.anchor = end - self.shift
        if restarts:
            self.anchor, self.shift, self.day = end, timedelta(0), None
        self.trial, self.period_end = (start, end), end

    def tries(self, at: datetime) -> None:
        end = self.days_after(at, TRIAL_DAYS[self.plan])
        self.state, self.trial, self.is_trial_spent = "trialing", (at, end), True
        self.anchor, self.shift, self.day, self.period_end = end, timedelta(0), None, end

    def sets(self, name: str, quantity: int) -> None:
        if name == "quantity":
            self.quantity = quantity
            return
        key = name.removeprefix("add_on:")
        self.add_ons.pop(key, None)
        if quantity:
            self.add_ons[key] = quantity
        self._drop_add_ons()

    def _drop_add_ons(self) -> None:
        if self.plan not in ("pro", "business") or self.interval != "month":
            self.add_ons = {}

    def pauses(self, mode: str, at: datetime) -> None:
        if self.paused_since is None:
            self.state_before_pause, self.state, self.paused_since = self.state, "paused", at
            self.pause_mode = "extend" if self.trial is not None else mode

    def resumes(self, at: datetime) -> None:
        if self.paused_since is None:
            return
        waited = at - self.paused_since
        self.state, self.paused_since = self.state_before_pause, None
        if waited and self.pause_mode == "extend":
            self.shift, self.period_end = self.shift + waited, self.period_end + waited
            if self.trial is not None:
                self.trial = (self.trial[0], self.trial[1] + waited)
        elif waited:
            self._counts_from_the_same_day(at)
        self._waits_for_the_anchor(at)

    def _waits_for_the_anchor(self, since: datetime | None) -> None:
        """A planned anchor comes with the next boundary that it counts for this interval."""
        agreed = self.agreed.get("anchor")
        if agreed is None or agreed.at is None or self.state == "paused":
            return
        there = {"anchor": agreed.anchor, "shift": timedelta(0), "day": None}
        since = since or agreed.at
        agreed.at = Model(**{**vars(self), **there}).boundary_after(since - timedelta(seconds=1))

    def _counts_from_the_same_day(self, at: datetime) -> None:
        zone, moved = ZoneInfo(self.zone), bool(self.shift)
        day = self.day or self.anchor.astimezone(zone).day
        last = self.boundary_after(at - timedelta(days=32), "month")
        while (following := self.boundary_after(last, "month")) <= at:
            last = following
        self.anchor, self.shift, self.day = last, timedelta(0), None
        if not moved and last.astimezone(zone).day != day:
            self.day = day
        self.period_end = self.boundary_after(at)
