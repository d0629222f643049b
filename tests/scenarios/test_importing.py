"""Subscriptions of another system go on here; what is billed there is not billed again."""

from typing import Any

import pytest

from subscriptions.models import Import, Subscription
from tests.hardening.door import Door
from tests.racing import together
from tests.scenarios.imports import (
    SHOP,
    ada_with_a_free_zone,
    charged,
    import_,
    imported,
    refused,
    row_counts,
    usd,
)
from tests.world import World


@pytest.fixture
def shop(world: World) -> str:
    return ada_with_a_free_zone(world)


def test_what_is_billed_until_28_february_is_charged_again_on_28_february(
    world: World, shop: str
) -> None:
    free = world.subscription(shop)

    told = imported(world, SHOP)

    assert told == {
        "external_id": "old-1",
        "status": "imported",
        "subscription": free["id"],
        "customer": free["customer"],
        "subject": shop,
        "in_place": True,
        "state": "active",
        "started_at": "2024-01-31T00:00:00Z",
        "period_start": "2026-01-31T00:00:00Z",
        "period_end": "2026-02-28T00:00:00Z",
        "billed_through": "2026-02-28T00:00:00Z",
        "first_charge": {"at": "2026-02-28T00:00:00Z", "amount": usd(2500)},
    }
    assert charged(world, "ada") == ["2026-02-14 advance 25.00 (there)"]
    assert world.check("waf_custom_rules", subject=shop, quantity=20)["allowed"]
    assert world.events(free["customer"], shop) == [
        "subject.created",
        "subscription.created",
        "entitlements.changed",
        "subscription.imported",
        "entitlements.changed",
    ]
    now = world.subscription(shop)
    assert (now["plan"], now["anchor_day"], now["version"]) == ("pro", 31, 2)

    world.advance_to("2026-02-28")
    assert charged(world, "ada")[1:] == ["2026-02-28 advance 25.00"]
    world.advance_to("2026-03-31")
    assert charged(world, "ada")[2:] == ["2026-03-31 advance 25.00"]


def test_an_upgrade_credits_what_was_paid_elsewhere(world: World, shop: str) -> None:
    imported(world, SHOP)

    # a quarter of the 28 days is left: 250.00 / 4, and 25.00 / 4 back
    world.advance_to("2026-02-21")
    world.change(shop, "business")
    assert charged(world, "ada")[1:] == [
        "2026-02-21 credit -6.25",
        "2026-02-21 advance 62.50",
    ]
    world.advance_to("2026-02-28")
    assert charged(world, "ada")[3:] == ["2026-02-28 advance 250.00"]


def test_a_dry_run_tells_what_happens_and_changes_nothing(world: World, shop: str) -> None:
    bob = world.customer("bob")
    before, was = row_counts(), world.subscription(shop)
    workers = {
        "external_id": "old-2",
        "customer": bob,
        "plan": "r2_standard",
        "started_at": "2025-12-01T00:00:00Z",
        "billed_through": "2026-03-01T00:00:00Z",
    }

    dry = import_(world, SHOP, workers, status=200, dry_run=True)

    assert row_counts() == before
    assert world.subscription(shop) == was
    assert dry["resource"]["dry_run"] is True
    in_place, new = dry["resource"]["data"]
    assert (new["in_place"], new["subscription"], new["first_charge"]) == (False, None, None)

    wet = import_(world, SHOP, workers)["resource"]["data"]
    assert wet[0] == in_place
    assert {**wet[1], "subscription": None} == new
    assert Subscription.objects.filter(customer=bob, product__key="r2").count() == 1


def test_imported_again_it_is_left_alone(world: World, shop: str) -> None:
    first = imported(world, SHOP)
    world.advance_to("2026-02-20")
    before = row_counts()

    again = imported(world, SHOP)

    assert (again["status"], again["subscription"]) == ("already_imported", first["subscription"])
    assert again["first_charge"] is None
    assert refused(world, {**SHOP, "billed_through": "2026-02-01T00:00:00Z"}) == [
        ("/items/0/external_id", "imported_differently")
    ]
    assert row_counts() == before


def test_what_is_said_twice_at_once_is_imported_once(world: World) -> None:
    world.starts_on("2026-02-14")
    world.customer("bob")
    item = {"external_id": "old-2", "customer": "bob", "plan": "r2_standard"}
    item["billed_through"] = "2026-02-28T00:00:00Z"
    for dry_run, status in ((True, 200), (False, 201)):
        told = import_(world, item, item, status=status, dry_run=dry_run)["resource"]["data"]
        assert [each["status"] for each in told] == ["imported", "already_imported"]
        assert told[0]["subscription"] == told[1]["subscription"]
        assert (told[0]["subscription"] is None) == dry_run
    world.customer("eva")
    eva = {**item, "external_id": "old-3", "customer": "eva"}
    assert refused(world, eva, {**eva, "trial_spent": True}) == [
        ("/items/1/external_id", "imported_differently")
    ]


def test_at_the_same_time_one_name_is_imported_once(world: World, shop: str) -> None:
    world.zone(world.customer("bob"), "bob.example")
    bob = {**SHOP, "customer": "bob", "subject": "bob.example"}

    def send(item: dict[str, Any]) -> tuple[int, str]:
        answer = Door(world.token).knock("POST", "/v1/subscriptions/import", {"items": [item]})
        told = answer.json()
        return answer.status_code, told.get("code") or told["resource"]["data"][0]["status"]

    answers = together(*(lambda item=item: send(item) for item in (SHOP, SHOP, bob, SHOP, bob)))

    assert answers.count((201, "imported")) == 1
    assert set(answers) <= {
        (201, "imported"),
        (201, "already_imported"),
        (409, "imported_by_another"),
        (422, "import_refused"),
    }
    assert Import.objects.count() == 1
    assert len(charged(world, "ada") + charged(world, "bob")) == 1


def test_what_nobody_has_billed_is_charged_at_once(world: World, shop: str) -> None:
    # the other system stopped on 31 January: the period that began then is ours
    told = imported(world, {**SHOP, "billed_through": "2026-01-31T00:00:00Z"})
    assert told["first_charge"] == {"at": "2026-02-14T00:00:00Z", "amount": usd(2500)}
    assert charged(world, "ada") == ["2026-02-14 advance 25.00"]


def test_billed_into_the_open_period_the_rest_of_it_is_charged(world: World, shop: str) -> None:
    # 14 of 28 days are billed
    told = imported(world, {**SHOP, "billed_through": "2026-02-14T00:00:00Z"})
    assert told["first_charge"] == {"at": "2026-02-14T00:00:00Z", "amount": usd(1250)}
    assert charged(world, "ada") == [
        "2026-02-14 advance 12.50",
        "2026-02-14 advance 12.50 (there)",
    ]
    world.advance_to("2026-02-28")
    assert charged(world, "ada")[2:] == ["2026-02-28 advance 25.00"]


def test_an_anchor_that_does_not_fit_shows_in_the_dry_run(world: World, shop: str) -> None:
    # billed to the last of the month, counted from the first: one of 28 days is open
    [told] = import_(world, {**SHOP, "anchor": {"day_of_month": 1}}, status=200, dry_run=True)[
        "resource"
    ]["data"]
    assert told["first_charge"] == {"at": "2026-02-14T00:00:00Z", "amount": usd(89)}


def test_periods_that_were_forgotten_are_charged_from_where_billing_stopped(
    world: World, shop: str
) -> None:
    # 16 of 31 days of the period before the open one, and the open one
    told = imported(world, {**SHOP, "billed_through": "2026-01-15T00:00:00Z"})
    assert told["first_charge"] == {"at": "2026-02-14T00:00:00Z", "amount": usd(1290 + 2500)}
    assert charged(world, "ada") == [
        "2026-02-14 advance 12.10 (there)",
        "2026-02-14 advance 12.90",
        "2026-02-14 advance 25.00",
    ]
    assert told["period_start"] == "2026-01-31T00:00:00Z"


def test_without_an_anchor_periods_are_counted_from_the_start(world: World, shop: str) -> None:
    item = {**SHOP, "billed_through": "2026-03-10T09:30:00Z"}
    del item["anchor"]
    told = imported(world, {**item, "started_at": "2023-05-10T09:30:00Z"})
    assert (told["period_start"], told["period_end"]) == (
        "2026-02-10T09:30:00Z",
        "2026-03-10T09:30:00Z",
    )


def test_without_a_start_either_they_end_where_billing_ended(world: World, shop: str) -> None:
    item = {**SHOP, "billed_through": "2026-03-05T00:00:00Z"}
    del item["anchor"], item["started_at"]
    told = imported(world, item)
    assert (told["period_start"], told["started_at"]) == ("2026-02-05T00:00:00Z",) * 2
    assert told["first_charge"] == {"at": "2026-03-05T00:00:00Z", "amount": usd(2500)}


def test_a_trial_goes_on_and_is_spent(world: World, shop: str) -> None:
    world.put("customers/ada/payment-method", on_file=True)
    trial = {
        "external_id": "old-1",
        "customer": "ada",
        "subject": "shop.example",
        "plan": "pro",
        "state": "trialing",
        "started_at": "2026-02-10T00:00:00Z",
        "trial_end": "2026-02-24T00:00:00Z",
    }
    told = imported(world, trial)
    assert (told["state"], told["period_end"]) == ("trialing", "2026-02-24T00:00:00Z")
    assert told["first_charge"] == {"at": "2026-02-24T00:00:00Z", "amount": usd(2500)}

    world.advance_to("2026-02-24")
    assert charged(world, "ada") == ["2026-02-24 advance 25.00"]
    blog = world.zone("ada", "blog.example")
    again = {"customer": "ada", "subject": blog, "plan": "pro", "trial_days": 14}
    assert world.post("subscriptions", status=409, **again)["code"] == "trial_spent"


def test_a_trial_that_was_had_there_is_not_had_again(world: World, shop: str) -> None:
    imported(world, {**SHOP, "trial_spent": True})
    blog = world.zone("ada", "blog.example")
    trial = {"customer": "ada", "subject": blog, "plan": "pro", "trial_days": 14}
    assert world.post("subscriptions", status=409, **trial)["code"] == "trial_spent"


def test_a_cancellation_that_was_announced_there_happens_here(world: World, shop: str) -> None:
    told = imported(world, {**SHOP, "ends_at": "2026-02-28T00:00:00Z"})
    assert told["first_charge"] is None
    (end,) = world.subscription(shop)["pending"]
    assert (end["kind"], end["plan"], end["effective_at"]) == (
        "end",
        "free",
        "2026-02-28T00:00:00Z",
    )
    world.advance_to("2026-03-31")
    assert world.subscription(shop)["plan"] == "free"
    assert charged(world, "ada") == ["2026-02-14 advance 25.00 (there)"]
