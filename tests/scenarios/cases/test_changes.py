"""Up, down and across within one period: what it costs, to the cent.

Where another system is named, the dates and amounts are those of its own tests or documentation,
brought to a year with the same calendar; where our rules differ, the story says how.
"""

from tests.scenarios.cases.account import Account
from tests.scenarios.cases.playing import Stories, Story
from tests.world import World

stories = Stories("2025-01-01")


@stories
def up_within_a_month(a: Account) -> Story:
    """Kill Bill: 249.95 to 599.95 four days into May: 27 of 31 days of each."""
    yield "2025-05-01"
    a.subscribes("gold")
    yield "2025-05-05"
    up = a.do("change", plan="platinum")
    assert (up["decision"]["rule"], a.value()) == ("rank_up", "90")
    assert a.charged("2025-05-05") == ["2025-05-05 credit -217.70", "2025-05-05 advance 522.54"]
    yield "2025-06-01"
    assert a.charged("2025-06-01") == ["2025-06-01 advance 599.95"]


@stories
def several_repairs_in_one_month(a: Account) -> Story:
    """Kill Bill: 599.95, down to 9.95 after six days, up to 29.95 a day later. Its account credit
    pays the second bill; ours stays on the balance until there are invoices to pay."""
    yield "2025-05-01"
    a.subscribes("platinum")
    yield "2025-05-07"
    a.do("change", plan="bronze", timing="now")
    assert a.charged("2025-05-07") == ["2025-05-07 credit -483.83", "2025-05-07 advance 8.02"]
    assert a.balance() == 475.81
    yield "2025-05-08"
    a.do("change", plan="silver")
    assert a.charged("2025-05-08") == ["2025-05-08 credit -7.70", "2025-05-08 advance 23.19"]
    yield "2025-06-01"
    assert a.charged("2025-06-01") == ["2025-06-01 advance 29.95"]


@stories
def down_is_for_the_end_of_the_term(a: Account) -> Story:
    """Kill Bill, END_OF_TERM: nothing before the end; then the new price, with no repair."""
    yield "2025-05-01"
    a.subscribes("gold")
    yield "2025-05-10"
    down = a.do("change", plan="silver")
    assert (down["decision"]["rule"], a.pending()) == ("rank_down", [("plan", "2025-06-01")])
    assert (a.value(), a.charged("2025-05-10")) == ("80", [])
    yield "2025-06-01"
    assert (a.stands(), a.pending(), a.value()) == (("silver", "active"), [], "70")
    assert a.charged("2025-06-01") == ["2025-06-01 advance 29.95"]


@stories
def up_for_the_end_of_the_term_and_then_now(a: Account) -> Story:
    """Kill Bill, policy override; the change that acts now takes the planned one off the list."""
    yield "2025-05-01"
    a.subscribes("silver")
    planned = a.do("change", plan="platinum", timing="period_end")
    assert (planned["decision"]["rule"], a.pending()) == ("override", [("plan", "2025-06-01")])
    yield "2025-05-16"
    up = a.do("change", plan="gold")
    assert up["replaced"] == [planned["resource"]["pending"][0]["id"]]
    # 16 of 31 days: 29.95 gives back 15.46, 249.95 costs 129.01
    assert a.charged("2025-05-16") == ["2025-05-16 credit -15.46", "2025-05-16 advance 129.01"]
    yield "2025-06-01"
    assert a.charged("2025-06-01") == ["2025-06-01 advance 249.95"]


@stories
def a_month_to_a_year_on_the_same_day_of_the_month(a: Account) -> Story:
    """Kill Bill keeps the cycle day: 354 of 365 days of the year that began on 1 May."""
    yield "2025-05-01"
    a.subscribes("gold")
    yield "2025-05-12"
    a.do("change", interval="year", anchor="keep")
    assert a.period() == ("2025-05-12", "2026-05-01")
    assert a.charged("2025-05-12") == ["2025-05-12 credit -161.26", "2025-05-12 advance 2327.62"]


@stories
def a_month_to_a_year_from_today(a: Account) -> Story:
    """Stripe: a price with another interval restarts the cycle, and is charged in full."""
    yield "2025-05-01"
    a.subscribes("gold")
    yield "2025-05-12"
    up = a.do("change", interval="year")
    assert (up["decision"]["rule"], up["decision"]["anchor"]) == ("longer_interval", "restart")
    assert a.period() == ("2025-05-12", "2026-05-12")
    assert a.charged("2025-05-12") == ["2025-05-12 credit -161.26", "2025-05-12 advance 2399.95"]


@stories
def a_month_to_a_quarter(a: Account) -> Story:
    """Kill Bill: 29.95 to 69.95 a quarter, 81 of 92 days; then quarters from August."""
    yield "2025-05-01"
    a.subscribes("silver")
    yield "2025-05-12"
    a.do("change", interval="3 months", anchor="keep")
    assert a.period() == ("2025-05-12", "2025-08-01")
    assert a.charged("2025-05-12") == ["2025-05-12 credit -19.32", "2025-05-12 advance 61.59"]
    assert a.shown(at="2025-08-01T00:00:00Z")["period_end"] == "2025-11-01T00:00:00Z"


@stories
def a_year_to_a_month_at_once(a: Account) -> Story:
    """Stripe and Baremetrics: what is left of the year, 184 of 365 days, is a credit balance."""
    a.subscribes("ten", interval="year")
    yield "2025-07-01"
    a.do("change", interval="month", timing="now")
    assert a.period() == ("2025-07-01", "2025-08-01")
    assert a.charged("2025-07-01") == ["2025-07-01 credit -60.49", "2025-07-01 advance 10.00"]
    assert a.balance() == 50.49


@stories
def a_year_to_a_month_when_the_year_is_over(a: Account) -> Story:
    """Recurly, change at renewal: shorter waits; what will be can be read today."""
    a.subscribes("ten", interval="year")
    yield "2025-07-01"
    later = a.do("change", interval="month")
    assert later["decision"]["rule"] == "shorter_interval"
    ahead = a.shown(at="2026-02-01T00:00:00Z")
    assert (ahead["projected"], ahead["interval"]) == (True, "month")
    assert ahead["period_end"] == "2026-03-01T00:00:00Z"
    assert (a.pending(), a.charged("2025-07-01")) == ([("plan", "2026-01-01")], [])


@stories
def a_year_to_a_dearer_year(a: Account) -> Story:
    """Kill Bill bills 5,770.44 up to 1 March to make the piece longer; here the period stays: four
    fifths of the year are left, of 2,399.95 and of 5,999.95."""
    a.subscribes("gold", interval="year")
    yield "2025-03-15"
    a.do("change", plan="platinum")
    assert a.period() == ("2025-01-01", "2026-01-01")
    assert a.charged("2025-03-15") == ["2025-03-15 credit -1919.96", "2025-03-15 advance 4799.96"]


@stories
def up_twice_within_an_hour(a: Account) -> Story:
    """Lago, anniversary: 10.00 from 5 March, 15.00 a week later, 19.00 an hour after that. Lago
    counts days and gives back 11.61 of the second; by the second it was had for an hour."""
    yield "2025-03-05T12:12:00"
    a.subscribes("ten")
    yield "2025-03-12T12:12:00"
    a.do("change", plan="fifteen")
    # 24 of 31 days
    assert a.charged("2025-03-12") == [
        "2025-03-12T12:12 credit -7.74",
        "2025-03-12T12:12 advance 11.61",
    ]
    yield "2025-03-12T13:12:00"
    a.do("change", plan="nineteen")
    # an hour of 744 costs 0.02; 575 hours of 19.00 are 14.68
    assert a.charged("2025-03-12T13:12") == [
        "2025-03-12T13:12 credit -11.59",
        "2025-03-12T13:12 advance 14.68",
    ]


@stories
def up_twice_on_one_day_counted_by_the_day(a: Account) -> Story:
    """Lago, calendar: the same with days that count: 20 of 31 are left, and the plan that was had
    on one day only costs nothing. Lago's first piece, 27 of 31 days, is counted by the day, too."""
    yield "2025-03-05T12:12:00"
    a.places("pulse")
    begun = a.subscribes("pulse_ten", status=200, anchor={"calendar": True})
    assert begun["decision"]["proration"] == "day"
    assert a.charged() == ["2025-03-05T12:12 advance 8.71"]
    yield "2025-03-12T12:12:00"
    a.do("change", plan="pulse_fifteen")
    assert a.charged("2025-03-12") == [
        "2025-03-12T12:12 credit -6.45",
        "2025-03-12T12:12 advance 9.68",
    ]
    yield "2025-03-12T13:12:00"
    a.do("change", plan="pulse_nineteen")
    assert a.charged("2025-03-12T13:12") == [
        "2025-03-12T13:12 credit -9.68",
        "2025-03-12T13:12 advance 12.26",
    ]
    yield "2025-04-01"
    assert a.charged("2025-04-01") == ["2025-04-01 advance 19.00"]


@stories
def up_in_the_middle_of_a_month(a: Account) -> Story:
    """Stripe: 10.00 to 20.00 at half of the month gives back 5.00 and costs 10.00, at once as with
    always_invoice; the next bill is 20.00."""
    yield "2025-04-01"
    a.subscribes("unit", interval="month", quantity=10)
    yield "2025-04-16"
    a.do("change", plan="double")
    assert a.charged("2025-04-16") == ["2025-04-16 credit -5.00", "2025-04-16 advance 10.00"]
    yield "2025-05-01"
    assert a.charged("2025-05-01") == ["2025-05-01 advance 20.00"]


@stories
def down_at_once_leaves_credit(a: Account) -> Story:
    """Chargebee: 60.00 to 30.00 when 10 of 30 days are left: 20.00 come back, 10.00 are asked."""
    yield "2025-04-01"
    a.subscribes("double", quantity=30)
    yield "2025-04-21"
    a.do("change", plan="unit", timing="now")
    assert a.charged("2025-04-21") == ["2025-04-21 credit -20.00", "2025-04-21 advance 10.00"]
    assert a.balance() == 10.00


@stories
def up_without_proration(a: Account) -> Story:
    """Stripe, proration_behavior none: the new plan is had at once and paid from the next cycle."""
    yield "2025-04-01"
    a.subscribes("ten")
    yield "2025-04-16"
    a.do("change", plan="nineteen", proration="none")
    assert (a.value(), a.charged("2025-04-16")) == ("50", [])
    yield "2025-05-01"
    assert a.charged("2025-05-01") == ["2025-05-01 advance 19.00"]


@stories
def up_without_proration_and_the_cycle_from_now(a: Account) -> Story:
    """Stripe, none with billing_cycle_anchor now: the full new price today, and no credit."""
    yield "2025-04-01"
    a.subscribes("ten")
    yield "2025-04-16"
    a.do("change", plan="nineteen", proration="none", anchor="restart")
    assert a.period() == ("2025-04-16", "2025-05-16")
    assert a.charged("2025-04-16") == ["2025-04-16 advance 19.00"]


@stories
def a_change_on_a_date_is_not_charged_beyond(a: Account) -> Story:
    """Kill Bill, change on a requested date: February is charged up to it, the rest when it comes.
    Kill Bill bills the whole month first and repairs it."""
    a.subscribes("unit", interval="month", quantity=28)
    a.do("change", plan="double", effective_at="2025-02-15T00:00:00Z")
    yield "2025-02-01"
    assert a.charged("2025-02-01") == ["2025-02-01 advance 14.00"]
    yield "2025-02-15"
    assert a.stands() == ("double", "active")
    assert a.charged("2025-02-15") == ["2025-02-15 advance 28.00"]
    yield "2025-03-01"
    assert a.charged("2025-03-01") == ["2025-03-01 advance 56.00"]


@stories
def a_change_on_a_date_is_taken_back(a: Account) -> Story:
    a.subscribes("unit", interval="month", quantity=28)
    a.do("change", plan="double", effective_at="2025-02-15T00:00:00Z")
    yield "2025-02-10"
    (planned,) = a.shown()["pending"]
    a.unschedules(planned["id"])
    assert a.charged("2025-02-01") == ["2025-02-01 advance 14.00", "2025-02-10 advance 14.00"]
    yield "2025-03-01"
    assert a.charged("2025-03-01") == ["2025-03-01 advance 28.00"]


@stories
def there_and_back_at_one_instant(a: Account) -> Story:
    """Nothing remains of it, the anchor included, also through another interval."""
    a.subscribes("ten")
    yield "2025-03-10"
    a.do("change", plan="nineteen")
    a.do("change", plan="ten", timing="now", settlement="none")
    a.do("change", interval="year")
    a.do("change", interval="month", timing="now")
    assert a.net() == 30.00
    assert a.period() == ("2025-03-01", "2025-04-01")
    yield "2025-04-01"
    assert a.charged("2025-04-01") == ["2025-04-01 advance 10.00"]


@stories
def up_in_the_last_second(a: Account) -> Story:
    """What rounds to nothing is not written."""
    yield "2025-04-01"
    a.subscribes("ten")
    yield "2025-04-30T23:59:59"
    a.do("change", plan="nineteen")
    assert a.charged("2025-04-30") == []
    yield "2025-05-01"
    assert a.charged("2025-05-01") == ["2025-05-01 advance 19.00"]


@stories
def what_was_given_before_is_not_given_twice(a: Account) -> Story:
    """Kill Bill: after 10.00 of goodwill for 249.95, a repair of 241.89 gives at most 239.95."""
    yield "2025-05-01"
    a.subscribes("gold")
    yield "2025-05-02"
    (charge,) = a.world.get(f"subscriptions/{a.subscription}/charges")["data"]
    ten = {"amount": 1000, "currency": "USD"}
    path = f"customers/{a.customer}/credits"
    a.world.post(path, status=201, amount=ten, charge=charge["id"], reason="downtime")
    a.do("change", plan="bronze", timing="now")
    assert a.charged("2025-05-02") == ["2025-05-02 credit -239.95", "2025-05-02 advance 9.63"]
    assert a.balance() == 240.32


def test_changes(world: World) -> None:
    stories.play(world)
