"""The life of a change set, walked as a whole."""

from itertools import product

import pytest

from changes.states import TRANSITIONS, Action, ItemState, State, WrongState, after

FORWARD = {
    ("computing", "finish_preview"): "ready",
    ("ready", "approve"): "approved",
    ("approved", "apply"): "applying",
    ("applying", "pause"): "paused",
    ("paused", "apply"): "applying",
    ("applying", "stop"): "partly_applied",
    ("paused", "stop"): "partly_applied",
    ("applying", "finish"): "applied",
    ("applying", "finish_in_part"): "partly_applied",
    ("computing", "discard"): "discarded",
    ("ready", "discard"): "discarded",
    ("approved", "discard"): "discarded",
    ("computing", "expire"): "expired",
    ("ready", "expire"): "expired",
    ("approved", "expire"): "expired",
}


@pytest.mark.parametrize(("state", "action"), list(product(State, Action)))
def test_every_state_and_action(state: State, action: Action) -> None:
    expected = FORWARD.get((state, action))
    if expected is None:
        with pytest.raises(WrongState) as refused:
            after(state, action)
        assert refused.value.members == {"state": str(state)}
    else:
        assert after(state, action) == expected


def test_what_is_done_stays_so() -> None:
    done = {State.APPLIED, State.PARTLY_APPLIED, State.DISCARDED, State.EXPIRED}
    assert {state for state, _ in TRANSITIONS} == set(State) - done
    assert len(ItemState) == 7
