"""What an instant does: the order of what meets there, trials' ends, and what waits in a pause."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from core.periods import Anchor
from plans.change_rules import AnchorRule
from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Pause
from subscriptions.arrival import Given, arrive, fall_back, next_due
from subscriptions.planned import Kind, Planned
from subscriptions.states import State
from tests.subscriptions.given import (
    BUSINESS,
    FEBRUARY_10,
    FREE,
    PRO,
    TRIED,
    add_on,
    at,
    at_instant,
    on,
    planned,
    shown,
)

RESTART = AnchorRule.RESTART
SECOND = timedelta(seconds=1)


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
