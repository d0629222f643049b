"""Who places and lifts blocks, what cannot be placed, and what staff and the database see."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from core.models import AuditEntry
from core.principals import Scope
from subscriptions.models import Block
from tests.scenarios.test_blocks import ACCESS, OPEN, place, rules, zone_on
from tests.world import World


def test_a_block_is_listed_with_public_parts_for_its_customer(shop: World) -> None:
    zone = zone_on(shop)
    placed = place(shop, public_reason="Call us.", internal_reason="case 4711", product="zone")
    assert placed == {
        "id": placed["id"],
        "customer": shop.get("customers/ada")["id"],
        "scope": "product",
        "subject": None,
        "subscription": None,
        "product": "zone",
        "name": "fraud",
        "source": placed["source"],
        "effects": ["access"],
        "from": "2025-01-01T00:00:00Z",
        "until": None,
        "public_reason": "Call us.",
        "internal_reason": "case 4711",
        "created_at": "2025-01-01T00:00:00Z",
        "lifted_at": None,
    }
    assert placed["source"].startswith("client:cli_")
    shop.post(f"blocks/{place(shop, 'abuse', subject=zone)['id']}/lift")
    listed = shop.get("customers/ada/blocks")["data"]
    assert [each["name"] for each in listed] == ["abuse", "fraud"]
    assert shop.get("customers/ada/blocks", lifted="false")["data"] == [placed]
    assert [each["name"] for each in shop.get("customers/ada/blocks", name="abuse")["data"]] == [
        "abuse"
    ]

    mine = shop.token_for(
        [Scope.SUBSCRIPTIONS_READ, Scope.BLOCKS_WRITE], customer_id=placed["customer"]
    )
    seen = shop.call("GET", "customers/ada/blocks", status=200, token=mine)["data"]
    assert [(each["source"], each["internal_reason"]) for each in seen] == [(None, None)] * 2
    body = {"name": "mine", "effects": ACCESS}
    for path, given in [("customers/ada/blocks", body), (f"blocks/{placed['id']}/lift", {})]:
        answer = shop.call("POST", path, status=403, body=given, token=mine)
        assert answer["code"] == "limited_caller"


def test_a_block_is_lifted_by_its_source_or_with_permission(shop: World) -> None:
    zone_on(shop)
    first, second = (shop.token_for([Scope.BLOCKS_WRITE]) for _ in range(2))
    body = {"name": "fraud", "effects": ACCESS}

    def placed_by(token: str) -> str:
        made = shop.call("POST", "customers/ada/blocks", status=201, body=body, token=token)
        return str(made["resource"]["id"])

    one, other = placed_by(first), placed_by(second)  # of one name, by two sources
    refused = shop.call("POST", f"blocks/{one}/lift", status=403, body={}, token=second)
    assert refused["code"] == "block_of_another_source"
    shop.call("POST", f"blocks/{one}/lift", status=200, body={}, token=first)
    shop.post(f"blocks/{other}/lift")  # who may override may lift any


def test_a_source_places_a_name_once_on_one_thing_at_a_time(shop: World) -> None:
    zone = zone_on(shop)
    first = place(shop, until="2025-01-11T00:00:00Z")
    again = place(shop, status=409)
    assert (again["code"], again["block"]) == ("already_blocked", first["id"])
    place(shop, subject=zone)
    place(shop, **{"from": "2025-01-11T00:00:00Z"})
    assert place(shop, status=409)["block"] == first["id"]
    # after it was lifted, at the same instant
    shop.post(f"blocks/{first['id']}/lift")
    place(shop, until="2025-01-11T00:00:00Z")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"until": "2025-01-01T00:00:00Z"}, 422, "block_dates_not_allowed"),
        ({"from": "2024-12-31T23:59:59Z"}, 422, "block_dates_not_allowed"),
        (
            {"from": "2025-01-03T00:00:00Z", "until": "2025-01-02T00:00:00Z"},
            422,
            "block_dates_not_allowed",
        ),
        ({"subject": "nobody"}, 404, "subject_not_found"),
        ({"product": "nothing"}, 404, "product_not_found"),
        ({"subscription": "sub_01jd0000000000000000000000"}, 404, "subscription_not_found"),
        ({"subject": "shop.example", "product": "zone"}, 400, "invalid_input"),
        ({"effects": []}, 400, "invalid_input"),
        ({"effects": ["harm"]}, 400, "invalid_input"),
        ({"name": "a name"}, 400, "invalid_input"),
        ({"colour": "red"}, 400, "unknown_field"),
        ({"public_reason": "\x00"}, 400, "unacceptable_text"),
        ({"public_reason": "a\nb"}, 400, "invalid_input"),
        ({"public_reason": "x" * 501}, 400, "invalid_input"),
    ],
)
def test_what_cannot_be_placed(shop: World, body: dict[str, Any], status: int, code: str) -> None:
    zone_on(shop)
    assert place(shop, status=status, **body)["code"] == code
    assert shop.get("customers/ada/blocks")["data"] == []


def test_another_customers_block_and_a_missing_one_look_the_same(shop: World) -> None:
    bob = shop.customer("bob")
    zone_on(shop)
    block = place(shop)
    subscription = shop.subscription(shop.zone(bob, "bob.example"))["id"]
    body = {"subscription": subscription}
    assert place(shop, "theirs", status=404, **body)["code"] == "subscription_not_found"
    missing = shop.post("blocks/blk_01jd0000000000000000000000/lift", status=404)
    assert missing["code"] == "block_not_found"
    mine = shop.token_for([Scope.SUBSCRIPTIONS_READ], customer_id=bob)
    shop.call("GET", "customers/ada/blocks", status=404, token=mine)
    assert shop.get("customers/ada/blocks", lifted="false")["data"] == [block]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("effects = '{}'", "block_has_effects"),
        ("effects = '{harm}'", "block_has_effects"),
        ("ends_at = starts_at", "block_lasts"),
        ("scope = 'subject'", "block_names_what_it_covers"),
        ("lifted_at = created_at - interval '1 second'", "block_begins_when_it_is_made_or_later"),
        ("starts_at = created_at - interval '1 second'", "block_begins_when_it_is_made_or_later"),
        ("name = 'fraud'", "block_once"),
    ],
)
def test_the_database_refuses_what_cannot_be(shop: World, change: str, constraint: str) -> None:
    zone_on(shop)
    place(shop)
    other = Block.objects.get(pk=place(shop, "other")["id"])
    with (
        pytest.raises(IntegrityError, match=constraint),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"UPDATE subscriptions_block SET {change} WHERE name = %s",
            [other.name],
        )


def test_staff_lift_a_block_in_the_admin(shop: World) -> None:
    zone = zone_on(shop)
    block = place(shop)
    staff = Client()
    root = User.objects.create_superuser("root")
    staff.force_login(root)
    where = reverse("admin:subscriptions_block_changelist")
    assert "fraud" in staff.get(where).content.decode()
    staff.post(where, {"action": "lift", "_selected_action": [block["id"]]}, follow=True)
    assert rules(shop, zone) == OPEN
    kept = AuditEntry.objects.filter(table_name="subscriptions_block").latest("pk")
    assert kept.actor == f"staff:{root.pk}"
