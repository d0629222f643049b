"""The burn-down: what happens to balances, instant by instant. Pure.

At one instant: what expires or is void ends; the window is reset, and what is left rolls over; the
window changes; new grants take effect; grants recur; overage is paid; units are used. So nothing
that ends at an instant is used at it, and all that begins at it can be.

Between two instants at which something happens nothing has to be done: recurrences that nobody
noticed are caught up with at once, however many there were.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, localcontext

from usage import accounts
from usage.agenda import Agenda
from usage.entries import Change, Entry, Finalize, Hold, Reset, Use
from usage.grants import ALLOWANCE, BurnKey, Grant, Rollover, allowance_key
from usage.quantities import EXACT, ZERO, in_utc
from usage.states import Account, End, Held, Slice, State, Window


class HoldGone(ValueError):
    """There is no such hold: it was finalized, has expired, or never was."""


def run(
    state: State, *, grants: Iterable[Grant], entries: Iterable[Entry] = (), until: datetime
) -> State:
    """Go on from a state, up to and including an instant.

    The same grants and entries in several runs, each with the entries that the ones before have
    not reached, lead to the same state as in one.

    :param grants: all that have not ended, and any others; their order is irrelevant
    :param entries: those since the state; later ones than ``until`` are left alone. At one instant
        uses and holds are taken as listed
    :raises HoldGone: if a hold is finalized that is not open
    :raises ValueError: if anything belongs before the state, which is then to be computed again
        from an earlier one; if an open grant is missing or listed twice; or if a window ends and
        no reset says what follows
    """
    with localcontext(EXACT):
        burning = BurnDown(state, grants=grants, entries=entries)
        burning.go_on(until)
        return burning.state(until)


class BurnDown:
    """A state in motion. To be used where arithmetic is exact, as ``run`` does."""

    def __init__(self, state: State, *, grants: Iterable[Grant], entries: Iterable[Entry]) -> None:
        self.agenda = Agenda(state, grants=grants, entries=entries)
        self.at = state.at
        self.window = state.window
        self.accounts = dict(state.accounts)
        self.holds = dict(state.holds)
        self.use, self.overage, self.unpaid = state.use, state.overage, state.unpaid
        self._lots: list[tuple[BurnKey, bool, str]] | None = None  # the first to be used is last

    def state(self, at: datetime) -> State:
        """Return what is known now, as of an instant."""
        accounts, holds = dict(self.accounts), dict(self.holds)
        return State(at, self.window, accounts, holds, self.use, self.overage, self.unpaid)

    def go_on(self, until: datetime) -> None:
        """Do everything up to and including an instant."""
        if in_utc(until) < self.at:
            raise ValueError(f"the state is of {self.at}, later than {until}")
        while (at := self.next_instant()) is not None and at <= until:
            self.turn_to(at)
            self.do(at)
        self._recur(until, through=True)

    def next_instant(self, *, each_turn: bool = False) -> datetime | None:
        """Return when something happens next. Recurrences are left out unless somebody asks, or
        overage waits for them."""
        return self.agenda.next(each_turn=each_turn or bool(self.overage))

    def turn_to(self, at: datetime) -> None:
        """Do everything that time alone does at an instant; ``do`` follows."""
        self.agenda.pass_by(at)
        self._recur(at, through=False)
        self._end(at)
        self._open(at)
        self._begin(at)
        self._recur(at, through=True)

    def do(self, at: datetime) -> None:
        """Pay for overage with what there is at an instant; use and hold what is used and held."""
        self._pay()
        for doing in self.agenda.doings(at):
            match doing:
                case Use():
                    self._record(doing.quantity, doing.at)
                    self.overage += self._burn(doing.quantity)
                case Hold():
                    self._hold(doing)
                case Finalize():
                    self._finalize(doing)

    def in_order(self) -> list[tuple[BurnKey, bool, str]]:
        """Return what is left: where it stands in the order of use, whether it is fresh, and of
        which grant. Of one grant, what was carried is used first."""
        lots = []
        for grant_id, account in self.accounts.items():
            if account.fresh:
                lots.append((self._key(grant_id, carried=False), True, grant_id))
            if account.carried:
                lots.append((self._key(grant_id, carried=True), False, grant_id))
        return sorted(lots)

    # --- what time does ------------------------------------------------------------------------

    def _end(self, at: datetime) -> None:
        for hold_id in self.agenda.lapses(at):
            if hold_id in self.holds:
                self._settle(self.holds.pop(hold_id), ZERO)
        for grant in self.agenda.ends(at):
            end = End.EXPIRED if grant.expires_first else End.VOIDED
            self.agenda.turns.pop(grant.id, None)
            self._put(grant.id, accounts.closed(self.accounts[grant.id], end))

    def _open(self, at: datetime) -> None:
        resets = self.agenda.resets(at)
        if self.window is not None and self.window.ends_at == at and not resets:
            raise ValueError(f"the window ends at {at}, and no reset says what follows")
        for reset in resets:
            self._reset(reset)
        for change in self.agenda.changes(at):
            self._change(change)

    def _reset(self, reset: Reset) -> None:
        if not reset.keeps_overage:
            self.unpaid += self.overage
            self.overage = ZERO
        before = self.accounts.get(ALLOWANCE, Account(granted=ZERO, fresh=ZERO))
        rollover = None if self.window is None else self.window.rollover
        anew = accounts.renewed(before, amount=reset.included, rollover=rollover)
        self._put(ALLOWANCE, replace(anew, carried_by_reset=True))
        for grant_id, grant in self.agenda.grants.items():
            account = self.accounts.get(grant_id)
            if grant.rollover is not None and account is not None and account.end is None:
                self._put(grant_id, accounts.rolled(account, grant.rollover))
        self.window = Window(
            starts_at=reset.at,
            ends_at=reset.ends_at,
            included=reset.included,
            given=reset.included,
            rollover=reset.rollover,
        )
        self.agenda.expect(reset.ends_at)

    def _change(self, change: Change) -> None:
        window, before = self._open_window(), self.accounts[ALLOWANCE]
        account = accounts.amended(before, change.included - window.given)
        self._put(ALLOWANCE, account)
        self.window = replace(
            window,
            ends_at=change.ends_at,
            included=change.included,
            given=window.given + account.granted - before.granted,
            rollover=change.rollover,
        )
        self.agenda.expect(change.ends_at)

    def _begin(self, at: datetime) -> None:
        for grant in self.agenda.begins(at):
            turn = None
            if grant.recurrence is not None:
                turn = grant.recurrence.turn_at(at)
                self.agenda.turns[grant.id] = grant.recurrence.begins(turn + 1)
            self._put(grant.id, accounts.opened(grant.amount, turn))

    def _recur(self, at: datetime, *, through: bool) -> None:
        """Give anew what has recurred before an instant, or at it too."""
        for grant_id, due in list(self.agenda.turns.items()):
            if due < at or (through and due == at):
                self._renew(self.agenda.grants[grant_id], at, through=through)

    def _renew(self, grant: Grant, at: datetime, *, through: bool) -> None:
        account, recurrence = self.accounts[grant.id], grant.recurrence
        if recurrence is None or account.turn is None:
            raise ValueError(f"grant {grant.id} does not recur")
        turn = account.turn + 1
        following = recurrence.begins(turn + 1)
        if following < at or (through and following == at):
            turn = recurrence.turn_at(at)
            if not through and recurrence.begins(turn) == at:
                turn -= 1
            following = recurrence.begins(turn + 1)
        anew = accounts.renewed(
            account,
            amount=grant.amount,
            rollover=grant.rollover,
            times=turn - account.turn,
        )
        self._put(grant.id, replace(anew, turn=turn))
        self.agenda.turns[grant.id] = following

    # --- what is used --------------------------------------------------------------------------

    def _pay(self) -> None:
        if self.overage:
            self.overage = self._burn(self.overage)

    def _burn(self, quantity: Decimal) -> Decimal:
        """Use units of grants; return how many there were not."""
        return self._take(quantity, held=False)[1]

    def _take(self, quantity: Decimal, *, held: bool) -> tuple[list[Slice], Decimal]:
        """Take units from grants, in order; return from which, and how many there were not."""
        slices: list[Slice] = []
        if self._lots is None:
            self._lots = self.in_order()[::-1]
        while quantity and self._lots:
            _, is_fresh, grant_id = self._lots[-1]
            account = self.accounts[grant_id]
            there = account.fresh if is_fresh else account.carried
            part = min(there, quantity)
            slices.append(Slice(grant_id, part, account.rounds, not is_fresh))
            self.accounts[grant_id] = accounts.taken(account, part, carried=not is_fresh, held=held)
            quantity -= part
            if part == there:
                self._lots.pop()
        return slices, quantity

    def _hold(self, hold: Hold) -> None:
        if hold.id in self.holds:
            raise ValueError(f"hold {hold.id} is open already")
        slices, _ = self._take(hold.quantity, held=True)
        self.holds[hold.id] = Held(hold.at, hold.expires_at, hold.quantity, tuple(slices))
        self.agenda.expect_lapse(hold.id, hold.expires_at)

    def _finalize(self, finalize: Finalize) -> None:
        if finalize.hold_id not in self.holds:
            raise HoldGone(f"hold {finalize.hold_id} is not open at {finalize.at}")
        held = self.holds.pop(finalize.hold_id)
        self._record(finalize.quantity, held.at)
        self.overage += self._burn(self._settle(held, finalize.quantity))
        self._pay()

    def _settle(self, held: Held, quantity: Decimal) -> Decimal:
        """Use so many held units, the first taken first, and give back the others; return how
        many more were used than were held."""
        for each in held.slices:
            used = min(each.quantity, quantity)
            quantity -= used
            account, rollover = self.accounts[each.grant_id], self._rollover(each.grant_id)
            self._put(each.grant_id, accounts.settled(account, each, used=used, rollover=rollover))
        return quantity

    def _record(self, quantity: Decimal, at: datetime) -> None:
        """Count use, and in the open window if it is dated there."""
        self.use += quantity
        if self.window is not None and at >= self.window.starts_at:
            self.window = replace(self.window, used=self.window.used + quantity)

    # --- where things are ----------------------------------------------------------------------

    def _put(self, grant_id: str, account: Account) -> None:
        self.accounts[grant_id] = account
        self._lots = None

    def _key(self, grant_id: str, *, carried: bool) -> BurnKey:
        if grant_id == ALLOWANCE:
            window = self._open_window()
            return allowance_key(starts_at=window.starts_at, ends_at=window.ends_at)
        grant = self.agenda.grants[grant_id]
        if not carried:
            return grant.burn_key()
        if self.accounts[grant_id].carried_by_reset:
            return grant.burn_key(self._open_window().ends_at)
        return grant.burn_key(self.agenda.turns[grant_id])

    def _rollover(self, grant_id: str) -> Rollover | None:
        if grant_id == ALLOWANCE:
            return self._open_window().rollover
        grant = self.agenda.grants.get(grant_id)
        return None if grant is None else grant.rollover

    def _open_window(self) -> Window:
        if self.window is None:
            raise ValueError("no window is open")
        return self.window
