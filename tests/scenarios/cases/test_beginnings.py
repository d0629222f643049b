"""Trials, starts, what is agreed for later, the past that is corrected, and blocks."""

from core.principals import Scope
from tests.scenarios.cases.account import Account
from tests.scenarios.cases.playing import Stories, Story
from tests.world import World

trials = Stories("2025-03-20T10:00:00")
agreed = Stories("2025-04-01")


@trials
def paid_after_14_days_in_berlin(a: Account) -> Story:
    """By the calendar: 11:00 to 11:00, over the night in which clocks go forward."""
    a.opens(zone="Europe/Berlin")
    a.places("pulse")
    a.do("change", plan="pulse_tried_paid")
    assert a.period() == ("2025-03-20T10:00", "2025-04-03T09:00")
    yield "2025-04-03T09:00:00"
    assert a.period() == ("2025-04-03T09:00", "2025-05-03T09:00")
    assert a.charged() == ["2025-04-03T09:00 advance 30.00"]


@trials
def canceled_after_the_trial(a: Account) -> Story:
    """Stripe, missing_payment_method cancel: an exclusive plan goes to its fallback instead."""
    a.places("pulse")
    a.do("change", plan="pulse_tried_canceled")
    yield "2025-04-03T10:00:00"
    assert (a.stands(), a.charged()) == (("pulse_free", "active"), [])


@trials
def paused_after_the_trial(a: Account) -> Story:
    """Stripe, missing_payment_method pause. Resumed on 20 April: months are those from the trial's
    end, so 13 of 30 days are asked; Stripe would begin a month of its own."""
    a.places("pulse")
    a.do("change", plan="pulse_tried_paused")
    yield "2025-04-03T10:00:00"
    assert (a.stands(), a.value("posts"), a.charged()) == (
        ("pulse_tried_paused", "paused"),
        None,
        [],
    )
    yield "2025-04-20T10:00:00"
    a.do("resume")
    assert a.period() == ("2025-04-20T10:00", "2025-05-03T10:00")
    assert a.charged() == ["2025-04-20T10:00 advance 13.00"]


@trials
def nobody_pays_after_the_trial(a: Account) -> Story:
    """Paid if there is a payment method: there is none, and no fallback, so it ends."""
    a.subscribes("gold", interval="month", trial_days=10)
    yield "2025-03-30T10:00:00"
    assert (a.shown()["state"], a.value(), a.charged()) == ("canceled", None, [])
    again = a.subscribes("gold", status=409, trial_days=10)
    assert again["code"] == "trial_spent"


@trials
def a_trial_is_extended(a: Account) -> Story:
    """Lago: 30 days from 15 June and 11 more; on 26 July the calendar month has 6 of 31 days left:
    149.00 x 6/31 is 28.84."""
    yield "2025-06-15"
    a.opens()
    a.has_a_card()
    a.subscribes("unit", interval="month", quantity=149, trial_days=30, anchor={"calendar": True})
    yield "2025-07-10"
    longer = a.do("trial", extend_days=11)["resource"]
    assert longer["trial_end"] == "2025-07-26T00:00:00Z"
    yield "2025-07-26"
    assert (a.period(), a.charged()) == (
        ("2025-07-26", "2025-08-01"),
        ["2025-07-26 advance 28.84"],
    )
    yield "2025-08-01"
    assert a.charged("2025-08-01") == ["2025-08-01 advance 149.00"]


@trials
def up_in_a_trial_costs_nothing(a: Account) -> Story:
    """The end stays; seats and what comes on top are free as well."""
    a.opens()
    a.has_a_card()
    a.subscribes("ten", interval="month", trial_days=14)
    yield "2025-03-25T10:00:00"
    a.do("add-ons", add_on="extra", quantity=2)
    a.do("change", plan="fifteen")
    assert (a.shown()["trial_end"], a.value()) == ("2025-04-03T10:00:00Z", "42")
    yield "2025-04-03T10:00:00"
    assert a.charged() == [
        "2025-04-03T10:00 advance 15.00",
        "2025-04-03T10:00 extra advance 6.00",
    ]


@trials
def canceled_in_a_trial(a: Account) -> Story:
    """Stripe and Chargebee: it is used to its end, and costs nothing."""
    a.opens()
    a.has_a_card()
    a.subscribes("ten", interval="month", trial_days=14)
    yield "2025-03-25T10:00:00"
    a.do("cancel")
    assert (a.pending(), a.value()) == ([("end", "2025-04-03T10:00")], "30")
    yield "2025-04-03T10:00:00"
    assert (a.shown()["state"], a.charged()) == ("canceled", [])


@agreed
def a_start_that_lies_ahead(a: Account) -> Story:
    """Stripe, schedule with a start date; Lago, pending: nothing before it, and known today."""
    a.subscribes("ten", interval="month", access_start="2025-05-01T00:00:00Z")
    assert (a.shown()["state"], a.value(), a.charged()) == ("pending", None, [])
    assert a.shown(at="2025-05-10T00:00:00Z")["state"] == "active"
    yield "2025-05-01"
    assert (a.value(), a.period(), a.charged()) == (
        "30",
        ("2025-05-01", "2025-06-01"),
        ["2025-05-01 advance 10.00"],
    )


@agreed
def a_start_that_is_called_off(a: Account) -> Story:
    a.subscribes("ten", interval="month", access_start="2025-05-01T00:00:00Z")
    yield "2025-04-10"
    a.do("cancel")
    yield "2025-05-02"
    assert (a.shown()["state"], a.charged()) == ("canceled", [])


@agreed
def a_term_of_three_months(a: Account) -> Story:
    """Stripe, three iterations and cancel; Kill Bill, fixed term: three bills and the end."""
    a.subscribes("ten", interval="month", ends_at="2025-07-01T00:00:00Z")
    yield "2025-07-01"
    assert (a.shown()["state"], a.net()) == ("canceled", 30.00)


@agreed
def one_change_of_plan_is_agreed_at_a_time(a: Account) -> Story:
    """Stripe's schedules hold many phases; here the later word takes the place of the earlier."""
    a.subscribes("ten", interval="month")
    first = a.do("change", plan="fifteen", effective_at="2025-05-01T00:00:00Z")
    second = a.do("change", plan="nineteen", effective_at="2025-06-01T00:00:00Z")
    assert second["replaced"] == [first["resource"]["pending"][0]["id"]]
    yield "2025-06-01"
    assert a.charged() == [
        "2025-04-01 advance 10.00",
        "2025-05-01 advance 10.00",
        "2025-06-01 advance 19.00",
    ]


@agreed
def what_is_agreed_together_happens_together(a: Account) -> Story:
    """Plan, seats and end are of different kinds; the end goes when a plan is agreed instead."""
    a.subscribes("double", interval="month", quantity=10)
    a.do("change", quantity=5)
    a.do("cancel")
    assert a.pending() == [("end", "2025-05-01")]
    a.do("change", plan="unit", quantity=4)
    assert sorted(a.pending()) == [("plan", "2025-05-01"), ("quantity", "2025-05-01")]
    yield "2025-05-01"
    assert a.charged("2025-05-01") == ["2025-05-01 advance 4.00"]


@agreed
def up_since_ten_days_ago(a: Account) -> Story:
    """Kill Bill, a change with a date behind: as if it had been made then, charged today."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-04-21"
    a.do("change", plan="double", effective_at="2025-04-11T00:00:00Z")
    assert a.charged("2025-04-21") == ["2025-04-21 credit -20.00", "2025-04-21 advance 40.00"]
    assert a.shown(at="2025-04-11T00:00:00Z")["plan"] == "double"
    yield "2025-05-10"
    too_late = a.refused("change", 409, quantity=31, effective_at="2025-04-20T00:00:00Z")
    assert too_late == "period_closed"


@agreed
def a_correction_below_a_later_change(a: Account) -> Story:
    """30, and 60 since the 21st; it was 45 since the 11th: ten days of each."""
    a.subscribes("unit", interval="month", quantity=30)
    yield "2025-04-21"
    a.do("change", quantity=60)
    assert a.charged("2025-04-21") == ["2025-04-21 credit -10.00", "2025-04-21 advance 20.00"]
    yield "2025-04-26"
    a.do("change", quantity=45, effective_at="2025-04-11T00:00:00Z")
    assert a.charged("2025-04-26") == ["2025-04-26 credit -10.00", "2025-04-26 advance 15.00"]
    assert (a.shown()["quantity"], a.net()) == (60, 45.00)


@agreed
def a_start_that_lies_behind_is_refused(a: Account) -> Story:
    """Stripe backdates a start and bills it; here a start is today's or later."""
    yield "2025-04-11"
    behind = a.subscribes("ten", status=422, access_start="2025-04-01T00:00:00Z")
    assert behind["code"] == "date_in_past"


@agreed
def a_block_keeps_from_more_and_not_from_less(a: Account) -> Story:
    """Kill Bill, block change: renewals go on, and what is blocked is the customer's own order."""
    a.subscribes("fifteen", interval="month")
    path = f"customers/{a.customer}/blocks"
    a.world.post(path, status=201, name="dispute", effects=["change"])
    scopes = [Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE]
    own = a.world.token_for(scopes, customer_id=a.customer)
    change = f"subscriptions/{a.subscription}/change"
    up = a.world.call("POST", change, status=409, body={"plan": "nineteen"}, token=own)
    assert up["code"] == "blocked"
    a.do("change", plan="ten")
    yield "2025-05-01"
    assert (a.stands(), a.charged("2025-05-01")) == (
        ("ten", "active"),
        ["2025-05-01 advance 10.00"],
    )


@agreed
def a_block_of_access_until_a_date(a: Account) -> Story:
    """Kill Bill, block entitlement: nothing may be used, the period runs on, it ends by itself."""
    a.subscribes("ten", interval="month")
    until = {"from": "2025-04-11T00:00:00Z", "until": "2025-05-11T00:00:00Z"}
    path = f"customers/{a.customer}/blocks"
    a.world.post(path, status=201, name="fraud", effects=["access"], **until)
    assert a.value() == "30"
    yield "2025-04-11"
    assert a.value() is None
    yield "2025-05-11"
    assert (a.value(), a.charged("2025-05-01")) == ("30", ["2025-05-01 advance 10.00"])


def test_trials(world: World) -> None:
    trials.play(world)


def test_what_is_agreed(world: World) -> None:
    agreed.play(world)
