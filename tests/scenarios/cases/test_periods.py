"""When periods begin and end: month ends, leap years, local time, intervals of several units."""

from tests.scenarios.cases.account import Account
from tests.scenarios.cases.playing import Stories, Story
from tests.world import World

stories = Stories("2024-12-31", leaving=True)
leaping = Stories("2024-01-29", leaving=True)


@stories
def the_31st_comes_back(a: Account) -> Story:
    """Stripe and Kill Bill: the last day of shorter months, and the 31st where there is one."""
    yield "2025-01-31"
    a.subscribes("unit", interval="month")
    assert a.period() == ("2025-01-31", "2025-02-28")
    yield "2025-02-28"
    assert a.period() == ("2025-02-28", "2025-03-31")
    yield "2025-03-31"
    assert a.period() == ("2025-03-31", "2025-04-30")
    assert a.charged() == [
        f"{day} advance 1.00" for day in ("2025-01-31", "2025-02-28", "2025-03-31")
    ]


@stories
def the_30th_is_not_the_end_of_the_month(a: Account) -> Story:
    yield "2025-01-30"
    a.subscribes("unit", interval="month")
    yield "2025-02-28"
    assert a.period() == ("2025-02-28", "2025-03-30")
    yield "2025-03-30"
    assert a.period() == ("2025-03-30", "2025-04-30")


@stories
def a_cycle_day_of_31(a: Account) -> Story:
    """Kill Bill, BCD 31 from 10 February: 18 of the 28 days that end on the 28th."""
    yield "2025-02-10"
    a.subscribes("unit", interval="month", quantity=28, anchor={"day_of_month": 31})
    assert a.charged() == ["2025-02-10 advance 18.00"]
    yield "2025-02-28"
    assert a.period() == ("2025-02-28", "2025-03-31")
    yield "2025-03-31"
    assert a.period() == ("2025-03-31", "2025-04-30")


@stories
def a_week_in_which_clocks_go_forward(a: Account) -> Story:
    """In Berlin that week has 167 hours: 96 were had, 71 are given back."""
    yield "2025-03-24T08:00:00"
    a.opens(zone="Europe/Berlin")
    a.subscribes("unit", interval="week", quantity=167)
    assert a.period() == ("2025-03-24T08:00", "2025-03-31T07:00")
    yield "2025-03-28T08:00:00"
    a.do("cancel", when="now", settlement="credit", reason="asked for")
    assert a.charged("2025-03-28") == ["2025-03-28T08:00 credit -71.00"]


@stories
def a_day_at_a_time_that_does_not_come(a: Account) -> Story:
    """02:30 in Berlin, which is not there on 30 March: forward to 03:30, and 02:30 again."""
    yield "2025-03-28T01:30:00"
    a.opens(zone="Europe/Berlin")
    a.subscribes("unit", interval="day")
    yield "2025-03-29T01:30:00"
    assert a.period() == ("2025-03-29T01:30", "2025-03-30T01:30")
    yield "2025-03-30T01:30:00"
    assert a.period() == ("2025-03-30T01:30", "2025-03-31T00:30")
    a.do("cancel", when="now", reason="asked for")


@stories
def a_month_to_a_time_that_comes_twice(a: Account) -> Story:
    """01:30 in New York comes twice on 2 November: the first time counts."""
    yield "2025-10-02T05:30:00"
    a.opens(zone="America/New_York")
    a.subscribes("unit", interval="month")
    assert a.period() == ("2025-10-02T05:30", "2025-11-02T05:30")
    yield "2025-11-02T05:30:00"
    assert a.period() == ("2025-11-02T05:30", "2025-12-02T06:30")


@stories
def the_first_of_the_month_where_the_customer_is(a: Account) -> Story:
    """Lago, calendar and time zones: midnight in New York; 278 of the 744 hours of January."""
    yield "2025-01-20T15:00:00"
    a.opens(zone="America/New_York")
    a.subscribes("unit", interval="month", quantity=744, anchor={"calendar": True})
    assert a.period() == ("2025-01-20T15:00", "2025-02-01T05:00")
    assert a.charged() == ["2025-01-20T15:00 advance 278.00"]
    yield "2025-03-01T05:00:00"
    assert a.period() == ("2025-03-01T05:00", "2025-04-01T04:00")


@stories
def weeks_of_the_calendar_begin_on_monday(a: Account) -> Story:
    """From Wednesday, 1 January 2025: five of seven days."""
    yield "2025-01-01"
    every_other = {"interval": "2 weeks", "quantity": 7}
    refused = a.subscribes("unit", status=422, anchor={"calendar": True}, **every_other)
    assert refused["code"] == "anchor_not_allowed"
    refused = a.subscribes("unit", status=422, anchor={"day_of_month": 3}, interval="week")
    assert refused["code"] == "anchor_not_allowed"
    a.subscribes("unit", anchor={"calendar": True}, interval="week", quantity=7)
    assert a.period() == ("2025-01-01", "2025-01-06")
    assert a.charged() == ["2025-01-01 advance 5.00"]
    yield "2025-01-06"
    assert a.period() == ("2025-01-06", "2025-01-13")
    a.do("cancel", when="now", reason="asked for")


@stories
def two_weeks_at_a_time(a: Account) -> Story:
    yield "2025-01-06"
    a.subscribes("unit", interval="2 weeks", quantity=28)
    yield "2025-01-20"
    assert a.period() == ("2025-01-20", "2025-02-03")
    yield "2025-01-27"
    a.do("cancel", when="now", settlement="credit", reason="asked for")
    assert a.charged() == [
        "2025-01-06 advance 28.00",
        "2025-01-20 advance 28.00",
        "2025-01-27 credit -14.00",
    ]


@stories
def quarters_of_the_calendar(a: Account) -> Story:
    """Lago: 910.00 a quarter from 20 May: 42 of 91 days; ended on 20 June, 11 days come back. Lago
    counts the day of the end as had: 320.00 instead of 310.00."""
    yield "2025-05-20"
    a.subscribes("unit", interval="3 months", quantity=910, anchor={"calendar": True})
    assert (a.period(), a.charged()) == (
        ("2025-05-20", "2025-07-01"),
        ["2025-05-20 advance 420.00"],
    )
    yield "2025-06-20"
    a.do("cancel", when="now", settlement="credit", reason="asked for")
    assert (a.net(), a.balance()) == (310.00, 110.00)


@stories
def quarters_of_the_calendar_in_arrears(a: Account) -> Story:
    """The same, paid for when it is over: 31 of 91 days, at the end."""
    yield "2025-05-20"
    a.subscribes("unit_later", interval="3 months", quantity=910, anchor={"calendar": True})
    assert a.charged() == []
    yield "2025-06-20"
    a.do("cancel", when="now", reason="asked for")
    assert a.charged() == ["2025-06-20 arrears 310.00"]


@stories
def a_quarter_keeps_its_date_through_an_upgrade(a: Account) -> Story:
    """Lago: 455.00 a quarter since 15 January, up to 910.00 on 20 May: 56 of 91 days are left; on
    20 June it ends, with 25 to come."""
    yield "2025-01-15"
    a.subscribes("unit", interval="3 months", quantity=455)
    yield "2025-05-20"
    a.do("change", plan="double")
    assert a.period() == ("2025-04-15", "2025-07-15")
    assert a.charged("2025-05-20") == ["2025-05-20 credit -280.00", "2025-05-20 advance 560.00"]
    yield "2025-06-20"
    a.do("cancel", when="now", settlement="credit", reason="asked for")
    assert a.charged("2025-06-20") == ["2025-06-20 credit -250.00"]


@stories
def the_rest_of_a_calendar_year(a: Account) -> Story:
    """365.00 a year from 20 May: 226 days to January."""
    yield "2025-05-20"
    a.subscribes("unit", interval="year", quantity=365, anchor={"calendar": True})
    assert a.period() == ("2025-05-20", "2026-01-01")
    assert a.charged() == ["2025-05-20 advance 226.00"]


@stories
def a_year_that_is_paid_on_the_15th(a: Account) -> Story:
    """From 1 January 2025: 14 of the 366 days of the year that ends on 15 January 2025."""
    yield "2025-01-01"
    a.subscribes("unit", interval="year", quantity=366, anchor={"day_of_month": 15})
    assert a.charged() == ["2025-01-01 advance 14.00"]
    yield "2025-01-15"
    assert a.period() == ("2025-01-15", "2026-01-15")
    assert a.charged("2025-01-15") == ["2025-01-15 advance 366.00"]


@stories
def a_piece_at_both_ends(a: Account) -> Story:
    """Kill Bill, double proration: cycle day 15 from 1 January to 27 February, of 868.00: 14 of 31
    days, a month, and 12 of 28 days."""
    yield "2025-01-01"
    a.subscribes(
        "unit",
        interval="month",
        quantity=868,
        anchor={"day_of_month": 15},
        ends_at="2025-02-27T00:00:00Z",
    )
    assert a.pending() == [("end", "2025-02-27")]
    yield "2025-02-27"
    assert a.shown()["state"] == "canceled"
    assert a.charged() == [
        "2025-01-01 advance 392.00",
        "2025-01-15 advance 868.00",
        "2025-02-15 advance 372.00",
    ]


@stories
def a_trial_and_then_a_piece_of_a_month(a: Account) -> Story:
    """Kill Bill: 30 days from 1 June and cycle day 10: 249.95 times 9/30 is 74.985, so 74.99."""
    yield "2025-06-01"
    a.opens()
    a.has_a_card()
    a.subscribes("gold", trial_days=30, anchor={"day_of_month": 10})
    yield "2025-07-01"
    assert a.period() == ("2025-07-01", "2025-07-10")
    yield "2025-07-10"
    assert a.charged() == ["2025-07-01 advance 74.99", "2025-07-10 advance 249.95"]


@stories
def a_cycle_day_that_is_chosen_in_a_trial(a: Account) -> Story:
    """Kill Bill: trial from 1 April for 30 days; on the 4th the 15th is chosen: 14 of the 30 days
    that end on 15 May, 116.64, then full months."""
    yield "2025-04-01"
    a.opens()
    a.has_a_card()
    a.subscribes("gold", trial_days=30)
    yield "2025-04-04"
    a.do("anchor", day_of_month=15)
    yield "2025-05-01"
    assert a.period() == ("2025-05-01", "2025-05-15")
    yield "2025-05-15"
    assert a.period() == ("2025-05-15", "2025-06-15")
    assert a.charged() == ["2025-05-01 advance 116.64", "2025-05-15 advance 249.95"]


@stories
def a_cycle_day_is_moved_twice(a: Account) -> Story:
    """Kill Bill bills 112.88 for the time to the new date; here the old month gives back 17 of 31
    days and a new one begins: 249.95 - 137.07 is the same. The second move, from the 15th to the
    10th, is 5 of 30 days here and 26 of 31 there."""
    yield "2025-05-01"
    a.subscribes("gold")
    a.do("anchor", day_of_month=15)
    yield "2025-05-15"
    assert a.period() == ("2025-05-15", "2025-06-15")
    assert a.charged("2025-05-15") == ["2025-05-15 credit -137.07", "2025-05-15 advance 249.95"]
    yield "2025-06-15"
    a.do("anchor", day_of_month=10)
    yield "2025-07-10"
    assert a.period() == ("2025-07-10", "2025-08-10")
    assert a.charged("2025-07-10") == ["2025-07-10 credit -41.66", "2025-07-10 advance 249.95"]


@stories
def a_change_while_another_cycle_day_is_agreed(a: Account) -> Story:
    """Kill Bill: from 5 May the new plan is charged only up to the 10th, where its months begin.
    Kill Bill asks 5 of 30 days (99.99); our denominator is the month that is cut, of 31."""
    yield "2025-05-01"
    a.subscribes("gold")
    a.do("anchor", day_of_month=10)
    yield "2025-05-05"
    a.do("change", plan="platinum")
    assert a.charged("2025-05-05") == ["2025-05-05 credit -217.70", "2025-05-05 advance 96.77"]
    yield "2025-05-10"
    assert a.period() == ("2025-05-10", "2025-06-10")
    assert a.charged("2025-05-10") == ["2025-05-10 advance 599.95"]


@stories
def the_cycle_begins_now(a: Account) -> Story:
    """Stripe, billing_cycle_anchor now: 10 of 31 days come back, and a full month is asked."""
    yield "2025-05-01"
    a.subscribes("unit", interval="month", quantity=31)
    yield "2025-05-22"
    a.do("anchor", at="2025-05-22T00:00:00Z")
    assert a.period() == ("2025-05-22", "2025-06-22")
    assert a.charged("2025-05-22") == ["2025-05-22 credit -10.00", "2025-05-22 advance 31.00"]


@leaping
def the_29th_and_the_31st_in_a_leap_year(a: Account) -> Story:
    a.subscribes("unit", interval="month")
    yield "2024-02-29"
    assert a.period() == ("2024-02-29", "2024-03-29")


@leaping
def the_31st_in_a_leap_year(a: Account) -> Story:
    yield "2024-01-31"
    a.subscribes("unit", interval="month")
    yield "2024-02-29"
    assert a.period() == ("2024-02-29", "2024-03-31")


@leaping
def a_leap_day_every_year(a: Account) -> Story:
    yield "2024-02-29"
    a.subscribes("unit", interval="year")
    yield "2025-02-28"
    assert a.period() == ("2025-02-28", "2026-02-28")
    yield "2027-02-28"
    assert a.period() == ("2027-02-28", "2028-02-29")
    assert len(a.charged()) == 4


@leaping
def half_years_and_quarters_from_a_month_end(a: Account) -> Story:
    """31 August to 28 February and back to the 31st; the longer interval acts at once."""
    yield "2024-08-31"
    a.subscribes("unit", interval="6 months")
    yield "2025-02-28"
    assert a.period() == ("2025-02-28", "2025-08-31")
    quarter = a.do("change", interval="3 months", anchor="keep")
    assert quarter["decision"]["timing"] == "period_end"
    yield "2025-08-31"
    assert a.period() == ("2025-08-31", "2025-11-30")
    yield "2025-11-30"
    assert a.period() == ("2025-11-30", "2026-02-28")


@leaping
def a_full_year_with_a_leap_day_in_it(a: Account) -> Story:
    """366.00 from 1 February 2024: on 1 March 29 days were had, 337 of 366 are given back."""
    yield "2024-02-01"
    a.subscribes("unit", interval="year", quantity=366)
    yield "2024-03-01"
    a.do("cancel", when="now", settlement="credit", reason="asked for")
    assert a.charged("2024-03-01") == ["2024-03-01 credit -337.00"]


def test_periods(world: World) -> None:
    stories.play(world)


def test_periods_through_leap_years(world: World) -> None:
    leaping.play(world)
