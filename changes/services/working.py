"""Preview and apply items in the background: claimed with a lease, several in a transaction."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import F, QuerySet

from changes.models import ChangeSet, ChangeSetItem
from changes.services.applying import apply_items, of_different_customers
from changes.services.previewing import Stale, preview
from changes.states import ItemState, State
from core import acting, bulk, clock
from core.errors import DomainError, Unavailable, describe
from core.transactions import command, unit_of_work
from customers import turns

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
LATER = timedelta(seconds=2)  # when what cannot be done right now is tried again
MOST_ATTEMPTS = 5  # an item that takes its worker down with it is not tried for ever
WAITING = {State.COMPUTING: ItemState.PENDING, State.APPLYING: ItemState.PREVIEWED}
_NOT_THE_ITEMS_FAULT = (OperationalError, InterfaceError)
WORKER_LOST = "worker_lost"
INTERNAL_ERROR = "internal_error"


@command
def claim(*, change_set_id: str, limit: int, now: datetime) -> list[ChangeSetItem]:
    """Take up to ``limit`` items of a change set that nobody else has, in their order.

    When this transaction is committed the tries are counted, whatever becomes of the worker.
    """
    change_set = ChangeSet.objects.get(pk=change_set_id)
    waiting = WAITING.get(State(change_set.state))
    if waiting is None:
        return []
    free = (
        ChangeSetItem.objects.filter(change_set=change_set, state=waiting)
        .free(now)
        .select_for_update(no_key=True, skip_locked=True)
        .order_by("place")
        .values_list("pk", flat=True)[:limit]
    )
    chosen = ChangeSetItem.objects.filter(pk__in=list(free))
    chosen.update(
        lease_until=now + LEASE,
        fencing_token=F("fencing_token") + 1,
        attempts=F("attempts") + 1,
    )
    return list(chosen.order_by("place"))


def work_on(claimed: Sequence[ChangeSetItem]) -> None:
    """Preview or apply claimed items of one change set, and write what came of them.

    Those of different customers go together, in one transaction; if that fails it is done again
    with half of them, down to the one that it is for. What the commands refuse is written to the
    item. Nothing is written if the lease was lost, or if the change set is no longer worked on.
    """
    lost = [item for item in claimed if item.attempts > MOST_ATTEMPTS]
    for item in lost:
        _give_up(item, WORKER_LOST, "the last try never ended: its worker was lost")
    for items in of_different_customers([item for item in claimed if item not in lost]):
        _work_together(items)


def _work_together(items: Sequence[ChangeSetItem]) -> None:
    step = _STEPS[ItemState(items[0].state)]
    try:
        step(items)
    except _NOT_THE_ITEMS_FAULT:
        raise
    except Exception as error:
        if len(items) == 1:
            _write_down(items[0], error)
            return
        middle = len(items) // 2
        _work_together(items[:middle])
        _work_together(items[middle:])


def _write_down(item: ChangeSetItem, error: Exception) -> None:
    """Write what came of an item that could not be previewed or applied."""
    match error:
        case Unavailable() | turns.ClockAdvancing():
            _put_back(item)
        case Stale():
            _close(item, ItemState.STALE, error.code, error.detail)
        case turns.InstantPassed():
            _close(item, ItemState.STALE, Stale.code, error.detail)
        case DomainError():
            _close(item, _refused(item), error.code, error.detail)
        case _:
            logger.error("an item cannot be worked on", extra={"item": item.id}, exc_info=error)
            _give_up(item, INTERNAL_ERROR, describe(error))


def _refused(item: ChangeSetItem) -> ItemState:
    """What a preview is refused failed; what was previewed and is refused now is stale."""
    return ItemState.FAILED if item.state == ItemState.PENDING else ItemState.STALE


def _preview(claimed: Sequence[ChangeSetItem]) -> None:
    def work() -> None:
        items = _mine(claimed)
        if items:
            preview(items, items[0].change_set)
            for item in items:
                item.lease_until, item.attempts = None, 0
            bulk.write(ChangeSetItem, columns=_PREVIEWED, rows=items)

    reason = ChangeSet.objects.get(pk=claimed[0].change_set_id).reason  # what needs one is refused
    with acting.acting_as("system:changes", reason=reason):
        unit_of_work(work)


_PREVIEWED = (
    "state", "valid_until", "inputs", "before", "after", "preview", "lease_until", "attempts",
)  # fmt: skip


def _apply(claimed: Sequence[ChangeSetItem]) -> None:
    instants = {item.customer_id: item.effective_at for item in claimed}

    def work() -> None:
        with turns.turns(sorted(instants)):
            items = _mine(claimed)
            if items:
                apply_items(items, items[0].change_set)

    change_set = ChangeSet.objects.get(pk=claimed[0].change_set_id)
    who = acting.acting_as(change_set.applied_by, reason=change_set.reason)
    with who, turns.pinned(instants):
        unit_of_work(work)


_STEPS: dict[ItemState, Callable[[Sequence[ChangeSetItem]], None]] = {
    ItemState.PENDING: _preview,
    ItemState.PREVIEWED: _apply,
}


def _mine(claimed: Sequence[ChangeSetItem]) -> list[ChangeSetItem]:
    """Return those items, locked, that are still ours to work on, if their set is worked on."""
    ours = {item.id: item for item in claimed}
    found = (
        ChangeSetItem.objects.select_related("change_set", "undoes")
        .select_for_update(no_key=True, of=("self",))
        .filter(pk__in=ours)
        .order_by("place")
    )
    return [
        item
        for item in found
        if item.state == ours[item.id].state == WAITING.get(State(item.change_set.state))
        and item.fencing_token == ours[item.id].fencing_token
    ]


def _of(claimed: ChangeSetItem) -> QuerySet[ChangeSetItem]:
    return ChangeSetItem.objects.filter(
        pk=claimed.pk, state=claimed.state, fencing_token=claimed.fencing_token
    )


def _give_up(item: ChangeSetItem, code: str, detail: str) -> None:
    _close(item, ItemState.FAILED, code, detail)


def _close(item: ChangeSetItem, state: ItemState, code: str, detail: str) -> None:
    with acting.acting_as("system:changes"):
        unit_of_work(
            lambda: _of(item).update(
                state=state, error_code=code, error_detail=detail, lease_until=None
            )
        )


def _put_back(item: ChangeSetItem) -> None:
    """Try it again in a moment; that it could not be done now is not its fault."""
    with acting.acting_as("system:changes"):
        unit_of_work(
            lambda: _of(item).update(
                attempts=F("attempts") - 1, lease_until=clock.system_now() + LATER
            )
        )
