"""When a subscription grants what: the past, the present and what is agreed for later."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.history import Entry, History
from subscriptions.spans import Span, spans_of
from tests.subscriptions.given import BUSINESS, FREE, PRO, TRIED, add_on, at, on, plan

LASTING = plan("lasting", 1, access_while_paused=True, month="25")


def told(*entries: tuple[str, Agreement], agreed: int = 0) -> History:
    """A history of what holds from the given days on; the last ``agreed`` are only agreed."""
    made = [
        Entry(f"trm_{number}", at(day), held, "subscribed")
        for number, (day, held) in enumerate(entries)
    ]
    split = len(made) - agreed
    return History("sub_1", "cus_1", None, "zone", tuple(made[:split]), tuple(made[split:]))


def shown(spans: Sequence[Span]) -> list[tuple[str, str, str | None]]:
    return [
        (each.plan_key, f"{each.start:%m-%d}", each.end and f"{each.end:%m-%d}") for each in spans
    ]


FREE_HELD, PRO_HELD = on(FREE, "2026-01-03"), on(PRO, "2026-01-10")


def test_a_span_is_one_plan_version_until_the_next() -> None:
    history = told(("2026-01-03", FREE_HELD), ("2026-01-10", PRO_HELD))
    assert shown(spans_of(history)) == [("free", "01-03", "01-10"), ("pro", "01-10", None)]


def test_what_is_agreed_follows() -> None:
    history = told(
        ("2026-01-10", on(BUSINESS, "2026-01-10")),
        ("2026-02-10", PRO_HELD),
        ("2026-03-10", moves.ended(PRO_HELD)),
        agreed=2,
    )
    assert shown(spans_of(history)) == [
        ("business", "01-10", "02-10"),
        ("pro", "02-10", "03-10"),
    ]


def test_what_has_not_begun_or_has_ended_grants_nothing() -> None:
    history = told(
        ("2026-01-03", moves.begin_later(PRO_HELD)),
        ("2026-01-10", PRO_HELD),
        ("2026-01-20", moves.ended(PRO_HELD)),
    )
    assert shown(spans_of(history)) == [("pro", "01-10", "01-20")]


def test_a_trial_and_what_is_overdue_grant_as_what_is_paid() -> None:
    tried = on(TRIED, "2026-01-10", trial_until="2026-01-24")
    paid = moves.trial_over(tried, at=at("2026-01-24"))
    history = told(
        ("2026-01-10", tried), ("2026-01-24", paid), ("2026-02-03", moves.payment_failed(paid))
    )
    assert [(each.start.day, each.is_paused) for each in spans_of(history)] == [
        (10, False),
        (24, False),
        (3, False),
    ]


def test_a_pause_is_marked_unless_the_plan_gives_access_meanwhile() -> None:
    for held, is_paused in [(PRO_HELD, True), (on(LASTING, "2026-01-10"), False)]:
        waiting = moves.paused(held, mode=PauseMode.CREDIT, at=at("2026-01-20"))
        spans = spans_of(told(("2026-01-10", held), ("2026-01-20", waiting)))
        assert [each.is_paused for each in spans] == [False, is_paused]


def test_a_span_says_what_is_held_and_how_its_periods_are_counted() -> None:
    held = on(PRO, "2026-01-10", "year", zone="Europe/Berlin", quantity=5, add_ons=[add_on("logs")])
    (span,) = spans_of(told(("2026-01-10", held)))
    assert (span.subscription_id, span.customer_id, span.subject_id) == ("sub_1", "cus_1", None)
    assert (span.product_key, span.plan_version_id) == ("zone", "plv_pro")
    assert (span.quantity, span.add_ons) == (5, (add_on("logs"),))
    assert (span.interval, span.cycle, span.cause) == ("year", held.cycle, "subscribed")


@given(
    st.lists(st.sampled_from([FREE_HELD, PRO_HELD, moves.ended(PRO_HELD)]), min_size=1, max_size=8)
)
def test_spans_tile_all_that_is_held(held: list[Agreement]) -> None:
    days = [f"2026-01-{number:02}" for number in range(1, len(held) + 1)]
    spans = spans_of(told(*zip(days, held, strict=True)))
    live = [(day, each) for day, each in zip(days, held, strict=True) if each.state != "canceled"]
    assert [(each.start, each.plan_key) for each in spans] == [
        (at(day), each.terms.plan_key) for day, each in live
    ]
    ends = [*[at(day) for day in days[1:]], None]
    assert [each.end for each in spans] == [
        end for end, each in zip(ends, held, strict=True) if each.state != "canceled"
    ]
    assert all(one.end is not None and one.end <= after.start for one, after in pairwise(spans))
