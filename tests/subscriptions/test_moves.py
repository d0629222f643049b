"""What makes one agreement of another: every transition, and numbers to check in the head."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from core.money import Money
from core.periods import MONTH, YEAR, Anchor, Interval, Period, calendar_anchor, day_of_month_anchor
from plans.change_rules import AnchorRule
from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Agreement, Pause, Trial
from subscriptions.sales import kept_add_ons, with_add_on
from subscriptions.states import State, TransitionNotAllowed
from tests.subscriptions.given import (
    BUSINESS,
    FREE,
    PRO,
    TRIED,
    TRIED_LONGER,
    UNBOUND,
    add_on,
    at,
    change,
    on,
    plan,
    sale,
    shown,
)

KEEP, RESTART = AnchorRule.KEEP, AnchorRule.RESTART
CREDIT, EXTEND = PauseMode.CREDIT, PauseMode.EXTEND


def charge(amount: str, share: Fraction) -> str:
    return str(Money.from_major(amount, "USD").times(share).to_major())


def share(held: Agreement, start: str, end: str) -> Fraction:
    """The share of a span in the full period that its start lies in, in served time."""
    served = Period(held.cycle.served(at(start)), held.cycle.served(at(end)))
    return held.cycle.served_period_at(held.every, served.start).fraction(served)


# --- beginning ---


def test_a_subscription_begins_its_first_period_at_its_first_instant() -> None:
    pro = on(PRO, "2026-01-10")
    assert (pro.state, pro.is_billed, pro.trial, pro.pause) == (State.ACTIVE, True, None, None)
    assert shown(pro) == ("2026-01-10", "2026-02-10")
    assert pro.cycle.anchor == Anchor(at("2026-01-10"), "UTC")


def test_month_ends_are_clamped_and_come_back() -> None:
    held, seen = on(PRO, "2026-01-31"), []
    for _ in range(4):
        seen.append(shown(held))
        held = moves.renewed(held)
    assert seen == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-31"),
        ("2026-03-31", "2026-04-30"),
        ("2026-04-30", "2026-05-31"),
    ]
    leap = moves.renewed(on(PRO, "2024-01-31"))
    assert shown(leap) == ("2024-02-29", "2024-03-31")


def test_a_year_with_a_day_of_the_month_begins_with_a_piece_up_to_the_next_such_day() -> None:
    fifth = day_of_month_anchor(day=5, interval=YEAR, zone="UTC", start=at("2025-01-20"))
    held = moves.begin(
        sale(PRO, "year"), at=at("2025-01-20"), zone="UTC", shared=None, explicit=fifth
    )
    assert shown(held) == ("2025-01-20", "2025-02-05")
    assert share(held, "2025-01-20", "2025-02-05") == Fraction(16, 366)
    assert charge("240.00", Fraction(16, 366)) == "10.49"
    assert shown(moves.renewed(held)) == ("2025-02-05", "2026-02-05")


@pytest.mark.parametrize(
    ("interval", "first", "second"),
    [
        ("month", "2025-02-01", "2025-03-01"),
        ("year", "2026-01-01", "2027-01-01"),
        ("week", "2025-01-20", "2025-01-27"),
    ],
)
def test_a_calendar_anchor_is_the_calendars_own_beginning(
    interval: str, first: str, second: str
) -> None:
    start = at("2025-01-15")
    own = calendar_anchor(interval=Interval.parse(interval), zone="UTC", start=start)
    held = moves.begin(sale(PRO, interval), at=start, zone="UTC", shared=None, explicit=own)
    assert shown(held) == ("2025-01-15", first)
    assert shown(moves.renewed(held)) == (first, second)


SHARED = Anchor(at("2026-01-09 23:00"), "Europe/Berlin")  # the 10th, 00:00 in Berlin


def test_a_paid_month_joins_the_customers_date_in_the_zone_where_that_was_set() -> None:
    held = on(PRO, "2026-01-20", zone="America/New_York", shared=SHARED)
    assert shown(held) == ("2026-01-20", "2026-02-09 23:00")
    assert held.cycle.anchor == SHARED
    joined = on(PRO, "2026-01-20", shared=Anchor(at("2026-01-10"), "UTC"))
    assert share(joined, "2026-01-20", "2026-02-10") == Fraction(21, 31)
    assert charge("25.00", Fraction(21, 31)) == "16.94"


def test_what_is_free_or_yearly_or_of_another_product_has_a_date_of_its_own() -> None:
    own = Anchor(at("2026-01-20"), "UTC")
    unbound = plan("mail", 1, product=UNBOUND, month="5")
    for held in (
        on(FREE, "2026-01-20", shared=SHARED),
        on(PRO, "2026-01-20", "year", shared=SHARED),
        on(unbound, "2026-01-20", shared=SHARED),
    ):
        assert held.cycle.anchor == own


def test_an_anchor_that_was_asked_for_goes_before_all_others() -> None:
    asked = Anchor(at("2026-02-01"), "UTC")
    held = moves.begin(
        sale(TRIED),
        at=at("2026-01-20"),
        zone="UTC",
        shared=SHARED,
        explicit=asked,
        trial_ends_at=at("2026-02-03"),
    )
    assert held.cycle.anchor == asked
    assert shown(moves.trial_over(held, at=at("2026-02-03"))) == ("2026-02-03", "2026-03-01")


def test_free_periods_bind_nobody() -> None:
    # free since the 3rd, paid from the 10th on: a full month from the 10th
    free = on(FREE, "2026-01-03")
    paid = change(free, PRO, when="2026-01-10", anchor=RESTART)
    assert shown(paid) == ("2026-01-10", "2026-02-10")


def test_before_its_start_a_subscription_grants_and_owes_nothing() -> None:
    later = moves.begin_later(on(TRIED, "2026-03-01", trial_until="2026-03-15"))
    assert (later.state, later.trial) == (State.PENDING, None)
    assert (later.is_entitled, later.is_charged, later.is_paid_monthly) == (False, False, False)


def test_access_may_begin_before_billing_does() -> None:
    first = moves.begin(
        sale(PRO), at=at("2026-01-10"), zone="UTC", shared=None, billed_from=at("2026-01-25")
    )
    assert (first.is_billed, first.is_entitled, first.is_charged) == (False, True, False)
    assert shown(first) == ("2026-01-10", "2026-01-25")
    billed = moves.billing_begun(first, at=at("2026-01-25"))
    assert (billed.is_billed, billed.is_charged) == (True, True)
    assert shown(billed) == ("2026-01-25", "2026-02-25")


def test_an_anchor_that_was_asked_for_outlives_the_time_before_billing() -> None:
    first = moves.begin(
        sale(PRO, "year"),
        at=at("2026-01-10"),
        zone="UTC",
        shared=None,
        explicit=Anchor(at("2026-02-05"), "UTC"),
        billed_from=at("2026-01-25"),
    )
    assert shown(moves.billing_begun(first, at=at("2026-01-25"))) == ("2026-01-25", "2026-02-05")


def test_billing_that_begins_in_a_trial_or_a_pause_does_not_end_it() -> None:
    tried = replace(on(TRIED, "2026-01-10", trial_until="2026-01-24"), is_billed=False)
    assert moves.billing_begun(tried, at=at("2026-01-20")) == replace(tried, is_billed=True)
    waiting = moves.paused(replace(on(PRO, "2026-01-10"), is_billed=False), mode=EXTEND, at=T)
    assert moves.billing_begun(waiting, at=at("2026-01-20")) == replace(waiting, is_billed=True)


# --- changes ---


def test_keeping_the_anchor_keeps_the_open_period() -> None:
    before = on(PRO, "2026-01-10")
    after = change(before, BUSINESS, when="2026-01-20")
    assert (after.terms, after.period, after.cycle) == (BUSINESS, before.period, before.cycle)


def test_keeping_the_anchor_with_another_interval_runs_to_the_anchors_next_year() -> None:
    # anchored 20 February 2025, monthly to yearly on 1 June: the year ends 20 February 2026
    monthly = replace(
        on(PRO, "2025-02-20"), period=on(PRO, "2025-02-20").cycle.period_at(MONTH, at("2025-06-01"))
    )
    after = change(monthly, interval="year", when="2025-06-01")
    assert shown(after) == ("2025-06-01", "2026-02-20")
    assert share(after, "2025-06-01", "2026-02-20") == Fraction(264, 365)
    assert charge("240.00", Fraction(264, 365)) == "173.59"


def test_a_restart_begins_a_full_period_and_joins_the_customers_date_if_it_can() -> None:
    yearly = change(on(PRO, "2026-01-10"), interval="year", when="2026-01-20", anchor=RESTART)
    assert shown(yearly) == ("2026-01-20", "2027-01-20")
    monthly = change(yearly, interval="month", when="2027-01-20", anchor=RESTART, shared=SHARED)
    assert shown(monthly) == ("2027-01-20", "2027-02-09 23:00")


def test_a_day_of_the_month_cannot_be_kept_for_weeks_which_begin_anew() -> None:
    fifth = day_of_month_anchor(day=5, interval=MONTH, zone="UTC", start=at("2026-01-01"))
    held = moves.begin(sale(PRO), at=at("2026-01-05"), zone="UTC", shared=None, explicit=fifth)
    weekly = change(held, interval="week", when="2026-01-20")
    assert shown(weekly) == ("2026-01-20", "2026-01-27")


def test_add_ons_that_the_new_plan_cannot_have_end_with_the_change() -> None:
    logs, mail = add_on("logs", 2), add_on("mail", 1, PRO)
    assert kept_add_ons(sale(PRO, add_ons=[logs, mail])) == (logs, mail)
    assert kept_add_ons(sale(BUSINESS, add_ons=[logs, mail])) == (logs,)
    assert kept_add_ons(sale(FREE, add_ons=[logs, mail])) == ()
    assert kept_add_ons(sale(PRO, "year", add_ons=[logs, mail])) == ()


def test_an_add_on_is_put_in_its_place_by_key_and_goes_with_a_quantity_of_zero() -> None:
    logs, mail = add_on("logs"), add_on("mail")
    assert with_add_on([], mail) == (mail,)
    assert with_add_on([mail], logs) == (logs, mail)
    assert with_add_on([logs, mail], add_on("logs", 5)) == (add_on("logs", 5), mail)
    assert with_add_on([logs, mail], add_on("logs", 0)) == (mail,)


# --- several changes at one instant ---


def test_up_and_back_at_one_instant_leaves_no_trace() -> None:
    base = on(PRO, "2026-01-10")
    yearly = change(base, BUSINESS, "year", when="2026-01-20", anchor=RESTART)
    assert yearly.cycle != base.cycle
    assert change(yearly, PRO, "month", when="2026-01-20", base=base) == base
    free = change(yearly, FREE, "month", when="2026-01-20", base=base)
    assert change(free, PRO, when="2026-01-20", anchor=RESTART, base=base) == base


def test_more_of_it_at_the_instant_of_a_restart_keeps_the_restart() -> None:
    free = on(FREE, "2026-01-03")
    paid = change(free, PRO, when="2026-01-20", anchor=RESTART)
    three = change(paid, quantity=3, when="2026-01-20", base=free)
    assert three == replace(paid, quantity=3)
    assert shown(three) == ("2026-01-20", "2026-02-20")


def test_the_second_of_two_restarts_is_made_in_the_place_of_the_first() -> None:
    base = on(PRO, "2026-01-10")
    yearly = change(base, interval="year", when="2026-01-20", anchor=RESTART)
    kept = change(yearly, BUSINESS, "month", when="2026-01-20", base=base)
    assert (kept.terms, kept.period, kept.cycle) == (BUSINESS, base.period, base.cycle)


def test_a_trial_that_a_change_ended_comes_back_with_the_change_back() -> None:
    base = on(TRIED, "2026-01-10", trial_until="2026-01-24")
    free = change(base, FREE, when="2026-01-15")
    assert (free.state, free.trial) == (State.ACTIVE, None)
    assert change(free, TRIED, when="2026-01-15", anchor=RESTART, base=base) == base
    longer = change(base, TRIED_LONGER, when="2026-01-15")
    assert longer.trial == Trial(at("2026-01-10"), at("2026-02-09"))
    assert change(longer, TRIED, when="2026-01-15", base=base) == base


def test_a_pause_that_a_change_ended_comes_back_with_the_change_back() -> None:
    base = moves.paused(on(PRO, "2026-01-10"), mode=EXTEND, at=at("2026-01-15"))
    free = change(base, FREE, when="2026-01-20")
    assert change(free, PRO, when="2026-01-20", anchor=RESTART, base=base) == base


def test_what_was_on_trial_until_this_instant_is_not_on_trial_again() -> None:
    base = on(TRIED, "2026-01-10", trial_until="2026-01-24")
    free = change(moves.trial_over(base, at=at("2026-01-24")), FREE, when="2026-01-24")
    paid = change(free, TRIED, when="2026-01-24", anchor=RESTART, base=base)
    assert (paid.state, paid.trial, shown(paid)) == (
        State.ACTIVE,
        None,
        ("2026-01-24", "2026-02-24"),
    )


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
