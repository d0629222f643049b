"""Decide on a change set: approve, apply, pause, stop, discard."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from changes import queries, states
from changes.models import ChangeSet
from changes.services.applying import Expired, apply_items, check_come, hold
from changes.services.creating import ChangeSetNotFound
from changes.services.previewing import Stale
from changes.services.totals import total_up
from changes.states import BEGUN, UNDECIDED, Action, ItemState, State
from core import acting, clock, nudges, preconditions
from core.transactions import command
from customers import turns


@command
def approve(*, change_set_id: str) -> ChangeSet:
    """Approve what was previewed. Once more changes nothing.

    :raises ChangeSetNotFound, WrongState, Expired: as named
    """
    row = _decided_on(change_set_id)
    if row.state != State.APPROVED and row.state not in BEGUN:
        _approve(row)
        row.save(update_fields=["state", "approved_at", "approved_by"])
    return row


@command
def apply(*, change_set_id: str) -> ChangeSet:
    """Apply what was approved; of a paused set, the rest. Once more changes nothing.

    A set of one is approved by being applied. It, and one that is all or nothing, is applied here,
    in one transaction; of others workers apply each item in a transaction of its own.

    :raises ChangeSetNotFound, WrongState, Expired: as named
    :raises Stale, NotYet: of what is applied here
    :raises DomainError: what the commands refuse, of what is applied here
    """
    change_set = ChangeSet.objects.filter(pk=change_set_id).first()
    if change_set is None:
        raise ChangeSetNotFound("there is no such change set")
    if change_set.state in BEGUN:
        return _decided_on(change_set_id)
    if change_set.is_applied_at_once:
        return _apply_at_once(change_set)
    row = _decided_on(change_set_id)
    if row.state not in BEGUN:
        _begin(row)
        row.save(update_fields=["state", "applied_by"])
        nudges.after_commit("changes")
    return row


@command
def pause(*, change_set_id: str) -> ChangeSet:
    """Apply no more items until it is applied again. Once more changes nothing.

    :raises ChangeSetNotFound, WrongState: as named
    """
    row = _decided_on(change_set_id)
    if row.state != State.PAUSED:
        row.state = states.after(row.state, Action.PAUSE)
        row.save(update_fields=["state"])
    return row


@command
def stop(*, change_set_id: str) -> ChangeSet:
    """Apply no more items, for good: what was applied stays, the rest is skipped.

    :raises ChangeSetNotFound, WrongState: as named
    """
    row = _decided_on(change_set_id)
    row.state = states.after(row.state, Action.STOP)
    _skip_rest(row)
    return row


@command
def discard(*, change_set_id: str) -> ChangeSet:
    """Drop a change set that was not begun. Once more changes nothing.

    :raises ChangeSetNotFound, WrongState: as named
    """
    row = _decided_on(change_set_id)
    if row.state != State.DISCARDED:
        row.state = states.after(row.state, Action.DISCARD)
        _skip_rest(row)
    return row


@command
def expire(*, change_set_id: str) -> None:
    """Close a change set that nobody decided on in time."""
    row = _locked(change_set_id)
    if row.state in UNDECIDED and row.expires_at <= clock.system_now():
        row.state = states.after(row.state, Action.EXPIRE)
        _skip_rest(row)


@command
def settle(*, change_set_id: str) -> None:
    """Close what has no item left to work on: the preview, or the applying."""
    row = _locked(change_set_id)
    wanted = {State.COMPUTING: ItemState.PENDING, State.APPLYING: ItemState.PREVIEWED}
    waiting = wanted.get(State(row.state))
    if waiting is None or row.items.filter(state=waiting).exists():
        return
    if row.state == State.COMPUTING:
        row.state = states.after(row.state, Action.FINISH_PREVIEW)
        row.save(update_fields=["state"])
        total_up(row)
        return
    _finish(row)


def _locked(change_set_id: str) -> ChangeSet:
    row = ChangeSet.objects.select_for_update(no_key=True).filter(pk=change_set_id).first()
    if row is None:
        raise ChangeSetNotFound("there is no such change set")
    return row


def _decided_on(change_set_id: str) -> ChangeSet:
    """Lock a change set that somebody decides on.

    :raises PreconditionFailed: if it is not what the caller has seen
    """
    row = _locked(change_set_id)
    preconditions.verify(queries.change_sets().get(pk=row.pk))
    return row


def _approve(row: ChangeSet) -> None:
    _check_open(row)
    row.state = states.after(row.state, Action.APPROVE)
    row.approved_at = clock.system_now()
    row.approved_by = acting.current().actor


def _begin(row: ChangeSet) -> None:
    _check_open(row)
    row.state = states.after(row.state, Action.APPLY)
    row.applied_by = acting.current().actor


def _check_open(row: ChangeSet) -> None:
    """A worker closes what is overdue, and may be a moment late."""
    is_overdue = row.state in UNDECIDED and row.expires_at <= clock.system_now()
    if row.state == State.EXPIRED or is_overdue:
        raise Expired("it was not decided on in time")


def _apply_at_once(change_set: ChangeSet) -> ChangeSet:
    """Take the turns, then the change set: the order of locks everywhere."""
    instants = dict(change_set.items.values_list("customer_id", "effective_at"))
    check_come(instants)
    with _turns(instants):
        row = _decided_on(change_set.id)
        if row.state in BEGUN:
            return row
        if row.is_single and row.state == State.READY:
            _approve(row)
        _begin(row)
        items = hold(row.id)
        reason = acting.current().reason or row.reason
        with acting.because(reason):
            apply_items(items, row)
        _finish(row)
        return row


@contextmanager
def _turns(instants: Mapping[str, datetime]) -> Iterator[None]:
    """:raises Stale: if a customer has acted since"""
    try:
        with turns.pinned(instants), turns.turns(sorted(instants)):
            yield
    except turns.InstantPassed:
        raise Stale("the customer has acted since the preview", moved=["customer"]) from None


def _finish(row: ChangeSet) -> None:
    is_whole = not row.items.exclude(state=ItemState.APPLIED).exists()
    row.state = states.after(row.state, Action.FINISH if is_whole else Action.FINISH_IN_PART)
    row.finished_at = clock.system_now()
    row.save()
    total_up(row)


def _skip_rest(row: ChangeSet) -> None:
    """An item at work is waited for; it is then applied, and stays so."""
    row.finished_at = clock.system_now()
    row.save()
    row.items.waiting().update(state=ItemState.SKIPPED, lease_until=None)
    total_up(row)
