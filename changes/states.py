"""The life of a change set and of its items, as data. Nothing else decides what may follow what."""

from collections.abc import Mapping

from django.db import models

from core.errors import Conflict


class State(models.TextChoices):
    COMPUTING = "computing"
    READY = "ready"
    APPROVED = "approved"
    APPLYING = "applying"
    PAUSED = "paused"
    APPLIED = "applied"
    PARTLY_APPLIED = "partly_applied"
    DISCARDED = "discarded"
    EXPIRED = "expired"


class Action(models.TextChoices):
    FINISH_PREVIEW = "finish_preview"
    APPROVE = "approve"
    APPLY = "apply"
    PAUSE = "pause"
    STOP = "stop"
    FINISH = "finish"
    FINISH_IN_PART = "finish_in_part"
    DISCARD = "discard"
    EXPIRE = "expire"


class ItemState(models.TextChoices):
    """``stale``: it is no longer what was previewed, or what was applied where that is undone."""

    PENDING = "pending"
    PREVIEWED = "previewed"
    STALE = "stale"
    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"


UNDECIDED = frozenset({State.COMPUTING, State.READY, State.APPROVED})
WORKED_ON = frozenset({State.COMPUTING, State.APPLYING})
BEGUN = frozenset({State.APPLYING, State.APPLIED, State.PARTLY_APPLIED})
DONE = frozenset({State.APPLIED, State.PARTLY_APPLIED})

TRANSITIONS: Mapping[tuple[State, Action], State] = {
    (State.COMPUTING, Action.FINISH_PREVIEW): State.READY,
    (State.READY, Action.APPROVE): State.APPROVED,
    (State.APPROVED, Action.APPLY): State.APPLYING,
    (State.APPLYING, Action.PAUSE): State.PAUSED,
    (State.PAUSED, Action.APPLY): State.APPLYING,
    (State.APPLYING, Action.STOP): State.PARTLY_APPLIED,
    (State.PAUSED, Action.STOP): State.PARTLY_APPLIED,
    (State.APPLYING, Action.FINISH): State.APPLIED,
    (State.APPLYING, Action.FINISH_IN_PART): State.PARTLY_APPLIED,
    **{(state, Action.DISCARD): State.DISCARDED for state in UNDECIDED},
    **{(state, Action.EXPIRE): State.EXPIRED for state in UNDECIDED},
}


class WrongState(Conflict):
    """The change set is not in a state in which this can be done; the member ``state`` names it."""

    code = "change_set_wrong_state"


def after(state: str, action: Action) -> State:
    """Return the state that follows.

    :raises WrongState: if the action is not possible in this state
    """
    try:
        return TRANSITIONS[State(state), action]
    except KeyError:
        raise WrongState(
            f"cannot {action.label.lower()} a change set that is {State(state).label.lower()}",
            state=str(state),
        ) from None
