"""What another system has billed, and what is left to be charged here: by hand, and for any life.

Pro is 25.00 a month, counted from the 31st; it is imported on 14 February 2026, with 14 of 28 days
of the open period gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.money import round_half_away
from core.periods import Anchor, Cycle, Interval
from invoicing.holdings import stretches_of
from invoicing.importing import billed_elsewhere, first_charge
from invoicing.stretches import Stretch
from plans.pricing import price as price_of
from plans.terms import Due, PauseMode, PriceTerms
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.anchors import AnchorWish
from subscriptions.history import Entry, History
from subscriptions.importing import Brought, Elsewhere, PausedThere, bring
from subscriptions.sales import Sale
from tests.invoicing.given import Books, counted, flat, held, seats, utc
from tests.invoicing.scripts import ZONES
from tests.subscriptions.given import plan

CYCLE = counted("2026-01-31T00:00")
PRO = held(flat("25.00"), "2026-01-31T00:00", cycle=CYCLE)
NOW = "2026-02-14T00:00"


def imported(stretches: Sequence[Stretch], through: str, at: str = NOW) -> Books:
    """Return books in which nothing is written but what was billed elsewhere."""
    books = Books()
    since = utc("2026-01-31T00:00")
    for draft in billed_elsewhere(stretches, since=since, through=utc(through), at=utc(at)):
        books._write(draft)
    return books


@pytest.mark.parametrize(
    ("through", "there", "now", "february", "march"),
    [
        ("2026-02-28T00:00", 2500, [], ["advance 25.00"], ["advance 25.00"]),
        ("2026-02-14T00:00", 1250, ["advance 12.50"], ["advance 25.00"], ["advance 25.00"]),
        ("2026-02-07T00:00", 625, ["advance 18.75"], ["advance 25.00"], ["advance 25.00"]),
        ("2026-01-31T00:00", 0, ["advance 25.00"], ["advance 25.00"], ["advance 25.00"]),
        ("2026-03-31T00:00", 5000, [], [], ["advance 25.00"]),
        ("2026-04-30T00:00", 7500, [], [], []),
    ],
)
def test_what_is_billed_there_is_not_charged_here(
    through: str, there: int, now: list[str], february: list[str], march: list[str]
) -> None:
    books = imported([PRO], through)
    assert books.net == there
    assert books.assessed([PRO], NOW) == now
    assert books.assessed([PRO], "2026-02-28T00:00") == february
    assert books.assessed([PRO], "2026-03-31T00:00") == march


@pytest.mark.parametrize(
    ("through", "at", "expected"),
    [
        # a quarter's fee of 30.00 in arrears, and 10.00 in advance each month of it
        ("2026-02-15T00:00", "2026-02-14T00:00", 1000 + 500),  # 14 of 28 days of February
        ("2026-04-01T00:00", "2026-02-14T00:00", 3000),  # the quarter has not ended yet
        ("2026-04-01T00:00", "2026-04-01T00:00", 3000 + 3000),
        ("2026-03-31T00:00", "2026-05-01T00:00", 2968),  # nor had it then: 30 of 31 days of March
    ],
)
def test_arrears_are_billed_where_they_were_due(through: str, at: str, expected: int) -> None:
    quarterly = counted("2026-01-01T00:00")
    arrears = flat("30.00", "3 months", due=Due.ARREARS, key="fee")
    monthly = flat("10.00", sold_interval="3 months")
    stretches = [held(each, "2026-01-01T00:00", cycle=quarterly) for each in (arrears, monthly)]
    assert imported(stretches, through, at).net == expected


def test_what_is_missing_to_a_minimum_is_charged_here_at_the_periods_end() -> None:
    committed = held(seats("10.00", minimum=Decimal("25.00")), "2026-01-31T00:00", cycle=CYCLE)
    books = imported([committed], "2026-03-31T00:00")
    assert books.net == 2000
    assert books.assessed([committed], "2026-02-28T00:00") == ["arrears 15.00"]


def test_a_fee_that_is_asked_once_was_asked_there() -> None:
    setup = held(flat("99.00", "once"), "2026-01-31T00:00", cycle=CYCLE, is_first=True)
    books = imported([setup], "2026-01-31T00:00")
    assert books.net == 9900
    assert books.assessed([setup], NOW) == []


def test_what_was_had_here_before_is_not_imported() -> None:
    ended = held(flat("9.00"), "2025-12-31T00:00", "2026-01-31T00:00", cycle=CYCLE)
    assert imported([ended, PRO], "2026-02-28T00:00").net == 2500


def test_what_was_paid_ahead_is_given_back_when_something_else_is_held() -> None:
    books = imported([PRO], "2026-04-30T00:00")
    assert books.assessed([PRO], "2026-02-28T00:00") == []
    turn = "2026-03-31T00:00"
    upgraded = [
        replace(PRO, end=held(flat("1.00"), "2026-01-31T00:00", turn, cycle=CYCLE).end),
        held(flat("250.00"), turn, cycle=CYCLE),
    ]
    assert books.assessed(upgraded, turn) == ["credit -25.00", "advance 250.00"]
    assert books.assessed(upgraded, "2026-04-30T00:00") == ["advance 250.00"]


def test_what_was_paid_ahead_and_never_begins_is_given_back() -> None:
    books = imported([PRO], "2026-04-30T00:00")
    ended = held(flat("25.00"), "2026-01-31T00:00", "2026-02-28T00:00", cycle=CYCLE)
    assert books.assessed([PRO], NOW, agreed=[ended]) == []
    assert books.assessed([ended], "2026-02-28T00:00") == ["credit -25.00", "credit -25.00"]


def test_a_pause_that_extends_keeps_what_was_paid_ahead() -> None:
    books = imported([PRO], "2026-04-30T00:00")
    paused = replace(PRO, frozen_at=utc("2026-02-21T00:00"))
    assert books.assessed([paused], "2026-06-01T00:00") == []
    ended = held(flat("25.00"), "2026-01-31T00:00", "2026-02-21T00:00", cycle=CYCLE)
    resumed = held(flat("25.00"), "2026-06-01T00:00", cycle=CYCLE.moved_on(100 * 86_400))
    assert books.assessed([ended, resumed], "2026-07-10T00:00") == []
    # 30 April and the 100 days of the pause
    assert books.assessed([ended, resumed], "2026-08-07T00:00") == []
    assert books.assessed([ended, resumed], "2026-08-08T00:00") == ["advance 25.00"]


@pytest.mark.parametrize(
    ("through", "there", "now"),
    [
        ("2026-02-28T00:00", 1250, []),  # what lies beyond the pause was settled there
        ("2026-02-14T00:00", 1250, []),
        ("2026-02-07T00:00", 625, ["advance 6.25"]),
    ],
)
def test_before_a_pause_with_credit_it_is_billed_until_the_pause(
    through: str, there: int, now: list[str]
) -> None:
    closed = held(flat("25.00"), "2026-01-31T00:00", NOW, cycle=CYCLE)
    books = imported([closed], through, "2026-02-21T00:00")
    assert books.net == there
    assert books.assessed([closed], "2026-02-21T00:00") == now


def test_in_a_pause_that_extends_nothing_in_arrears_comes_due() -> None:
    late = held(flat("25.00", due=Due.ARREARS), "2026-01-31T00:00", cycle=CYCLE)
    paused = replace(late, frozen_at=utc(NOW))
    assert imported([paused], "2026-03-31T00:00", "2026-05-01T00:00").net == 0
    assert imported([late], "2026-03-31T00:00", "2026-05-01T00:00").net == 5000


@pytest.mark.parametrize("through", ["2026-02-28T00:00", "2027-01-31T00:00"])
def test_the_first_charge_is_told(through: str) -> None:
    books = imported([PRO], through)
    assert first_charge([PRO], billed=books.lines, at=utc(NOW)) == (utc(through), 2500)


# --- for any life ---


@dataclass(frozen=True)
class Life:
    """A subscription that began elsewhere, is billed there until some time, and then imported."""

    sale: Sale
    cycle: Cycle
    started_at: datetime
    imported_at: datetime
    billed_through: datetime

    @property
    def from_the_start(self) -> list[Stretch]:
        """What is held, had it lived here all the time."""
        brought = bring(self.sale, self._said(self.started_at), at=self.started_at, zone=self._zone)
        return _stretches(self.started_at, brought.agreement)

    @property
    def from_the_import(self) -> list[Stretch]:
        said = self._said(self.billed_through)
        brought = bring(self.sale, said, at=self.imported_at, zone=self._zone)
        assert brought.since <= self.billed_through
        return _stretches(brought.since, brought.first)

    @property
    def billed_there(self) -> int:
        """What the other system has billed, worked out as simply as can be."""
        return sum(self._billed_there(each) for each in self.sale.terms.prices)

    def _billed_there(self, price: PriceTerms) -> int:
        whole = price_of(price, self.sale.quantity if price.is_per_seat else 1)
        if price.interval == "once":
            return round_half_away(whole)
        total, every = 0, Interval.parse(price.interval)
        full = self.cycle.period_at(every, self.started_at)
        while full.start < self.billed_through:
            end = min(full.end, self.billed_through)
            if price.due == Due.ADVANCE or full.end <= min(self.billed_through, self.imported_at):
                held_for = end - max(full.start, self.started_at)
                total += round_half_away(whole * Fraction(held_for / (full.end - full.start)))
            full = self.cycle.period_at(every, full.end)
        return total

    def _said(self, billed_through: datetime) -> Elsewhere:
        anchor = AnchorWish(at=self.cycle.anchor.at)
        return Elsewhere(self.started_at, anchor, billed_through=billed_through)

    @property
    def _zone(self) -> str:
        return self.cycle.zone


def _stretches(since: datetime, agreement: Agreement) -> list[Stretch]:
    return _held_in(Entry("", since, agreement, "imported"))


def _held_in(*entries: Entry) -> list[Stretch]:
    return stretches_of(History("", "", None, "", entries))


def _entries(brought: Brought) -> list[Entry]:
    return [
        Entry("", each.starts_at, each.agreement, each.cause, each.decision)
        for each in brought.stages
    ]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    interval = draw(st.sampled_from(["month", "3 months", "year", "week"]))
    amounts = st.integers(1, 100_000).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")
    inner = interval if interval == "week" else draw(st.sampled_from([interval, "month"]))
    prices = (
        seats(draw(amounts), interval, key="seats", sold_interval=interval),
        flat(draw(amounts), inner, key="inner", sold_interval=interval),
        flat(draw(amounts), inner, key="late", sold_interval=interval, due=Due.ARREARS),
        flat("99.00", "once", key="setup", sold_interval=interval),
    )
    terms = replace(plan("any", 1), sold={interval: ("EUR",)}, prices=prices)
    start = utc("2024-01-01T00:00") + timedelta(seconds=draw(st.integers(0, 900 * 86_400)))
    anchor = Anchor(start, draw(st.sampled_from(ZONES)))
    cycle, every = Cycle(anchor), Interval.parse(interval)
    started_at = start + timedelta(seconds=draw(st.integers(0, 90 * 86_400)))
    imported_at = started_at + timedelta(seconds=draw(st.integers(0, 200 * 86_400)))
    through = cycle.period_at(every, imported_at).end
    if draw(st.booleans()):
        for _ in range(draw(st.integers(0, 3))):
            through = cycle.next_boundary(every, through)
    else:
        known = int((through - started_at).total_seconds())
        through = started_at + timedelta(seconds=draw(st.integers(0, known)))
    sale = Sale(terms, interval, "EUR", draw(st.integers(1, 9)))
    return Life(sale, cycle, started_at, imported_at, through)


@settings(max_examples=50, deadline=None)
@given(life=lives(), later=st.integers(0, 100))
def test_there_and_here_come_to_what_it_would_have_cost_here_from_the_start(
    life: Life, later: int
) -> None:
    always, here = Books(), Books()
    told = life.from_the_import
    for draft in billed_elsewhere(
        told, since=told[0].start.at, through=life.billed_through, at=life.imported_at
    ):
        here._write(draft)
    there = here.net
    here.assess(told, life.imported_at)
    instant = max(life.imported_at, life.billed_through) + timedelta(days=later)
    here.assess(told, instant)
    always.assess(life.from_the_start, instant)
    assert all(draft.amount > 0 for draft in here.written)
    assert always.net == life.billed_there + here.net - there


@settings(max_examples=50, deadline=None)
@given(
    life=lives(),
    mode=st.sampled_from(list(PauseMode)),
    days=st.integers(1, 100),
    at_day=st.integers(0, 100),
    later=st.integers(0, 100),
)
def test_paused_there_comes_to_the_same_as_paused_here(
    life: Life, mode: PauseMode, days: int, at_day: int, later: int
) -> None:
    """One is imported the instant before it is paused here, the other in the pause."""
    paused_at, resumed_at = life.imported_at, life.imported_at + timedelta(days=days)
    said = life._said(life.billed_through)
    one = bring(life.sale, said, at=paused_at, zone=life._zone)
    assume(one.since < paused_at and life.started_at < paused_at)
    assume(one.agreement.period.start < paused_at)
    at = min(paused_at + timedelta(days=at_day), resumed_at)
    pause = replace(said, paused=PausedThere(paused_at, mode))
    other = bring(life.sale, pause, at=at, zone=life._zone)
    waits = moves.paused(one.agreement, mode=mode, at=paused_at)
    assert other.agreement == waits

    goes_on = Entry("", resumed_at, moves.resumed(waits, at=resumed_at), "resumed")
    here, there = Books(), Books()
    entries = _entries(one)
    for books, brought, now in ((here, one, paused_at), (there, other, at)):
        told = _held_in(*_entries(brought))
        for draft in billed_elsewhere(
            told, since=brought.since, through=life.billed_through, at=now
        ):
            books._write(draft)
        books.assess(told, now)
    entries.append(Entry("", paused_at, waits, "paused", {"settlement": "credit"}))
    here.assess(_held_in(*entries), paused_at)
    for books, known in ((here, entries), (there, _entries(other))):
        books.assess(_held_in(*known, goes_on), resumed_at)
        books.assess(_held_in(*known, goes_on), resumed_at + timedelta(days=later))
    assert here.net == there.net
    assert all(draft.amount > 0 for draft in there.written)
