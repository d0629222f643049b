"""A subscription through time: what is foreseen happens, and every instant has its entry."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from plans.change_rules import AnchorRule
from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.arrival import Given, arrive, next_due
from subscriptions.foresight import foresee
from subscriptions.history import Entry, History, agreed_entries
from subscriptions.planned import Kind, Planned
from subscriptions.states import State
from tests.subscriptions.given import BUSINESS, FREE, PRO, TRIED, at, on, shown
from tests.subscriptions.strategies import SECOND, held_at, schedules

KEEP = {"anchor": str(AnchorRule.KEEP)}


def history(entries: Sequence[Entry], agreed: Sequence[Entry] = ()) -> History:
    return History("sub_1", "cus_1", None, "zone", tuple(entries), tuple(agreed))


def entry(agreement: Agreement, when: str, id: str = "trm_1") -> Entry:
    return Entry(id, at(when), agreement, "subscribed")


def opened(held: Agreement, when: datetime) -> Agreement:
    """In the period that is open from an instant on: renewals are nobody's business here."""
    return replace(held, period=held.period_at(when))


def played(
    held: Agreement, agreed: Sequence[Planned], given: Given, *, until: datetime
) -> list[tuple[datetime, Agreement, str]]:
    """Let time pass, instant by instant; return what it changed, the last word of each instant."""
    planned = list(agreed)
    happened: dict[datetime, tuple[datetime, Agreement, str]] = {}
    before = None
    while (due := next_due(held, planned)) is not None and due <= until:
        assert before is None or due >= before, "time went back"
        arrival = arrive(held, planned, at=due, given=given)
        assert arrival is not None, "what is due does something"
        held, planned, before = arrival.agreement, arrival.planned, due
        if arrival.happened not in ([], ["renewed"]):
            happened[due] = (due, opened(held, due), arrival.cause)
    return list(happened.values())


def test_what_holds_at_an_instant() -> None:
    told = history(
        [entry(on(FREE, "2026-01-03"), "2026-01-03"), entry(on(PRO, "2026-01-10"), "2026-01-10")],
        [entry(on(FREE, "2026-02-10"), "2026-02-10", "")],
    )
    plans = {
        "2026-01-02 23:59:59": None,
        "2026-01-03": "free",
        "2026-01-09 23:59:59": "free",
        "2026-01-10": "pro",
        "2026-02-09 23:59:59": "pro",
        "2026-02-10": "free",
        "2036-02-10": "free",
    }
    found = {when: told.at(at(when)) for when in plans}
    assert {when: each and each.agreement.terms.plan_key for when, each in found.items()} == plans


def test_months_ahead_an_end_is_foreseen_with_the_period_it_comes_in() -> None:
    end = Planned("pch_1", Kind.END, at("2026-05-20"), terms=FREE, interval="month", decision=KEEP)
    (only,) = foresee(on(PRO, "2026-01-10"), [end], Given())
    assert (only.at, only.cause, shown(only.agreement)) == (
        at("2026-05-20"),
        "fallback",
        ("2026-05-10", "2026-06-10"),
    )


def test_a_trials_end_is_foreseen_whatever_follows_it() -> None:
    held = on(TRIED, "2026-01-10", trial_until="2026-01-24")
    (paid,) = agreed_entries(held, [], Given(has_payment_method=True))
    assert (paid.id, paid.starts_at, paid.cause) == ("", at("2026-01-24"), "trial_end")
    assert (paid.agreement.terms, paid.agreement.state) == (TRIED, State.ACTIVE)
    (free,) = agreed_entries(held, [], Given(fallback=FREE))
    assert (free.agreement.terms, free.agreement.state) == (FREE, State.ACTIVE)
    (gone,) = agreed_entries(held, [], Given())
    assert gone.agreement.state == State.CANCELED


def test_after_the_end_nothing_more_is_foreseen() -> None:
    agreed = [
        Planned("pch_1", Kind.END, at("2026-02-10"), with_period=True),
        Planned("pch_2", Kind.PLAN, at("2026-03-10"), terms=BUSINESS, interval="month"),
    ]
    (only,) = foresee(on(PRO, "2026-01-10"), agreed, Given())
    assert only.agreement.state == State.CANCELED


def test_in_a_pause_only_what_has_a_date_is_foreseen() -> None:
    waiting = moves.paused(on(PRO, "2026-01-10"), mode=PauseMode.EXTEND, at=at("2026-01-20"))
    end = Planned(
        "pch_1", Kind.END, at("2026-02-10"), True, terms=FREE, interval="month", decision=KEEP
    )
    assert foresee(waiting, [end], Given()) == []
    resume = Planned("pch_2", Kind.RESUME, at("2026-01-25"))
    assert [(each.at, each.happened) for each in foresee(waiting, [end, resume], Given())] == [
        (at("2026-01-25"), ["resumed"]),
        (at("2026-02-15"), ["changed"]),
    ]


def test_of_what_meets_at_one_instant_there_is_one_entry() -> None:
    # paused as its period ends, and resumed after: the end that waited comes with the resumption
    waiting = moves.paused(on(PRO, "2026-01-10"), mode=PauseMode.EXTEND, at=at("2026-02-10"))
    end = Planned(
        "pch_1", Kind.END, at("2026-02-10"), True, terms=FREE, interval="month", decision=KEEP
    )
    resume = Planned("pch_2", Kind.RESUME, at("2026-02-20"))
    (only,) = agreed_entries(waiting, [end, resume], Given())
    assert (only.starts_at, only.agreement.terms, only.cause) == (
        at("2026-02-20"),
        FREE,
        "fallback",
    )


GIVEN = st.builds(
    Given,
    has_payment_method=st.booleans(),
    fallback=st.sampled_from([None, FREE]),
    is_trial_spent=st.booleans(),
)


@given(st.data(), held_at(), GIVEN)
def test_what_is_foreseen_is_what_happens(
    data: st.DataObject, case: tuple[Agreement, datetime], facts: Given
) -> None:
    held, now = case
    agreed = data.draw(schedules(held, now))
    foreseen = agreed_entries(held, agreed, facts)
    until = max([now, *(each.starts_at for each in foreseen)]) + timedelta(days=40)
    real = played(held, agreed, facts, until=until)
    assert [
        (each.starts_at, opened(each.agreement, each.starts_at), each.cause) for each in foreseen
    ] == real


@given(st.data(), held_at(), GIVEN)
def test_every_instant_has_the_entry_that_holds_then(
    data: st.DataObject, case: tuple[Agreement, datetime], facts: Given
) -> None:
    held, now = case
    agreed = agreed_entries(held, data.draw(schedules(held, now)), facts)
    first = Entry("trm_1", held.period.start, held, "subscribed")
    told = history([first], agreed)
    entries = [first, *agreed]
    assert told.at(first.starts_at - SECOND) is None
    for before, after in pairwise(entries):
        assert before.starts_at < after.starts_at
        assert told.at(after.starts_at - SECOND) == before
        assert told.at(after.starts_at) == told.at(after.starts_at + SECOND) == after or (
            after.starts_at + SECOND in {each.starts_at for each in agreed}
        )
    assert told.at(entries[-1].starts_at + timedelta(days=9999)) == entries[-1]


@given(st.data(), held_at(), GIVEN)
def test_each_entry_is_in_a_period_of_its_own_count(
    data: st.DataObject, case: tuple[Agreement, datetime], facts: Given
) -> None:
    held, now = case
    for each in agreed_entries(held, data.draw(schedules(held, now)), facts):
        found = each.agreement
        if found.state not in (State.ACTIVE, State.PAST_DUE):
            continue
        assert found.period.contains(each.starts_at) or found.period.end == each.starts_at
        full = found.cycle.period_at(found.every, found.period.end - SECOND)
        assert full.end == found.period.end
        assert replace(found, period=full).period_at(found.period.end).start == found.period.end
