"""The life of a subscription, as data. Nothing else decides what may follow what.

An announced cancellation is no state: it is a pending change of kind ``end``. A subscription whose
start lies ahead is ``pending``: it grants nothing and owes nothing; its start is a pending change.
"""

from collections.abc import Mapping

from django.db import models

from core.errors import Conflict


class State(models.TextChoices):
    PENDING = "pending"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELED = "canceled"


class Action(models.TextChoices):
    START = "start"
    START_TRIAL = "start_trial"
    CHANGE = "change"
    RENEW = "renew"
    CONVERT = "convert"
    FAIL_PAYMENT = "fail_payment"
    RECOVER = "recover"
    PAUSE = "pause"
    RESUME = "resume"
    RESUME_TRIAL = "resume_trial"
    RESUME_PAST_DUE = "resume_past_due"
    FALL_BACK = "fall_back"
    RESTORE = "restore"
    END = "end"


ENTITLED = frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE})
BILLABLE = frozenset({State.ACTIVE, State.PAST_DUE})
ENDED = frozenset({State.CANCELED})

TRANSITIONS: Mapping[tuple[State, Action], State] = {
    (State.PENDING, Action.START): State.ACTIVE,
    (State.PENDING, Action.START_TRIAL): State.TRIALING,
    (State.PENDING, Action.CHANGE): State.PENDING,
    (State.PENDING, Action.END): State.CANCELED,
    (State.TRIALING, Action.CHANGE): State.TRIALING,
    (State.TRIALING, Action.CONVERT): State.ACTIVE,
    (State.TRIALING, Action.PAUSE): State.PAUSED,
    (State.TRIALING, Action.FALL_BACK): State.ACTIVE,
    (State.TRIALING, Action.END): State.CANCELED,
    (State.ACTIVE, Action.CHANGE): State.ACTIVE,
    (State.ACTIVE, Action.START_TRIAL): State.TRIALING,
    (State.ACTIVE, Action.RENEW): State.ACTIVE,
    (State.ACTIVE, Action.FAIL_PAYMENT): State.PAST_DUE,
    (State.ACTIVE, Action.PAUSE): State.PAUSED,
    (State.ACTIVE, Action.FALL_BACK): State.ACTIVE,
    (State.ACTIVE, Action.RESTORE): State.ACTIVE,
    (State.ACTIVE, Action.END): State.CANCELED,
    (State.PAST_DUE, Action.CHANGE): State.PAST_DUE,
    (State.PAST_DUE, Action.RENEW): State.PAST_DUE,
    (State.PAST_DUE, Action.FAIL_PAYMENT): State.PAST_DUE,
    (State.PAST_DUE, Action.RECOVER): State.ACTIVE,
    (State.PAST_DUE, Action.PAUSE): State.PAUSED,
    (State.PAST_DUE, Action.FALL_BACK): State.ACTIVE,
    (State.PAST_DUE, Action.END): State.CANCELED,
    (State.PAUSED, Action.CHANGE): State.PAUSED,
    (State.PAUSED, Action.RESUME): State.ACTIVE,
    (State.PAUSED, Action.RESUME_TRIAL): State.TRIALING,
    (State.PAUSED, Action.RESUME_PAST_DUE): State.PAST_DUE,
    (State.PAUSED, Action.FAIL_PAYMENT): State.PAUSED,
    (State.PAUSED, Action.RECOVER): State.PAUSED,
    (State.PAUSED, Action.FALL_BACK): State.ACTIVE,
    (State.PAUSED, Action.END): State.CANCELED,
    (State.CANCELED, Action.RESTORE): State.ACTIVE,
}


class TransitionNotAllowed(Conflict):
    """The subscription is not in a state in which this can be done."""

    code = "transition_not_allowed"


def after(state: str, action: Action) -> State:
    """Return the state that follows.

    :raises TransitionNotAllowed: if the action is not possible in this state
    """
    try:
        return TRANSITIONS[State(state), action]
    except KeyError:
        raise TransitionNotAllowed(
            f"cannot {action.label.lower()} a {State(state).label.lower()} subscription",
            state=str(state),
        ) from None
