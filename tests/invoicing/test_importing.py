"""Imported with all that is paid for: seats, add-ons, and fees that are asked once."""

import copy
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from invoicing.models import Charge
from plans.models import AddOnVersion
from tests.invoicing.given import PRICE_LIST
from tests.scenarios.imports import SHOP, charged, import_, imported, refused, usd
from tests.world import World

CREW = {
    "external_id": "old-1",
    "customer": "bob",
    "plan": "crew",
    "interval": "month",
    "quantity": 4,
    "started_at": "2025-09-01T00:00:00Z",
    "billed_through": "2026-03-01T00:00:00Z",
}


def test_seats_an_add_on_and_a_fee_that_was_asked_once_go_on(world: World) -> None:
    """Ada's shop has Pro and 20 more rules; Bob has 4 seats, and has paid 99.00 to begin."""
    world.starts_on("2026-02-14")
    shop = world.zone(world.customer("ada"))
    bob = world.customer("bob")
    pro = {**SHOP, "external_id": "old-2", "add_ons": {"more_rules": 2}}

    crew, zone = import_(world, CREW, pro)["resource"]["data"]

    assert crew["first_charge"] == {"at": "2026-03-01T00:00:00Z", "amount": usd(4000)}
    assert zone["first_charge"] == {"at": "2026-02-28T00:00:00Z", "amount": usd(2500 + 620)}
    assert charged(world, "bob") == [
        "2026-02-14 advance 40.00 (there)",
        "2026-02-14 advance 99.00 (there)",
    ]
    assert charged(world, "ada") == [
        "2026-02-14 advance 6.20 (there)",
        "2026-02-14 advance 25.00 (there)",
    ]
    assert world.check("rules", subject=shop, quantity=40)["allowed"]
    assert not world.check("rules", subject=shop, quantity=41)["allowed"]

    # A fifth seat, for 14 of 28 days: 5 seats cost 25.00 in them, and 4 cost 20.00.
    world.advance_to("2026-02-15")
    world.post(f"subscriptions/{world.subscription(bob)['id']}/change", quantity=5)
    assert charged(world, "bob")[2:] == ["2026-02-15 credit -20.00", "2026-02-15 advance 25.00"]

    world.advance_to("2026-04-01")
    assert charged(world, "bob")[4:] == ["2026-03-01 advance 50.00", "2026-04-01 advance 50.00"]
    assert charged(world, "ada")[2:] == [
        "2026-02-28 advance 6.20",
        "2026-02-28 advance 25.00",
        "2026-03-31 advance 6.20",
        "2026-03-31 advance 25.00",
    ]


def test_periods_that_are_paid_ahead_cost_nothing(world: World) -> None:
    world.starts_on("2026-02-14")
    bob = world.customer("bob")
    told = imported(world, {**CREW, "billed_through": "2026-05-01T00:00:00Z"})
    assert told["first_charge"] == {"at": "2026-05-01T00:00:00Z", "amount": usd(4000)}
    assert charged(world, "bob") == [
        *["2026-02-14 advance 40.00 (there)"] * 3,
        "2026-02-14 advance 99.00 (there)",
    ]

    # Six seats from 1 April: the 40.00 that were paid for April come back.
    world.advance_to("2026-04-01")
    assert len(charged(world, "bob")) == 4
    world.post(f"subscriptions/{world.subscription(bob)['id']}/change", quantity=6)
    assert charged(world, "bob")[4:] == ["2026-04-01 credit -40.00", "2026-04-01 advance 60.00"]
    world.advance_to("2026-05-01")
    assert charged(world, "bob")[6:] == ["2026-05-01 advance 60.00"]


def test_an_old_version_is_imported_at_its_old_price(world: World, tmp_path: Path) -> None:
    world.starts_on("2026-02-14")
    world.zone(world.customer("ada"))
    [old] = world.get("plans/pro/versions")["data"]
    dearer = copy.deepcopy(PRICE_LIST)
    dearer["plans"]["pro"]["prices"]["month"]["USD"]["base"]["amount"] = "30.00"
    (tmp_path / "dearer.json").write_text(json.dumps(dearer))
    call_command("catalog", "apply", str(tmp_path / "dearer.json"), verbosity=0)
    world.post(f"plans/pro/versions/{old['id']}/archive")

    imported(world, {**SHOP, "plan_version": old["id"]})

    world.advance_to("2026-02-28")
    assert charged(world, "ada") == ["2026-02-14 advance 25.00 (there)", "2026-02-28 advance 25.00"]


def test_another_version_of_an_add_on_is_imported_at_its_own_price(
    world: World, tmp_path: Path
) -> None:
    """20 more rules cost 6.20, and 10.00 in a version that is not sold yet in February."""
    world.starts_on("2026-02-14")
    for customer in ("ada", "bob"):
        world.zone(world.customer(customer), f"shop.{customer}.example")
    dearer = copy.deepcopy(PRICE_LIST)
    dearer["add_ons"]["more_rules"]["prices"]["month"]["USD"]["base"]["amount"] = "5.00"
    (tmp_path / "dearer.json").write_text(json.dumps(dearer))
    call_command("catalog", "apply", str(tmp_path / "dearer.json"), verbosity=0)
    dear = AddOnVersion.objects.get(number=2).id
    ada, bob = (
        {
            **SHOP,
            "external_id": f"old-{each}",
            "customer": each,
            "subject": f"shop.{each}.example",
            "add_ons": {"more_rules": 2},
        }
        for each in ("ada", "bob")
    )
    unknown = {**ada, "add_on_versions": {"more_rules": "adv_01jd0000000000000000000001"}}
    assert refused(world, unknown) == [
        ("/items/0/add_on_versions", "add_on_version_not_found"),
    ]

    import_(world, ada, {**bob, "add_on_versions": {"more_rules": dear}})

    world.advance_to("2026-02-28")
    assert charged(world, "ada")[2:] == ["2026-02-28 advance 6.20", "2026-02-28 advance 25.00"]
    assert charged(world, "bob")[2:] == ["2026-02-28 advance 10.00", "2026-02-28 advance 25.00"]


@pytest.mark.parametrize(
    ("since", "there", "resumed"),
    [
        # 7 of February's 28 days, and 14 that are left of them on the 15th
        ("2026-02-08", "10.00", "20.00"),
        # it was paused when January was over
        ("2026-02-01", "40.00", "20.00"),
    ],
)
def test_what_was_asked_once_is_not_asked_after_a_pause(
    world: World, since: str, there: str, resumed: str
) -> None:
    """Four seats are 40.00 a month, paused with a credit there; 99.00 were paid to begin."""
    world.starts_on("2026-02-14")
    bob = world.customer("bob")
    pause = {"paused_since": f"{since}T00:00:00Z", "pause_mode": "credit"}
    imported(world, {**CREW, "state": "paused", **pause, "resumes_at": "2026-02-15T00:00:00Z"})
    assert charged(world, "bob") == [
        f"2026-02-14 advance {there} (there)",
        "2026-02-14 advance 99.00 (there)",
    ]
    world.advance_to("2026-02-15")
    assert world.subscription(bob)["state"] == "active"
    world.advance_to("2026-03-01")
    assert charged(world, "bob")[2:] == [
        f"2026-02-15 advance {resumed}",
        "2026-03-01 advance 40.00",
    ]


def test_what_is_paid_in_arrears_is_charged_here_when_it_is_due(world: World) -> None:
    # 100.00 a year in arrears; 9.00 a month and seat in advance, billed for 12 months
    world.starts_on("2026-02-14")
    world.customer("bob")
    yearly = {**CREW, "interval": "year", "started_at": "2025-03-01T00:00:00Z"}
    told = imported(world, yearly)
    assert charged(world, "bob") == ["2026-02-14 advance 36.00 (there)"] * 12
    assert told["first_charge"] == {"at": "2026-03-01T00:00:00Z", "amount": usd(10000 + 3600)}
    world.advance_to("2026-03-01")
    assert charged(world, "bob")[12:] == [
        "2026-03-01 advance 36.00",
        "2026-03-01 arrears 100.00",
    ]


def test_no_event_tells_of_what_was_charged_elsewhere(world: World) -> None:
    world.starts_on("2026-02-14")
    bob = world.customer("bob")
    imported(world, CREW)
    assert Charge.objects.filter(is_imported=True).count() == 2
    assert "charge.created" not in world.events(bob)
