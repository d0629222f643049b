"""What holds of the pure rules for every subscription: any anchor, zone, state and change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.periods import Period
from plans.terms import PauseMode, Terms
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.arrival import Given, arrive
from subscriptions.policy import decide_change
from subscriptions.sales import Sale, kept_add_ons, with_add_on
from subscriptions.states import State
from tests.subscriptions.given import FREE, add_on, sale
from tests.subscriptions.strategies import PLANS, begun, held_at, sold


@st.composite
def bought(draw: st.DrawFn) -> Sale:
    """Any plan, interval, quantity and add-ons that go together."""
    terms: Terms = draw(st.sampled_from(PLANS))
    held = [add_on(key, draw(st.integers(1, 3))) for key in draw(st.sets(st.sampled_from("lm")))]
    asked = sale(terms, draw(sold(terms)), draw(st.integers(1, 9)), sorted(held, key=_key))
    return replace(asked, add_ons=kept_add_ons(asked))


def _key(held: object) -> str:
    return str(getattr(held, "key"))  # noqa: B009


def changed(held: Agreement, to: Sale, *, base: Agreement, at: datetime) -> Agreement:
    """Change as the policy says of the change from what held before this instant."""
    return moves.changed(
        held,
        to,
        base=base,
        anchor=decide_change(base, to.terms, to.interval).anchor,
        at=at,
        shared=None,
        trial_days=to.terms.trial.days if to.terms.trial else None,
    )


def sale_of(held: Agreement) -> Sale:
    return Sale(held.terms, held.interval, held.currency, held.quantity, held.add_ons)


@given(held_at(), st.lists(bought(), min_size=1, max_size=4))
def test_changes_and_the_change_back_at_one_instant_leave_no_trace(
    case: tuple[Agreement, datetime], between: list[Sale]
) -> None:
    base, at = case
    held = base
    for each in between:
        held = changed(held, each, base=base, at=at)
        assert sale_of(held) == each
    assert changed(held, sale_of(base), base=base, at=at) == base


@given(held_at(), bought(), st.integers(1, 9), st.integers(0, 3))
def test_more_or_less_of_it_at_the_instant_of_a_change_is_all_that_it_changes(
    case: tuple[Agreement, datetime], to: Sale, quantity: int, extra: int
) -> None:
    base, at = case
    once = changed(base, to, base=base, at=at)
    add_ons = with_add_on(to.add_ons, add_on("logs", extra))
    more = replace(to, quantity=quantity, add_ons=add_ons)
    twice = changed(once, more, base=base, at=at)
    if (to.terms, to.interval) != (base.terms, base.interval):
        assert twice == replace(once, quantity=quantity, add_ons=add_ons)
    assert (twice.cycle, twice.period, twice.trial) == (once.cycle, once.period, once.trial)


@given(held_at(), bought())
def test_a_change_keeps_the_open_period_or_begins_one_at_its_instant(
    case: tuple[Agreement, datetime], to: Sale
) -> None:
    held, at = case
    after = changed(held, to, base=held, at=at)
    if after.trial is not None:
        assert held.trial is not None
        assert after.trial.ends_at >= held.trial.ends_at
        assert after.period == Period(held.trial.starts_at, after.trial.ends_at)
        return
    begins = held.pause.since if held.pause else at
    assert after.period == held.period or after.period.start == begins
    assert (after.state == held.state) or (held.state, after.state) == (
        State.TRIALING,
        State.ACTIVE,
    )


@given(
    begun(),
    st.lists(st.tuples(bought(), st.integers(0, 500), st.integers(0, 86_399)), max_size=6),
)
def test_periods_tile_whatever_is_changed(
    held: Agreement, steps: list[tuple[Sale, int, int]]
) -> None:
    """Renew whenever a period is over, change in between: each period begins where the last one
    was cut or ended, and ends at a boundary of its count."""
    now = held.period.start
    facts = Given(has_payment_method=True)
    for to, days, seconds in steps:
        now += timedelta(days=days, seconds=seconds)
        while held.period.end <= now:
            arrival = arrive(held, [], at=held.period.end, given=facts)
            assert arrival is not None
            assert arrival.agreement.period.start == held.period.end
            held = arrival.agreement
        after = changed(held, to, base=held, at=now)
        assert after.period.contains(now)
        assert after.period.start in (held.period.start, now)
        held = after
        if held.trial is None:
            assert held.cycle.next_boundary(held.every, held.period.start) == held.period.end


@given(
    begun(),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40 * 86_400)), min_size=1, max_size=5),
)
def test_extending_pauses_leave_the_served_periods_untouched(
    held: Agreement, pauses: list[tuple[int, int]]
) -> None:
    """However often it is paused: every period is served in full, and ends by the paused seconds
    later than it would have."""
    facts = Given(has_payment_method=True)
    undisturbed = held
    now, paused = held.period.start, 0
    for days, seconds in pauses:
        now += timedelta(days=days, seconds=1)
        while held.period.end <= now:
            arrival = arrive(held, [], at=held.period.end, given=facts)
            assert arrival is not None
            held = arrival.agreement
        held = moves.paused(held, mode=PauseMode.EXTEND, at=now)
        now, paused = now + timedelta(seconds=seconds), paused + seconds
        held = moves.resumed(held, at=now)
        assert held.cycle.shift_seconds == paused
        while undisturbed.period.end < held.cycle.served(held.period.end):
            arrival = arrive(undisturbed, [], at=undisturbed.period.end, given=facts)
            assert arrival is not None
            undisturbed = arrival.agreement
        assert held.cycle.served(held.period.end) == undisturbed.period.end
        assert (held.trial is None) == (undisturbed.trial is None)
    for _ in range(3):  # and so it goes on
        for each in (held, undisturbed):
            assert each.cycle.real(each.cycle.served(each.period.end)) == each.period.end
        held, undisturbed = (
            found.agreement
            for each in (held, undisturbed)
            if (found := arrive(each, [], at=each.period.end, given=facts)) is not None
        )
        assert held.cycle.served(held.period.end) == undisturbed.period.end


@settings(deadline=None)
@given(begun(), st.integers(1, 400), st.integers(1, 400))
def test_after_a_credit_pause_the_same_day_counts(held: Agreement, days: int, waited: int) -> None:
    """The new anchor is at most an interval's own step before the resumption, at the old one's
    local time, and periods are full from there on."""
    if held.trial is not None:
        held = moves.trial_over(held, at=held.trial.ends_at)
    at = held.period.start + timedelta(days=days)
    held = replace(held, period=held.period_at(at))
    back = at + timedelta(days=waited)
    resumed = moves.resumed(moves.paused(held, mode=PauseMode.CREDIT, at=at), at=back)
    anchor = resumed.cycle.anchor
    assert back - timedelta(days=31, hours=3) <= anchor.at <= back
    assert anchor.day == held.cycle.anchor.day
    assert resumed.period.start == back
    assert resumed.cycle.period_at(resumed.every, back).start == anchor.at
    assert resumed.period.end == resumed.cycle.next_boundary(resumed.every, back)


@given(begun(), st.sampled_from(list(PauseMode)), st.integers(0, 10**6))
def test_a_pause_that_takes_no_time_is_none(held: Agreement, mode: PauseMode, later: int) -> None:
    at = min(held.period.start + timedelta(seconds=later), held.period.end)
    assert moves.resumed(moves.paused(held, mode=mode, at=at), at=at) == held


@given(st.integers(1, 31))
def test_a_month_end_comes_back_after_every_shorter_month(day: int) -> None:
    start = datetime(2024, 1, day, tzinfo=UTC)
    monthly = moves.begin(sale(FREE), at=start, zone="UTC", shared=None)
    periods = [monthly.period]
    for _ in range(60):
        monthly = moves.renewed(monthly)
        periods.append(monthly.period)
    assert all(one.end == after.start for one, after in pairwise(periods))
    assert {each.start.day for each in periods if _days_of(each.start) >= day} == {day}
    short = [each.start for each in periods if _days_of(each.start) < day]
    assert all(each.day == _days_of(each) for each in short)


def _days_of(when: datetime) -> int:
    first = when.replace(day=1)
    return ((first + timedelta(days=32)).replace(day=1) - first).days
