"""Whose limits are kept: the rule, what leaves them alone, and what gives them up."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.change_rules import AnchorRule
from plans.terms import PauseMode, Terms
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.arrival import Given, fall_back
from subscriptions.corrections import carried
from subscriptions.history import Entry, History
from subscriptions.planned import Kind
from subscriptions.restoring import begun_again, lost, reopened
from subscriptions.sales import kept_limits, sale_of
from subscriptions.spans import spans_of
from tests.subscriptions.given import BUSINESS, FREE, PRO, add_on, at, at_instant, on, planned

PRO_2, PRO_3 = (replace(PRO, version_id=f"plv_pro_{number}", version=number) for number in (2, 3))
VERSIONS = (PRO, PRO_2, PRO_3)


def to(held: Agreement, terms: Terms, *, keeps: bool, when: str = "2026-01-20") -> Agreement:
    """Change to another version or plan."""
    limits = kept_limits(held, terms, keeps=keeps)
    sale = replace(sale_of(held), terms=terms, limits_of=limits)
    return moves.changed(
        held, sale, base=held, anchor=AnchorRule.KEEP, at=at(when), shared=None, trial_days=None
    )


HELD = to(on(PRO, "2026-01-10"), PRO_2, keeps=True)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ([PRO_2], ["plv_pro"]),
        ([PRO_2, PRO_3], ["plv_pro", "plv_pro_2"]),
        # the present version is never one of them
        ([PRO_2, PRO], ["plv_pro_2"]),
        ([PRO_2, PRO_3, PRO_2], ["plv_pro", "plv_pro_3"]),
        ([PRO_2, PRO_3, PRO], ["plv_pro_2", "plv_pro_3"]),
        # another plan has other limits, and does not give them back
        ([PRO_2, BUSINESS], []),
        ([PRO_2, BUSINESS, PRO_3], []),
        ([PRO], []),
    ],
)
def test_versions_add_up(path: list[Terms], expected: list[str]) -> None:
    held = on(PRO, "2026-01-10")
    for terms in path:
        held = to(held, terms, keeps=True)
    assert held.limits_of == tuple(expected)


def test_a_change_that_does_not_keep_them_gives_them_all_up() -> None:
    assert to(HELD, PRO_3, keeps=False).limits_of == ()
    assert to(HELD, PRO, keeps=False).limits_of == ()
    assert to(HELD, PRO_2, keeps=False).limits_of == ("plv_pro",)  # no other version


@given(st.lists(st.tuples(st.sampled_from((*VERSIONS, BUSINESS)), st.booleans()), max_size=8))
def test_the_present_version_is_never_kept_and_none_is_kept_twice(
    path: list[tuple[Terms, bool]],
) -> None:
    held = on(PRO, "2026-01-10")
    for terms, keeps in path:
        before, held = held, to(held, terms, keeps=keeps)
        assert held.terms.version_id not in held.limits_of
        assert len(set(held.limits_of)) == len(held.limits_of)
        assert set(held.limits_of) <= {*before.limits_of, before.terms.version_id}


def test_quantity_interval_add_ons_pauses_and_renewals_leave_them_alone() -> None:
    sale = replace(sale_of(HELD), quantity=3, interval="year", add_ons=(add_on("logs"),))
    more = moves.sold(HELD, sale, AnchorRule.RESTART, at=at("2026-01-25"), shared=None)
    paused = moves.paused(more, mode=PauseMode.CREDIT, at=at("2026-01-26"))
    resumed = moves.resumed(paused, at=at("2026-01-28"))
    for held in (more, paused, resumed, moves.renewed(resumed), moves.payment_failed(resumed)):
        assert held.limits_of == ("plv_pro",)
    counted = moves.in_zone(HELD, "Europe/Berlin")
    assert moves.reanchored(counted, HELD.cycle.anchor, at=at("2026-02-01")).limits_of == (
        "plv_pro",
    )


def test_an_end_and_a_fallback_give_them_up() -> None:
    assert moves.ended(HELD).limits_of == ()
    fallen, _ = fall_back(HELD, FREE, at=at("2026-01-25"), shared=None)
    assert (fallen.terms, fallen.limits_of) == (FREE, ())


def test_what_is_agreed_for_later_keeps_them_when_it_comes() -> None:
    agreed = replace(planned(Kind.PLAN, to=PRO_3), keeps_limits=True)
    assert at_instant(HELD, [agreed]).agreement.limits_of == ("plv_pro", "plv_pro_2")
    plain = planned(Kind.PLAN, to=PRO_3)
    assert at_instant(HELD, [plain]).agreement.limits_of == ()
    # another plan has come in between
    gone = to(HELD, BUSINESS, keeps=False)
    assert at_instant(gone, [agreed]).agreement.limits_of == ()


def test_what_has_not_begun_begins_with_them() -> None:
    pending = to(moves.begin_later(on(PRO, "2026-02-10")), PRO_2, keeps=True)
    begun = at_instant(pending, [planned(Kind.START)], given=Given())
    assert (begun.agreement.state, begun.agreement.limits_of) == ("active", ("plv_pro",))


def test_what_is_restored_has_them_as_long_as_it_is_the_same_version() -> None:
    gone, was = moves.ended(HELD), lost(HELD, at("2026-01-25"))
    assert reopened(gone, was).limits_of == ("plv_pro",)

    def again(terms: Terms) -> Agreement:
        sale = replace(sale_of(HELD), terms=terms, limits_of=kept_limits(HELD, terms))
        return begun_again(gone, was, sale, at=at("2026-03-01"), zone="UTC", shared=None)

    assert again(PRO_2).limits_of == ("plv_pro",)
    assert again(PRO_3).limits_of == ()


# what the entry at 20 January does, and what it is after Version 3 was put in before it
@pytest.mark.parametrize(
    ("later", "expected"),
    [
        # a change of version that kept limits keeps those of the corrected version instead
        (to(on(PRO, "2026-01-10"), PRO_2, keeps=True), (PRO_2, ("plv_pro", "plv_pro_3"))),
        (to(on(PRO, "2026-01-10"), PRO_2, keeps=False), (PRO_2, ())),
        (to(on(PRO, "2026-01-10"), BUSINESS, keeps=False), (BUSINESS, ())),
        # one that changed something else takes over all of it
        (replace(on(PRO, "2026-01-10"), quantity=2), (PRO_3, ("plv_pro",))),
    ],
)
def test_a_correction_of_the_past_is_carried_through(
    later: Agreement, expected: tuple[Terms, tuple[str, ...]]
) -> None:
    old = on(PRO, "2026-01-10")
    new = to(old, PRO_3, keeps=True, when="2026-01-15")
    merged = carried(old, later, new, starts_at=at("2026-01-20"))
    assert (merged.terms, merged.limits_of) == expected


def test_a_span_says_whose_limits_are_kept() -> None:
    entries = [
        Entry("trm_1", at("2026-01-10"), on(PRO, "2026-01-10"), "subscribed"),
        Entry("trm_2", at("2026-01-20"), HELD, "changed"),
    ]
    history = History("sub_1", "cus_1", None, "zone", tuple(entries))
    assert [each.limits_of for each in spans_of(history)] == [(), ("plv_pro",)]
