"""Apply items: the previewed commands at the pinned instants, if nothing has moved since."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from changes import dependence
from changes.models import ChangeSet, ChangeSetItem
from changes.services.performing import differing, perform
from changes.services.previewing import Stale, read_inputs
from changes.states import ItemState
from core import bulk, clock, preconditions
from core.errors import Conflict
from customers.models import Customer
from customers.queries import now_of


class Expired(Conflict):
    """Nobody decided in time, or time has changed the subscription. Make a new change set."""

    code = "change_set_expired"


class NotYet(Conflict):
    """The change set is for an instant that lies ahead of the customer's now."""

    code = "change_set_lies_ahead"


def apply_items(items: Sequence[ChangeSetItem], change_set: ChangeSet) -> None:
    """Apply items of a change set in the caller's turns and transaction, and save them.

    :raises Stale: if something that a preview depends on has moved, or the result is another
    :raises Expired: if time has changed a subscription since
    :raises DomainError: what the commands refuse
    """
    with preconditions.requiring(None):
        for together in of_different_customers(items):
            _apply(together, change_set)


def of_different_customers(items: Sequence[ChangeSetItem]) -> list[list[ChangeSetItem]]:
    """Put items into groups in which no customer is twice, the order within a customer kept."""
    groups: list[list[ChangeSetItem]] = []
    seen: Counter[str] = Counter()
    for item in items:
        place = seen[item.customer_id]
        seen[item.customer_id] += 1
        groups += [[]] if place == len(groups) else []
        groups[place].append(item)
    return groups


def _apply(items: Sequence[ChangeSetItem], change_set: ChangeSet) -> None:
    _check_time(items)
    inputs = read_inputs(items)
    for item in items:
        moved = dependence.moved(item.inputs, inputs[item.id])
        if moved:
            raise Stale("something has changed since the preview", moved=moved, item=item.id)
    for performed in perform(items, change_set):
        item = performed.item
        other = differing(performed)
        if other:
            raise Stale("the result is another one now", moved=other, item=item.id)
        item.subscription_id = performed.subscription_id
        item.state = ItemState.APPLIED
        item.applied_at = clock.system_now()
        item.lease_until = None
    left = read_inputs(items)
    for item in items:
        item.applied_inputs = left[item.id]
    bulk.write(ChangeSetItem, columns=_APPLIED, rows=items)
    undone = [item.undoes_id for item in items if item.undoes_id is not None]
    if undone:
        ChangeSetItem.objects.filter(pk__in=undone).update(state=ItemState.UNDONE)


_APPLIED = ("subscription", "state", "applied_at", "applied_inputs", "lease_until")


def check_come(instants: Mapping[str, datetime]) -> None:
    """:raises NotYet: if one of these customers' now is before its instant"""
    customers = Customer.objects.select_related("test_clock").filter(pk__in=instants)
    if any(max(now_of(each), each.last_acted_at) < instants[each.id] for each in customers):
        raise NotYet("apply it when its instant has come")


def _check_time(items: Sequence[ChangeSetItem]) -> None:
    """:raises Expired: if time has changed a subscription since"""
    ids = [item.customer_id for item in items]
    customers = Customer.objects.select_related("test_clock").in_bulk(ids)
    for item in items:
        now = now_of(customers[item.customer_id])
        if item.valid_until is not None and item.valid_until <= now:
            raise Expired("time has changed the subscription since", item=item.id)


def hold(change_set_id: str) -> list[ChangeSetItem]:
    """Lock the previewed items of a change set, in their order, after their customers' turns."""
    rows = (
        ChangeSetItem.objects.filter(change_set_id=change_set_id, state=ItemState.PREVIEWED)
        .select_related("undoes")
        .select_for_update(no_key=True, of=("self",))
        .order_by("place")
    )
    return list(rows)
