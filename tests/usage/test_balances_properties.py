"""What holds for any grants, windows, uses and holds, in any order, however it is computed."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.periods import Anchor, Interval
from tests.usage.given import BEGINNING, EMPTY, adds_up
from tests.usage.unit_by_unit import Slow
from usage.balances import Balance, balance, history
from usage.burndown import run
from usage.entries import Change, Entry, Finalize, Hold, Reset, Use
from usage.grants import Grant, Recurrence, Rollover
from usage.snapshots import from_json, to_json
from usage.states import State

DAYS = 8
END = BEGINNING + timedelta(days=DAYS)
HALF_DAY = timedelta(hours=12)
INSTANTS = st.integers(0, 2 * DAYS).map(lambda n: BEGINNING + n * HALF_DAY)
AMOUNTS = st.integers(0, 9).map(Decimal)
ROLLOVERS = st.none() | st.builds(Rollover, AMOUNTS, st.integers(0, 4).map(Decimal))
RECURRENCES = st.none() | st.builds(
    Recurrence,
    INSTANTS.map(lambda at: Anchor(at, "UTC")),
    st.sampled_from([Interval("day"), Interval("day", 2), Interval("day", 3)]),
)


@st.composite
def grant_lists(draw: st.DrawFn) -> list[Grant]:
    """Up to four grants; some end before others begin."""
    return [draw(single(f"g{number}")) for number in range(draw(st.integers(0, 4)))]


@st.composite
def single(draw: st.DrawFn, grant_id: str) -> Grant:
    since = draw(INSTANTS)
    return Grant(
        id=grant_id,
        amount=draw(AMOUNTS),
        effective_from=since,
        expires_at=draw(st.none() | st.integers(1, 12).map(lambda n: since + n * HALF_DAY)),
        priority=draw(st.sampled_from([1, 50, 100])),
        paid=draw(st.booleans()),
        recurrence=draw(RECURRENCES),
        rollover=draw(ROLLOVERS),
        voided_at=draw(st.none() | INSTANTS),
    )


@st.composite
def windows(draw: st.DrawFn) -> list[Entry]:
    """Windows side by side, each perhaps with a change or a manual reset in it."""
    bounds = sorted(draw(st.sets(INSTANTS, max_size=4)))
    entries: list[Entry] = []
    for start, end in zip(bounds, [*bounds, None][1:], strict=True):
        entries.append(draw(terms(Reset, start, end)))
        for kind in draw(st.lists(st.sampled_from([Reset, Change]), max_size=2)):
            at = draw(INSTANTS)
            if start < at and (end is None or at < end):
                entries.append(draw(terms(kind, at, end)))
    return entries


@st.composite
def terms(
    draw: st.DrawFn, kind: type[Reset | Change], at: datetime, end: datetime | None
) -> Reset | Change:
    entry = kind(at, end, draw(AMOUNTS), draw(ROLLOVERS))
    if isinstance(entry, Reset):
        return replace(entry, keeps_overage=draw(st.booleans()))
    return entry


USES = st.lists(st.builds(Use, INSTANTS, AMOUNTS), max_size=8)


@st.composite
def holds(draw: st.DrawFn) -> list[Entry]:
    """Up to three holds, which end in one of the ways in which holds end."""
    entries: list[Entry] = []
    for number in range(draw(st.integers(0, 3))):
        at, steps = draw(INSTANTS), draw(st.integers(1, 4))
        entries.append(Hold(at, f"h{number}", draw(AMOUNTS), at + steps * HALF_DAY))
        if draw(st.booleans()):
            ended = at + draw(st.integers(0, steps - 1)) * HALF_DAY
            entries.append(Finalize(ended, f"h{number}", draw(AMOUNTS)))
    return entries


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Grant], list[Entry]]:
    return draw(grant_lists()), [*draw(windows()), *draw(USES), *draw(holds())]


def finished(story: tuple[list[Grant], list[Entry]], until: datetime = END) -> State:
    return run(EMPTY, grants=story[0], entries=story[1], until=until)


@given(grants=grant_lists(), terms=windows(), uses=USES, until=INSTANTS)
@settings(max_examples=150)
def test_every_unit_fares_as_if_it_had_been_followed_on_its_own(
    grants: list[Grant], terms: list[Entry], uses: list[Entry], until: datetime
) -> None:
    slow = Slow(grants, sorted([*terms, *uses], key=lambda entry: entry.at), BEGINNING)
    slow.go_to(until)
    state = run(EMPTY, grants=grants, entries=[*terms, *uses], until=until)
    assert (state.overage, state.unpaid) == (slow.overage, slow.unpaid)
    for name, account in state.accounts.items():
        assert account.granted == slow.granted[name]
        assert account.used == slow.used[name]
        assert account.expired == slow.expired[name]
        assert account.voided == slow.voided[name]
        assert account.left == len(slow.of(name))
    assert set(slow.granted) <= set(state.accounts)


@given(story=stories(), until=INSTANTS)
@settings(max_examples=100)
def test_accounts_add_up_and_nothing_is_below_zero(
    story: tuple[list[Grant], list[Entry]], until: datetime
) -> None:
    state = finished(story, until)
    for account in state.accounts.values():
        assert adds_up(account)
        parts = (account.fresh, account.carried, account.used, account.held)
        assert min(*parts, account.expired, account.voided) >= 0
    held = sum(each.quantity for hold in state.holds.values() for each in hold.slices)
    assert sum(account.held for account in state.accounts.values()) == held


@given(story=stories(), until=INSTANTS)
@settings(max_examples=100)
def test_all_use_is_paid_by_a_grant_or_overage(
    story: tuple[list[Grant], list[Entry]], until: datetime
) -> None:
    state = finished(story, until)
    entries = [entry for entry in story[1] if entry.at <= until]
    use = sum(entry.quantity for entry in entries if isinstance(entry, Use | Finalize))
    used = sum(account.used for account in state.accounts.values())
    assert use == state.use == used + state.overage + state.unpaid
    if state.overage:
        assert all(account.left == 0 for account in state.accounts.values())


@given(story=stories(), cuts=st.lists(INSTANTS, max_size=5))
@settings(max_examples=100)
def test_stopping_and_going_on_changes_nothing(
    story: tuple[list[Grant], list[Entry]], cuts: list[datetime]
) -> None:
    grants, entries = story
    state = EMPTY
    for cut in [*sorted(cuts), END]:
        kept = json.loads(json.dumps(to_json(state)))
        ahead = [entry for entry in entries if entry.at > state.at or state is EMPTY]
        state = run(from_json(kept), grants=grants, entries=ahead, until=cut)
    assert state == finished(story)


@given(grants=grant_lists(), terms=windows(), uses=USES)
def test_turn_by_turn_is_as_all_turns_at_once(
    grants: list[Grant], terms: list[Entry], uses: list[Entry]
) -> None:
    idle = [Use(BEGINNING + n * HALF_DAY, Decimal(0)) for n in range(2 * DAYS + 1)]
    assert finished((grants, [*terms, *uses, *idle])) == finished((grants, [*terms, *uses]))


@given(story=stories(), data=st.data())
def test_the_order_in_which_grants_are_listed_is_irrelevant(
    story: tuple[list[Grant], list[Entry]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(story[0]))
    assert finished((shuffled, story[1])) == finished(story)
    assert balance(EMPTY, grants=shuffled, entries=story[1], at=END) == balance(
        EMPTY, grants=story[0], entries=story[1], at=END
    )


@given(story=stories(), ends=st.tuples(INSTANTS, INSTANTS).filter(lambda ends: ends[0] < ends[1]))
@settings(max_examples=100)
def test_segments_tile_and_explain_what_was_used(
    story: tuple[list[Grant], list[Entry]], ends: tuple[datetime, datetime]
) -> None:
    grants, entries = story
    since, until = ends
    segments = history(EMPTY, grants=grants, entries=entries, since=since, until=until)
    assert (segments[0].starts_at, segments[-1].ends_at) == ends
    for before, following in pairwise(segments):
        assert before.ends_at == following.starts_at
        assert known(before.closing, "used") == known(following.opening, "used")
    for segment in segments:
        assert segment.starts_at < segment.ends_at
        used = sum(segment.used.values(), Decimal(0))
        assert segment.opening.overage + segment.use == used + segment.closing.overage
        assert known(segment.opening, "granted") == known(segment.closing, "granted")
    before_end = run(EMPTY, grants=grants, entries=entries, until=until - timedelta(seconds=1))
    for name in ("granted", "used", "left", "held", "expired", "voided"):
        assert known(segments[-1].closing, name) == known(before_end, name)
    assert (segments[-1].closing.used, segments[-1].closing.overage) == (
        before_end.use if before_end.window is None else before_end.window.used,
        before_end.overage,
    )


def known(balance: Balance | State, name: str) -> dict[str, Decimal]:
    accounts = balance.accounts if isinstance(balance, State) else balance.grants
    every = {grant_id: getattr(account, name) for grant_id, account in accounts.items()}
    return {grant_id: quantity for grant_id, quantity in every.items() if quantity}
