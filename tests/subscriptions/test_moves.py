"""What makes one agreement of another: every transition, and numbers to check in the head."""

from dataclasses import replace
from fractions import Fraction

import pytest

from core.periods import MONTH, YEAR, Anchor, Interval, calendar_anchor, day_of_month_anchor
from plans.change_rules import AnchorRule
from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Trial
from subscriptions.sales import kept_add_ons, with_add_on
from subscriptions.states import State
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
    charge,
    on,
    plan,
    sale,
    share,
    shown,
)

KEEP, RESTART = AnchorRule.KEEP, AnchorRule.RESTART


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
    waiting = moves.paused(
        replace(on(PRO, "2026-01-10"), is_billed=False), mode=PauseMode.EXTEND, at=at("2026-01-15")
    )
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
    base = moves.paused(on(PRO, "2026-01-10"), mode=PauseMode.EXTEND, at=at("2026-01-15"))
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
