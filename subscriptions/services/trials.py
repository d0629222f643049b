"""Who still gets a trial, and when it is over; and moving its end."""

from dataclasses import replace
from datetime import datetime

from core.errors import Conflict, Unprocessable
from core.periods import Anchor, Interval, boundary
from core.transactions import command
from plans.terms import Terms
from subscriptions import events, moves
from subscriptions.arrival import arrive
from subscriptions.given import SpentTrials, given_of, spent_trials
from subscriptions.loading import Loaded
from subscriptions.models import Cause, Subscription
from subscriptions.services.results import Result
from subscriptions.services.steps import Step, take
from subscriptions.services.together import in_turn
from subscriptions.states import State


class TrialSpent(Conflict):
    """The customer, or the subject, has had its trial of this product."""

    code = "trial_spent"


class NotTrialing(Conflict):
    """The subscription is not in a trial whose end could be moved."""

    code = "not_trialing"


class TrialEndNotAhead(Unprocessable):
    """A trial ends at a date that lies ahead; to end it at once, say ``end_now``."""

    code = "trial_end_not_ahead"


def new_trial_end(
    terms: Terms,
    row: Subscription,
    *,
    at: datetime,
    zone: str,
    days: int | None = None,
    spent: SpentTrials | None = None,
) -> datetime | None:
    """Return when the trial ends that begins with a plan at an instant; None: there is none.

    ``days`` are given instead of the plan's; 0 asks for none. ``spent`` are the trials that were
    had, if they have been read.

    :raises TrialSpent: if days were asked for and the trial was had before
    """
    wanted = days if days is not None else (terms.trial.days if terms.trial else 0)
    if wanted == 0:
        return None
    had = spent_trials([row]) if spent is None else spent
    if had.has(terms, row):
        if days is not None:
            raise TrialSpent(f"there is one trial of {terms.product.key}")
        return None
    return moves.trial_end(wanted, at=at, zone=zone)


@command
def move_trial(
    *,
    subscription_id: str,
    end: datetime | None = None,
    extend_days: int | None = None,
) -> Result:
    """Move the end of a trial: to a date, by calendar days or, with neither, to now.

    What was agreed for the trial's end moves with it. Ended now, a trial becomes what its plan
    says.

    :raises SubscriptionNotFound, AlreadyEnded, NotTrialing: as named
    :raises TrialEndNotAhead: for a date that is over
    """
    with in_turn(subscription_id) as (loaded, at):
        held = loaded.agreement
        if held.state != State.TRIALING or held.trial is None:
            raise NotTrialing("there is no trial that runs")
        if end is None and extend_days is None:
            return _end_now(loaded, at=at)
        ends_at = end or _later(held.trial.ends_at, extend_days or 0, held.cycle.zone)
        if ends_at <= at:
            raise TrialEndNotAhead("the trial's end lies ahead")
        step = Step.on(loaded, at=at, cause=Cause.TRIAL_MOVED)
        if ends_at != held.trial.ends_at:
            step.become(moves.trial_moved(held, ends_at=ends_at), events.CHANGED)
        return take(step)


def _later(ends_at: datetime, days: int, zone: str) -> datetime:
    return boundary(Anchor(ends_at, zone), Interval("day", days), 1)


def _end_now(loaded: Loaded, *, at: datetime) -> Result:
    """Do what the trial's end would do, now."""
    step = Step.on(loaded, at=at, cause=Cause.TRIAL_END)
    held = moves.trial_cut(loaded.agreement, at=at)
    planned = [replace(each, at=at) if each.with_period else each for each in loaded.planned]
    arrival = arrive(held, planned, at=at, given=given_of(loaded, at=at))
    if arrival is None:
        raise ValueError("the end of a trial does something")
    step.follow(arrival)
    return take(step)
