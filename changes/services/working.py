"""Preview and apply items in the background: claimed with a lease, each in its own transaction."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import F, QuerySet

from changes.models import ChangeSet, ChangeSetItem
from changes.services.applying import apply_items
from changes.services.previewing import Stale, preview
from changes.states import ItemState, State
from core import acting, clock
from core.errors import DomainError, Unavailable, describe
from core.transactions import command, unit_of_work
from customers import turns

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
LATER = timedelta(seconds=2)  # when what cannot be done right now is tried again
MOST_ATTEMPTS = 5  # an item that takes its worker down with it is not tried for ever
WAITING = {State.COMPUTING: ItemState.PENDING, State.APPLYING: ItemState.PREVIEWED}
_NOT_NOW = (Unavailable, turns.ClockAdvancing)
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


def work_on(item: ChangeSetItem) -> None:
    """Preview or apply a claimed item, in a transaction of its own, and write what came of it.

    What its commands refuse is written to the item. Nothing is written if the lease was lost, or if
    the change set is no longer worked on.
    """
    step = _STEPS[ItemState(item.state)]
    try:
        if item.attempts > MOST_ATTEMPTS:
            _give_up(item, WORKER_LOST, "the last try never ended: its worker was lost")
            return
        step(item)
    except _NOT_NOW:
        _put_back(item)
    except Stale as error:
        _close(item, ItemState.STALE, error.code, error.detail)
    except turns.InstantPassed as error:
        _close(item, ItemState.STALE, Stale.code, error.detail)
    except DomainError as error:
        _close(item, _refused(item), error.code, error.detail)
    except _NOT_THE_ITEMS_FAULT:
        raise
    except Exception as error:
        logger.exception("an item cannot be worked on", extra={"item": item.id})
        _give_up(item, INTERNAL_ERROR, describe(error))


def _refused(item: ChangeSetItem) -> ItemState:
    """What a preview is refused failed; what was previewed and is refused now is stale."""
    return ItemState.FAILED if item.state == ItemState.PENDING else ItemState.STALE


def _preview(claimed: ChangeSetItem) -> None:
    def work() -> None:
        item = _mine(claimed)
        if item is not None:
            preview(item, item.change_set)
            _save(item)

    with acting.acting_as("system:changes"):
        unit_of_work(work)


def _apply(claimed: ChangeSetItem) -> None:
    instant = {claimed.customer_id: claimed.effective_at}

    def work() -> None:
        with turns.turn(claimed.customer_id):
            item = _mine(claimed)
            if item is not None:
                apply_items([item], item.change_set)

    change_set = ChangeSet.objects.get(pk=claimed.change_set_id)
    who = acting.acting_as(change_set.applied_by, reason=change_set.reason)
    with who, turns.pinned(instant):
        unit_of_work(work)


_STEPS: dict[ItemState, Callable[[ChangeSetItem], None]] = {
    ItemState.PENDING: _preview,
    ItemState.PREVIEWED: _apply,
}


def _mine(claimed: ChangeSetItem) -> ChangeSetItem | None:
    """Return the item, locked, if it is still ours to work on, and its set is still worked on."""
    item = (
        ChangeSetItem.objects.select_related("change_set", "undoes")
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=claimed.pk, state=claimed.state, fencing_token=claimed.fencing_token)
        .first()
    )
    if item is None or WAITING.get(State(item.change_set.state)) != claimed.state:
        return None
    return item


def _save(item: ChangeSetItem) -> None:
    item.lease_until, item.attempts = None, 0
    item.save()


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
