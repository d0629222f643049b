"""How outcomes change where a target stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.outcomes import (
    Applied,
    Gone,
    LockedOut,
    Outcome,
    Refused,
    Retry,
    Stale,
)
from provisioning.transitions import Standing, after, revived

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENDING = Standing(
    desired_generation=5,
    applied_generation=4,
    attempts=1,
    refusals=0,
    trying_since=NOW,
    next_attempt_at=NOW,
    dead_lettered_at=None,
    ahead_of=None,
    problem="",
    problem_detail="",
)


def later(standing: Standing, outcome: Outcome, generation: int = 5) -> Standing:
    return after(standing, outcome, generation=generation, now=NOW, share=1.0)


def test_applied_ends_the_tries() -> None:
    tried = replace(SENDING, attempts=7, refusals=2, problem="answer_500")
    assert later(tried, Applied()) == replace(
        SENDING, applied_generation=5, attempts=0, trying_since=None, next_attempt_at=None
    )


def test_an_old_generation_that_was_applied_leaves_the_new_one_due() -> None:
    changed = replace(SENDING, desired_generation=6, attempts=0)
    assert later(changed, Applied()) == replace(changed, applied_generation=5)


@pytest.mark.parametrize("outcome", [Retry("timeout"), Refused("answer_422")])
def test_an_old_generation_that_failed_says_nothing_about_the_new_one(outcome: Outcome) -> None:
    changed = replace(SENDING, desired_generation=6, attempts=0)
    assert later(changed, outcome) == changed


def test_a_late_answer_never_takes_back_what_was_applied() -> None:
    applied = replace(SENDING, applied_generation=5, next_attempt_at=None)
    assert later(applied, Applied(), generation=3).applied_generation == 5


def test_a_failure_is_tried_again_later() -> None:
    assert later(SENDING, Retry("timeout", "no answer")) == replace(
        SENDING,
        next_attempt_at=NOW + timedelta(seconds=1),
        problem="timeout",
        problem_detail="no answer",
    )


def test_after_fourteen_days_a_target_is_given_up() -> None:
    tried = replace(SENDING, trying_since=NOW - timedelta(days=14), attempts=400)
    assert later(tried, Retry("timeout")) == replace(
        tried, next_attempt_at=None, dead_lettered_at=NOW, problem="timeout"
    )


def test_the_third_refusal_is_the_last() -> None:
    standing = SENDING
    for refusals in (1, 2):
        standing = later(standing, Refused("answer_422"))
        assert (standing.refusals, standing.dead_lettered_at) == (refusals, None)
    standing = later(standing, Refused("answer_422"))
    assert (standing.dead_lettered_at, standing.next_attempt_at) == (NOW, None)


@pytest.mark.parametrize(("held", "desired"), [(5, 6), (7, 8)])
def test_a_service_that_is_ahead_is_overtaken(held: int, desired: int) -> None:
    standing = later(SENDING, Stale(held))
    assert (standing.desired_generation, standing.ahead_of) == (desired, held)
    assert standing.next_attempt_at == NOW + timedelta(seconds=1)
    assert (standing.applied_generation, standing.problem) == (4, "ahead")


def test_a_service_that_is_ahead_of_an_old_generation_only_needs_the_new_one() -> None:
    changed = replace(SENDING, desired_generation=9)
    assert later(changed, Stale(7)) == changed
    assert later(changed, Stale(9)).desired_generation == 10


@pytest.mark.parametrize("outcome", [LockedOut("answer_401"), Gone("answer_410")])
def test_what_is_about_the_service_costs_the_target_nothing(outcome: Outcome) -> None:
    standing = later(SENDING, outcome)
    assert (standing.next_attempt_at, standing.dead_lettered_at) == (NOW, None)


def test_a_revived_target_has_all_its_tries() -> None:
    dead = replace(
        SENDING, attempts=9, refusals=3, next_attempt_at=None, dead_lettered_at=NOW, problem="x"
    )
    assert revived(dead, now=NOW) == replace(SENDING, attempts=0, trying_since=None)


outcomes = st.one_of(
    st.just(Applied()),
    st.integers(5, 100).map(Stale),
    st.just(Retry("timeout")),
    st.just(Refused("answer_422")),
    st.just(LockedOut("answer_401")),
    st.just(Gone("answer_410")),
)


@given(st.lists(st.tuples(outcomes, st.integers(1, 3), st.floats(0, 1)), max_size=20))
def test_generations_only_rise_and_no_target_is_ever_in_limbo(
    history: list[tuple[Outcome, int, float]],
) -> None:
    standing, now = SENDING, NOW
    for outcome, lag, share in history:
        if standing.next_attempt_at is None:  # a new document
            standing = revived(
                replace(standing, desired_generation=standing.desired_generation + 1), now=now
            )
        generation = max(standing.desired_generation - lag + 1, 1)
        standing = replace(standing, attempts=standing.attempts + 1)
        if isinstance(outcome, Stale):
            outcome = Stale(max(outcome.held, generation))
        following = after(standing, outcome, generation=generation, now=now, share=share)
        assert following.desired_generation >= standing.desired_generation
        assert standing.applied_generation <= following.applied_generation
        assert following.applied_generation <= following.desired_generation
        is_lagging = following.applied_generation < following.desired_generation
        is_due = following.next_attempt_at is not None
        is_dead = following.dead_lettered_at is not None
        assert not is_lagging or is_due or is_dead
        assert not (is_due and is_dead)
        standing, now = following, now + timedelta(hours=7)
