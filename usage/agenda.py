"""What is known beforehand to happen to balances, and when: grants, entries, ends. Pure."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from usage.entries import Change, Entry, Finalize, Hold, Reset, Use
from usage.grants import ALLOWANCE, Grant
from usage.states import Account, State


class Agenda:
    """Instants at which something happens after a state, and what.

    ``turns`` holds when each open grant that recurs recurs next. Those are no instants of their
    own, as nearly all of them can be caught up with later.

    :raises ValueError: as ``burndown.run`` does
    """

    def __init__(self, state: State, *, grants: Iterable[Grant], entries: Iterable[Entry]) -> None:
        self._since = state.at
        self._resets: defaultdict[datetime, list[Reset]] = defaultdict(list)
        self._changes: defaultdict[datetime, list[Change]] = defaultdict(list)
        self._doings: defaultdict[datetime, list[Use | Hold | Finalize]] = defaultdict(list)
        self._begins: defaultdict[datetime, list[Grant]] = defaultdict(list)
        self._ends: defaultdict[datetime, list[Grant]] = defaultdict(list)
        self._lapses: defaultdict[datetime, list[str]] = defaultdict(list)
        self._instants: list[datetime] = []
        self.turns: dict[str, datetime] = {}
        self.grants: dict[str, Grant] = {}
        for grant in grants:
            self._list(grant, state.accounts.get(grant.id))
        self._require_all(state)
        for entry in entries:
            self._enter(entry)
        if state.window is not None:
            self.expect(state.window.ends_at)
        for hold_id, held in state.holds.items():
            self.expect_lapse(hold_id, held.expires_at)

    def resets(self, at: datetime) -> Sequence[Reset]:
        return self._resets.get(at, ())

    def changes(self, at: datetime) -> Sequence[Change]:
        return self._changes.get(at, ())

    def begins(self, at: datetime) -> Sequence[Grant]:
        return self._begins.get(at, ())

    def ends(self, at: datetime) -> Sequence[Grant]:
        return self._ends.get(at, ())

    def lapses(self, at: datetime) -> Sequence[str]:
        """Return the holds that expire at an instant, unless they are finalized before."""
        return self._lapses.get(at, ())

    def doings(self, at: datetime) -> Sequence[Use | Hold | Finalize]:
        return self._doings.get(at, ())

    def expect(self, at: datetime | None) -> None:
        """Look at an instant, if it is one."""
        if at is not None:
            heapq.heappush(self._instants, at)

    def expect_lapse(self, hold_id: str, at: datetime) -> None:
        self._lapses[at].append(hold_id)
        self.expect(at)

    def next(self, *, each_turn: bool) -> datetime | None:
        """Return when something happens next: a recurrence too, if each of them matters."""
        following = self._instants[:1]
        if each_turn and self.turns:
            following.append(min(self.turns.values()))
        return min(following, default=None)

    def pass_by(self, at: datetime) -> None:
        """Have everything up to and including an instant behind."""
        while self._instants and self._instants[0] <= at:
            heapq.heappop(self._instants)

    def is_boundary(self, at: datetime) -> bool:
        """Tell whether something is given, ends or rolls over at an instant."""
        dated = (self._resets, self._changes, self._begins, self._ends)
        return any(at in each for each in dated) or at in self.turns.values()

    def _list(self, grant: Grant, account: Account | None) -> None:
        if grant.id in self.grants:
            raise ValueError(f"grant {grant.id} is listed twice")
        self.grants[grant.id] = grant
        if not grant.takes_effect or (account is not None and account.end is not None):
            return
        if account is None:
            self._put(self._begins, grant.effective_from, grant)
        elif grant.recurrence is not None and account.turn is not None:
            self.turns[grant.id] = grant.recurrence.begins(account.turn + 1)
        if grant.ends_at is not None:
            self._put(self._ends, grant.ends_at, grant)

    def _put(self, dated: defaultdict[datetime, list[Grant]], at: datetime, grant: Grant) -> None:
        self._require_ahead(at, f"grant {grant.id}")
        dated[at].append(grant)
        self.expect(at)

    def _require_all(self, state: State) -> None:
        for grant_id, account in state.accounts.items():
            if account.end is None and grant_id not in (ALLOWANCE, *self.grants):
                raise ValueError(f"grant {grant_id} has not ended and is missing")

    def _enter(self, entry: Entry) -> None:
        self._require_ahead(entry.at, type(entry).__name__.lower())
        match entry:
            case Reset():
                self._resets[entry.at].append(entry)
            case Change():
                self._changes[entry.at].append(entry)
            case _:
                self._doings[entry.at].append(entry)
        self.expect(entry.at)

    def _require_ahead(self, at: datetime, what: str) -> None:
        if at < self._since:
            raise ValueError(f"{what} at {at} belongs before the state, which is of {self._since}")
