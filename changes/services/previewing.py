"""Preview an item: the real commands at its instant, read and rolled back."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from changes import dependence, differences, money, warnings
from changes.models import ChangeSet, ChangeSetItem
from changes.reading import Owners, documents
from changes.services.performing import Performed, perform
from changes.services.rehearsing import rehearse
from changes.states import ItemState
from core.errors import Conflict, Unprocessable
from customers import turns
from invoicing.models import NextCharge
from subscriptions.models import Subscription

STEPS = 50  # due instants that a preview works through, to its instant and again beyond it


class TooFarAhead(Unprocessable):
    """More lies between now and ``effective_at`` than a preview works through."""

    code = "effective_at_too_far"


class Stale(Conflict):
    """Something that the preview depends on has changed since, or its result is another one;
    ``moved`` says what. Make a new change set."""

    code = "change_set_stale"


def preview(item: ChangeSetItem, change_set: ChangeSet) -> None:
    """Fill in what an item's operations will do; inside a unit of work. The item is not saved.

    What is overdue for the customer is done first, for good, as by every command.

    :raises DomainError: what the commands, or the customer's turn, refuse
    :raises Stale: of an undo, if the subscription has changed since
    """
    rehearse(lambda: _take_turn(item.customer_id))
    with turns.pinned({item.customer_id: item.effective_at}):
        rehearse(lambda: _fill(item, change_set))
    item.state = ItemState.PREVIEWED


def read_inputs(item: ChangeSetItem) -> dependence.Inputs:
    """Read what an item depends on, as it is now."""
    return dependence.inputs_of(
        customer_id=item.customer_id,
        subject_id=item.subject_id,
        subscription_id=item.subscription_id,
    )


def _take_turn(customer_id: str) -> None:
    with turns.turn(customer_id):
        pass


def _fill(item: ChangeSetItem, change_set: ChangeSet) -> None:
    if not _catch_up(item.customer_id, steps=STEPS):
        raise TooFarAhead("choose an earlier effective_at")
    with turns.turn(item.customer_id):
        item.inputs = read_inputs(item)
        item.valid_until = _next_due(item.subscription_id)
        _check_undone(item)
        performed = perform(item, change_set)
    item.before, item.after, item.preview = performed.before, performed.after, performed.preview
    if item.undoes is not None:
        item.preview["warnings"] += warnings.not_restored(item.undoes.before, performed.after)
    _look_ahead(item, performed)


def _check_undone(item: ChangeSetItem) -> None:
    if item.undoes is None:
        return
    left = dependence.of_the_subscription(item.undoes.applied_inputs)
    moved = dependence.moved(left, dependence.of_the_subscription(item.inputs))
    if moved:
        raise Stale("the subscription has changed since", moved=moved)


def _look_ahead(item: ChangeSetItem, performed: Performed) -> None:
    """Go on in time to where the subscription is charged next, and to what was put on its schedule;
    show what is charged, and which documents follow."""
    owners = Owners(item.customer_id, item.subject_id)
    shown: dict[str, Any] = item.preview or {}
    shown["money"]["next_invoice"] = None
    due_at = _next_due(performed.subscription_id)
    steps = STEPS
    for at in sorted({*performed.agreed_at, *([due_at] if due_at else [])}):
        if at <= item.effective_at:
            continue
        before = documents(owners)
        with turns.pinned({item.customer_id: at}):
            steps = _catch_up(item.customer_id, steps=steps)
        if not steps:
            shown["warnings"].append(warnings.warning(warnings.Code.LATER_NOT_SHOWN, _at(at)))
            return
        shown["provisioning"] += differences.document_changes(before, documents(owners), at=at)
        if at == due_at:
            shown["money"]["next_invoice"] = money.next_invoice(
                performed.mark,
                subscription_id=performed.subscription_id,
                currency=performed.currency,
                at=at,
            )


def _catch_up(customer_id: str, *, steps: int) -> int:
    """Do what is due up to the customer's pinned instant, here; return how many of the steps are
    left, 0 if they were not enough."""
    while steps and turns.run_due([customer_id]):
        steps -= 1
    return steps


def _next_due(subscription_id: str | None) -> datetime | None:
    """Return when time changes a subscription, or what is charged of it."""
    return min(_due(subscription_id), default=None)


def _due(subscription_id: str | None) -> Iterator[datetime]:
    for row in Subscription.objects.filter(pk=subscription_id, next_due_at__isnull=False):
        assert row.next_due_at is not None  # noqa: S101 - just asked for
        yield row.next_due_at
    yield from NextCharge.objects.filter(pk=subscription_id).values_list("at", flat=True)


def _at(at: datetime) -> str:
    return differences.written(at)
