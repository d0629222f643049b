"""When a subscription grants what, once something is agreed for later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from subscriptions.spans import Agreed, Span, with_agreed

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return JANUARY + timedelta(days=number)


def span(plan: str, start: int, end: int | None = None) -> Span:
    return Span(
        subscription_id="sub_1",
        customer_id="cus_1",
        subject_id=None,
        product_key="zone",
        plan_key=plan,
        plan_version_id=f"plv_{plan}",
        quantity=1,
        start=day(start),
        end=None if end is None else day(end),
        interval="month",
        anchor=day(0),
        zone="UTC",
        cause="subscribed",
    )


def shown(spans: list[Span]) -> list[tuple[str, int, int | None]]:
    return [
        (
            each.plan_key,
            (each.start - JANUARY).days,
            None if each.end is None else (each.end - JANUARY).days,
        )
        for each in spans
    ]


def test_nothing_agreed_leaves_the_history() -> None:
    assert shown(with_agreed([span("free", 0, 3), span("pro", 3)], [])) == [
        ("free", 0, 3),
        ("pro", 3, None),
    ]


def test_a_change_follows_the_last_span() -> None:
    agreed = [Agreed(day(31), is_end=False, following=span("free", 31))]
    assert shown(with_agreed([span("pro", 3)], agreed)) == [("pro", 3, 31), ("free", 31, None)]


def test_an_end_without_fallback_is_followed_by_nothing() -> None:
    agreed = [Agreed(day(31), is_end=True, following=None)]
    assert shown(with_agreed([span("pro", 3)], agreed)) == [("pro", 3, 31)]


def test_at_one_instant_an_end_comes_before_a_change_and_is_the_last_word() -> None:
    agreed = [
        Agreed(day(31), is_end=False, following=span("pro", 31)),
        Agreed(day(31), is_end=True, following=span("free", 31)),
    ]
    assert shown(with_agreed([span("business", 3)], agreed)) == [
        ("business", 3, 31),
        ("free", 31, None),
    ]


def test_an_end_may_come_after_a_change() -> None:
    agreed = [
        Agreed(day(59), is_end=True, following=None),
        Agreed(day(31), is_end=False, following=span("pro", 31)),
    ]
    assert shown(with_agreed([span("business", 3)], agreed)) == [
        ("business", 3, 31),
        ("pro", 31, 59),
    ]


def test_what_lasted_no_time_granted_nothing() -> None:
    assert shown(with_agreed([span("free", 3, 3), span("pro", 3)], [])) == [("pro", 3, None)]


def test_an_ended_subscription_takes_nothing_more() -> None:
    agreed = [Agreed(day(31), is_end=False, following=span("pro", 31))]
    assert shown(with_agreed([span("free", 0, 3)], agreed)) == [("free", 0, 3)]


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=6, unique=True).map(sorted),
    st.lists(st.tuples(st.integers(51, 99), st.booleans()), max_size=4),
)
def test_spans_always_tile(starts: list[int], turns: list[tuple[int, bool]]) -> None:
    history = [
        span(f"p{first}", first, following)
        for first, following in zip(starts, [*starts[1:], None], strict=True)
    ]
    agreed = [
        Agreed(day(at), is_end, None if is_end else replace(span(f"p{at}", at), end=None))
        for at, is_end in turns
    ]
    result = with_agreed(history, agreed)
    for before, after in pairwise(result):
        assert before.end == after.start
    assert result[0].start == day(starts[0])
    ends = [at for at, is_end in turns if is_end]
    assert result[-1].end == (day(min(ends)) if ends else None)
