"""What an instant does: the order of what meets there, trials' ends, and what waits in a pause."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.periods import MONTH, Anchor
from plans.change_rules import AnchorRule
from plans.terms import PauseMode, Terms, TrialEnd
from subscriptions import moves
from subscriptions.agreement import AddOnHeld, Agreement, Pause
from subscriptions.arrival import Arrival, Given, arrive, fall_back, next_due, trial_outcome
from subscriptions.planned import Kind, Planned, aligned
from subscriptions.states import State
from tests.subscriptions.given import (
    BUSINESS,
    FREE,
    PRO,
    TRIED,
    TRIED_LONGER,
    add_on,
    at,
    on,
    plan,
    shown,
    trial,
)

KEEP, RESTART = AnchorRule.KEEP, AnchorRule.RESTART
SECOND = timedelta(seconds=1)
FEBRUARY_10 = "2026-02-10"


def planned(
    kind: Kind,
    when: str | datetime = FEBRUARY_10,
    to: Terms | None = None,
    interval: str = "month",
    *,
    anchor: AnchorRule = KEEP,
    with_period: bool = False,
    quantity: int | None = None,
    held: AddOnHeld | None = None,
    mode: PauseMode | None = None,
    counted: Anchor | None = None,
    zone: str | None = None,
) -> Planned:
    return Planned(
        id=f"pch_{kind}{held.key if held else ''}",
        kind=kind,
        at=at(when) if isinstance(when, str) else when,
        with_period=with_period,
        terms=to,
        interval=interval if to else "",
        quantity=quantity,
        add_on=held,
        pause_mode=mode,
        anchor=counted,
        zone=zone,
        decision={"anchor": str(anchor)},
    )


def at_instant(
    held: Agreement,
    agreed: Sequence[Planned] = (),
    when: str | datetime = FEBRUARY_10,
    given: Given | None = None,
) -> Arrival:
    instant = at(when) if isinstance(when, str) else when
    arrival = arrive(held, agreed, at=instant, given=given or Given())
    assert arrival is not None
    return arrival


def ids(agreed: Sequence[Planned]) -> list[str]:
    return [each.id.removeprefix("pch_") for each in agreed]


# --- alone ---


def test_before_its_time_nothing_arrives() -> None:
    pro = on(PRO, "2026-01-10")
    end = planned(Kind.END, to=FREE, with_period=True)
    assert next_due(pro, [end]) == at(FEBRUARY_10)
    assert arrive(pro, [end], at=at(FEBRUARY_10) - SECOND, given=Given()) is None


def test_time_alone_renews() -> None:
    arrival = at_instant(on(PRO, "2026-01-10"))
    assert (arrival.happened, arrival.cause, arrival.applied) == (["renewed"], "renewed", [])
    assert shown(arrival.agreement) == ("2026-02-10", "2026-03-10")


def test_an_end_without_a_fallback_is_for_good() -> None:
    arrival = at_instant(on(PRO, "2026-01-10"), [planned(Kind.END)])
    assert (arrival.happened, arrival.cause) == (["ended"], "canceled")
    assert arrival.agreement.state == State.CANCELED
    assert next_due(arrival.agreement, []) is None


def test_an_end_falls_back_in_the_next_period() -> None:
    arrival = at_instant(on(PRO, "2026-01-10"), [planned(Kind.END, to=FREE, with_period=True)])
    assert (arrival.happened, arrival.cause) == (["changed"], "fallback")
    assert (arrival.agreement.terms, arrival.agreement.state) == (FREE, State.ACTIVE)
    assert shown(arrival.agreement) == ("2026-02-10", "2026-03-10")


def test_what_falls_back_is_billed_again_when_it_is_bought_again() -> None:
    held = moves.billing_over(on(PRO, "2026-01-10"))
    assert not held.is_charged
    arrival = at_instant(held, [planned(Kind.END, to=FREE, with_period=True)])
    assert arrival.agreement.is_billed
    following, decision = fall_back(held, FREE, at=at("2026-01-20"), shared=None)
    assert (following.terms, following.is_billed, decision["rule"]) == (FREE, True, "rank_down")


@pytest.mark.parametrize("mode", list(PauseMode))
def test_a_fallback_ends_a_pause_and_a_trial(mode: PauseMode) -> None:
    for held in (on(PRO, "2026-01-10"), on(TRIED, "2026-01-10", trial_until="2026-01-24")):
        waiting = moves.paused(held, mode=mode, at=at("2026-01-15"))
        following, _ = fall_back(waiting, FREE, at=at("2026-03-20"), shared=None)
        assert (following.terms, following.state) == (FREE, State.ACTIVE)
        assert (following.pause, following.trial) == (None, None)
        assert following.period.contains(at("2026-03-20"))


def test_what_never_began_ends_for_good() -> None:
    later = moves.begin_later(on(PRO, "2026-02-10"))
    start = planned(Kind.START)
    following, _ = fall_back(later, FREE, at=at("2026-01-20"), shared=None)
    assert following.state == State.CANCELED
    arrival = at_instant(later, [planned(Kind.END, "2026-01-20", FREE), start], "2026-01-20")
    assert (arrival.agreement.state, arrival.superseded) == (State.CANCELED, [start])


def test_a_start_begins_access_then() -> None:
    later = moves.begin_later(on(PRO, "2026-02-10", quantity=3))
    start = planned(Kind.START)
    assert next_due(later, [start]) == at(FEBRUARY_10)
    arrival = at_instant(later, [start])
    assert (arrival.happened, arrival.cause) == (["started"], "subscribed")
    assert arrival.agreement == on(PRO, "2026-02-10", quantity=3)


def test_access_that_begins_before_billing_is_not_billed_until_then() -> None:
    later = replace(moves.begin_later(on(PRO, "2026-02-10")), is_billed=False)
    billing = planned(Kind.BILLING_START, "2026-02-25")
    arrival = at_instant(later, [planned(Kind.START), billing])
    assert not arrival.agreement.is_charged
    assert shown(arrival.agreement) == ("2026-02-10", "2026-02-25")
    arrival = at_instant(arrival.agreement, arrival.planned, "2026-02-25")
    assert (arrival.happened, arrival.cause) == (["changed"], "billing_start")
    assert arrival.agreement.is_charged
    assert shown(arrival.agreement) == ("2026-02-25", "2026-03-25")


def test_billing_may_end_before_access_does() -> None:
    held = on(PRO, "2026-01-10")
    agreed = [planned(Kind.BILLING_END, "2026-01-20"), planned(Kind.END, to=FREE)]
    arrival = at_instant(held, agreed, "2026-01-20")
    assert (arrival.happened, arrival.cause) == (["changed"], "billing_end")
    assert arrival.agreement == replace(held, is_billed=False)
    assert (arrival.agreement.is_entitled, arrival.agreement.is_charged) == (True, False)


def test_another_anchor_cuts_the_open_period() -> None:
    held = on(PRO, "2026-01-10")
    anchor = planned(Kind.ANCHOR, "2026-02-01", counted=Anchor(at("2026-02-01"), "UTC"))
    arrival = at_instant(held, [anchor], "2026-02-01")
    assert (arrival.happened, shown(arrival.agreement)) == (
        ["changed"],
        ("2026-02-01", "2026-03-01"),
    )


def test_another_zone_counts_from_the_next_period_on() -> None:
    held = on(PRO, "2025-12-31 23:00", zone="Europe/Berlin")
    zone = planned(Kind.ANCHOR, held.period.end, zone="America/New_York", with_period=True)
    arrival = at_instant(held, [zone], held.period.end)
    assert shown(arrival.agreement) == ("2026-01-31 23:00", "2026-03-01 05:00")
    following = at_instant(arrival.agreement, [], arrival.agreement.period.end)
    assert shown(following.agreement) == ("2026-03-01 05:00", "2026-04-01 04:00")


# --- what meets at one instant ---


def test_an_end_goes_before_all_else_and_voids_it() -> None:
    end = planned(Kind.END, to=FREE, with_period=True)
    others = [
        planned(Kind.PLAN, to=PRO, with_period=True),
        planned(Kind.QUANTITY, quantity=2, with_period=True),
        planned(Kind.ADD_ON, held=add_on("logs", 0), with_period=True),
        planned(Kind.PAUSE, mode=PauseMode.CREDIT),
        planned(Kind.ANCHOR, "2026-03-01", counted=Anchor(at("2026-03-01"), "UTC")),
    ]
    held = on(BUSINESS, "2026-01-10", quantity=5, add_ons=[add_on("logs")])
    arrival = at_instant(held, [*others, end])
    assert (arrival.happened, arrival.agreement.terms) == (["changed"], FREE)
    assert (ids(arrival.applied), arrival.planned) == (["end"], [])
    assert sorted(ids(arrival.superseded)) == sorted(ids(others))


def test_a_change_of_plan_begins_the_next_period_on_the_new_one() -> None:
    arrival = at_instant(on(BUSINESS, "2026-01-10"), [planned(Kind.PLAN, to=PRO, with_period=True)])
    assert (arrival.happened, arrival.cause) == (["changed"], "scheduled")
    assert arrival.agreement == replace(on(PRO, "2026-01-10"), period=arrival.agreement.period)
    assert shown(arrival.agreement) == ("2026-02-10", "2026-03-10")


def test_plan_quantity_add_ons_and_the_next_period_are_one_step() -> None:
    held = on(BUSINESS, "2026-01-31", quantity=5, add_ons=[add_on("logs", 3), add_on("mail", 2)])
    agreed = [
        planned(Kind.ADD_ON, "2026-02-28", held=add_on("mail", 0), with_period=True),
        planned(Kind.ADD_ON, "2026-02-28", held=add_on("logs", 1), with_period=True),
        planned(Kind.QUANTITY, "2026-02-28", quantity=2, with_period=True),
        planned(Kind.PLAN, "2026-02-28", PRO, with_period=True),
    ]
    arrival = at_instant(held, agreed, "2026-02-28")
    assert arrival.happened == ["changed"]
    assert sorted(ids(arrival.applied)) == sorted(ids(agreed))
    assert arrival.agreement == replace(
        on(PRO, "2026-01-31", quantity=2, add_ons=[add_on("logs", 1)]),
        period=arrival.agreement.period,
    )
    assert shown(arrival.agreement) == ("2026-02-28", "2026-03-31")


def test_an_add_on_that_the_new_plan_cannot_have_ends_with_the_change() -> None:
    held = on(BUSINESS, "2026-01-10", add_ons=[add_on("logs", 1, BUSINESS)])
    arrival = at_instant(held, [planned(Kind.PLAN, to=PRO, with_period=True)])
    assert arrival.agreement.add_ons == ()


def test_another_interval_at_the_periods_end_is_counted_from_there() -> None:
    held = on(PRO, "2025-01-31", "year")
    monthly = planned(Kind.PLAN, "2026-01-31", PRO, "month", anchor=RESTART, with_period=True)
    arrival = at_instant(held, [monthly], "2026-01-31")
    assert shown(arrival.agreement) == ("2026-01-31", "2026-02-28")
    arrival = at_instant(arrival.agreement, [], "2026-02-28")
    assert shown(arrival.agreement) == ("2026-02-28", "2026-03-31")


def test_another_zone_at_the_instant_of_a_restart_counts_that_period_too() -> None:
    held = on(PRO, "2025-01-31", "year")
    agreed = [
        planned(Kind.PLAN, "2026-01-31", PRO, anchor=RESTART, with_period=True),
        planned(Kind.ANCHOR, "2026-01-31", zone="America/New_York", with_period=True),
    ]
    arrival = at_instant(held, agreed, "2026-01-31")
    assert shown(arrival.agreement) == ("2026-01-31", "2026-02-28 05:00")


def test_a_pause_at_the_periods_end_leaves_the_next_period_for_later() -> None:
    pause = planned(Kind.PAUSE, mode=PauseMode.EXTEND)
    down = planned(Kind.PLAN, to=PRO, with_period=True)
    arrival = at_instant(on(BUSINESS, "2026-01-10"), [pause, down])
    assert arrival.happened == ["changed", "paused"]
    held = arrival.agreement
    assert (held.terms, held.state, held.pause) == (
        PRO,
        State.PAUSED,
        Pause(at(FEBRUARY_10), PauseMode.EXTEND),
    )
    assert next_due(held, []) is None


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
