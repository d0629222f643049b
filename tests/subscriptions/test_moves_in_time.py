"""Trials, pauses and other counts, and every move from every state."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from core.periods import MONTH, Anchor, Period
from plans.change_rules import AnchorRule
from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Agreement, Pause, Trial
from subscriptions.states import State, TransitionNotAllowed
from tests.subscriptions.given import (
    BUSINESS,
    FREE,
    PRO,
    TRIED,
    TRIED_LONGER,
    at,
    change,
    charge,
    on,
    plan,
    share,
    shown,
)

KEEP, RESTART = AnchorRule.KEEP, AnchorRule.RESTART
CREDIT, EXTEND = PauseMode.CREDIT, PauseMode.EXTEND


# --- trials ---


def test_a_trial_of_so_many_days_ends_at_the_same_local_time() -> None:
    # clocks go forward in Berlin on 29 March: 14 days are an hour shorter
    assert moves.trial_end(14, at=at("2026-03-20 11:00"), zone="Europe/Berlin") == at(
        "2026-04-03 10:00"
    )
    assert moves.trial_end(0, at=at("2026-03-20"), zone="UTC") == at("2026-03-20")


def test_periods_are_counted_from_the_end_of_the_trial() -> None:
    held = on(TRIED, "2026-01-10", trial_until="2026-01-24")
    assert (held.state, held.trial) == (State.TRIALING, Trial(at("2026-01-10"), at("2026-01-24")))
    assert shown(held) == ("2026-01-10", "2026-01-24")
    assert (held.is_entitled, held.is_charged) == (True, False)
    over = moves.trial_over(held, at=at("2026-01-24"))
    assert (over.state, over.trial, shown(over)) == (
        State.ACTIVE,
        None,
        ("2026-01-24", "2026-02-24"),
    )


def test_a_trial_may_end_into_the_customers_date() -> None:
    shared = Anchor(at("2026-01-10"), "UTC")
    held = on(TRIED, "2026-01-12", trial_until="2026-01-26", shared=shared)
    over = moves.trial_over(held, at=at("2026-01-26"))
    assert shown(over) == ("2026-01-26", "2026-02-10")


def test_a_change_into_a_trial_is_counted_from_its_end() -> None:
    paid = change(on(FREE, "2026-01-03"), TRIED, when="2026-01-10", anchor=RESTART)
    held = moves.trial_begun(paid, at=at("2026-01-10"), ends_at=at("2026-01-24"), shared=None)
    assert held == on(TRIED, "2026-01-10", trial_until="2026-01-24")


@pytest.mark.parametrize(
    ("to", "state", "ends_at"),
    [
        (TRIED_LONGER, State.TRIALING, "2026-02-09"),  # 30 days from the first
        (PRO, State.TRIALING, "2026-01-24"),  # a plan without a trial keeps the end
        (plan("shorter", 1, month="9"), State.TRIALING, "2026-01-24"),
        (FREE, State.ACTIVE, None),
    ],
)
def test_a_change_in_a_trial(to: object, state: State, ends_at: str | None) -> None:
    held = change(on(TRIED, "2026-01-10", trial_until="2026-01-24"), to, when="2026-01-15")
    assert held.state == state
    assert (held.trial and held.trial.ends_at) == (at(ends_at) if ends_at else None)
    if held.trial is not None:
        assert shown(held) == ("2026-01-10", ends_at)
        over = moves.trial_over(held, at=held.trial.ends_at)
        assert over.period.start == over.cycle.anchor.at
    else:
        assert held.period.start == at("2026-01-15")


def test_a_longer_trial_does_not_move_a_date_that_was_not_its_end() -> None:
    shared = Anchor(at("2026-01-10"), "UTC")
    held = on(TRIED, "2026-01-12", trial_until="2026-01-26", shared=shared)
    longer = change(held, TRIED_LONGER, when="2026-01-15")
    assert shown(longer) == ("2026-01-12", "2026-02-11")
    assert shown(moves.trial_over(longer, at=at("2026-02-11"))) == ("2026-02-11", "2026-03-10")


def test_another_interval_in_a_trial_is_counted_from_the_trials_end() -> None:
    shared = Anchor(at("2026-01-10"), "UTC")
    held = on(TRIED, "2026-01-12", trial_until="2026-01-26", shared=shared)
    yearly = change(held, interval="year", when="2026-01-15", anchor=RESTART, shared=shared)
    assert shown(yearly) == ("2026-01-12", "2026-01-26")
    over = moves.trial_over(yearly, at=at("2026-01-26"))
    assert shown(over) == ("2026-01-26", "2027-01-26")


def test_a_longer_trial_keeps_the_days_that_a_pause_added() -> None:
    held = on(TRIED, "2026-01-10", trial_until="2026-01-24")
    resumed = moves.resumed(
        moves.paused(held, mode=EXTEND, at=at("2026-01-12")), at=at("2026-01-22")
    )
    assert resumed.trial == Trial(at("2026-01-10"), at("2026-02-03"))
    longer = change(resumed, TRIED_LONGER, when="2026-01-25")
    assert longer.trial == Trial(at("2026-01-10"), at("2026-02-19"))
    over = moves.trial_over(longer, at=at("2026-02-19"))
    assert shown(over) == ("2026-02-19", "2026-03-19")


# --- pauses ---

T = at("2026-01-20")


def test_a_credit_pause_begins_anew_on_the_latest_such_day() -> None:
    # 1,200.00 a year from 1 February 2025, paused on 11 March, resumed on 20 April
    held = on(PRO, "2025-02-01", "year")
    assert share(held, "2025-03-11", "2026-02-01") == Fraction(327, 365)
    assert charge("1200.00", Fraction(-327, 365)) == "-1075.07"
    waiting = moves.paused(held, mode=CREDIT, at=at("2025-03-11"))
    assert (waiting.state, waiting.pause) == (State.PAUSED, Pause(at("2025-03-11"), CREDIT))
    assert not waiting.is_charged
    resumed = moves.resumed(waiting, at=at("2025-04-20"))
    assert resumed.cycle.anchor == Anchor(at("2025-04-01"), "UTC")
    assert (resumed.state, resumed.pause, shown(resumed)) == (
        State.ACTIVE,
        None,
        ("2025-04-20", "2026-04-01"),
    )
    assert share(resumed, "2025-04-20", "2026-04-01") == Fraction(346, 365)
    assert charge("1200.00", Fraction(346, 365)) == "1137.53"


@pytest.mark.parametrize(
    ("since", "interval", "resumed_at", "anchored", "day", "period"),
    [
        # month: the day of the month; the 31st is remembered through February
        ("2026-01-31", "month", "2026-03-01", "2026-02-28", 31, ("2026-03-01", "2026-03-31")),
        ("2026-01-31", "month", "2026-03-31", "2026-03-31", None, ("2026-03-31", "2026-04-30")),
        ("2026-01-10", "month", "2026-03-09", "2026-02-10", None, ("2026-03-09", "2026-03-10")),
        # two weeks: the weekday; 10 January 2026 is a Saturday, and so is 14 February
        ("2026-01-10", "2 weeks", "2026-02-19", "2026-02-14", None, ("2026-02-19", "2026-02-28")),
        # ten days: the day, at the time of day
        ("2026-01-10", "10 days", "2026-02-19", "2026-02-19", None, ("2026-02-19", "2026-03-01")),
    ],
)
def test_the_day_that_a_resumed_subscription_is_counted_from(
    since: str,
    interval: str,
    resumed_at: str,
    anchored: str,
    day: int | None,
    period: tuple[str, str],
) -> None:
    sold = plan("any", 1, **{interval: "10"})
    waiting = moves.paused(on(sold, since, interval), mode=CREDIT, at=at("2026-02-02"))
    resumed = moves.resumed(waiting, at=at(resumed_at))
    assert resumed.cycle.anchor == Anchor(at(anchored), "UTC", day)
    assert shown(resumed) == period


def test_an_extending_pause_moves_the_end_and_all_later_boundaries_again_and_again() -> None:
    held = on(PRO, "2026-03-01")
    for paused_at, resumed_at, period in [
        ("2026-03-11", "2026-03-21", ("2026-03-01", "2026-04-11")),
        ("2026-03-25", "2026-03-26 12:00", ("2026-03-01", "2026-04-12 12:00")),
    ]:
        waiting = moves.paused(held, mode=EXTEND, at=at(paused_at))
        assert waiting.is_charged
        held = moves.resumed(waiting, at=at(resumed_at))
        assert shown(held) == period
    assert shown(moves.renewed(held)) == ("2026-04-12 12:00", "2026-05-12 12:00")
    assert held.cycle.shift_seconds == 11.5 * 86_400
    # in served time it is March, whole and untouched: what was paid is what is had
    assert held.cycle.served_period_at(MONTH, at("2026-03-25")) == Period(
        at("2026-03-01"), at("2026-04-01")
    )


def test_a_pause_on_a_boundary_leaves_the_new_period_for_later() -> None:
    held = on(PRO, "2026-03-01")
    waiting = moves.paused(held, mode=EXTEND, at=held.period.end)
    resumed = moves.resumed(waiting, at=at("2026-04-04"))
    assert shown(resumed) == ("2026-03-01", "2026-04-04")
    assert shown(moves.renewed(resumed)) == ("2026-04-04", "2026-05-04")


@pytest.mark.parametrize("mode", list(PauseMode))
@pytest.mark.parametrize("interval", ["month", "year", "week"])
def test_a_pause_that_took_no_time_leaves_everything_as_it_was(
    mode: PauseMode, interval: str
) -> None:
    held = on(PRO, "2026-01-10", interval)
    assert moves.resumed(moves.paused(held, mode=mode, at=T), at=T) == held


def test_a_trial_is_only_ever_extended() -> None:
    held = on(TRIED, "2026-01-10", trial_until="2026-01-24")
    waiting = moves.paused(held, mode=CREDIT, at=T)
    assert waiting.pause == Pause(T, EXTEND)
    resumed = moves.resumed(waiting, at=T + timedelta(days=3))
    assert (resumed.state, resumed.trial) == (
        State.TRIALING,
        Trial(at("2026-01-10"), at("2026-01-27")),
    )
    assert shown(moves.trial_over(resumed, at=at("2026-01-27"))) == ("2026-01-27", "2026-02-27")


def test_a_plan_that_is_free_ends_a_trial_and_not_a_pause() -> None:
    waiting = moves.paused(on(PRO, "2026-01-10"), mode=EXTEND, at=at("2026-01-15"))
    assert change(waiting, FREE, when=T) == replace(waiting, terms=FREE)
    tried = moves.paused(
        on(TRIED, "2026-01-10", trial_until="2026-01-24"), mode=EXTEND, at=at("2026-01-15")
    )
    free = change(tried, FREE, when=T)
    assert (free.state, free.trial, free.pause) == (State.PAUSED, None, tried.pause)
    # in a pause no time passes: what is left of its first period is counted from the pause on
    assert shown(moves.resumed(free, at=T)) == ("2026-01-15", "2026-01-29")


def test_a_change_in_a_pause_waits_with_it() -> None:
    waiting = moves.paused(on(PRO, "2026-01-10"), mode=EXTEND, at=at("2026-01-15"))
    assert change(waiting, BUSINESS, when=T) == replace(waiting, terms=BUSINESS)


def test_what_was_overdue_before_a_pause_is_overdue_after_it() -> None:
    overdue = moves.payment_failed(on(PRO, "2026-01-10"))
    waiting = moves.paused(overdue, mode=EXTEND, at=at("2026-01-15"))
    assert moves.resumed(waiting, at=T).state == State.PAST_DUE
    paid = moves.recovered(waiting)
    assert (paid.state, moves.resumed(paid, at=T).state) == (State.PAUSED, State.ACTIVE)
    failed = moves.payment_failed(paid)
    assert (failed.state, moves.resumed(failed, at=T).state) == (State.PAUSED, State.PAST_DUE)


def test_only_what_is_paused_is_resumed() -> None:
    with pytest.raises(ValueError, match="only a paused agreement"):
        moves.resumed(on(PRO, "2026-01-10"), at=T)


# --- anchor and zone ---


def test_another_anchor_begins_a_full_period_where_it_lies() -> None:
    # monthly on the 10th, on the 1st from 1 March on
    held = replace(on(PRO, "2026-01-10"), period=Period(at("2026-02-10"), at("2026-03-10")))
    moved = moves.reanchored(held, Anchor(at("2026-03-01"), "UTC"), at=at("2026-03-01"))
    assert shown(moved) == ("2026-03-01", "2026-04-01")
    assert share(held, "2026-03-01", "2026-03-10") == Fraction(9, 28)


def test_another_anchor_does_not_end_a_trial() -> None:
    held = on(TRIED, "2026-01-10", trial_until="2026-01-24")
    moved = moves.reanchored(held, Anchor(T, "UTC"), at=T)
    assert (moved.state, moved.trial, moved.period) == (held.state, held.trial, held.period)
    assert shown(moves.trial_over(moved, at=at("2026-01-24"))) == ("2026-01-24", "2026-02-20")


def test_another_zone_counts_from_the_boundary_on() -> None:
    held = on(PRO, "2025-12-31 23:00", zone="Europe/Berlin")
    moved = moves.in_zone(held, "America/New_York", at=held.period.end)
    assert shown(moved) == ("2026-01-31 23:00", "2026-03-01 05:00")
    assert moved.cycle.served_period_at(MONTH, held.period.end) == moved.period


# --- every move from every state ---


def in_state(state: State) -> Agreement:
    begun = on(PRO, "2026-01-10")
    by_state = {
        State.PENDING: moves.begin_later(begun),
        State.TRIALING: on(TRIED, "2026-01-10", trial_until="2026-01-24"),
        State.ACTIVE: begun,
        State.PAST_DUE: moves.payment_failed(begun),
        State.PAUSED: moves.paused(begun, mode=EXTEND, at=at("2026-01-15")),
        State.CANCELED: moves.ended(begun),
    }
    return by_state[state]


MOVES: dict[str, Callable[[Agreement], Agreement]] = {
    "changed": lambda held: change(held, BUSINESS, when=T),
    "renewed": moves.renewed,
    "trial_over": lambda held: moves.trial_over(held, at=T),
    "paused": lambda held: moves.paused(held, mode=EXTEND, at=T),
    "payment_failed": moves.payment_failed,
    "recovered": moves.recovered,
    "ended": moves.ended,
}
PENDING, TRIALING, ACTIVE, PAST_DUE, PAUSED, CANCELED = State
TABLE: dict[State, dict[str, State]] = {
    PENDING: {"changed": PENDING, "ended": CANCELED},
    TRIALING: {
        "changed": TRIALING,
        "trial_over": ACTIVE,
        "paused": PAUSED,
        "ended": CANCELED,
    },
    ACTIVE: {
        "changed": ACTIVE,
        "renewed": ACTIVE,
        "paused": PAUSED,
        "payment_failed": PAST_DUE,
        "ended": CANCELED,
    },
    PAST_DUE: {
        "changed": PAST_DUE,
        "renewed": PAST_DUE,
        "paused": PAUSED,
        "payment_failed": PAST_DUE,
        "recovered": ACTIVE,
        "ended": CANCELED,
    },
    PAUSED: {
        "changed": PAUSED,
        "payment_failed": PAUSED,
        "recovered": PAUSED,
        "ended": CANCELED,
    },
    CANCELED: {},
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", list(State))
def test_every_move_leads_on_or_is_refused(state: State, move: str) -> None:
    held = in_state(state)
    following = TABLE[state].get(move)
    if following is None:
        with pytest.raises(TransitionNotAllowed):
            MOVES[move](held)
        return
    became = MOVES[move](held)
    assert became.state == following
    assert (became.pause is not None) == (following == State.PAUSED)
    was_tried = held.trial is not None and following in (TRIALING, PAUSED)
    assert (became.trial is not None) == was_tried
