"""Pause a subscription and let it go on, now or at a date."""

from datetime import datetime

from core.errors import Conflict, Unprocessable
from core.transactions import command
from plans.change_rules import Settlement
from plans.terms import PauseMode
from subscriptions import arrival, events, moves
from subscriptions.agreement import Agreement
from subscriptions.given import given_of
from subscriptions.models import Cause, ChangeStatus
from subscriptions.planned import Kind, Planned
from subscriptions.services.beginnings import DateInPast, DatesOutOfOrder
from subscriptions.services.results import Result
from subscriptions.services.steps import Step, take
from subscriptions.services.together import in_turn
from subscriptions.states import Action, after


class TrialIsExtended(Unprocessable):
    """A trial costs nothing that could be credited: a pause only ever extends it."""

    code = "trial_is_extended"


class NotPaused(Conflict):
    """The subscription is not paused, and no pause is planned that could end at a date."""

    code = "not_paused"


@command
def pause(
    *,
    subscription_id: str,
    mode: PauseMode | None = None,
    at: datetime | None = None,
    resumes_at: datetime | None = None,
) -> Result:
    """Pause a subscription, now or ``at`` a date, until it is resumed or until a date.

    ``mode`` says what the pause does to money; without it the plan does, and a trial is extended.
    Pausing once more changes nothing.

    :raises SubscriptionNotFound, AlreadyEnded, TransitionNotAllowed: as named
    :raises TrialIsExtended: for a credit in a trial
    :raises DateInPast, DatesOutOfOrder: for dates that cannot be
    """
    with in_turn(subscription_id) as (loaded, now):
        held = loaded.agreement
        if held.pause is not None:
            return Result(loaded.row)
        start = at or now
        if start < now:
            raise DateInPast("a pause begins now or later", field="at")
        if resumes_at is not None and resumes_at <= start:
            raise DatesOutOfOrder("a pause ends after it begins", field="resumes_at")
        chosen = _mode(held, mode)
        decision = {"settlement": str(Settlement.CREDIT), "rule": f"pause_{chosen}"}
        step = Step.on(loaded, at=now, cause=Cause.PAUSED)
        if start == now:
            step.drop_kind(Kind.PAUSE, status=ChangeStatus.SUPERSEDED)
            step.become(moves.paused(held, mode=chosen, at=now), events.PAUSED)
            step.decision = decision
        else:
            after(held.state, Action.PAUSE)
            step.agree(Planned("", Kind.PAUSE, start, pause_mode=chosen, decision=decision))
        if resumes_at is not None:
            step.agree(Planned("", Kind.RESUME, resumes_at))
        return take(step)


@command
def resume(*, subscription_id: str, at: datetime | None = None) -> Result:
    """Let a paused subscription go on, now or ``at`` a date. Where it is not paused, nothing
    changes.

    :raises SubscriptionNotFound, AlreadyEnded: as named
    :raises NotPaused: for a date, if it is not paused and will not be
    :raises DateInPast, DatesOutOfOrder: for dates that cannot be
    """
    with in_turn(subscription_id) as (loaded, now):
        held = loaded.agreement
        step = Step.on(loaded, at=now, cause=Cause.RESUMED)
        if at is not None and at > now:
            planned = loaded.pending(Kind.PAUSE)
            if held.pause is None and planned is None:
                raise NotPaused("there is no pause that could end")
            if planned is not None and at <= planned.at:
                raise DatesOutOfOrder("a pause ends after it begins", field="at")
            step.agree(Planned("", Kind.RESUME, at))
            return take(step)
        if at is not None and at < now:
            raise DateInPast("it goes on now or later", field="at")
        if held.pause is None:
            return Result(loaded.row)
        step.drop_kind(Kind.RESUME, status=ChangeStatus.SUPERSEDED)
        step.follow(arrival.resume(held, step.planned, at=now, given=given_of(loaded, at=now)))
        return take(step)


def _mode(held: Agreement, mode: PauseMode | None) -> PauseMode:
    """:raises TrialIsExtended: for a credit in a trial"""
    if held.trial is None:
        return mode or held.terms.pause
    if mode == PauseMode.CREDIT:
        raise TrialIsExtended("a trial is only ever extended")
    return PauseMode.EXTEND
