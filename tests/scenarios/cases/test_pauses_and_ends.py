"""Pauses of both kinds, and ends with every settlement."""

from tests.scenarios.cases.account import Account
from tests.scenarios.cases.playing import Stories, Story
from tests.world import World

pauses = Stories("2025-02-01")
ends = Stories("2025-06-01")


@pauses
def a_year_is_paused_and_resumed(a: Account) -> Story:
    """Kill Bill: 11 of 365 days are had; resumed on 4 June, the year is that from 1 June."""
    yield "2025-05-01"
    a.subscribes("gold", interval="year")
    yield "2025-05-12"
    a.do("pause", mode="credit")
    assert (a.value(), a.balance()) == (None, 2327.62)
    yield "2025-06-04"
    a.do("resume")
    assert (a.period(), a.value()) == (("2025-06-04", "2026-06-01"), "80")
    assert a.charged("2025-05-12") == ["2025-05-12 credit -2327.62", "2025-06-04 advance 2380.22"]
    assert a.shown(at="2026-07-01T00:00:00Z")["period_end"] == "2027-06-01T00:00:00Z"


@pauses
def a_month_is_paused_over_two_boundaries(a: Account) -> Story:
    """The downgrade that was agreed for the period's end goes along with it."""
    a.subscribes("double", interval="month", quantity=14)
    a.do("change", plan="unit")
    yield "2025-02-15"
    a.do("pause", mode="credit", resumes_at="2025-04-16T00:00:00Z")
    yield "2025-04-16"
    assert (a.stands(), a.period()) == (("double", "active"), ("2025-04-16", "2025-05-01"))
    assert ("plan", "2025-05-01") in a.pending()
    yield "2025-05-01"
    assert a.charged() == [
        "2025-02-01 advance 28.00",
        "2025-02-15 credit -14.00",
        "2025-04-16 advance 14.00",
        "2025-05-01 advance 14.00",
    ]


@pauses
def a_pause_with_an_end_agreed(a: Account) -> Story:
    """What is agreed for the period's end waits for a period: 16 of 31 days, then it is over."""
    a.subscribes("unit", interval="month", quantity=31)
    yield "2025-02-22"
    a.do("cancel")
    a.do("pause", mode="credit")
    assert a.charged("2025-02-22") == ["2025-02-22 credit -7.75"]
    yield "2025-03-16"
    a.do("resume")
    assert (a.pending(), a.charged("2025-03")) == (
        [("end", "2025-04-01")],
        ["2025-03-16 advance 16.00"],
    )
    yield "2025-04-01"
    assert a.shown()["state"] == "canceled"


@pauses
def an_extended_month_and_an_upgrade_in_what_was_added(a: Account) -> Story:
    """Ten days of pause move the end to 11 May; on 1 May ten of the thirty paid days are left."""
    yield "2025-04-01"
    a.subscribes("unit_extending", interval="month", quantity=30)
    yield "2025-04-11"
    a.do("pause")
    assert a.value() == "10"
    yield "2025-04-21"
    a.do("resume")
    assert a.period() == ("2025-04-01", "2025-05-11")
    yield "2025-05-01"
    a.do("change", plan="double")
    yield "2025-05-11"
    assert a.charged() == [
        "2025-04-01 advance 30.00",
        "2025-05-01 credit -10.00",
        "2025-05-01 advance 20.00",
        "2025-05-11 advance 60.00",
    ]
    # 1 June and the ten days
    assert a.period() == ("2025-05-11", "2025-06-11")


@pauses
def a_pause_of_both_kinds_in_one_month(a: Account) -> Story:
    """Extended by 10 days, then credited when 10 of 30 days are left in the count."""
    yield "2025-04-01"
    a.subscribes("unit_extending", interval="month", quantity=30)
    yield "2025-04-11"
    a.do("pause")
    yield "2025-04-21"
    a.do("resume")
    yield "2025-05-01"
    a.do("pause", mode="credit")
    assert a.charged("2025-05-01") == ["2025-05-01 credit -10.00"]


@pauses
def a_week_resumes_on_its_weekday(a: Account) -> Story:
    """From Monday the 3rd, paused on Wednesday, resumed on Sunday a week later: one of the seven
    days from Monday the 10th."""
    yield "2025-02-03"
    a.subscribes("unit", interval="week", quantity=7)
    yield "2025-02-05"
    a.do("pause", mode="credit")
    yield "2025-02-16"
    a.do("resume")
    assert a.period() == ("2025-02-16", "2025-02-17")
    assert a.charged("2025-02-05") == ["2025-02-05 credit -5.00", "2025-02-16 advance 1.00"]


@pauses
def a_day_resumes_at_its_time(a: Account) -> Story:
    yield "2025-02-03"
    a.subscribes("unit", interval="day", quantity=24)
    yield "2025-02-03T06:00:00"
    a.do("pause", mode="credit")
    yield "2025-02-05T12:00:00"
    a.do("resume")
    assert a.period() == ("2025-02-05T12:00", "2025-02-06")
    assert a.charged("2025-02-03T06") == [
        "2025-02-03T06:00 credit -18.00",
        "2025-02-05T12:00 advance 12.00",
    ]


@pauses
def arrears_are_asked_at_the_pause(a: Account) -> Story:
    a.subscribes("unit_later", interval="month", quantity=28)
    yield "2025-02-15"
    a.do("pause", mode="credit")
    assert a.charged() == ["2025-02-15 arrears 14.00"]
    yield "2025-03-01"
    a.do("resume")
    yield "2025-04-01"
    assert a.charged("2025-03") == ["2025-04-01 arrears 28.00"]


@pauses
def the_31st_survives_a_pause(a: Account) -> Story:
    """Of the 30 days from 31 March 10 are had; on 1 May the month is that from 30 April: 30 of 31
    days are left, as it still ends on the 31st."""
    yield "2025-03-31"
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-04-10"
    a.do("pause", mode="credit")
    assert a.charged("2025-04-10") == ["2025-04-10 credit -20.00"]
    yield "2025-05-01"
    a.do("resume")
    assert a.period() == ("2025-05-01", "2025-05-31")
    assert a.charged("2025-05-01") == ["2025-05-01 advance 29.03"]


@pauses
def a_correction_from_before_a_pause(a: Account) -> Story:
    """The ten days of the pause do not count: since the 6th, 25 of 30 days of 60 instead of 30."""
    yield "2025-04-01"
    a.subscribes("unit_extending", interval="month", quantity=30)
    yield "2025-04-11"
    a.do("pause")
    yield "2025-04-21"
    a.do("resume")
    yield "2025-04-26"
    a.do("change", quantity=60, effective_at="2025-04-06T00:00:00Z")
    assert a.charged("2025-04-26") == ["2025-04-26 credit -25.00", "2025-04-26 advance 50.00"]
    yield "2025-05-11"
    assert a.charged("2025-05-01") == ["2025-05-11 advance 60.00"]


@pauses
def more_seats_in_a_pause(a: Account) -> Story:
    """Nothing is asked before it resumes: a quarter of February is left then."""
    a.subscribes("unit", interval="month", quantity=28)
    yield "2025-02-15"
    a.do("pause", mode="credit")
    a.do("change", quantity=56)
    assert a.net() == 14.00
    yield "2025-02-22"
    a.do("resume")
    assert a.charged("2025-02-22") == ["2025-02-22 advance 14.00"]
    assert a.period() == ("2025-02-22", "2025-03-01")


@ends
def ended_now_and_nothing_comes_back(a: Account) -> Story:
    """Stripe, prorate false: what is paid stays paid, and a charge without money says how much."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-06-16"
    gone = a.do("cancel", when="now", reason="asked for")
    assert (gone["resource"]["state"], a.value()) == ("canceled", None)
    assert a.charged("2025-06-16") == ["2025-06-16 forfeited 15.00"]


@ends
def ended_now_with_a_refund(a: Account) -> Story:
    """Recurly, terminate with a partial refund: nothing reaches the balance."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-06-16"
    a.do("cancel", when="now", settlement="refund", reason="asked for")
    assert (a.charged("2025-06-16"), a.balance()) == (["2025-06-16 credit -15.00"], 0.00)


@ends
def ended_and_not_ended(a: Account) -> Story:
    """Stripe, cancel_at_period_end and back: nothing happens to money."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-06-16"
    a.do("cancel")
    assert a.pending() == [("end", "2025-07-01")]
    yield "2025-06-20"
    a.do("uncancel")
    assert a.refused("uncancel", 409) == "not_canceling"
    yield "2025-07-01"
    assert a.charged() == ["2025-06-01 advance 30.00", "2025-07-01 advance 30.00"]


@ends
def an_end_on_a_date_in_the_next_month(a: Account) -> Story:
    """Stripe, cancel_at: July is charged up to the 11th; taken back, the rest is asked."""
    a.subscribes("unit", interval="month", quantity=31)
    yield "2025-06-16"
    a.do("cancel", access_end="2025-07-11T00:00:00Z")
    yield "2025-07-01"
    assert a.charged("2025-07-01") == ["2025-07-01 advance 10.00"]
    yield "2025-07-05"
    a.do("uncancel")
    assert a.charged("2025-07-05") == ["2025-07-05 advance 21.00"]


@ends
def an_end_on_a_date_in_what_is_paid(a: Account) -> Story:
    """It is given back when it comes, not before."""
    a.subscribes("unit", interval="month", quantity=30)
    a.do("cancel", access_end="2025-06-21T00:00:00Z", settlement="credit")
    assert a.charged("2025-06-02") == []
    yield "2025-06-21"
    assert (a.shown()["state"], a.charged("2025-06-02")) == (
        "canceled",
        ["2025-06-21 credit -10.00"],
    )


@ends
def access_ends_now_and_billing_later(a: Account) -> Story:
    """Kill Bill, entitlement immediate, billing end of term, in arrears: all of June is asked."""
    a.subscribes("unit_later", interval="month", quantity=30)
    yield "2025-06-16"
    end = "2025-07-01T00:00:00Z"
    a.do("cancel", when="now", billing_end=end, reason="asked for")
    assert (a.value(), a.charged()) == (None, [])
    yield "2025-07-02"
    assert a.charged() == ["2025-07-01 arrears 30.00"]


@ends
def billing_ends_now_and_access_later(a: Account) -> Story:
    """The other way round: half of June comes back, and is used all the same."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-06-16"
    now = "2025-06-16T00:00:00Z"
    a.do("cancel", when="period_end", billing_end=now, settlement="credit")
    assert (a.shown()["billed"], a.value(), a.balance()) == (False, "10", 15.00)
    yield "2025-07-01"
    assert (a.shown()["state"], a.value(), a.net()) == ("canceled", None, 15.00)


@ends
def billing_that_had_ended_goes_on(a: Account) -> Story:
    """Taken back on the 21st, it is billed from then: five days were had for nothing."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-06-16"
    now = "2025-06-16T00:00:00Z"
    a.do("cancel", when="period_end", billing_end=now, settlement="credit")
    yield "2025-06-21"
    a.do("uncancel")
    assert a.charged("2025-06-16") == ["2025-06-16 credit -15.00", "2025-06-21 advance 10.00"]
    yield "2025-07-01"
    assert a.charged("2025-07-01") == ["2025-07-01 advance 30.00"]


@ends
def bought_and_ended_at_one_instant(a: Account) -> Story:
    """Withdrawn, even where nothing is to be given back."""
    a.subscribes("unit", interval="month", quantity=30)
    a.do("cancel", when="now", settlement="none", reason="asked for")
    assert a.net() == 0.00
    yield "2025-07-02"
    assert a.net() == 0.00


@ends
def ended_in_the_past(a: Account) -> Story:
    """As of the 11th, decided on the 16th; not before the open period."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-06-16"
    assert a.refused("cancel", 409, access_end="2025-05-20T00:00:00Z") == "period_closed"
    a.do("cancel", access_end="2025-06-11T00:00:00Z", settlement="credit")
    assert a.shown()["ended_at"] == "2025-06-11T00:00:00Z"
    assert a.charged("2025-06-16") == ["2025-06-16 credit -20.00"]


@ends
def ended_as_of_the_start_of_the_term(a: Account) -> Story:
    """Kill Bill, START_OF_TERM: all of the open period comes back."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-06-16"
    a.do("cancel", access_end="2025-06-01T00:00:00Z", settlement="credit")
    assert (a.shown()["state"], a.net()) == ("canceled", 0.00)


@ends
def back_on_free_and_restored(a: Account) -> Story:
    """The same subscription goes to its fallback; in its period it comes back at no cost."""
    a.places("pulse")
    a.do("change", plan="pulse_ten")
    yield "2025-06-11"
    a.do("cancel", when="now", reason="asked for")
    assert a.stands() == ("pulse_free", "active")
    assert a.refused("cancel", 409) == "already_on_fallback"
    yield "2025-06-21"
    a.restores()
    assert (a.stands(), a.period(), a.net()) == (
        ("pulse_ten", "active"),
        ("2025-06-01", "2025-07-01"),
        10.00,
    )
    yield "2025-07-01"
    assert a.charged("2025-07-01") == ["2025-07-01 advance 10.00"]


@ends
def credited_and_restored(a: Account) -> Story:
    """20 of 30 days come back; on 21 June the last 10 are asked again: 3.33 and 3.33 of 10.00."""
    a.places("pulse")
    a.do("change", plan="pulse_ten")
    yield "2025-06-11"
    a.do("cancel", when="now", settlement="credit", reason="asked for")
    yield "2025-06-21"
    a.restores()
    assert a.charged("2025-06-11") == ["2025-06-11 credit -6.67", "2025-06-21 advance 3.33"]


@ends
def given_up_and_back_on_a_dearer_plan(a: Account) -> Story:
    """Two halls share 1 June. One gives up 30.00 on the 11th with nothing back, and takes 60.00 on
    the 21st: the last third costs 20.00, of which 10.00 are paid for."""
    a.places("hall")
    a.do("change", plan="hall_thirty", interval="month")
    other = a.another("hall")
    other.do("change", plan="hall_thirty", interval="month")
    yield "2025-06-11"
    a.do("cancel", when="now", reason="asked for")
    assert a.charged("2025-06-11") == ["2025-06-11 forfeited 20.00"]
    yield "2025-06-21"
    a.do("change", plan="hall_sixty")
    assert (a.period(), a.net(), a.balance()) == (("2025-06-21", "2025-07-01"), 40.00, 0.00)


def test_pauses(world: World) -> None:
    pauses.play(world)


def test_ends(world: World) -> None:
    ends.play(world)
