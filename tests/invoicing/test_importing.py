"""Imported with all that is paid for: seats, add-ons, and fees that are asked once."""

from invoicing.models import Charge
from tests.scenarios.test_importing import SHOP, charged, imported, usd
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


def test_a_fee_that_was_asked_once_there_is_not_asked_here(world: World) -> None:
    world.starts_on("2026-02-14")
    bob = world.customer("bob")
    told = imported(world, CREW)
    assert told["first_charge"] == {"at": "2026-03-01T00:00:00Z", "amount": usd(4000)}
    assert charged(world, "bob") == [
        "2026-02-14 advance 40.00 (there)",
        "2026-02-14 advance 99.00 (there)",
    ]
    # A fifth seat, for 14 of 28 days: 5 seats cost 25.00 in them, and 4 cost 20.00.
    world.advance_to("2026-02-15")
    world.post(f"subscriptions/{world.subscription(bob)['id']}/change", quantity=5)
    assert charged(world, "bob")[2:] == [
        "2026-02-15 credit -20.00",
        "2026-02-15 advance 25.00",
    ]
    world.advance_to("2026-04-01")
    assert charged(world, "bob")[4:] == [
        "2026-03-01 advance 50.00",
        "2026-04-01 advance 50.00",
    ]


def test_add_ons_come_along(world: World) -> None:
    world.starts_on("2026-02-14")
    shop = world.zone(world.customer("ada"))
    told = imported(world, {**SHOP, "add_ons": {"more_rules": 2}})
    assert told["first_charge"] == {"at": "2026-02-28T00:00:00Z", "amount": usd(2500 + 620)}
    assert charged(world, "ada") == [
        "2026-02-14 advance 6.20 (there)",
        "2026-02-14 advance 25.00 (there)",
    ]
    assert world.check("rules", subject=shop, quantity=40)["allowed"]
    assert not world.check("rules", subject=shop, quantity=41)["allowed"]


def test_what_is_paid_in_arrears_is_charged_here_when_it_is_due(world: World) -> None:
    # 100.00 a year in arrears; 9.00 a month and seat in advance, billed until 1 March
    world.starts_on("2026-02-14")
    world.customer("bob")
    yearly = {**CREW, "interval": "year", "started_at": "2025-03-01T00:00:00Z"}
    told = imported(world, yearly)
    assert charged(world, "bob") == ["2026-02-14 advance 36.00 (there)"]
    assert told["first_charge"] == {"at": "2026-03-01T00:00:00Z", "amount": usd(10000 + 3600)}
    world.advance_to("2026-03-01")
    assert charged(world, "bob")[1:] == ["2026-03-01 advance 36.00", "2026-03-01 arrears 100.00"]


def test_no_event_tells_of_what_was_charged_elsewhere(world: World) -> None:
    world.starts_on("2026-02-14")
    bob = world.customer("bob")
    imported(world, CREW)
    assert Charge.objects.filter(is_imported=True).count() == 2
    assert "charge.created" not in world.events(bob)
