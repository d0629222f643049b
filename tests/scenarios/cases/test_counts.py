"""How many, what comes on top, and prices of other kinds than a month in advance."""

from tests.scenarios.cases.account import Account
from tests.scenarios.cases.playing import Stories, Story
from tests.world import World

stories = Stories("2025-03-01")


@stories
def more_seats_from_the_next_bill_on(a: Account) -> Story:
    """Kill Bill: 7 of 29.95; 10 agreed for the day of the bill, so there is nothing to prorate."""
    yield "2025-03-27"
    a.subscribes("silver", interval="month", quantity=7)
    assert a.charged() == ["2025-03-27 advance 209.65"]
    yield "2025-04-11"
    a.do("change", quantity=10, effective_at="2025-04-27T00:00:00Z")
    assert a.pending() == [("quantity", "2025-04-27")]
    yield "2025-04-27"
    assert a.value() == "700"
    assert a.charged("2025-04-11") == ["2025-04-27 advance 299.50"]


@stories
def more_seats_twice(a: Account) -> Story:
    """Lago, 10 to 15 to 20 units of 10.00 in March. Lago asks 50.00 each time, as its units are not
    prorated; by the second it is 5 x 26/31 and 5 x 21/31 of 10.00."""
    a.subscribes("unit", interval="month", quantity=100)
    yield "2025-03-06"
    a.do("change", quantity=150)
    assert a.charged("2025-03-06") == ["2025-03-06 credit -83.87", "2025-03-06 advance 125.81"]
    yield "2025-03-11"
    a.do("change", quantity=200)
    assert a.charged("2025-03-11") == ["2025-03-11 credit -101.62", "2025-03-11 advance 135.48"]
    assert a.balance() == 0.00


@stories
def fewer_seats_at_once(a: Account) -> Story:
    """Chargebee: three of 30.00 to two after ten days: 60.00 less 40.00 are credit."""
    yield "2025-04-01"
    a.subscribes("unit", interval="month", quantity=90)
    yield "2025-04-11"
    a.do("change", quantity=60, timing="now")
    assert a.charged("2025-04-11") == ["2025-04-11 credit -60.00", "2025-04-11 advance 40.00"]
    assert a.balance() == 20.00


@stories
def fewer_and_then_more_than_before(a: Account) -> Story:
    """Lago, 10 to 5 without a refund, then to 15: only what is beyond the 10 that are paid for is
    asked, here for the last third of April: 150 x 1/3."""
    yield "2025-04-01"
    a.subscribes("unit", interval="month", quantity=300)
    yield "2025-04-11"
    a.do("change", quantity=150, timing="now", settlement="none")
    assert (a.net(), a.balance()) == (300.00, 0.00)
    yield "2025-04-21"
    a.do("change", quantity=450)
    assert (a.net(), a.balance()) == (350.00, 0.00)


@stories
def an_add_on_lives_on_its_bases_month(a: Account) -> Story:
    """Kill Bill: bought in the middle, it is aligned with its base, and ends with it."""
    yield "2025-04-01"
    a.subscribes("ten", interval="month")
    yield "2025-04-16"
    a.do("add-ons", add_on="extra")
    assert (a.value(), a.charged("2025-04-16")) == ("31", ["2025-04-16 extra advance 1.50"])
    yield "2025-05-01"
    assert a.charged("2025-05-01") == ["2025-05-01 advance 10.00", "2025-05-01 extra advance 3.00"]
    a.do("cancel")
    yield "2025-06-01"
    assert (a.shown()["state"], a.value(), a.charged("2025-06-01")) == ("canceled", None, [])


@stories
def an_upgrade_that_includes_the_add_on(a: Account) -> Story:
    """It ends with the change and is credited; who asked before is warned."""
    yield "2025-04-01"
    a.subscribes("ten", interval="month", add_ons={"extra": 2})
    yield "2025-04-16"
    a.do("change", plan="nineteen")
    assert (a.warned, a.shown()["add_ons"], a.value()) == (["add_on_ends"], {}, "50")
    assert a.charged("2025-04-16") == [
        "2025-04-16 credit -5.00",
        "2025-04-16 advance 9.50",
        "2025-04-16 extra credit -3.00",
    ]


@stories
def a_base_that_ends_now_takes_its_add_on_along(a: Account) -> Story:
    """Kill Bill, cancellation of the base plan: the rest of both is credited."""
    yield "2025-04-01"
    a.subscribes("ten", interval="month", add_ons={"extra": 2})
    yield "2025-04-16"
    a.do("cancel", when="now", settlement="credit", reason="asked for")
    assert a.charged("2025-04-16") == ["2025-04-16 credit -5.00", "2025-04-16 extra credit -3.00"]


@stories
def an_add_on_by_the_month_of_a_plan_by_the_year(a: Account) -> Story:
    """Months are counted from the year's anchor; an agreed end is not charged beyond."""
    yield "2025-04-01"
    a.subscribes("ten", interval="year")
    yield "2025-04-16"
    a.do("add-ons", add_on="extra")
    assert a.charged("2025-04-16") == ["2025-04-16 extra advance 1.50"]
    yield "2025-05-01"
    assert a.charged("2025-05-01") == ["2025-05-01 extra advance 3.00"]
    a.do("change", add_ons={"extra": 0}, effective_at="2025-06-16T00:00:00Z")
    yield "2025-06-16"
    assert (a.shown()["add_ons"], a.value()) == ({}, "30")
    yield "2025-07-02"
    assert a.charged("2025-05-02") == ["2025-06-01 extra advance 1.50"]


@stories
def a_fee_that_is_asked_once(a: Account) -> Story:
    """It is not prorated, not given back, and not asked again."""
    yield "2025-04-01"
    a.subscribes("kit", interval="month")
    assert a.charged() == ["2025-04-01 advance 10.00", "2025-04-01 advance 50.00"]
    yield "2025-04-16"
    a.do("change", plan="fifteen")
    assert a.charged("2025-04-16") == ["2025-04-16 credit -5.00", "2025-04-16 advance 7.50"]
    yield "2025-05-01"
    assert a.charged("2025-05-01") == ["2025-05-01 advance 15.00"]


@stories
def a_year_that_is_paid_month_by_month_in_arrears(a: Account) -> Story:
    yield "2025-04-01"
    a.subscribes("unit_later", interval="year", quantity=31)
    assert (a.charged(), a.period()) == ([], ("2025-04-01", "2026-04-01"))
    yield "2025-05-16"
    a.do("cancel", when="now", reason="asked for")
    assert a.charged() == ["2025-05-01 arrears 31.00", "2025-05-16 arrears 15.00"]


@stories
def up_in_arrears_is_asked_when_the_month_is_over(a: Account) -> Story:
    """Kill Bill, in arrear: 10 days of 30 units and 20 days of 60."""
    yield "2025-04-01"
    a.subscribes("unit_later", interval="month", quantity=30)
    yield "2025-04-11"
    a.do("change", quantity=60)
    assert a.charged() == []
    yield "2025-05-01"
    assert a.charged() == ["2025-05-01 arrears 10.00", "2025-05-01 arrears 40.00"]


@stories
def what_is_missing_to_a_commitment(a: Account) -> Story:
    """10.00 of at least 30.00: 20.00 when the month is over, and for the half that is had of the
    next, which has 31 days: 10.00 x 15/31 of at least 30.00 x 15/31."""
    yield "2025-04-01"
    a.subscribes("committed", interval="month", quantity=10)
    yield "2025-05-01"
    assert a.charged() == [
        "2025-04-01 advance 10.00",
        "2025-05-01 advance 10.00",
        "2025-05-01 arrears 20.00",
    ]
    yield "2025-05-16"
    a.do("cancel", when="now", settlement="credit", reason="asked for")
    # 4.84 of 10.00 were had; 14.52 less 4.84 is missing
    assert a.charged("2025-05-16") == ["2025-05-16 credit -5.16", "2025-05-16 arrears 9.68"]


def test_counts(world: World) -> None:
    stories.play(world)
