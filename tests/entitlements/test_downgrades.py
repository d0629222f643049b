"""What becomes of a limit that falls below what is in use: every policy, known and unknown use."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlements.downgrades import Fall, Happens, Limit, Outcome, arrived, asked
from plans.terms import Downgrade, DowngradePolicy
from plans.values import UNLIMITED, Comparison, compare
from tests.entitlements.given import at

REFUSE = Downgrade(DowngradePolicy.REFUSE)
KEEP = Downgrade(DowngradePolicy.KEEP_UNTIL, 30)
TRIM = Downgrade(DowngradePolicy.TRIM)
GRANDFATHER = Downgrade(DowngradePolicy.GRANDFATHER)
ALL = (REFUSE, KEEP, TRIM, GRANDFATHER)


def fall(before: Limit | int, after: Limit | int, used: int | None) -> Fall:
    return Fall(_limit(before), _limit(after), None if used is None else Decimal(used))


def _limit(number: Limit | int) -> Limit:
    return Decimal(number) if isinstance(number, int) else number


def told(outcome: Outcome) -> tuple[str, Limit, int | None]:
    return str(outcome.happens), outcome.value, outcome.days


@pytest.mark.parametrize("policy", ALL)
@pytest.mark.parametrize(
    ("before", "after", "used"),
    [
        (100, 20, 20),  # just fits
        (100, 20, 0),
        (UNLIMITED, 20, 5),
        (100, 0, 0),
        (20, 100, 64),  # it rises, however much is in use
        (20, 20, 64),
        (20, UNLIMITED, None),
        (20, 20, None),
        (UNLIMITED, UNLIMITED, None),
    ],
)
def test_what_fits_gets_what_the_new_plan_gives(
    policy: Downgrade, before: Limit | int, after: Limit | int, used: int | None
) -> None:
    expected = Outcome(Happens.FITS, _limit(after), _limit(after))
    assert asked(policy, fall(before, after, used)) == expected
    assert arrived(policy, fall(before, after, used)) == expected


@pytest.mark.parametrize(
    ("policy", "before", "used", "when_asked", "when_it_arrives"),
    [
        (REFUSE, 100, 64, ("refused", 100, None), ("kept", 64, 30)),
        (REFUSE, UNLIMITED, 64, ("refused", UNLIMITED, None), ("kept", 64, 30)),
        (KEEP, 100, 64, ("kept", 64, 30), ("kept", 64, 30)),
        (KEEP, UNLIMITED, 64, ("kept", 64, 30), ("kept", 64, 30)),
        # whoever used more than the old limit allowed keeps what it allowed
        (KEEP, 50, 64, ("kept", 50, 30), ("kept", 50, 30)),
        (TRIM, 100, 64, ("trimmed", 20, None), ("trimmed", 20, None)),
        (GRANDFATHER, 100, 64, ("grandfathered", 64, None), ("grandfathered", 64, None)),
        (GRANDFATHER, 50, 64, ("grandfathered", 50, None), ("grandfathered", 50, None)),
    ],
)
def test_more_is_in_use_than_the_twenty_that_follow(
    policy: Downgrade,
    before: Limit | int,
    used: int,
    when_asked: tuple[str, Limit, int | None],
    when_it_arrives: tuple[str, Limit, int | None],
) -> None:
    assert told(asked(policy, fall(before, 20, used))) == when_asked
    assert told(arrived(policy, fall(before, 20, used))) == when_it_arrives
    assert asked(policy, fall(before, 20, used)).after == 20


@pytest.mark.parametrize(
    ("policy", "when_asked", "when_it_arrives"),
    [
        (REFUSE, (Happens.REFUSED, None), (Happens.KEPT, 30)),
        (KEEP, (Happens.KEPT, 30), (Happens.KEPT, 30)),
        (TRIM, (Happens.TRIMMED, None), (Happens.TRIMMED, None)),
        (GRANDFATHER, (Happens.GRANDFATHERED, None), (Happens.GRANDFATHERED, None)),
    ],
)
@pytest.mark.parametrize("before", [100, 21, UNLIMITED])
def test_of_unknown_use_nothing_is_kept_and_what_would_happen_is_told(
    policy: Downgrade,
    before: Limit | int,
    when_asked: tuple[Happens, int | None],
    when_it_arrives: tuple[Happens, int | None],
) -> None:
    for decide, expected in ((asked, when_asked), (arrived, when_it_arrives)):
        found = decide(policy, fall(before, 20, None))
        assert found.happens == Happens.UNKNOWN
        assert found.value == found.after == Decimal(20)
        assert (found.would, found.days) == expected


def test_sixty_four_rules_from_business_to_pro_are_kept_for_thirty_days() -> None:
    outcome = asked(KEEP, fall(100, 20, 64))
    assert outcome.value == Decimal(64)  # so that 0 are left
    assert outcome.kept_until(at("2026-02-10"), zone="UTC") == at("2026-03-12")
    assert outcome.after == Decimal(20)
    assert outcome.with_use(Decimal(30)) == outcome


def test_kept_days_are_calendar_days_where_the_customer_is() -> None:
    # clocks go forward in Berlin on 29 March: noon of 5 March is 11:00 UTC, of 4 April 10:00
    until = asked(KEEP, fall(100, 20, 64)).kept_until(at("2026-03-05 11:00"), zone="Europe/Berlin")
    assert until == at("2026-04-04 10:00")


@pytest.mark.parametrize("policy", [REFUSE, TRIM, GRANDFATHER])
def test_nothing_else_ends_on_a_date(policy: Downgrade) -> None:
    assert asked(policy, fall(100, 20, 64)).kept_until(at("2026-02-10"), zone="UTC") is None
    unknown = asked(KEEP, fall(100, 20, None))
    assert unknown.kept_until(at("2026-02-10"), zone="UTC") is None


def test_what_is_grandfathered_sinks_with_use_and_never_rises() -> None:
    outcome, values = asked(GRANDFATHER, fall(100, 20, 64)), []
    for used in (70, 64, 30, 50, 10, 40):
        outcome = outcome.with_use(Decimal(used))
        values.append(outcome.value)
    assert values == [64, 64, 30, 30, 20, 20]


LIMITS = st.integers(0, 50).map(Decimal) | st.just(UNLIMITED)
POLICIES = st.sampled_from(ALL) | st.integers(1, 400).map(
    lambda days: Downgrade(DowngradePolicy.KEEP_UNTIL, days)
)


def is_at_least(one: Limit, other: Limit) -> bool:
    return compare(other, one) in (Comparison.MORE, Comparison.SAME)


@given(POLICIES, LIMITS, LIMITS, st.none() | st.integers(0, 60), st.lists(st.integers(0, 60)))
def test_nobody_gets_more_than_before_or_less_than_after(
    policy: Downgrade, before: Limit, after: Limit, used: int | None, later: list[int]
) -> None:
    for decide in (asked, arrived):
        outcome = decide(policy, fall(before, after, used))
        higher = before if is_at_least(before, after) else after
        assert is_at_least(higher, outcome.value)
        assert is_at_least(outcome.value, after)
        assert outcome.after == after
        if used is None:
            assert outcome.value == after
        for number in later:
            following = outcome.with_use(Decimal(number))
            assert is_at_least(outcome.value, following.value)
            assert is_at_least(following.value, after)
            outcome = following


@given(POLICIES, LIMITS, LIMITS, st.none() | st.integers(0, 60))
def test_only_asking_is_ever_refused_and_only_what_is_kept_has_a_date(
    policy: Downgrade, before: Limit, after: Limit, used: int | None
) -> None:
    outcome = arrived(policy, fall(before, after, used))
    assert outcome.happens != Happens.REFUSED
    until = outcome.kept_until(at("2026-01-10"), zone="UTC")
    assert (until is not None) == (outcome.happens == Happens.KEPT)
    if until is not None and outcome.days is not None:
        assert until == at("2026-01-10") + timedelta(days=outcome.days)
    assert (outcome.would is not None) == (outcome.happens == Happens.UNKNOWN)
