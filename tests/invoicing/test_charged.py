"""What is charged and credited: every worked number of the rules."""

from dataclasses import replace

import pytest

from core.periods import YEAR, Anchor, Cycle, day_of_month_anchor
from invoicing.drafts import Kind
from plans.change_rules import Proration, Settlement
from tests.invoicing.given import Books, counted, edge, flat, held, utc

JUNE = counted("2025-06-01T00:00:00")
NONE, DAY = Proration.NONE, Proration.DAY


def test_a_first_piece_is_charged_to_the_next_boundary() -> None:
    """A second zone on the 20th pays 21 of 31 days, to the 10th its customer renews on."""
    zone = held(flat("25.00"), "2025-01-20T00:00:00", cycle=counted("2025-01-10T00:00:00"))
    (draft,) = Books().assess([zone], "2025-01-20T00:00:00")
    assert (draft.kind, draft.amount) == (Kind.ADVANCE, 1694)
    assert draft.explanation == "25.00 x 21/31 = 16.935483... -> 16.94"
    assert (draft.period_start, draft.period_end) == (
        utc("2025-01-10T00:00:00"),
        utc("2025-02-10T00:00:00"),
    )
    assert draft.due_at == utc("2025-01-20T00:00:00")
    assert draft.unit_price == "25.00"


def test_a_yearly_plan_waits_for_its_day_of_the_month() -> None:
    start = utc("2025-01-20T00:00:00")
    anchor = day_of_month_anchor(day=5, interval=YEAR, zone="UTC", start=start)
    books = Books()
    yearly = held(flat("240.00", "year"), "2025-01-20T00:00:00", cycle=Cycle(anchor))
    (draft,) = books.assess([yearly], start)
    assert draft.explanation == "240.00 x 8/183 = 10.491803... -> 10.49"  # 16/366
    assert books.assessed([yearly], "2025-02-05T00:00:00") == ["advance 240.00"]


def test_an_interval_change_keeps_the_anchor() -> None:
    cycle = counted("2025-02-20T00:00:00")
    monthly = held(flat("24.00"), "2025-02-20T00:00:00", "2025-06-01T00:00:00", cycle=cycle)
    yearly = held(flat("240.00", "year"), "2025-06-01T00:00:00", cycle=cycle)
    books = Books()
    assert (
        books.assessed([replace(monthly, end=None)], "2025-05-20T00:00:00") == ["advance 24.00"] * 4
    )
    drafts = books.assess([monthly, yearly], "2025-06-01T00:00:00")
    assert [(each.kind, each.amount) for each in drafts] == [
        (Kind.ADVANCE, 17359),
        (Kind.CREDIT, -1471),  # 24.00 x 12/31 = 9.29 is left of 24.00
    ]
    assert drafts[0].explanation == "240.00 x 264/365 = 173.589041... -> 173.59"
    assert drafts[1].explanation == (
        "24.00 x 12/31 = 9.290322... -> 9.29; 9.29 - 24.00 charged = -14.71"
    )


def test_a_pause_with_credit_gives_back_and_the_resume_begins_a_new_period() -> None:
    price = flat("1200.00", "year")
    before = held(
        price, "2025-02-01T00:00:00", "2025-03-11T00:00:00", cycle=counted("2025-02-01T00:00:00")
    )
    after = held(price, "2025-04-20T00:00:00", cycle=counted("2025-04-01T00:00:00"))
    books = Books()
    assert books.assessed([replace(before, end=None)], "2025-02-01T00:00:00") == ["advance 1200.00"]
    assert books.assessed([before], "2025-03-11T00:00:00") == ["credit -1075.07"]
    assert books.assessed([before, after], "2025-04-20T00:00:00") == ["advance 1137.53"]
    assert books.assessed([before, after], "2026-04-01T00:00:00") == ["advance 1200.00"]


def test_half_a_cent_goes_away_from_zero() -> None:
    cycle = counted("2025-06-01T00:00:00")
    nine_days = held(flat("12.35"), "2025-06-22T00:00:00", cycle=cycle)
    (draft,) = Books().assess([nine_days], "2025-06-22T00:00:00")
    assert draft.explanation == "12.35 x 3/10 = 3.705 -> 3.71"


def test_two_halves_of_9_99_are_5_00_and_4_99() -> None:
    whole = held(flat("9.99"), "2025-06-01T00:00:00", cycle=JUNE)
    half = replace(whole, end=edge("2025-06-16T00:00:00"))
    books = Books()
    # The end was agreed before the period began, and is taken back in it.
    assert books.assessed([whole], "2025-06-01T00:00:00", agreed=[half]) == ["advance 5.00"]
    assert books.assessed([whole], "2025-06-10T00:00:00") == ["advance 4.99"]


def test_an_agreed_end_is_credited_when_it_comes() -> None:
    whole = held(flat("30.00"), "2025-06-01T00:00:00", cycle=JUNE)
    cut = replace(whole, end=edge("2025-06-11T00:00:00"))
    books = Books()
    assert books.assessed([whole], "2025-06-01T00:00:00") == ["advance 30.00"]
    assert books.assessed([whole], "2025-06-05T00:00:00", agreed=[cut]) == []
    assert books.assessed([cut], "2025-06-11T00:00:00") == ["credit -20.00"]


@pytest.mark.parametrize("settlement", list(Settlement))
def test_up_and_back_at_one_instant_is_nothing(settlement: Settlement) -> None:
    low, high = flat("9.99"), flat("19.99")
    on, t = "2025-06-01T00:00:00", "2025-06-16T00:00:00"
    turn = edge(t, settlement=settlement, goes_on=True)
    restarted = counted(t)
    first = held(low, on, cycle=JUNE)
    up = [replace(first, end=turn), held(high, turn, cycle=restarted)]
    back = [
        replace(first, end=turn),
        held(high, turn, turn, cycle=restarted),
        held(low, turn, cycle=restarted),
    ]
    books = Books()
    books.assess([first], on)
    before = books.net
    books.assess(up, t)
    assert books.net != before
    books.assess(back, t)
    assert books.net == before
    assert sum(each.forfeited for each in books.lines.values()) == 0
    # The anchor is the old one, too: the next period begins on the first of July.
    assert books.assessed(back, "2025-06-30T23:59:59") == []
    assert books.assessed(back, "2025-07-01T00:00:00") == ["advance 9.99"]


def test_a_purchase_that_took_no_time_is_withdrawn_whatever_was_agreed() -> None:
    bought = held(flat("25.00"), "2025-06-01T00:00:00", cycle=JUNE)
    never = replace(bought, end=edge("2025-06-01T00:00:00", settlement=Settlement.NONE))
    books = Books()
    assert books.assessed([bought], "2025-06-01T00:00:00") == ["advance 25.00"]
    (draft,) = books.assess([never], "2025-06-01T00:00:00")
    assert (draft.kind, draft.amount) == (Kind.CREDIT, -2500)
    assert draft.explanation == "nothing is held any more; 0.00 - 25.00 charged = -25.00"


def test_without_a_settlement_the_rest_is_forfeited() -> None:
    bought = held(flat("25.00"), "2025-06-01T00:00:00", cycle=JUNE)
    ended = replace(bought, end=edge("2025-06-16T00:00:00", settlement=Settlement.NONE))
    books = Books()
    books.assess([bought], "2025-06-01T00:00:00")
    (draft,) = books.assess([ended], "2025-06-16T00:00:00")
    assert (draft.kind, draft.amount) == (Kind.FORFEITED, 1250)
    assert draft.explanation == "12.50 of 25.00 charged stays so: it ended without a settlement"
    assert books.net == 2500


def test_time_paid_for_is_not_paid_again() -> None:
    """30.00 for June, down to 12.00 without a settlement and up again: nothing moves; and what is
    given up after that, with a credit, is credited."""
    high, low = flat("30.00"), flat("12.00")
    on = "2025-06-01T00:00:00"
    down = edge("2025-06-11T00:00:00", settlement=Settlement.NONE)
    up = edge("2025-06-16T00:00:00")
    first = held(high, on, down, cycle=JUNE)
    books = Books()
    assert books.assessed([held(high, on, cycle=JUNE)], on) == ["advance 30.00"]
    below = held(low, down, cycle=JUNE)
    assert books.assessed([first, below], "2025-06-11T00:00:00") == [
        "advance 8.00",
        "credit -8.00",
        "forfeited 12.00",
    ]
    again = [first, replace(below, end=up), held(high, up, cycle=JUNE)]
    books.assess(again, "2025-06-16T00:00:00")
    assert books.net == 3000
    assert sum(each.forfeited for each in books.lines.values()) == 300  # five days of 18.00
    over = [*again[:2], held(high, up, "2025-06-21T00:00:00", cycle=JUNE)]
    books.assess(over, "2025-06-21T00:00:00")
    assert books.net == 2000


def test_more_than_was_paid_for_is_charged() -> None:
    """After a fall without a settlement, a rise beyond the old height pays the difference."""
    on, down, up = "2025-06-01T00:00:00", "2025-06-11T00:00:00", "2025-06-16T00:00:00"
    history = [
        held(flat("30.00"), on, edge(down, settlement=Settlement.NONE), cycle=JUNE),
        held(flat("12.00"), down, up, cycle=JUNE),
        held(flat("60.00"), up, cycle=JUNE),
    ]
    books = Books()
    books.assess([replace(history[0], end=None)], on)
    books.assess([history[0], replace(history[1], end=None)], down)
    books.assess(history, up)
    # 10 days of 30.00, 5 of 12.00 and 15 of 60.00, and the 3.00 that were paid for before.
    assert books.net == 1000 + 200 + 3000 + 300


def test_after_a_gap_without_a_settlement_only_what_is_beyond_it_is_charged() -> None:
    """30.00 for June, given up on the 11th; 60.00 from the 21st on is half paid for, and what
    nobody used in between stays paid. What had not been charged is not kept."""
    on, gone, back = "2025-06-01T00:00:00", "2025-06-11T00:00:00", "2025-06-21T00:00:00"
    ended = held(flat("30.00"), on, edge(gone, settlement=Settlement.NONE), cycle=JUNE)
    dearer = held(flat("60.00"), back, cycle=JUNE)
    books = Books()
    books.assess([replace(ended, end=None)], on)
    books.assess([ended], gone)
    assert books.assessed([ended, dearer], back) == [
        "credit -10.00",
        "forfeited -10.00",
        "advance 20.00",
    ]
    assert books.net == 1000 + 1000 + 2000
    assert books.assessed([ended, dearer], "2025-06-22T00:00:00") == []

    unpaid = Books()
    unpaid.assess([ended], gone)
    unpaid.assess([ended, dearer], back)
    assert unpaid.net == 1000 + 2000


def test_proration_none_moves_nothing_before_the_next_boundary() -> None:
    leading = held(flat("30.00"), edge("2025-06-11T00:00:00", NONE), cycle=JUNE)
    books = Books()
    assert books.assessed([leading], "2025-06-11T00:00:00") == []
    assert books.assessed([leading], "2025-07-01T00:00:00") == ["advance 30.00"]
    ended = replace(leading, end=edge("2025-07-11T00:00:00", NONE))
    assert books.assessed([ended], "2025-07-11T00:00:00") == []
    assert books.assessed([ended], "2025-08-01T00:00:00") == []


def test_proration_none_with_a_restart_asks_the_full_new_price() -> None:
    turn = edge("2025-06-11T00:00:00", NONE)
    old = held(flat("30.00"), "2025-06-01T00:00:00", turn, cycle=JUNE)
    new = held(flat("60.00"), turn, cycle=counted("2025-06-11T00:00:00"))
    books = Books()
    books.assess([replace(old, end=None)], "2025-06-01T00:00:00")
    assert books.assessed([old, new], "2025-06-11T00:00:00") == ["advance 60.00"]


def test_days_are_the_customers_own() -> None:
    """A day has been used up to its local midnight, at whatever hour the change came."""
    berlin = counted("2025-05-31T22:00:00", "Europe/Berlin")
    start = edge("2025-06-20T21:59:59", DAY)
    before_midnight = held(flat("30.00"), start, cycle=berlin)
    after_midnight = replace(before_midnight, start=edge("2025-06-20T22:00:00", DAY))
    assert Books().assessed([before_midnight], "2025-06-21T00:00:00") == ["advance 11.00"]
    assert Books().assessed([after_midnight], "2025-06-21T00:00:00") == ["advance 10.00"]


def test_a_change_back_on_one_local_day_is_nothing() -> None:
    up, back = edge("2025-06-16T08:00:00", DAY), edge("2025-06-16T17:00:00", DAY)
    low = held(flat("9.99"), "2025-06-01T00:00:00", up, cycle=JUNE)
    high = held(flat("19.99"), up, back, cycle=JUNE)
    again = held(flat("9.99"), back, cycle=JUNE)
    books = Books()
    books.assess([replace(low, end=None)], "2025-06-01T00:00:00")
    assert books.assessed([low, replace(high, end=None)], "2025-06-16T08:00:00") == [
        "advance 10.00",
        "credit -4.99",
    ]
    assert books.assessed([low, high, again], "2025-06-16T17:00:00") == [
        "credit -10.00",
        "advance 4.99",
    ]
    assert books.net == 999


def test_a_pause_that_extends_moves_no_money() -> None:
    price = flat("30.00")
    before = held(price, "2025-06-01T00:00:00", cycle=JUNE)
    frozen = replace(before, frozen_at=utc("2025-06-11T00:00:00"))
    paused = replace(before, end=edge("2025-06-11T00:00:00"))
    moved = JUNE.moved_on(5 * 86_400)
    after = held(price, "2025-06-16T00:00:00", cycle=moved)
    books = Books()
    assert books.assessed([before], "2025-06-01T00:00:00") == ["advance 30.00"]
    assert books.assessed([frozen], "2025-06-11T00:00:00") == []
    assert books.assessed([frozen], "2025-09-11T00:00:00") == []
    assert books.assessed([paused, after], "2025-06-16T00:00:00") == []
    assert books.assessed([paused, after], "2025-07-05T23:59:59") == []
    (draft,) = books.assess([paused, after], "2025-07-06T00:00:00")
    assert (draft.amount, draft.period_start, draft.period_end) == (
        3000,
        utc("2025-07-06T00:00:00"),
        utc("2025-08-06T00:00:00"),
    )
    # An end after it credits what was paid for and not had: 26 of 31 days.
    ended = replace(after, end=edge("2025-07-11T00:00:00"))
    assert books.assessed([paused, ended], "2025-07-11T00:00:00") == ["credit -25.16"]


def test_no_period_begins_while_time_stands() -> None:
    frozen = held(
        flat("30.00"), "2025-06-01T00:00:00", cycle=JUNE, frozen_at=utc("2025-07-01T00:00:00")
    )
    books = Books()
    books.assess([frozen], "2025-06-01T00:00:00")
    assert books.assessed([frozen], "2025-08-01T00:00:00") == []


def test_an_anchor_that_moves_cuts_the_open_period() -> None:
    price = flat("30.00")
    old = held(price, "2025-06-01T00:00:00", "2025-06-16T00:00:00", cycle=JUNE)
    new = held(price, "2025-06-16T00:00:00", cycle=counted("2025-06-16T00:00:00"))
    books = Books()
    books.assess([replace(old, end=None)], "2025-06-01T00:00:00")
    assert books.assessed([old, new], "2025-06-16T00:00:00") == ["credit -15.00", "advance 30.00"]


def test_a_zone_change_bills_the_next_period_in_full() -> None:
    berlin = Cycle(Anchor(utc("2025-06-01T00:00:00"), "UTC"))
    tokyo = berlin.in_zone("Asia/Tokyo", ended_at=utc("2025-07-01T00:00:00"))
    before = held(flat("30.00"), "2025-06-01T00:00:00", "2025-07-01T00:00:00", cycle=berlin)
    after = held(flat("30.00"), "2025-07-01T00:00:00", cycle=tokyo)
    books = Books()
    books.assess([replace(before, end=None)], "2025-06-01T00:00:00")
    (draft,) = books.assess([before, after], "2025-07-01T00:00:00")
    assert draft.explanation == "30.00 x 1 = 30.00 -> 30.00"
    assert (draft.period_start, draft.period_end) == (
        utc("2025-07-01T00:00:00"),
        utc("2025-07-31T15:00:00"),
    )


def test_goodwill_is_never_asked_back_and_lowers_what_can_be_credited() -> None:
    bought = held(flat("25.00"), "2025-06-01T00:00:00", cycle=JUNE)
    ended = replace(bought, end=edge("2025-06-16T00:00:00"))
    books = Books()
    books.assess([bought], "2025-06-01T00:00:00")
    ((key, billed),) = books.lines.items()
    books.lines[key] = replace(billed, goodwill=2000)
    assert books.assessed([bought], "2025-06-10T00:00:00") == []
    (draft,) = books.assess([ended], "2025-06-16T00:00:00")
    assert draft.amount == -500
    assert draft.explanation.endswith("12.50 - 25.00 charged = -12.50, of which -5.00")


def test_what_was_charged_before_a_point_is_left_alone() -> None:
    on = held(flat("30.00"), "2025-06-01T00:00:00", cycle=JUNE)
    books = Books()
    books.assess([on], "2025-08-01T00:00:00")
    books.lines.clear()
    since = utc("2025-07-01T00:00:00")
    assert books.assessed([on], "2025-08-01T00:00:00", since=since) == ["advance 30.00"] * 2


def test_after_a_change_that_does_not_count_none_of_that_period_does() -> None:
    none = edge("2025-06-11T00:00:00", NONE)
    history = [
        held(flat("30.00"), "2025-06-01T00:00:00", none, cycle=JUNE),
        held(flat("60.00"), none, "2025-06-21T00:00:00", cycle=JUNE),
        held(flat("90.00"), "2025-06-21T00:00:00", cycle=JUNE),
    ]
    books = Books()
    books.assess([replace(history[0], end=None)], "2025-06-01T00:00:00")
    assert books.assessed(history, "2025-06-21T00:00:00") == []
    assert books.assessed(history, "2025-07-01T00:00:00") == ["advance 90.00"]


def test_real_time_stands_on_the_right_side_of_a_pause() -> None:
    """Paused for five days at a boundary: June ends at the pause, July begins after it."""
    price = flat("30.00")
    paused = held(price, "2025-06-11T00:00:00", "2025-07-01T00:00:00", cycle=JUNE)
    after = held(price, "2025-07-06T00:00:00", cycle=JUNE.moved_on(5 * 86_400))
    first, second = Books().assess([paused, after], "2025-07-06T00:00:00")
    assert (first.period_start, first.period_end) == (
        utc("2025-06-01T00:00:00"),
        utc("2025-07-01T00:00:00"),
    )
    assert [(each.start, each.end) for each in first.segments] == [
        (utc("2025-06-11T00:00:00"), utc("2025-07-01T00:00:00"))
    ]
    assert (second.period_start, second.period_end) == (
        utc("2025-07-06T00:00:00"),
        utc("2025-08-06T00:00:00"),
    )
