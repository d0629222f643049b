"""The whole matrix of states and actions, walked."""

from itertools import product

import pytest

from subscriptions.states import (
    BILLABLE,
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


def test_an_ended_subscription_is_restored_or_never_changes_again() -> None:
    leaving = [pair for pair in TRANSITIONS if pair[0] in ENDED]
    assert leaving == [(State.CANCELED, Action.RESTORE)]


def test_everything_alive_can_end() -> None:
    for state in set(State) - ENDED:
        assert after(state, Action.END) == State.CANCELED


def test_every_state_can_be_reached_from_a_beginning() -> None:
    reached = {State.PENDING}
    while more := {TRANSITIONS[pair] for pair in TRANSITIONS if pair[0] in reached} - reached:
        reached |= more
    assert reached == set(State)


def test_what_grants_is_what_runs_and_what_is_owed_renews() -> None:
    assert {State.TRIALING, State.ACTIVE, State.PAST_DUE} == ENTITLED
    renewing = {state for state, action in TRANSITIONS if action == Action.RENEW}
    assert renewing == {State.ACTIVE, State.PAST_DUE} == BILLABLE


def test_a_pause_ends_in_the_state_that_it_began_in() -> None:
    resuming = {
        State.ACTIVE: Action.RESUME,
        State.TRIALING: Action.RESUME_TRIAL,
        State.PAST_DUE: Action.RESUME_PAST_DUE,
    }
    for state, action in resuming.items():
        assert after(after(state, Action.PAUSE), action) == state
