"""What failed payments do to subscriptions, and what paying takes back."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from core.transactions import command
from customers.turns import turn
from plans.change_rules import AnchorRule, Settlement
from subscriptions import events, moves
from subscriptions.arrival import fallen
from subscriptions.blocks import BlockScope, Effect
from subscriptions.loading import Loaded, load_with_base
from subscriptions.models import Block, Cause, ChangeStatus, Subscription
from subscriptions.services.blocks import NewBlock, lift_block, place_on_customers
from subscriptions.services.ends import end_of
from subscriptions.services.results import Result, SubscriptionNotFound
from subscriptions.services.steps import Step, answered, move_of
from subscriptions.states import BILLABLE, State
from subscriptions.writing import write

OVERDUE = "overdue"  # the name and the source of the block
_REASON = "An invoice is overdue."
# What was charged for the period stays charged: it comes back if that is paid.
_KEEPS_ALL = {"settlement": str(Settlement.NONE)}


@command
def report_failure(
    *, customer_id: str, subscription_ids: Sequence[str], is_final: bool
) -> list[Result]:
    """Note that a payment for subscriptions has failed; return them as they are then.

    They are past due and go on granting what they did, and the customer buys nothing more. With the
    last try (``is_final``) they fall back, or end where there is nothing to fall back to, all in
    one step. What nothing is owed for, such as a trial, stays as it is.

    :raises SubscriptionNotFound: if one is not the customer's
    """
    with turn(customer_id) as at:
        loaded = _load(customer_id, subscription_ids, at=at)
        results = _step(loaded, _lost if is_final else _failed, at=at)
        block_overdue({customer_id: at})
        return results


@command
def report_recovery(*, customer_id: str, subscription_ids: Sequence[str]) -> list[Result]:
    """Note that what was overdue for subscriptions is paid; return them as they are then.

    The customer may buy again once nothing else is overdue. What has fallen back stays there until
    it is restored.

    :raises SubscriptionNotFound: if one is not the customer's
    """
    with turn(customer_id) as at:
        loaded = _load(customer_id, subscription_ids, at=at)
        results = _step(loaded, _recovered, at=at)
        block = _block(customer_id, at=at)
        if block is not None and not _owes(customer_id, subscription_ids, since=block.starts_at):
            lift_block(block_id=block.id, source=OVERDUE)
        return results


def block_overdue(at: Mapping[str, datetime]) -> None:
    """Have customers who owe something buy nothing more, in their turns. Who is blocked for that
    already stays as it is. A fixed number of statements."""
    if not at:
        return
    standing = Block.objects.filter(
        customer_id__in=at, scope=BlockScope.CUSTOMER, name=OVERDUE, source=OVERDUE, lifted_at=None
    ).values_list("customer_id", "ends_at")
    blocked = {each for each, ends_at in standing if ends_at is None or ends_at > at[each]}
    new = NewBlock(OVERDUE, {Effect.CHANGE}, public_reason=_REASON)
    unblocked = {each: instant for each, instant in at.items() if each not in blocked}
    place_on_customers(at=unblocked, new=new, source=OVERDUE)


def _load(customer_id: str, subscription_ids: Sequence[str], *, at: datetime) -> list[Loaded]:
    rows = (
        Subscription.objects.filter(pk__in=subscription_ids, customer_id=customer_id)
        .select_related("term")
        .order_by("id")
    )
    found = load_with_base(list(rows), at={row.id: at for row in rows})
    if len(found) < len(set(subscription_ids)):
        raise SubscriptionNotFound("there is no such subscription")
    return found


def _step(loaded: Sequence[Loaded], does: Callable[[Step], None], *, at: datetime) -> list[Result]:
    """Do the same to all of them, and write it at once."""
    steps = [Step.on(each, at=at, cause=Cause.CHANGED) for each in loaded]
    for step in steps:
        does(step)
    written = [(step, None if step.does_nothing else move_of(step)) for step in steps]
    write([move for _, move in written if move is not None])
    return [Result(step.loaded.row) if move is None else answered(move) for step, move in written]


def _failed(step: Step) -> None:
    held = step.after
    if held.trial is not None or held.state not in BILLABLE | {State.PAUSED}:
        return
    after = moves.payment_failed(held)
    if after != held:
        step.cause = Cause.PAYMENT_FAILED
        step.become(after, events.PAST_DUE)


def _lost(step: Step) -> None:
    """A pause is not lost: nothing goes on in it that would have to be paid."""
    held, row = step.after, step.loaded.row
    has_fallen = held.terms.plan_id == held.terms.product.fallback_plan_id
    if held.state not in BILLABLE or has_fallen:
        _failed(step)
        return
    end = end_of(held, customer_id=row.customer_id, at=step.at, how=_KEEPS_ALL)
    step.cause, step.decision = Cause.PAST_DUE, end.decision
    step.drop(step.planned, ChangeStatus.SUPERSEDED)
    if end.terms is None:
        step.become(moves.ended(held), events.ENDED)
        return
    anchor = AnchorRule(end.decision["anchor"])
    shared = row.customer.shared_anchor
    after = fallen(held, end.terms, end.interval, anchor, at=step.at, shared=shared)
    step.become(after, events.CHANGED)


def _recovered(step: Step) -> None:
    held = step.after
    is_past_due = held.pause.is_past_due if held.pause else held.state == State.PAST_DUE
    if is_past_due:
        step.cause = Cause.RECOVERED
        step.become(moves.recovered(held), events.RECOVERED)


def _block(customer_id: str, *, at: datetime) -> Block | None:
    return (
        Block.objects.standing(at)
        .filter(customer_id=customer_id, scope=BlockScope.CUSTOMER, name=OVERDUE, source=OVERDUE)
        .first()
    )


def _owes(customer_id: str, paid_ids: Sequence[str], *, since: datetime) -> bool:
    """Tell whether something else is overdue, or has been lost to what was, since an instant."""
    past_due = Q(state=State.PAST_DUE) | Q(term__is_past_due_in_pause=True)
    lost = Q(term__cause=Cause.PAST_DUE, term__starts_at__gte=since)
    others = Subscription.objects.filter(past_due | lost, customer_id=customer_id)
    return others.exclude(pk__in=paid_ids).exists()
