"""Words in which the stories about balances are told: days of January 2026, and small numbers."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.periods import Anchor, Interval
from usage.balances import Balance, balance
from usage.burndown import run
from usage.entries import Change, Entry, Finalize, Hold, Reset, Use
from usage.grants import ALLOWANCE, Grant, Recurrence, Rollover
from usage.states import Account, State

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = State(BEGINNING)


def on(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """A day of January 2026; 32 is the first of February."""
    return BEGINNING + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)


def rolls(most: int, least: int = 0) -> Rollover:
    return Rollover(Decimal(most), Decimal(least))


def every(text: str, anchor: datetime = BEGINNING, zone: str = "UTC") -> Recurrence:
    return Recurrence(Anchor(anchor, zone), Interval.parse(text))


def grant(
    grant_id: str,
    amount: int | str,
    since: datetime = BEGINNING,
    until: datetime | None = None,
    *,
    priority: int = 100,
    paid: bool = False,
    recurs: Recurrence | None = None,
    rollover: Rollover | None = None,
    voided_at: datetime | None = None,
) -> Grant:
    return Grant(
        id=grant_id,
        amount=Decimal(amount),
        effective_from=since,
        expires_at=until,
        priority=priority,
        paid=paid,
        recurrence=recurs,
        rollover=rollover,
        voided_at=voided_at,
    )


def use(at: datetime, quantity: int | str) -> Use:
    return Use(at, Decimal(quantity))


def reset(
    at: datetime,
    ends_at: datetime | None = None,
    included: int = 0,
    rollover: Rollover | None = None,
    *,
    keeps_overage: bool = False,
) -> Reset:
    return Reset(at, ends_at, Decimal(included), rollover, keeps_overage)


def change(
    at: datetime, ends_at: datetime | None, included: int, rollover: Rollover | None = None
) -> Change:
    return Change(at, ends_at, Decimal(included), rollover)


def hold(hold_id: str, at: datetime, quantity: int, expires_at: datetime) -> Hold:
    return Hold(at, hold_id, Decimal(quantity), expires_at)


def finalize(hold_id: str, at: datetime, quantity: int) -> Finalize:
    return Finalize(at, hold_id, Decimal(quantity))


def after(grants: Iterable[Grant], *entries: Entry, at: datetime, state: State = EMPTY) -> Balance:
    """The balance when all that has happened."""
    return balance(state, grants=grants, entries=entries, at=at)


def went(grants: Iterable[Grant], *entries: Entry, until: datetime, state: State = EMPTY) -> State:
    return run(state, grants=grants, entries=entries, until=until)


def left(balance: Balance) -> dict[str, int]:
    """What is left of every grant that is not over."""
    return {
        grant_id: int(account.left)
        for grant_id, account in balance.grants.items()
        if account.end is None
    }


def used(balance: Balance | State) -> dict[str, int]:
    known = balance.grants if isinstance(balance, Balance) else balance.accounts
    return {grant_id: int(account.used) for grant_id, account in known.items() if account.used}


def adds_up(account: Account) -> bool:
    """The sum that holds in every account."""
    gone = account.used + account.held + account.expired + account.voided
    return account.granted == gone + account.fresh + account.carried


__all__ = ["ALLOWANCE", "BEGINNING", "EMPTY"]
