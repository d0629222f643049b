"""When a failed delivery is tried again, and when it is given up. Pure.

Full jitter: every wait is a random share of a ceiling, so that what failed together does not come
back together.
"""

from datetime import datetime, timedelta

FIRST = timedelta(seconds=1)
LONGEST_OF_THE_FIRST_DAY = timedelta(minutes=15)
FIRST_DAY = timedelta(days=1)
LATER = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=14)
LONGEST_RETRY_AFTER = timedelta(hours=1)
_DOUBLINGS = 10  # 2^10 seconds are more than the longest wait: no need for larger powers


def ceiling(*, attempts: int, trying_for: timedelta) -> timedelta | None:
    """Return the longest wait after ``attempts`` tries in a row; None: give up.

    1 s, 2 s, 4 s … 15 min for a day, then an hour until 14 days have passed.
    """
    if trying_for >= GIVEN_UP_AFTER:
        return None
    if trying_for >= FIRST_DAY:
        return LATER
    doublings = min(max(attempts, 1) - 1, _DOUBLINGS)
    longest: timedelta = min(FIRST * 2**doublings, LONGEST_OF_THE_FIRST_DAY)
    return longest


def next_attempt(
    *,
    attempts: int,
    trying_since: datetime,
    now: datetime,
    share: float,
    retry_after: timedelta | None,
) -> datetime | None:
    """Return when to try again; None: give up.

    ``share`` is the random share of the ceiling, from 0 to 1. ``retry_after`` is what the other
    side asked for; it is honoured up to an hour.
    """
    longest = ceiling(attempts=attempts, trying_for=now - trying_since)
    if longest is None:
        return None
    wait = longest * share
    if retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST_RETRY_AFTER))
    return now + wait
