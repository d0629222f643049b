"""How long to wait before the next try."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.backoff import ceiling, next_attempt

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "trying_for", "longest"),
    [
        (1, timedelta(), timedelta(seconds=1)),
        (2, timedelta(seconds=1), timedelta(seconds=2)),
        (3, timedelta(seconds=3), timedelta(seconds=4)),
        (10, timedelta(minutes=9), timedelta(seconds=512)),
        (11, timedelta(minutes=17), timedelta(minutes=15)),
        (12, timedelta(minutes=30), timedelta(minutes=15)),
        (100_000, timedelta(hours=23, minutes=59), timedelta(minutes=15)),
        (108, timedelta(days=1), timedelta(hours=1)),
        (400, timedelta(days=13, hours=23), timedelta(hours=1)),
        (401, timedelta(days=14), None),
        (1, timedelta(days=400), None),
    ],
)
def test_the_longest_wait(attempts: int, trying_for: timedelta, longest: timedelta | None) -> None:
    assert ceiling(attempts=attempts, trying_for=trying_for) == longest


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (None, timedelta(seconds=2)),
        (timedelta(seconds=1), timedelta(seconds=2)),
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(hours=1), timedelta(hours=1)),
        (timedelta(hours=9), timedelta(hours=1)),
        (timedelta.max, timedelta(hours=1)),
    ],
)
def test_what_the_service_asks_for_is_honoured_up_to_an_hour(
    asked: timedelta | None, waits: timedelta
) -> None:
    at = next_attempt(attempts=3, trying_since=NOW, now=NOW, share=0.5, retry_after=asked)
    assert at == NOW + waits


@given(
    st.integers(0, 10**6),
    st.timedeltas(timedelta(0), timedelta(days=30)),
    st.floats(0, 1),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_every_wait_is_within_its_bounds(
    attempts: int, trying_for: timedelta, share: float, retry_after: timedelta | None
) -> None:
    at = next_attempt(
        attempts=attempts,
        trying_since=NOW - trying_for,
        now=NOW,
        share=share,
        retry_after=retry_after,
    )
    assert (at is None) == (trying_for >= timedelta(days=14))
    if at is not None:
        assert NOW <= at <= NOW + timedelta(hours=1)
        if retry_after is not None:
            assert at >= NOW + min(retry_after, timedelta(hours=1))
