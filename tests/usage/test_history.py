"""History: what happened between the instants that change balances."""

from datetime import UTC, datetime

import pytest

from tests.usage.given import (
    ALLOWANCE,
    EMPTY,
    change,
    every,
    finalize,
    grant,
    hold,
    left,
    on,
    reset,
    rolls,
    use,
    went,
)
from usage.balances import Segment, history
from usage.entries import Entry
from usage.grants import Grant


def told(grants: list[Grant], *entries: Entry, since: int = 1, until: int) -> list[Segment]:
    return list(history(EMPTY, grants=grants, entries=entries, since=on(since), until=on(until)))


def spans(segments: list[Segment]) -> list[tuple[int, int]]:
    return [(each.starts_at.day, each.ends_at.day) for each in segments]


def test_a_segment_ends_where_a_grant_begins_or_recurs() -> None:
    grants = [
        grant("a", 100, since=on(6), priority=3),
        grant("b", 100, since=on(21), priority=1, recurs=every("week", on(26))),
    ]
    uses = [use(on(1, 1), 50), use(on(6, 1), 30), use(on(21, 1), 30), use(on(26, 1), 20)]
    segments = told(grants, *uses, until=31)
    assert spans(segments) == [(1, 6), (6, 21), (21, 26), (26, 31)]
    assert [int(each.use) for each in segments] == [50, 30, 30, 20]
    assert [each.used for each in segments] == [{}, {"a": 80}, {"b": 30}, {"b": 20}]
    assert [int(each.opening.overage) for each in segments] == [0, 50, 0, 0]
    assert [int(each.closing.overage) for each in segments] == [50, 0, 0, 0]
    assert [int(each.opening.left) for each in segments] == [0, 100, 120, 120]
    assert [int(each.closing.left) for each in segments] == [0, 20, 90, 100]


def test_a_new_grant_opens_in_full_and_the_overage_it_pays_for_stands_beside_it() -> None:
    segments = told([grant("a", 100, since=on(5))], use(on(2), 25), use(on(6), 25), until=8)
    assert left(segments[1].opening) == {"a": 100}
    assert segments[1].opening.overage == 25
    assert segments[1].used == {"a": 50}


def test_a_reset_cuts_and_shows_what_rolled_over() -> None:
    grants = [grant("a", 100, rollover=rolls(50))]
    first, second = told(grants, reset(on(1), on(5)), use(on(2), 10), reset(on(5)), until=9)
    assert (first.opening.left, first.use, first.closing.left) == (100, 10, 90)
    assert (second.opening.left, second.use, second.closing.left) == (50, 0, 50)
    assert first.ends_at == second.starts_at == on(5)


def test_expiry_void_and_change_cut_too_but_not_twice_at_one_instant() -> None:
    grants = [
        grant("a", 10, until=on(3)),
        grant("b", 10, until=on(3)),
        grant("c", 10, voided_at=on(4)),
        grant("d", 10, since=on(3)),
    ]
    entries = [reset(on(1), on(20), 5), change(on(6), on(20), 6)]
    assert spans(told(grants, *entries, until=8)) == [(1, 3), (3, 4), (4, 6), (6, 8)]


def test_what_happens_at_the_ends_of_the_range_is_in_at_its_start_and_not_at_its_end() -> None:
    grants = [grant("a", 10, since=on(2)), grant("b", 10, since=on(4))]
    uses = [use(on(1), 1), use(on(2), 2), use(on(3), 3), use(on(4), 4)]
    (only,) = told(grants, *uses, since=2, until=4)
    assert (only.starts_at, only.ends_at) == (on(2), on(4))
    assert only.use == 5
    assert only.used == {"a": 6}  # 1 is overage from before
    assert left(only.closing) == {"a": 4}


def test_a_range_without_anything_is_one_segment() -> None:
    (only,) = told([], until=9)
    assert (only.opening.left, only.use, only.used, only.closing.left) == (0, 0, {}, 0)


def test_holds_do_not_cut_and_are_not_use_until_they_are_finalized() -> None:
    entries = [hold("h", on(2), 8, on(4)), finalize("h", on(3), 5), hold("i", on(3), 1, on(4))]
    (only,) = told([grant("a", 10)], *entries, until=9)
    assert (only.use, only.used, only.closing.left, only.closing.held) == (5, {"a": 5}, 5, 0)
    (early,) = told([grant("a", 10)], *entries, until=3)
    assert (early.use, early.used, early.closing.left, early.closing.held) == (0, {}, 2, 8)


def test_only_the_range_is_listed_however_long_ago_it_all_began() -> None:
    grants = [grant("a", 1, recurs=every("day"), rollover=rolls(3))]
    since, until = datetime(2056, 3, 1, tzinfo=UTC), datetime(2056, 3, 4, tzinfo=UTC)
    segments = history(EMPTY, grants=grants, since=since, until=until)
    assert [each.starts_at.day for each in segments] == [1, 2, 3]
    assert [int(each.opening.left) for each in segments] == [4, 4, 4]


def test_a_window_may_end_where_the_range_does() -> None:
    (only,) = told([], reset(on(1), on(5), 100), use(on(2), 30), until=5)
    assert only.closing.grants[ALLOWANCE].left == 70


def test_instants_of_any_zone_are_told_in_utc() -> None:
    since = datetime.fromisoformat("2026-01-02T01:00:00+01:00")
    until = datetime.fromisoformat("2026-01-03T09:00:00+09:00")
    (only,) = history(EMPTY, grants=[], since=since, until=until)
    assert (only.starts_at, only.ends_at) == (on(2), on(3))
    assert only.starts_at.tzinfo is UTC


@pytest.mark.parametrize(("since", "until"), [(5, 5), (6, 5), (2, 9)])
def test_a_range_goes_forward_from_the_state(since: int, until: int) -> None:
    kept = went([], until=on(3))
    with pytest.raises(ValueError, match="no history"):
        history(kept, grants=[], since=on(since), until=on(until))
