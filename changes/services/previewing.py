"""Preview items: the real commands, each at its instant, read and rolled back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from changes import dependence, differences, money, warnings
from changes.dependence import Concerned
from changes.models import ChangeSet, ChangeSetItem
from changes.reading import documents
from changes.services.performing import Performed, owner_of, perform
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


def preview(items: Sequence[ChangeSetItem], change_set: ChangeSet) -> None:
    """Fill in what the operations of items of different customers will do; inside a unit of work.
    The items are not saved.

    What is overdue for the customers is done first, for good, as by every command.

    :raises DomainError: what the commands, or a customer's turn, refuse
    :raises Stale: of an undo, if the subscription has changed since
    """
    customer_ids = [item.customer_id for item in items]
    rehearse(lambda: _take_turns(customer_ids))
    with turns.pinned({item.customer_id: item.effective_at for item in items}):
        rehearse(lambda: _fill(items, change_set))
    for item in items:
        item.state = ItemState.PREVIEWED


def read_inputs(items: Sequence[ChangeSetItem]) -> dict[str, dependence.Inputs]:
    """Read what items depend on, as it is now, by the items' identifiers."""
    concerned = {
        item.id: Concerned(item.customer_id, item.subject_id, item.subscription_id)
        for item in items
    }
    found = dependence.inputs_of(set(concerned.values()))
    return {name: found[each] for name, each in concerned.items()}


def _take_turns(customer_ids: Sequence[str]) -> None:
    with turns.turns(customer_ids):
        pass


def _fill(items: Sequence[ChangeSetItem], change_set: ChangeSet) -> None:
    customer_ids = [item.customer_id for item in items]
    if not _catch_up(customer_ids, steps=STEPS):
        raise TooFarAhead("choose an earlier effective_at")
    with turns.turns(customer_ids):
        inputs = read_inputs(items)
        due = _next_due([item.subscription_id for item in items if item.subscription_id])
        for item in items:
            item.inputs = inputs[item.id]
            item.valid_until = due.get(item.subscription_id or "")
            _check_undone(item)
        performed = perform(items, change_set)
    for done in performed:
        item = done.item
        item.before, item.after, item.preview = done.before, done.after, done.preview
        if item.undoes is not None:
            item.preview["warnings"] += warnings.not_restored(item.undoes.before, done.after)
    _look_ahead(performed)


def _check_undone(item: ChangeSetItem) -> None:
    if item.undoes is None:
        return
    left = dependence.of_the_subscription(item.undoes.applied_inputs)
    moved = dependence.moved(left, dependence.of_the_subscription(item.inputs))
    if moved:
        raise Stale("the subscription has changed since", moved=moved)


def _look_ahead(performed: Sequence[Performed]) -> None:
    """Go on in time to where each subscription is charged next, and to what was put on its
    schedule; show what is charged, and which documents follow."""
    due = _next_due([done.subscription_id for done in performed])
    ahead: list[list[tuple[Performed, datetime]]] = []
    for done in performed:
        done.preview["money"]["next_invoice"] = None
        due_at = due.get(done.subscription_id)
        instants = sorted({*done.agreed_at, *([due_at] if due_at else [])})
        later = [at for at in instants if at > done.item.effective_at]
        for place, at in enumerate(later):
            ahead += [[]] if place == len(ahead) else []
            ahead[place].append((done, at))
    steps = STEPS
    for going in ahead:  # the first instants of all, the second ones, and so on
        steps = _go_on(going, due, steps=steps)
        if not steps:
            return


def _go_on(
    going: Sequence[tuple[Performed, datetime]], due: Mapping[str, datetime], *, steps: int
) -> int:
    """Go on to one instant of each; return how many of the steps are left.

    :raises TooFarAhead: if they were not enough, and it is not known for which of several
    """
    owners = [owner_of(done.item) for done, _ in going]
    before = documents(owners)
    with turns.pinned({done.item.customer_id: at for done, at in going}):
        left = _catch_up([done.item.customer_id for done, _ in going], steps=steps)
    if not left:
        _not_shown(going)
        return 0
    after = documents(owners)
    charged = money.since(
        going[0][0].mark,
        customer_ids=[],
        subscription_ids=[done.subscription_id for done, at in going],
    )
    for owner, (done, at) in zip(owners, going, strict=True):
        shown = done.preview
        shown["provisioning"] += differences.document_changes(before[owner], after[owner], at=at)
        if at == due.get(done.subscription_id):
            shown["money"]["next_invoice"] = charged.next_invoice(
                subscription_id=done.subscription_id, currency=done.currency, at=at
            )
    return left


def _not_shown(going: Sequence[tuple[Performed, datetime]]) -> None:
    if len(going) > 1:
        raise TooFarAhead("more lies ahead of one of them than a preview works through")
    ((done, at),) = going
    done.preview["warnings"].append(warnings.warning(warnings.Code.LATER_NOT_SHOWN, _at(at)))


def _catch_up(customer_ids: Sequence[str], *, steps: int) -> int:
    """Do what is due up to the customers' pinned instants, here; return how many of the steps are
    left, 0 if they were not enough. A step is one instant of each."""
    while steps and turns.run_due(customer_ids):
        steps -= 1
    return steps


def _next_due(subscription_ids: Collection[str]) -> dict[str, datetime]:
    """Return when time changes subscriptions next, or what is charged of them."""
    rows = Subscription.objects.filter(pk__in=subscription_ids).values_list("id", "next_due_at")
    found = {subscription_id: at for subscription_id, at in rows if at is not None}
    charged = NextCharge.objects.filter(pk__in=subscription_ids)
    for subscription_id, at in charged.values_list("subscription_id", "at"):
        found[subscription_id] = min(at, found.get(subscription_id, at))
    return found


def _at(at: datetime) -> str:
    return differences.written(at)
