"""What an instant does to trials and pauses, and to what waits for the period's end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.periods import MONTH, Anchor
from plans.change_rules import AnchorRule
from plans.terms import PauseMode, TrialEnd
from subscriptions import moves
from subscriptions.agreement import Agreement, Pause
from subscriptions.arrival import Given, arrive, next_due, trial_outcome
from subscriptions.planned import Kind, Planned, aligned
from subscriptions.states import State
from tests.subscriptions.given import (
    BUSINESS,
    FEBRUARY_10,
    FREE,
    PRO,
    TRIED,
    TRIED_LONGER,
    at,
    at_instant,
    on,
    plan,
    planned,
    shown,
    trial,
)

RESTART = AnchorRule.RESTART
SECOND = timedelta(seconds=1)


# --- trials ---


def tried(ends: TrialEnd = TrialEnd.PAID_IF_METHOD, **more: object) -> Agreement:
    terms = plan("tried", 1, trial=trial(14, ends), month="25", year="240")
    return on(terms, "2026-01-27", trial_until=FEBRUARY_10, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ends", "has_payment_method", "outcome"),
    [
        (TrialEnd.PAID_IF_METHOD, True, TrialEnd.PAID),
        (TrialEnd.PAID_IF_METHOD, False, TrialEnd.FREE),
        *[
            (ends, has_method, ends)
            for ends in (TrialEnd.PAID, TrialEnd.FREE, TrialEnd.CANCELED, TrialEnd.PAUSED)
            for has_method in (True, False)
        ],
    ],
)
def test_how_a_trial_ends(ends: TrialEnd, has_payment_method: bool, outcome: TrialEnd) -> None:
    assert trial_outcome(tried(ends), has_payment_method=has_payment_method) == outcome


def test_a_trial_of_something_free_needs_no_payment_method() -> None:
    free = plan("hobby", 0, trial=trial(14), month="0")
    held = on(free, "2026-01-27", trial_until=FEBRUARY_10)
    assert trial_outcome(held, has_payment_method=False) == TrialEnd.PAID


def test_a_trial_ends_into_what_was_tried() -> None:
    arrival = at_instant(tried(), given=Given(has_payment_method=True))
    assert (arrival.happened, arrival.cause) == (["trial_ended"], "trial_end")
    assert (arrival.agreement.state, arrival.agreement.trial) == (State.ACTIVE, None)
    assert shown(arrival.agreement) == ("2026-02-10", "2026-03-10")


def test_a_trial_ends_into_the_fallback() -> None:
    quantity = planned(Kind.QUANTITY, quantity=2, with_period=True)
    arrival = at_instant(tried(), [quantity], given=Given(fallback=FREE))
    assert (arrival.happened, arrival.cause) == (["trial_ended", "changed"], "trial_end")
    assert (arrival.agreement.terms, arrival.agreement.state) == (FREE, State.ACTIVE)
    assert shown(arrival.agreement) == ("2026-02-10", "2026-03-10")
    assert (arrival.superseded, arrival.decision["rule"]) == ([quantity], "rank_down")


@pytest.mark.parametrize("ends", [TrialEnd.FREE, TrialEnd.CANCELED])
def test_a_trial_without_a_fallback_ends_for_good(ends: TrialEnd) -> None:
    arrival = at_instant(tried(ends), given=Given(has_payment_method=True))
    assert arrival.happened == ["trial_ended", "ended"]
    assert (arrival.agreement.state, arrival.agreement.trial) == (State.CANCELED, None)


def test_a_trial_ends_into_a_pause_and_is_paid_from_when_that_is_over() -> None:
    arrival = at_instant(tried(TrialEnd.PAUSED))
    assert (arrival.happened, arrival.cause) == (["trial_ended", "paused"], "trial_end")
    held = arrival.agreement
    assert (held.state, held.trial) == (State.PAUSED, None)
    assert held.pause == Pause(at(FEBRUARY_10), PauseMode.CREDIT)
    resumed = moves.resumed(held, at=at("2026-03-20"))
    assert (resumed.state, shown(resumed)) == (State.ACTIVE, ("2026-03-20", "2026-04-10"))


def test_a_downgrade_at_the_trials_end_is_paid_at_its_own_price() -> None:
    held = on(TRIED_LONGER, "2026-01-11", trial_until=FEBRUARY_10)
    down = planned(Kind.PLAN, to=PRO, with_period=True)
    arrival = at_instant(held, [down], given=Given(has_payment_method=True))
    assert arrival.happened == ["trial_ended", "changed"]
    assert (arrival.agreement.terms, arrival.agreement.state) == (PRO, State.ACTIVE)
    assert shown(arrival.agreement) == ("2026-02-10", "2026-03-10")


def test_an_end_at_the_trials_end_costs_nothing() -> None:
    end = planned(Kind.END, to=FREE, with_period=True)
    arrival = at_instant(tried(), [end], given=Given(has_payment_method=True, fallback=FREE))
    assert (arrival.agreement.terms, arrival.agreement.state) == (FREE, State.ACTIVE)
    assert arrival.cause == "fallback"


def test_another_zone_at_the_trials_end_counts_the_first_paid_period() -> None:
    zone = planned(Kind.ANCHOR, zone="America/New_York", with_period=True)
    arrival = at_instant(tried(), [zone], given=Given(has_payment_method=True))
    assert arrival.agreement.period.start == at(FEBRUARY_10)


def test_another_anchor_in_a_trial_does_not_hasten_what_comes_at_its_end() -> None:
    held = tried()
    anchor = planned(Kind.ANCHOR, "2026-02-01", counted=Anchor(at("2026-02-01"), "UTC"))
    down = planned(Kind.PLAN, to=FREE, with_period=True)
    assert aligned([anchor, down], held) == [anchor, down]
    arrival = at_instant(held, [anchor, down], "2026-02-01")
    assert (arrival.agreement.state, arrival.planned) == (State.TRIALING, [down])
    # outside a trial it is what ends the period
    assert aligned([anchor, down], on(PRO, "2026-01-10")) == [
        anchor,
        replace(down, at=at("2026-02-01")),
    ]


# --- pauses ---


def test_in_a_pause_the_periods_end_does_not_come_and_what_goes_with_it_waits() -> None:
    held = moves.paused(on(PRO, "2026-01-10"), mode=PauseMode.EXTEND, at=at("2026-01-20"))
    end = planned(Kind.END, to=FREE, with_period=True)
    dated = planned(Kind.PLAN, "2026-03-01", BUSINESS)
    assert next_due(held, [end]) is None
    assert next_due(held, [end, dated]) == at("2026-03-01")
    assert arrive(held, [end, dated], at=at(FEBRUARY_10), given=Given()) is None
    arrival = at_instant(held, [end, dated], "2026-03-01")
    assert (arrival.agreement.terms, arrival.agreement.state) == (BUSINESS, State.PAUSED)
    assert arrival.planned == [end]


def test_a_trial_does_not_end_in_a_pause() -> None:
    held = moves.paused(
        on(TRIED, "2026-01-10", trial_until="2026-01-24"),
        mode=PauseMode.EXTEND,
        at=at("2026-01-20"),
    )
    assert next_due(held, []) is None
    assert arrive(held, [], at=at("2026-01-24"), given=Given()) is None


def test_a_planned_resume_moves_what_goes_with_the_period() -> None:
    held = moves.paused(on(PRO, "2026-01-10"), mode=PauseMode.EXTEND, at=at("2026-01-20"))
    end = planned(Kind.END, to=FREE, with_period=True)
    arrival = at_instant(held, [end, planned(Kind.RESUME, "2026-01-25")], "2026-01-25")
    assert arrival.happened == ["resumed"]
    assert shown(arrival.agreement) == ("2026-01-10", "2026-02-15")
    assert [(each.id, each.at) for each in arrival.planned] == [(end.id, at("2026-02-15"))]
    assert next_due(arrival.agreement, arrival.planned) == at("2026-02-15")


def test_what_waited_for_the_end_of_a_period_that_is_over_does_not_wait_for_another() -> None:
    # paused as the paid period ends; what was agreed in the pause comes with its end
    held = moves.paused(on(PRO, "2026-01-10"), mode=PauseMode.EXTEND, at=at(FEBRUARY_10))
    end = planned(Kind.END, to=FREE, with_period=True)
    agreed: list[Planned] = [end, planned(Kind.RESUME, "2026-02-20")]
    while (due := next_due(held, agreed)) is not None and due <= at("2026-02-20"):
        arrival = at_instant(held, agreed, due)
        held, agreed = arrival.agreement, arrival.planned
    assert (held.terms, agreed) == (FREE, [])


def test_a_planned_pause_of_a_trial_extends_it() -> None:
    held = on(TRIED, "2026-01-27", trial_until=FEBRUARY_10)
    arrival = at_instant(
        held, [planned(Kind.PAUSE, "2026-02-01", mode=PauseMode.CREDIT)], "2026-02-01"
    )
    assert arrival.agreement.pause == Pause(at("2026-02-01"), PauseMode.EXTEND)


@pytest.mark.parametrize(
    ("state", "kind"), [(State.PAUSED, Kind.PAUSE), (State.ACTIVE, Kind.RESUME)]
)
def test_a_pause_of_what_is_paused_is_done_with_and_does_not_stay_due(
    state: State, kind: Kind
) -> None:
    held = on(PRO, "2026-01-10")
    if state == State.PAUSED:
        held = moves.paused(held, mode=PauseMode.CREDIT, at=at("2026-01-15"))
    late = planned(kind, "2026-01-20", mode=PauseMode.EXTEND)
    arrival = at_instant(held, [late], "2026-01-20")
    assert (arrival.agreement, arrival.happened, arrival.planned) == (held, [], [])
    assert [*arrival.applied, *arrival.superseded] == [late]


# --- what goes with the end of the period moves with it ---


def test_a_planned_anchor_comes_with_a_boundary_of_the_interval_that_is_held_then() -> None:
    # the 15th, as of June: monthly that is 15 February, yearly 15 June
    june = Anchor(at("2020-06-15"), "UTC")
    anchor = planned(Kind.ANCHOR, "2026-02-15", counted=june)
    assert aligned([anchor], on(PRO, "2026-02-01")) == [anchor]
    yearly = on(PRO, "2026-02-01", "year")
    (later,) = aligned([anchor], yearly)
    assert later.at == at("2026-06-15")
    arrival = at_instant(yearly, [later], later.at)
    assert shown(arrival.agreement) == ("2026-06-15", "2027-06-15")


def test_a_restart_moves_what_goes_with_the_period() -> None:
    held = on(PRO, "2026-01-10", quantity=5)
    less = planned(Kind.QUANTITY, quantity=2, with_period=True)
    yearly = planned(Kind.PLAN, "2026-01-20", PRO, "year", anchor=RESTART)
    arrival = at_instant(held, [less, yearly], "2026-01-20")
    assert arrival.agreement.quantity == 5
    assert [each.at for each in arrival.planned] == [at("2027-01-20")]


def test_a_longer_trial_moves_what_comes_at_its_end() -> None:
    less = planned(Kind.QUANTITY, quantity=2, with_period=True)
    up = planned(Kind.PLAN, "2026-02-01", TRIED_LONGER)
    arrival = at_instant(tried(quantity=5), [less, up], "2026-02-01")
    assert [each.at for each in arrival.planned] == [at("2026-02-26")]
    assert arrival.agreement.period.end == at("2026-02-26")


def test_months_of_arrivals_are_the_months_of_the_calendar() -> None:
    held, seen = on(PRO, "2024-01-31"), []
    for _ in range(13):
        held = at_instant(held, [], held.period.end).agreement
        seen.append(f"{held.period.start:%d.%m}")
    assert " ".join(seen) == (
        "29.02 31.03 30.04 31.05 30.06 31.07 31.08 30.09 31.10 30.11 31.12 31.01 28.02"
    )
    assert held.cycle.period_at(MONTH, at("2025-03-01")) == held.period
