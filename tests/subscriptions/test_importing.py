"""How a subscription that lives elsewhere goes on here: since when it is known, and its periods."""

from dataclasses import replace

import pytest

from core.errors import DomainError
from plans.terms import PauseMode
from subscriptions.agreement import Pause
from subscriptions.anchors import AnchorWish
from subscriptions.importing import Brought, Elsewhere, PausedThere, bring
from subscriptions.services.import_items import Item
from subscriptions.states import State
from tests.subscriptions.given import FREE, PRO, TRIED, at, sale

# Noon of 14 February 2026; what is counted from the 31st is in 31 January to 28 February.
NOW = "2026-02-14 12:00"
THE_31ST = AnchorWish(day_of_month=31)


def there(
    started: str | None, through: str | None, anchor: AnchorWish | None = THE_31ST
) -> Elsewhere:
    return Elsewhere(
        started_at=at(started) if started else None,
        anchor=anchor,
        billed_through=at(through) if through else None,
    )


def days(brought: Brought) -> tuple[str, ...]:
    """Return since when it is known, its first period and the open one."""
    first, now = brought.first.period, brought.agreement.period
    instants = (brought.since, first.start, first.end, now.start, now.end)
    return tuple(each.strftime("%m-%d") for each in instants)


@pytest.mark.parametrize(
    ("started", "through", "expected"),
    [
        # the end of the open period, in it, its start
        ("2024-01-31", "2026-02-28", ("01-31", "01-31", "02-28", "01-31", "02-28")),
        ("2024-01-31", "2026-02-10", ("01-31", "01-31", "02-28", "01-31", "02-28")),
        ("2024-01-31", "2026-01-31", ("01-31", "01-31", "02-28", "01-31", "02-28")),
        # an end of a later one: paid ahead
        ("2024-01-31", "2026-04-30", ("01-31", "01-31", "02-28", "01-31", "02-28")),
        # before the open one: since the period in which billing ended
        ("2024-01-31", "2026-01-15", ("12-31", "12-31", "01-31", "01-31", "02-28")),
        ("2024-01-31", "2025-12-31", ("12-31", "12-31", "01-31", "01-31", "02-28")),
        # it began after that
        ("2026-01-10", "2026-01-15", ("01-10", "01-10", "01-31", "01-31", "02-28")),
        ("2026-02-05", "2026-02-28", ("02-05", "02-05", "02-28", "02-05", "02-28")),
        # nobody knows when it began
        (None, "2026-02-10", ("01-31", "01-31", "02-28", "01-31", "02-28")),
    ],
)
def test_history_begins_with_the_period_in_which_billing_ended(
    started: str | None, through: str, expected: tuple[str, ...]
) -> None:
    brought = bring(sale(PRO), there(started, through), at=at(NOW), zone="UTC")
    assert days(brought) == expected


@pytest.mark.parametrize(
    ("elsewhere", "open_period"),
    [
        (there("2024-01-10", "2026-03-10", None), ("02-10", "03-10")),
        (there(None, "2026-03-05", None), ("02-05", "03-05")),
        (there("2024-01-10", "2026-02-20", AnchorWish(at=at("2020-05-20"))), ("01-20", "02-20")),
    ],
)
def test_periods_are_counted_from_the_anchor_the_start_or_where_billing_ended(
    elsewhere: Elsewhere, open_period: tuple[str, str]
) -> None:
    period = bring(sale(PRO), elsewhere, at=at(NOW), zone="UTC").agreement.period
    assert (period.start.strftime("%m-%d"), period.end.strftime("%m-%d")) == open_period


def test_days_are_those_of_the_zone() -> None:
    brought = bring(sale(PRO), there("2024-01-31", "2026-02-27"), at=at(NOW), zone="Europe/Berlin")
    assert brought.agreement.period.end == at("2026-02-27 23:00")


def test_what_is_free_needs_no_date() -> None:
    brought = bring(sale(FREE), there("2024-01-31", None), at=at(NOW), zone="UTC")
    assert days(brought) == ("01-31", "01-31", "02-28", "01-31", "02-28")


def test_a_trial_runs_to_its_end_and_is_counted_from_there() -> None:
    trial = Elsewhere(at("2026-02-10"), trial_ends_at=at("2026-02-24"))
    held = bring(sale(TRIED), trial, at=at(NOW), zone="UTC").agreement
    assert (held.state, held.period.end) == (State.TRIALING, at("2026-02-24"))
    assert held.cycle.anchor.at == at("2026-02-24")


def stages(brought: Brought) -> list[tuple[str, str, str, str]]:
    """Return since when it was what, why, and until when the period open then was."""
    return [
        (
            each.starts_at.strftime("%m-%d"),
            each.agreement.state,
            each.cause,
            each.agreement.period.end.strftime("%m-%d"),
        )
        for each in brought.stages
    ]


@pytest.mark.parametrize(
    ("started", "through", "since", "expected"),
    [
        # in the period of the import, in the one before, and with the beginning of one
        ("2024-01-31", "2026-02-28", "2026-02-10", ["01-31 02-28", "02-10 02-28"]),
        ("2024-01-31", "2026-01-31", "2026-01-20", ["12-31 01-31", "01-20 01-31"]),
        ("2024-01-31", "2026-02-28", "2026-01-31", ["12-31 01-31", "01-31 02-28"]),
        # it was not billed until there, or began a moment before
        ("2024-01-31", "2026-01-15", "2026-02-10", ["12-31 01-31", "02-10 02-28"]),
        ("2026-01-20", "2026-02-28", "2026-01-31", ["01-20 01-31", "01-31 02-28"]),
        (None, "2026-02-28", "2026-01-31", ["12-31 01-31", "01-31 02-28"]),
    ],
)
def test_the_open_period_is_the_one_in_which_it_was_paused(
    started: str | None, through: str, since: str, expected: list[str]
) -> None:
    said = replace(there(started, through), paused=PausedThere(at(since)))
    brought = bring(sale(PRO), said, at=at(NOW), zone="UTC")
    assert stages(brought) == [
        (expected[0][:5], "active", "imported", expected[0][6:]),
        (expected[1][:5], "paused", "paused", expected[1][6:]),
    ]
    assert brought.agreement == brought.stages[-1].agreement


@pytest.mark.parametrize("mode", list(PauseMode))
def test_a_pause_does_what_is_said_or_what_the_plan_says(mode: PauseMode) -> None:
    terms = replace(PRO, pause=mode)
    other = next(each for each in PauseMode if each != mode)
    for said, expected in ((None, mode), (other, other)):
        paused = replace(
            there("2024-01-31", "2026-02-28"), paused=PausedThere(at("2026-02-10"), said)
        )
        held = bring(sale(terms), paused, at=at(NOW), zone="UTC").agreement
        assert held.pause == Pause(at("2026-02-10"), expected)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (
            "2026-02-10",
            [
                ("01-31", "active", "imported", "02-28"),
                ("02-10", "past_due", "payment_failed", "02-28"),
            ],
        ),
        ("2026-01-31", [("01-31", "past_due", "imported", "02-28")]),
        ("2025-12-01", [("01-31", "past_due", "imported", "02-28")]),
    ],
)
def test_what_is_past_due_is_so_since_it_was(
    since: str, expected: list[tuple[str, str, str, str]]
) -> None:
    said = replace(there("2024-01-31", "2026-02-28"), past_due_since=at(since))
    brought = bring(sale(PRO), said, at=at(NOW), zone="UTC")
    assert stages(brought) == expected
    assert brought.agreement.state == State.PAST_DUE


def test_what_was_past_due_in_an_earlier_period_renews() -> None:
    said = replace(there("2024-01-31", "2026-01-15"), past_due_since=at("2026-01-10"))
    brought = bring(sale(PRO), said, at=at(NOW), zone="UTC")
    assert stages(brought) == [
        ("12-31", "active", "imported", "01-31"),
        ("01-10", "past_due", "payment_failed", "01-31"),
    ]
    assert brought.agreement.period.end == at("2026-02-28")


@pytest.mark.parametrize(
    ("started", "through", "code"),
    [
        ("2026-02-14 12:00:01", "2026-02-28", "not_live_yet"),
        ("2024-01-31", None, "billed_through_missing"),
        ("2024-01-31", "2024-01-30", "billed_before_start"),
        ("2024-01-31", "2026-03-01", "billed_beyond_period"),
        ("2024-01-31", "2062-02-28", "billed_far_away"),
        (None, "1994-12-31", "billed_far_away"),
    ],
)
def test_what_cannot_be_is_refused(started: str | None, through: str | None, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        bring(sale(PRO), there(started, through), at=at(NOW), zone="UTC")
    assert refused.value.code == code


def test_a_day_of_the_month_counts_no_weeks() -> None:
    with pytest.raises(DomainError) as refused:
        bring(sale(PRO, "week"), there("2024-01-31", "2026-02-28"), at=at(NOW), zone="UTC")
    assert refused.value.code == "anchor_not_allowed"


def test_the_same_said_in_another_order_is_the_same() -> None:
    said = Item("old-1", "ada", "pro", there("2024-01-31", "2026-02-28"), add_ons={"a": 1, "b": 2})
    same = Item("old-1", "ada", "pro", there("2024-01-31", "2026-02-28"), add_ons={"b": 2, "a": 1})
    other = Item("old-1", "ada", "pro", there("2024-01-31", "2026-02-28"), add_ons={"a": 1, "b": 3})
    assert said.digest == same.digest != other.digest
