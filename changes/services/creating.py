"""Make change sets: of one subscription, of all that a selector finds, and of what undoes one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from changes import selecting
from changes.models import ChangeSet, ChangeSetItem
from changes.services.previewing import preview
from changes.services.totals import total_up
from changes.states import DONE, ItemState, State, WrongState
from core import acting, clock, nudges
from core.errors import NotFound, Unprocessable
from core.transactions import command
from customers.models import Customer
from customers.queries import now_of
from plans import queries as catalog
from subscriptions.models import Subscription

SINGLE_LASTS = timedelta(minutes=15)
BULK_LASTS = timedelta(hours=24)
MOST_AT_ONCE = 100  # items that are applied all or not at all


class ChangeSetNotFound(NotFound):
    """There is no such change set."""

    code = "change_set_not_found"


class NothingSelected(Unprocessable):
    """The selector finds no subscription; or of what is to be undone, nothing was applied."""

    code = "nothing_selected"


class TooManyForAllOrNothing(Unprocessable):
    """All or nothing is for at most 100 subscriptions: they are changed in one transaction."""

    code = "too_many_for_all_or_nothing"


@dataclass(frozen=True, slots=True)
class Asked:
    """What shall be done: ``operations`` in their order, each ``{name: input}``. ``may_override``:
    who asks may decide instead of the policy."""

    operations: Sequence[dict[str, Any]]
    may_override: bool


@dataclass(frozen=True, slots=True)
class Whose:
    """The one subscription of a set; or the owner, if the first operation is to begin one."""

    customer_id: str
    subject_id: str | None = None
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """``filters`` with identifiers, see ``changes.selecting``; ``shown`` as the caller wrote it."""

    filters: Mapping[str, Any]
    shown: Mapping[str, Any] = field(default_factory=dict)


@command
def create(*, whose: Whose, asked: Asked, effective_at: datetime | None = None) -> ChangeSet:
    """Make a change set of one subscription, previewed at once.

    ``effective_at`` is the customer's now unless given: ahead, to see what would be; past, as far
    as nothing has happened to the customer since.

    :raises DomainError: what the commands refuse; no change set is made then
    """
    customer = Customer.objects.select_related("test_clock").get(pk=whose.customer_id)
    change_set = _new(
        lasts=SINGLE_LASTS,
        customer=customer,
        operations=list(asked.operations),
        may_override=asked.may_override,
        effective_at=effective_at or _now(customer),
    )
    return _with_one_item(change_set, whose)


@command
def create_selected(*, selector: Selector, asked: Asked, all_or_nothing: bool = False) -> ChangeSet:
    """Make a change set of the subscriptions that a selector finds now; workers preview them.

    :raises NothingSelected, TooManyForAllOrNothing: as named
    """
    change_set = _new(
        lasts=BULK_LASTS,
        selector=dict(selector.shown),
        operations=list(asked.operations),
        may_override=asked.may_override,
        all_or_nothing=all_or_nothing,
    )
    change_set.save(force_insert=True)
    now = clock.whole_second(change_set.created_at)
    _check_number(change_set, selecting.freeze(change_set.id, selector.filters, now=now))
    nudges.after_commit("changes")
    return change_set


@command
def undo(*, change_set_id: str) -> ChangeSet:
    """Make the change set that undoes what another one applied, at its own now.

    It is previewed, approved and applied like every other one.

    :raises ChangeSetNotFound: if there is none
    :raises WrongState: unless it was applied
    :raises NothingSelected: if nothing that it applied is left to undo
    :raises Stale: for a set of one, if the subscription has changed since
    :raises CannotBeUndone: for a set of one, if no command leads back
    """
    original = ChangeSet.objects.filter(pk=change_set_id).first()
    if original is None:
        raise ChangeSetNotFound("there is no such change set")
    if original.state not in DONE:
        raise WrongState("only what was applied can be undone", state=str(original.state))
    applied = original.items.filter(state=ItemState.APPLIED)
    if original.is_single:
        item = applied.select_related("customer__test_clock").first()
        if item is None:
            raise NothingSelected("it is undone already")
        change_set = _new(
            lasts=SINGLE_LASTS,
            customer=item.customer,
            undoes=original,
            may_override=True,
            effective_at=_now(item.customer),
        )
        whose = Whose(item.customer_id, item.subject_id, item.subscription_id)
        return _with_one_item(change_set, whose, undoes=item)
    change_set = _new(
        lasts=BULK_LASTS,
        selector=original.selector,
        undoes=original,
        may_override=True,
        all_or_nothing=original.all_or_nothing,
    )
    change_set.save(force_insert=True)
    now = clock.whole_second(change_set.created_at)
    _check_number(change_set, selecting.freeze_applied(change_set.id, original.id, now=now))
    nudges.after_commit("changes")
    return change_set


def _new(*, lasts: timedelta, **columns: Any) -> ChangeSet:
    now, who = clock.system_now(), acting.current()
    return ChangeSet(
        created_at=now,
        created_by=who.actor,
        reason=who.reason,
        expires_at=now + lasts,
        **columns,
    )


def _with_one_item(
    change_set: ChangeSet, whose: Whose, *, undoes: ChangeSetItem | None = None
) -> ChangeSet:
    assert change_set.effective_at is not None  # noqa: S101 - a set of one has its instant
    item = ChangeSetItem(
        change_set=change_set,
        place=1,
        customer_id=whose.customer_id,
        subject_id=whose.subject_id,
        subscription_id=whose.subscription_id or _taken_over(change_set, whose),
        undoes=undoes,
        effective_at=change_set.effective_at,
    )
    preview([item], change_set)
    change_set.state = State.READY
    change_set.save(force_insert=True)
    item.save(force_insert=True)
    total_up(change_set)
    return change_set


def _taken_over(change_set: ChangeSet, whose: Whose) -> str | None:
    """Return the subscription that beginning one would change in place, if there is one."""
    body = change_set.operations[0]["subscribe"]
    plan = catalog.find_plan(body["plan"])
    owned = Subscription.objects.current().of_owner(
        customer_id=whose.customer_id, subject_id=whose.subject_id
    )
    rows = owned.filter(product_id=plan.product_id, is_exclusive=True)
    return rows.values_list("id", flat=True).first()


def _check_number(change_set: ChangeSet, number: int) -> None:
    if not number:
        raise NothingSelected("no current subscription is selected")
    if change_set.all_or_nothing and number > MOST_AT_ONCE:
        raise TooManyForAllOrNothing(f"{number} are selected, at most {MOST_AT_ONCE} go at once")


def _now(customer: Customer) -> datetime:
    return max(now_of(customer), customer.last_acted_at)
