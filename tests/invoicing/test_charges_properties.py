"""What holds for every life of a subscription, whatever it is charged."""

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from invoicing.stretches import Stretch, until
from invoicing.targets import targets
from plans.change_rules import Settlement
from plans.terms import Due
from tests.invoicing.given import Books, edge
from tests.invoicing.scripts import AFTER, AMOUNTS, Script, Step, at_price, scripts

LATER = timedelta(days=400)  # beyond every period that any of them begins
SOME = settings(max_examples=60, deadline=None)


def final(script: Script) -> tuple[datetime, list[Stretch]]:
    *_, (at, stretches) = script.known
    return at, stretches


@SOME
@given(script=scripts())
def test_looking_after_every_change_comes_to_the_same_as_looking_once(script: Script) -> None:
    often, once = Books(), Books()
    for at, stretches in script.known:
        often.assess(stretches, at)
    at, stretches = final(script)
    once.assess(stretches, at)
    assert often.by_slot == once.by_slot
    often.assess(stretches, at + LATER)
    once.assess(stretches, at + LATER)
    assert often.by_slot == once.by_slot


@SOME
@given(script=scripts(), ahead=st.integers(0, 7))
def test_what_was_agreed_ahead_comes_to_the_same(script: Script, ahead: int) -> None:
    """At every instant some of what is to come is known already."""
    known = list(script.known)
    told, surprised = Books(), Books()
    for number, (at, stretches) in enumerate(known):
        coming = known[min(number + ahead, len(known) - 1)][1]
        told.assess(stretches, at, agreed=coming)
        surprised.assess(stretches, at)
    at, stretches = known[-1]
    told.assess(stretches, at + LATER)
    surprised.assess(stretches, at + LATER)
    assert told.by_slot == surprised.by_slot


@SOME
@given(script=scripts(), cuts=st.lists(AFTER, max_size=3))
def test_a_boundary_at_which_nothing_changes_costs_nothing(script: Script, cuts: list[int]) -> None:
    at, stretches = final(script)
    split: list[Stretch] = []
    for each in stretches:
        for cut in cuts:
            middle = each.start.at + timedelta(seconds=cut)
            if each.end is None or middle < each.end.at:
                split.append(replace(each, end=edge(middle, goes_on=True)))
                each = replace(each, start=edge(middle))
        split.append(each)
    whole, cut_up = Books(), Books()
    for instant in (at, at + LATER):
        assert [
            (draft.key, draft.kind, draft.amount, draft.explanation)
            for draft in whole.assess(stretches, instant)
        ] == [
            (draft.key, draft.kind, draft.amount, draft.explanation)
            for draft in cut_up.assess(split, instant)
        ]


@SOME
@given(script=scripts(), settlement=st.sampled_from(list(Settlement)), amount=AMOUNTS)
def test_there_and_back_at_one_instant_nets_to_nothing(
    script: Script, settlement: Settlement, amount: int
) -> None:
    at, stretches = final(script)
    books = Books()
    books.assess(stretches, at)
    before = books.by_slot
    if stretches[-1].end is not None:
        return
    at += timedelta(days=3)
    books.assess(stretches, at)
    before = books.by_slot
    turn = edge(at, settlement=settlement, goes_on=True)
    *past, last = stretches
    there = replace(last, start=turn, price=at_price(last.price, amount), version_id="there")
    books.assess([*past, replace(last, end=turn), there], at)
    back = replace(last, start=turn)
    books.assess([*past, replace(last, end=turn), replace(there, end=turn), back], at)
    assert books.by_slot == before
    assert not any(each.forfeited for each in books.lines.values())


@SOME
@given(script=scripts("change", "extend", "again"))
def test_pauses_that_extend_move_no_money(script: Script) -> None:
    """The same life without its pauses, in served time, costs the same, period by period."""
    steps = tuple(replace(each, takes=0) for each in script.steps)
    without = replace(script, steps=steps)
    paused, straight = Books(), Books()
    for at, stretches in script.known:
        amounts = [draft.amount for draft in paused.assess(stretches, at)]
        if stretches[-1].frozen_at is not None:
            assert all(amount > 0 for amount in amounts)  # a period that had begun, at most
    at, stretches = final(script)
    paused.assess(stretches, at + LATER)
    straight.assess(final(without)[1], stretches[-1].cycle.served(at) + LATER)
    assert paused.by_slot == straight.by_slot


@SOME
@given(script=scripts("change", "again", dues=(Due.ADVANCE,)))
def test_the_pieces_of_a_period_add_up(script: Script) -> None:
    at, stretches = final(script)
    found = targets(until(stretches, at), at=at)
    shares: dict[object, Fraction] = {}
    for key, line in found.lines.items():
        pieces = sum((each.fraction for each in line.segments), Fraction(0))
        shares[key.slot] = shares.get(key.slot, Fraction(0)) + pieces
    first = min(found.lines, default=None)
    for slot, share in shares.items():
        if first is not None and slot != first.slot:
            assert share == 1
        assert 0 < share <= 1


@SOME
@given(script=scripts(), settlement=st.sampled_from(list(Settlement)))
def test_no_settlement_makes_a_credit_exceed_what_was_billed(
    script: Script, settlement: Settlement
) -> None:
    """The books refuse a line below zero; what is forfeited is never more than was billed."""
    books = Books()
    for at, stretches in script.known:
        settled = [
            each
            if each.end is None
            else replace(each, end=replace(each.end, settlement=settlement))
            for each in stretches
        ]
        books.assess(settled, at)
        for billed in books.lines.values():
            assert 0 <= billed.forfeited <= billed.amount


@SOME
@given(script=scripts())
def test_a_step_that_is_taken_back_leaves_no_trace(script: Script) -> None:
    """History that turns out to be wrong is corrected to what it would have cost."""
    at, stretches = final(script)
    wrong = replace(script, steps=(Step(3600, "change", 77_777, 3), *script.steps))
    wrong_at, wrong_stretches = final(wrong)
    books, right = Books(), Books()
    at = max(at, wrong_at) + LATER
    books.assess(wrong_stretches, at)
    books.assess(stretches, at)
    right.assess(stretches, at)
    assert books.by_slot == right.by_slot
