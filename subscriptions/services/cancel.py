"""End a subscription, take that back, and take any planned change back."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from core import clock
from core.errors import Conflict, NotFound
from core.transactions import command
from plans.change_rules import AnchorRule, CancelPolicy, EndTiming, Settlement
from plans.terms import PauseMode
from subscriptions import events, moves
from subscriptions.agreement import Agreement
from subscriptions.arrival import fallen, waits
from subscriptions.loading import Loaded
from subscriptions.models import Cause, ChangeStatus
from subscriptions.planned import BEGINNINGS, Kind, Planned
from subscriptions.services import past
from subscriptions.services.beginnings import DateInPast
from subscriptions.services.ends import AlreadyOnFallback as AlreadyOnFallback
from subscriptions.services.ends import drop_end, end_of
from subscriptions.services.results import Result
from subscriptions.services.steps import Step, answered, take
from subscriptions.services.together import in_turn
from subscriptions.states import State


class NotCanceling(Conflict):
    """No end is agreed that could be taken back."""

    code = "not_canceling"


class ChangeNotFound(NotFound):
    """The subscription has no such pending change."""

    code = "pending_change_not_found"


class When(StrEnum):
    """When a cancellation acts."""

    PERIOD_END = "period_end"
    NOW = "now"


@command
def cancel(
    *,
    subscription_id: str,
    when: When | datetime | None = None,
    billing_end: When | datetime | None = None,
    settlement: Settlement | None = None,
) -> Result:
    """End a subscription: it falls back to the product's fallback plan, or ends for good.

    ``when`` is when access ends, a date in the open period included. What is left out the product
    says; with a date billing ends on it, and never after access unless that is asked for. Other
    planned changes are superseded. Canceling once more changes nothing. What has not begun yet ends
    at once.

    :raises SubscriptionNotFound, AlreadyEnded: as named
    :raises AlreadyOnFallback: if there is nothing to fall back to from here
    :raises PeriodClosed: for a date before the start of the open period
    :raises DateInPast: if billing shall have ended earlier than now, and access not
    """
    with in_turn(subscription_id) as (loaded, at):
        held = loaded.agreement
        policy = held.terms.product.cancel
        timing = when or _timing(policy.access_end)
        access_end = _instant(timing, held, at)
        if billing_end is None and isinstance(timing, datetime):
            billing_end = access_end
        billed_until = _billed_until(billing_end, access_end, policy, held, at)
        how = {"settlement": str(policy.settlement if settlement is None else settlement)}
        if billed_until > access_end:
            how["billed_until"] = clock.written(billed_until)
        with_period = timing == When.PERIOD_END
        customer_id = loaded.row.customer_id
        end = end_of(held, customer_id=customer_id, at=access_end, with_period=with_period, how=how)
        if access_end == at:
            return _end_now(loaded, end, at=at)
        if access_end < at and not waits(end, held):
            return _end_in_the_past(loaded, end, at=at)
        if billing_end in (None, access_end) and _is_agreed(loaded, end):
            return Result(loaded.row)
        return _end_later(loaded, end, billed_until=billed_until, at=at)


@command
def uncancel(*, subscription_id: str) -> Result:
    """Take an announced end back, until it happens. Billing that had ended before goes on.

    :raises NotCanceling: if there is none
    """
    with in_turn(subscription_id) as (loaded, at):
        if loaded.pending(Kind.END) is None:
            raise NotCanceling("no end is planned")
        step = Step.on(loaded, at=at, cause=Cause.CHANGED)
        drop_end(step, ChangeStatus.CANCELED)
        return take(step)


@command
def unschedule(*, subscription_id: str, change_id: str) -> Result:
    """Take one planned change back, until it happens. With an end goes the end of billing.

    :raises ChangeNotFound: if it is not planned for this subscription
    :raises NotUnscheduled: for what begins a subscription
    """
    with in_turn(subscription_id) as (loaded, at):
        found = [each for each in loaded.planned if each.id == change_id]
        if not found:
            raise ChangeNotFound("no such change is planned")
        if found[0].kind in (Kind.START, Kind.BILLING_START):
            raise NotUnscheduled("cancel the subscription instead")
        step = Step.on(loaded, at=at, cause=Cause.CHANGED)
        if found[0].kind == Kind.END:
            drop_end(step, ChangeStatus.CANCELED)
        step.drop(found, ChangeStatus.CANCELED)
        return take(step)


class NotUnscheduled(Conflict):
    """What begins a subscription, or its billing, is not taken back by itself."""

    code = "not_unscheduled"


def _timing(policy: EndTiming) -> When:
    return When.NOW if policy == EndTiming.NOW else When.PERIOD_END


def _instant(when: When | datetime, held: Agreement, at: datetime) -> datetime:
    """Return when something ends; what has not begun, or is paused with the rest of its period
    credited, has no period to wait for the end of."""
    if held.state == State.PENDING:
        return at
    if isinstance(when, datetime):
        return when
    is_credited = held.pause is not None and held.pause.mode == PauseMode.CREDIT
    return at if when == When.NOW or is_credited else held.period.end


def _billed_until(
    billing_end: When | datetime | None,
    access_end: datetime,
    policy: CancelPolicy,
    held: Agreement,
    at: datetime,
) -> datetime:
    """:raises DateInPast: if billing shall have ended earlier than now, and access not"""
    if billing_end is None:
        return min(access_end, _instant(_timing(policy.billing_end), held, at))
    wanted = _instant(billing_end, held, at)
    if wanted < min(at, access_end):
        raise DateInPast("billing_end lies ahead", field="billing_end")
    return wanted


def _is_agreed(loaded: Loaded, end: Planned) -> bool:
    """Tell whether the same end is agreed already, in whichever version."""
    present = loaded.pending(Kind.END)
    if present is None or (present.at, present.with_period) != (end.at, end.with_period):
        return False
    return present.decision.get("settlement") == end.decision.get("settlement")


def _after(held: Agreement, end: Planned, *, at: datetime, loaded: Loaded) -> Agreement:
    if end.terms is None or held.state == State.PENDING:
        return moves.ended(held)
    return fallen(
        held,
        end.terms,
        end.interval,
        AnchorRule(end.decision["anchor"]),
        at=at,
        shared=loaded.row.customer.shared_anchor,
    )


def _end_now(loaded: Loaded, end: Planned, *, at: datetime) -> Result:
    after = _after(loaded.agreement, end, at=at, loaded=loaded)
    step = _ending(loaded, end.decision, after, at=at)
    return take(step)


def _end_in_the_past(loaded: Loaded, end: Planned, *, at: datetime) -> Result:
    before = past.past_of(loaded, end.at)
    after = _after(before.held, end, at=end.at, loaded=loaded)
    step = _ending(loaded, end.decision, after, at=at)
    return answered(past.end(step, before, after, event=step.events[0]))


def _ending(loaded: Loaded, decision: Mapping[str, str], after: Agreement, *, at: datetime) -> Step:
    gone = after.state == State.CANCELED
    step = Step.on(loaded, at=at, cause=Cause.CANCELED if gone else Cause.FALLBACK)
    step.become(after, events.ENDED if gone else events.CHANGED)
    step.decision = decision
    step.drop(loaded.planned, ChangeStatus.SUPERSEDED)
    return step


def _end_later(loaded: Loaded, end: Planned, *, billed_until: datetime, at: datetime) -> Result:
    step = Step.on(loaded, at=at, cause=Cause.CHANGED)
    step.agree(end)
    how = {"settlement": end.decision["settlement"]}
    if at < billed_until < end.at:
        step.agree(Planned("", Kind.BILLING_END, billed_until, decision=how))
    elif billed_until < end.at and loaded.agreement.is_billed:
        step.become(moves.billing_over(loaded.agreement), events.CHANGED)
        step.cause, step.decision = Cause.BILLING_END, how
    others = [each for each in step.planned if each.kind not in BEGINNINGS]
    step.drop(others, ChangeStatus.SUPERSEDED)
    return take(step)
