"""What holds of a subscription whatever was asked of it, by all that can be seen of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.scenarios.life import prices
from tests.scenarios.life.model import bare
from tests.scenarios.life.money import Count, owed, read
from tests.scenarios.life.watch import (
    OF_NOW,
    Desk,
    Look,
    Sample,
    sample,
    standing_blocks,
    without,
    written,
)

SECOND = timedelta(seconds=1)
RUNNING = ("active", "past_due")


@dataclass
class Holds:
    """``is_settled`` until something was reduced without giving anything back: then what was kept
    of it depends on when, and only the least that is owed is known."""

    desk: Desk
    samples: list[Sample] = field(default_factory=list)
    is_settled: bool = True
    looks: int = 0

    def look(self, seen: Look, now: datetime) -> None:
        """:raises AssertionError: if something does not hold"""
        self._lines_are_in_order(seen)
        self._periods_tile(seen, now)
        self._charges_are_what_it_costs(seen, now)
        self._balances_are_their_entries(seen)
        self._grants_what_is_held(seen, now)
        self._documents_say_the_same(seen)
        self._what_was_known_is_known(seen, now)

    def _lines_are_in_order(self, seen: Look) -> None:
        starts = [read(each["starts_at"]) for each in seen.timeline]
        assert starts == sorted(set(starts))
        agreed = [each["agreed"] for each in seen.timeline]
        assert agreed == sorted(agreed)

    def _periods_tile(self, seen: Look, now: datetime) -> None:
        """The open one is there, ends where a calendar says so, and began where one ended."""
        page = seen.page
        if page["state"] not in RUNNING:
            return
        start, end = read(page["period_start"]), read(page["period_end"])
        assert start <= now < end
        shift = timedelta(seconds=page["extended_seconds"])
        counted = Count(read(page["anchor"]), page["anchor_day"], page["zone"])
        assert counted.period(page["interval"], end - shift - SECOND)[1] + shift == end
        before = self.desk.page_at(start - SECOND)
        if before is None or before["state"] not in RUNNING:
            return
        assert read(before["period_start"]) < start
        is_cut = any(read(each["starts_at"]) == start for each in seen.timeline)
        assert read(before["period_end"]) == start or (
            is_cut and start < read(before["period_end"])
        )

    def _charges_are_what_it_costs(self, seen: Look, now: datetime) -> None:
        """What is agreed for later counts one way: what is charged already stays until then."""
        entries = self.desk.entries_of(seen.timeline)
        past = [each for each in entries if not each.line["agreed"]]
        if any(each.line["decision"].get("settlement") == "none" for each in past):
            self.is_settled = False
        amounts = [*owed(past, now=now), *owed(entries, now=now)]
        net = seen.net(self.desk.subscription)
        assert min(amounts) <= net, (amounts, net)
        assert net <= max(amounts) or not self.is_settled, (amounts, net)

    def _balances_are_their_entries(self, seen: Look) -> None:
        assert sum(each["amount"]["amount"] for each in seen.credits) == seen.balance
        assert {each["currency"] for each in seen.balances} <= {"USD"}

    def _grants_what_is_held(self, seen: Look, now: datetime) -> None:
        page, plan = seen.page, bare(seen.page["plan"])
        add_ons = {bare(key): each for key, each in page["add_ons"].items()}
        withheld = withheld_by(self.desk, seen, now)
        held = prices.values(plan, page["quantity"], add_ons)
        for found, value in zip(self.desk.check([*held]), held.values(), strict=True):
            if page["state"] in ("canceled", "pending"):
                assert not found["allowed"], found
                continue
            reason = "not_entitled" if value == "0" else withheld or "within_limit"
            assert (found["value"], found["reason"]) == (value, reason), found
            assert found["allowed"] == (reason == "within_limit")
            (listed,) = [each for each in seen.entitlements if each["feature"] == found["feature"]]
            assert (listed["value"], listed["reason"]) == (value, reason), listed

    def _documents_say_the_same(self, seen: Look) -> None:
        held = {each["feature"]: str(each["value"]) for each in seen.entitlements}
        allowed = {each["feature"] for each in seen.entitlements if each["allowed"]}
        for content in seen.documents.values():
            told = {key: str(each["value"]) for key, each in content["entitlements"].items()}
            assert told.items() <= held.items()
            assert allowed <= (told.keys() if content["state"] == "active" else set())

    def _what_was_known_is_known(self, seen: Look, now: datetime) -> None:
        """Of the latest samples one is asked for again, each time in another way."""
        self.looks += 1
        before = [each for each in self.samples if each.at < now][-1:]
        if self.looks % 3 == 0:
            assert self.desk.page_at(now) == seen.page
        for each in self.samples[-1:] if self.looks % 3 == 1 else ():
            then = self.desk.page_at(each.at, known_at=written(each.known_at))
            assert then is not None
            assert dateless(then) == dateless(each.page)
        for each in before if self.looks % 3 == 2 else ():
            then = self.desk.page_at(each.at)
            assert then is not None
            assert dateless(then) == dateless(each.page)
        self.samples.append(sample(seen.page, now))

    def is_corrected(self) -> None:
        """The past is another one from now on."""
        self.samples.clear()


def withheld_by(desk: Desk, look: Look, now: datetime) -> str:
    """Why nothing of what a subscription holds may be used; empty where it may be."""
    blocks = standing_blocks(look, desk, now)
    if any("access" in each["effects"] for each in blocks):
        return "blocked"
    plan = prices.PLANS[bare(look.page["plan"])]
    is_paused = look.page["state"] == "paused" and not plan.access_while_paused
    return "paused" if is_paused else ""


def dateless(page: dict[str, Any]) -> dict[str, Any]:
    """What is agreed for the period's end is shown with the date that it has by now."""
    pending = [without(each, "effective_at") for each in page["pending"]]
    pending.sort(key=lambda each: str(each["id"]))
    return {**without(page, *OF_NOW, "projected"), "pending": pending}
