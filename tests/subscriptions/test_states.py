"""The whole matrix of states and actions, walked."""

from itertools import product

import pytest

from subscriptions.states import (
    ENDED,
    ENTITLED,
    TRANSITIONS,
    Action,
    State,
    TransitionNotAllowed,
    after,
)


@pytest.mark.parametrize(("state", "action"), list(product(State, Action)))
def test_every_pair_leads_on_or_is_refused_by_name(state: State, action: Action) -> None:
    if (state, action) in TRANSITIONS:
        assert after(state, action) == TRANSITIONS[state, action]
    else:
        with pytest.raises(TransitionNotAllowed) as refused:
            after(state, action)
        assert refused.value.members == {"state": str(state)}


def test_an_ended_subscription_never_changes_again() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] in ENDED]


def test_everything_alive_can_end() -> None:
    for state in set(State) - ENDED:
        assert after(state, Action.END) == State.CANCELED


def test_every_state_can_be_reached_from_a_beginning() -> None:
    reached = {State.ACTIVE, State.TRIALING}
    while more := {TRANSITIONS[pair] for pair in TRANSITIONS if pair[0] in reached} - reached:
        reached |= more
    assert reached == set(State)


def test_what_grants_is_what_runs() -> None:
    assert {State.TRIALING, State.ACTIVE, State.PAST_DUE} == ENTITLED
