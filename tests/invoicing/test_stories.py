"""Customers are charged as they live: through the API, in their time."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import Event
from core.principals import Scope
from invoicing.models import Charge, CreditBalance, NextCharge, RefundIntent
from tests.world import World


def charged(world: World, path: str, **query: Any) -> list[str]:
    """Return the charges of one customer or subscription, oldest first, in words."""
    found = world.get(f"{path}/charges", limit=100, **query)["data"]
    rows = sorted(found, key=lambda row: (row["at"], row["amount"]["amount"]))
    return [
        f"{row['at'][:10]} {row['item']} {row['kind']} {row['amount']['amount'] / 100:.2f}"
        for row in rows
    ]


def balance(world: World, customer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.get(f"customers/{customer}/credit-balance")["balances"]
    return found


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def test_two_zones_share_one_day_of_payment(world: World) -> None:
    world.starts_on("2025-01-03")
    ada = world.customer("ada")
    shop = world.zone(ada)
    assert charged(world, "customers/ada") == []

    # Free is charged nothing; what is paid begins on the 10th, in full.
    world.advance_to("2025-01-10")
    world.change(shop, "pro")
    assert charged(world, "customers/ada") == ["2025-01-10 plan advance 25.00"]

    # A second zone is paid for from the 20th to the day on which the first renews.
    world.advance_to("2025-01-20")
    blog = world.zone(ada, "blog.example", plans={"zone": "pro"})
    assert charged(world, f"subscriptions/{world.subscription(blog)['id']}") == [
        "2025-01-20 plan advance 16.94"
    ]
    world.advance_to("2025-02-10")
    assert charged(world, "customers/ada")[2:] == ["2025-02-10 plan advance 25.00"] * 2
    (event, *_) = Event.objects.filter(type="charge.created").order_by("ordinal")
    assert event.data == {
        "subscription": world.subscription(shop)["id"],
        "charges": [str(Charge.objects.order_by("at").first().id)],
        "net": 2500,
        "currency": "USD",
    }


def test_up_and_down_at_one_instant_costs_nothing(world: World) -> None:
    world.starts_on("2025-06-01")
    shop = world.zone(world.customer("ada"))
    world.change(shop, "pro")
    world.advance_to("2025-06-16")
    path = f"subscriptions/{world.change(shop, 'business')['resource']['id']}"
    assert charged(world, path)[1:] == [
        "2025-06-16 plan credit -12.50",
        "2025-06-16 plan advance 125.00",
    ]
    world.change(shop, "pro", timing="now")
    assert sum(row.amount for row in Charge.objects.all()) == 2500
    world.advance_to("2025-07-01")
    assert charged(world, path)[-1] == "2025-07-01 plan advance 25.00"


def test_a_cancellation_now_keeps_credits_or_refunds_what_is_left(world: World) -> None:
    world.starts_on("2025-06-01")
    ada = world.customer("ada")
    paths = {}
    for settlement in ("none", "credit", "refund"):
        zone = world.zone(ada, settlement, plans={"zone": "pro"})
        paths[settlement] = f"subscriptions/{world.subscription(zone)['id']}"
    world.advance_to("2025-06-16")
    for settlement, path in paths.items():
        world.post(f"{path}/cancel", when="now", settlement=settlement, reason="asked for")

    assert charged(world, paths["none"])[1:] == ["2025-06-16 plan forfeited 12.50"]
    assert charged(world, paths["credit"])[1:] == ["2025-06-16 plan credit -12.50"]
    assert charged(world, paths["refund"])[1:] == ["2025-06-16 plan credit -12.50"]
    assert balance(world, "ada") == [usd(1250)]
    (entry,) = world.get("customers/ada/credits")["data"]
    assert (entry["kind"], entry["amount"], entry["charge"]) == ("settlement", usd(1250), None)
    (refund,) = RefundIntent.objects.all()
    assert refund.amount == 1250
    assert f"subscriptions/{refund.subscription_id}" == paths["refund"]


def test_a_cancellation_at_the_periods_end_moves_nothing(world: World) -> None:
    world.starts_on("2025-06-01")
    shop = world.zone(world.customer("ada"), plans={"zone": "pro"})
    path = f"subscriptions/{world.subscription(shop)['id']}"
    world.advance_to("2025-06-16")
    world.post(f"{path}/cancel")
    world.advance_to("2025-08-01")
    assert charged(world, path) == ["2025-06-01 plan advance 25.00"]


def test_seats_a_setup_fee_and_more_seats(world: World) -> None:
    world.starts_on("2025-06-01")
    world.customer("ada")
    made = world.post("subscriptions", status=201, customer="ada", plan="crew", quantity=3)
    path = f"subscriptions/{made['resource']['id']}"
    assert charged(world, path) == [
        "2025-06-01 plan advance 30.00",
        "2025-06-01 plan advance 99.00",
    ]
    world.advance_to("2025-06-16")
    world.post(f"{path}/change", quantity=5)
    assert charged(world, path)[2:] == [
        "2025-06-16 plan credit -15.00",
        "2025-06-16 plan advance 25.00",
    ]
    # Lowering waits for the renewal: nothing moves before.
    world.post(f"{path}/change", quantity=2)
    world.advance_to("2025-07-01")
    assert charged(world, path)[4:] == ["2025-07-01 plan advance 20.00"]
    assert balance(world, "ada") == []


def test_a_price_with_an_interval_of_its_own_is_charged_in_between(world: World) -> None:
    world.starts_on("2025-01-31")
    world.customer("ada")
    made = world.post(
        "subscriptions", status=201, customer="ada", plan="crew", interval="year", quantity=2
    )
    path = f"subscriptions/{made['resource']['id']}"
    world.advance_to("2025-04-01")
    assert charged(world, path) == [
        "2025-01-31 plan advance 18.00",
        "2025-02-28 plan advance 18.00",
        "2025-03-31 plan advance 18.00",
    ]
    # Ended in the middle of its year, it owes what it had of what is due at the end.
    world.post(f"{path}/cancel", when="now", settlement="credit", reason="asked for")
    assert charged(world, path)[3:] == [
        "2025-04-01 plan credit -17.40",  # 29 of 30 days
        "2025-04-01 plan arrears 16.44",  # 100.00 x 60/365
    ]
    assert not NextCharge.objects.exists()
    world.advance_to("2026-03-01")
    assert len(charged(world, path)) == 5


def test_a_trial_is_free_and_its_end_is_where_fees_begin(world: World) -> None:
    world.starts_on("2025-06-01")
    world.customer("ada")
    made = world.post("subscriptions", status=201, customer="ada", plan="tryout", quantity=2)
    path = f"subscriptions/{made['resource']['id']}"
    world.advance_to("2025-06-14T23:59:59")
    assert charged(world, path) == []
    world.advance_to("2025-06-15")
    assert charged(world, path) == [
        "2025-06-15 plan advance 40.00",
        "2025-06-15 plan advance 50.00",
    ]
    world.advance_to("2025-07-15")
    assert charged(world, path)[2:] == ["2025-07-15 plan advance 40.00"]


def test_an_add_on_lives_on_the_periods_of_its_plan(world: World) -> None:
    world.starts_on("2025-01-10")
    shop = world.zone(world.customer("ada"), plans={"zone": "pro"})
    path = f"subscriptions/{world.subscription(shop)['id']}"
    world.advance_to("2025-01-20")
    world.post(f"{path}/change", add_ons={"more_rules": 2})
    # The plan's own price is not touched by it.
    assert charged(world, path) == [
        "2025-01-10 plan advance 25.00",
        "2025-01-20 add_on:more_rules advance 4.20",
    ]
    world.advance_to("2025-02-10")
    assert charged(world, path)[2:] == [
        "2025-02-10 add_on:more_rules advance 6.20",
        "2025-02-10 plan advance 25.00",
    ]
    # Its end for later is known: the plan is charged as before.
    world.post(f"{path}/change", add_ons={"more_rules": 0})
    world.advance_to("2025-03-10")
    assert charged(world, path, at="2025-03-11T00:00:00Z") == ["2025-03-10 plan advance 25.00"]


def test_goodwill_is_a_gift_and_lowers_what_can_be_credited(world: World) -> None:
    world.starts_on("2025-06-01")
    ada = world.customer("ada")
    shop = world.zone(ada, plans={"zone": "pro"})
    path = f"subscriptions/{world.subscription(shop)['id']}"
    (charge,) = world.get(f"{path}/charges")["data"]

    asked: dict[str, Any] = {"amount": usd(2000), "charge": charge["id"]}
    assert world.post("customers/ada/credits", status=400, **asked)["code"] == "reason_required"
    given = world.post("customers/ada/credits", status=201, **asked, reason="Downtime.")["resource"]
    assert (given["kind"], given["amount"], given["reason"]) == ("goodwill", usd(2000), "Downtime.")
    assert balance(world, ada) == [usd(2000)]
    assert charged(world, path) == ["2025-06-01 plan advance 25.00"]
    too_much = world.post("customers/ada/credits", status=422, **asked, reason="Again.")
    assert too_much["code"] == "credit_exceeds_charge"

    world.advance_to("2025-06-16")
    world.post(f"{path}/cancel", when="now", settlement="credit", reason="asked for")
    assert charged(world, path)[1:] == ["2025-06-16 plan credit -5.00"]
    assert balance(world, ada) == [usd(2500)]


def test_a_credit_is_refused_in_words(world: World) -> None:
    world.starts_on("2025-06-01")
    world.customer("ada")
    world.customer("bob")
    path, why = "customers/ada/credits", {"reason": "Kindness."}
    shop = world.zone("bob", plans={"zone": "pro"})
    (theirs,) = world.get(f"subscriptions/{world.subscription(shop)['id']}/charges")["data"]

    euros = {"amount": {"amount": 500, "currency": "EUR"}}
    assert world.post(path, status=422, **euros, **why)["code"] == "wrong_currency"
    of_bob = {"amount": usd(500), "charge": theirs["id"]}
    assert world.post(path, status=404, **of_bob, **why)["code"] == "charge_not_found"
    for amount in (0, -1, 10**18, "5", None):
        wrong = world.post(path, status=400, amount=usd(0) | {"amount": amount}, **why)
        assert wrong["code"] == "invalid_input"
    reader = world.token_for([Scope.CUSTOMERS_READ])
    denied = world.call("POST", path, status=403, token=reader, body={"amount": usd(5), **why})
    assert denied["code"] == "scope_missing"
    assert CreditBalance.objects.count() == 0


def test_charges_are_the_customers_own(world: World) -> None:
    world.starts_on("2025-06-01")
    ada, bob = world.customer("ada"), world.customer("bob")
    shop = world.zone(bob, plans={"zone": "pro"})
    subscription = world.subscription(shop)["id"]
    token = world.token_for(
        [Scope.CUSTOMERS_READ, Scope.SUBSCRIPTIONS_READ, Scope.CREDITS_WRITE], customer_id=ada
    )
    for path in (
        f"subscriptions/{subscription}/charges",
        f"customers/{bob}/charges",
        f"customers/{bob}/credits",
        f"customers/{bob}/credit-balance",
    ):
        world.call("GET", path, status=404, token=token)
    gift = {"amount": usd(5), "reason": "For me."}
    answer = world.call("POST", f"customers/{ada}/credits", status=403, token=token, body=gift)
    assert answer["code"] == "limited_caller"


def test_many_subscriptions_are_charged_in_a_fixed_number_of_queries(world: World) -> None:
    world.starts_on("2025-06-01")
    ada = world.customer("ada")
    zones = [{"key": f"z{n}", "kind": "zone", "plans": {"zone": "pro"}} for n in range(40)]

    def queries_for(some: list[dict[str, Any]]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            world.post(f"customers/{ada}/subjects/bulk", status=201, subjects=some)
        return sum("invoicing_" in each["sql"] for each in caught)

    assert queries_for(zones[:2]) == queries_for(zones[2:])
    assert Charge.objects.count() == 40
