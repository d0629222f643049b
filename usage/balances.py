"""Reading balances: at one instant, and as a history between the instants that change them. Pure.

The allowance of a *sliding* window is not burnt here, because units come back to it one by one.
Whoever has such a window compares each use with what the window has room for, and gives only what
is beyond that as ``Use``. While an allowance is unlimited, nothing is given as ``Use``: there is
nothing to burn. A window that *never* resets is one ``Reset`` without an end.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from usage.burndown import BurnDown
from usage.entries import Entry
from usage.grants import Grant
from usage.quantities import EXACT, ZERO, in_utc
from usage.states import Account, State, Window


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left, used and held at an instant.

    ``used`` is the use dated in the open window, overage included. ``grants`` are the accounts of
    all that has begun, the allowance among them, by id; ``order`` names those that have units left,
    in the order in which they will be used.
    """

    at: datetime
    window: Window | None
    left: Decimal
    held: Decimal
    used: Decimal
    overage: Decimal
    grants: Mapping[str, Account]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch ``[starts_at, ends_at)`` within which nothing is given, ends or rolls over.

    ``opening`` is after all that time did at its start; overage that something can pay for now is
    paid after it. ``closing`` is just before its end. ``use`` is all there was, ``used`` what each
    grant gave for it and for overage:

        opening.overage + use = sum of used + closing.overage
    """

    starts_at: datetime
    ends_at: datetime
    opening: Balance
    closing: Balance
    use: Decimal
    used: Mapping[str, Decimal]


def balance(
    state: State, *, grants: Iterable[Grant], entries: Iterable[Entry] = (), at: datetime
) -> Balance:
    """Return the balance at an instant, after everything that happens at it.

    :raises ValueError: as ``burndown.run`` does
    """
    with localcontext(EXACT):
        burning = BurnDown(state, grants=grants, entries=entries)
        burning.go_on(at)
        return _read(burning, at)


def history(
    state: State,
    *,
    grants: Iterable[Grant],
    entries: Iterable[Entry] = (),
    since: datetime,
    until: datetime,
) -> tuple[Segment, ...]:
    """Return the segments of ``[since, until)``, each beginning where the last ended.

    Between them are resets, changes, and each beginning, recurrence and end of a grant. What lies
    before ``since`` is gone through without being listed.

    :raises ValueError: for an empty range, and as ``burndown.run`` does
    """
    since, until = in_utc(since), in_utc(until)
    if not state.at <= since < until:
        raise ValueError(f"there is no history from {since} to {until} in a state of {state.at}")
    with localcontext(EXACT):
        burning = BurnDown(state, grants=grants, entries=entries)
        while (at := burning.next_instant()) is not None and at < since:
            burning.turn_to(at)
            burning.do(at)
        return tuple(_segments(burning, since, until))


def _segments(burning: BurnDown, since: datetime, until: datetime) -> Iterator[Segment]:
    burning.turn_to(since)
    opening, use = _read(burning, since), burning.use
    burning.do(since)
    while (at := burning.next_instant(each_turn=True)) is not None and at < until:
        if not burning.agenda.is_boundary(at):
            burning.turn_to(at)
            burning.do(at)
            continue
        yield _segment(opening, _read(burning, at), burning.use - use)
        burning.turn_to(at)
        opening, use = _read(burning, at), burning.use
        burning.do(at)
    yield _segment(opening, _read(burning, until), burning.use - use)


def _segment(opening: Balance, closing: Balance, use: Decimal) -> Segment:
    used = {
        grant_id: account.used - opening.grants[grant_id].used
        for grant_id, account in closing.grants.items()
        if account.used != opening.grants[grant_id].used
    }
    return Segment(opening.at, closing.at, opening, closing, use, used)


def _read(burning: BurnDown, at: datetime) -> Balance:
    known = burning.accounts
    return Balance(
        at=in_utc(at),
        window=burning.window,
        left=sum((account.left for account in known.values()), ZERO),
        held=sum((account.held for account in known.values()), ZERO),
        used=burning.use if burning.window is None else burning.window.used,
        overage=burning.overage,
        grants=dict(known),
        order=tuple(dict.fromkeys(grant_id for _, _, grant_id in burning.in_order())),
    )
