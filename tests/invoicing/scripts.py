"""Lives of a subscription, made up by hypothesis, as what is known of them after each event."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from core.periods import Anchor, Cycle
from invoicing.stretches import Edge, Stretch
from plans.change_rules import Proration, Settlement
from plans.terms import Due, PriceTerms
from tests.invoicing.given import seats

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "America/New_York",
    "America/St_Johns",
    "Pacific/Chatham",
    "Africa/Cairo",
    "America/Havana",
)
DAY_SECONDS = 86_400
What = Literal["change", "restart", "extend", "pause", "again", "end"]


@dataclass(frozen=True)
class Step:
    """Something that happens ``after`` so many seconds of served time. ``takes`` is how long a
    pause is; "again" is a boundary at which nothing changes."""

    after: int
    what: What
    amount: int = 999
    quantity: int = 1
    proration: Proration = Proration.SECOND
    takes: int = 0


@dataclass(frozen=True)
class Script:
    start: datetime
    cycle: Cycle
    price: PriceTerms
    quantity: int
    steps: tuple[Step, ...]

    @property
    def known(self) -> Iterator[tuple[datetime, list[Stretch]]]:
        """Yield each instant at which something happened, and what is so from then on."""
        return _play(self)


def at_price(price: PriceTerms, cents: int) -> PriceTerms:
    amount = f"{cents // 100}.{cents % 100:02d}"
    return replace(seats(amount, price.interval, due=price.due), sold_interval=price.sold_interval)


def _play(
    script: Script, settlement: Settlement = Settlement.CREDIT
) -> Iterator[tuple[datetime, list[Stretch]]]:
    now, past = script.start, []
    current = _held(script.price, script.quantity, script.cycle, Edge(now))
    yield now, [current]
    for step in script.steps:
        now += timedelta(seconds=step.after)
        turn = Edge(now, step.proration, settlement, goes_on=step.what in ("change", "again"))
        if step.what == "extend":
            if not step.takes:
                continue
            yield now, [*past, replace(current, frozen_at=now)]
            past.append(replace(current, end=turn))
            now += timedelta(seconds=step.takes)
            cycle = current.cycle.moved_on(step.takes)
            current = _held(current.price, current.quantity, cycle, Edge(now))
        elif step.what in ("pause", "end"):
            past.append(replace(current, end=turn))
            yield now, list(past)
            now += timedelta(seconds=step.takes)
            cycle = _from(now, current.cycle)
            current = _held(current.price, current.quantity, cycle, Edge(now))
            if step.what == "end":
                return
        else:
            past.append(replace(current, end=turn))
            price, quantity, cycle = current.price, current.quantity, current.cycle
            if step.what != "again":
                price, quantity = at_price(price, step.amount), step.quantity
            if step.what == "restart":
                cycle = _from(now, cycle)
            current = _held(price, quantity, cycle, turn)
        yield now, [*past, current]


def _from(at: datetime, cycle: Cycle) -> Cycle:
    """Count anew from an instant. What pauses moved stays moved, so that served time goes on."""
    return Cycle(Anchor(cycle.served(at), cycle.zone), cycle.shift_seconds)


def _held(price: PriceTerms, quantity: int, cycle: Cycle, start: Edge) -> Stretch:
    return Stretch("plan", f"v{price.amount}", price, quantity, cycle, start)


@st.composite
def anchors(draw: st.DrawFn) -> Anchor:
    zone = draw(st.sampled_from(ZONES))
    year, month = draw(st.integers(2024, 2032)), draw(st.integers(1, 12))
    day = draw(st.integers(1, 31))
    last = calendar.monthrange(year, month)[1]
    local = datetime(year, month, min(day, last), draw(st.integers(0, 23)), tzinfo=ZoneInfo(zone))
    return Anchor(local.astimezone(UTC), zone, day if day > last else None)


AFTER = st.integers(1, 50 * DAY_SECONDS) | st.sampled_from([1, 3600, DAY_SECONDS, 31 * DAY_SECONDS])
PRORATIONS = st.sampled_from(list(Proration))
AMOUNTS = st.integers(1, 100_000) | st.sampled_from([999, 1999])


def steps(*kinds: What) -> st.SearchStrategy[tuple[Step, ...]]:
    one = st.builds(
        Step,
        after=AFTER,
        what=st.sampled_from(kinds),
        amount=AMOUNTS,
        quantity=st.integers(1, 4),
        proration=PRORATIONS,
        takes=st.integers(1, 90 * DAY_SECONDS),
    )
    return st.lists(one, max_size=6).map(tuple)


@st.composite
def scripts(
    draw: st.DrawFn,
    *kinds: What,
    dues: Sequence[Due] = (Due.ADVANCE, Due.ARREARS),
) -> Script:
    anchor = draw(anchors())
    interval = draw(st.sampled_from(["month", "3 months", "year"]))
    price = seats("1.00", interval, due=draw(st.sampled_from(dues)))
    ahead = draw(st.integers(0, 400 * DAY_SECONDS))
    return Script(
        start=anchor.at + timedelta(seconds=ahead),
        cycle=Cycle(anchor),
        price=at_price(price, draw(AMOUNTS)),
        quantity=draw(st.integers(1, 4)),
        steps=draw(steps(*(kinds or ("change", "restart", "extend", "pause", "again", "end")))),
    )
