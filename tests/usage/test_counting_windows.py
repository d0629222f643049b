"""When use starts over: at the first second of the next window, and not one before."""

import pytest

from tests.usage.using import Shop, told


def remaining(shop: Shop, feature: str) -> str | None:
    return shop.stands(feature)[1]


@pytest.mark.parametrize(
    ("feature", "until", "then"),
    [
        ("builds", "2025-01-01T23:59:59", "2025-01-02T00:00:00"),  # a calendar day, in UTC
        ("minutes", "2025-02-01T11:59:59", "2025-02-01T12:00:00"),  # the subscription's period
        ("pages", "2025-01-11T11:59:59", "2025-01-11T12:00:00"),  # ten days from its anchor
    ],
)
def test_use_starts_over_with_the_window(shop: Shop, feature: str, until: str, then: str) -> None:
    whole = remaining(shop, feature)
    shop.uses(feature, 10)
    left = remaining(shop, feature)
    assert left != whole
    shop.world.advance_to(until)
    assert remaining(shop, feature) == left
    shop.world.advance_to(then)
    assert shop.stands(feature) == ("0", whole, "within_limit")
    shop.uses(feature, 3)
    assert shop.stands(feature)[0] == "3"


def test_a_calendar_day_is_that_of_the_customers_zone(shop: Shop) -> None:
    shop.world.customer("bob", zone="Europe/Berlin")  # where it is 13:00 now
    shop.uses("builds", 10, customer="bob")
    shop.world.advance_to("2025-01-01T22:59:59")
    assert shop.uses("builds", customer="bob")["result"] == "denied"
    shop.world.advance_to("2025-01-01T23:00:00")
    assert shop.uses("builds", customer="bob")["result"] == "recorded"


def test_what_slides_comes_back_one_by_one(shop: Shop) -> None:
    shop.uses("exports", 2)  # on the 1st at noon
    shop.world.advance_to("2025-01-03T12:00:00")
    assert told(shop.uses("exports", 2)) == ("denied", False, "limit_reached", "2", "1")
    assert told(shop.uses("exports", 1)) == ("recorded", True, "within_limit", "3", "0")
    shop.world.advance_to("2025-01-08T11:59:59")
    assert shop.stands("exports") == ("3", "0", "limit_reached")
    shop.world.advance_to("2025-01-08T12:00:00")  # seven days after the first two
    assert shop.stands("exports") == ("1", "2", "within_limit")
    shop.uses("exports", 2, id="again")
    assert told(shop.uses("exports", 2, id="again")) == (
        "repeated", True, "within_limit", "3", "0",
    )  # fmt: skip


def test_what_never_resets_is_used_up_for_good(shop: Shop) -> None:
    shop.uses("seeds", 5)
    shop.world.advance_to("2027-01-01")
    assert told(shop.uses("seeds")) == ("denied", False, "limit_reached", "5", "0")


def test_use_is_told_wherever_entitlements_are_shown(shop: Shop) -> None:
    shop.uses("builds", 4)
    shop.uses("exports", 1)
    shop.uses("projects", 2)
    world = shop.world
    rows = {row["feature"]: row for row in world.get("customers/ada/entitlements")["data"]}
    assert {key: (row["used"], row["remaining"]) for key, row in rows.items()} == {
        "builds": ("4", "6"),
        "minutes": ("0", "100"),
        "exports": ("1", "2"),
        "seeds": ("0", "5"),
        "pages": ("0", "100"),
        "projects": ("2", "1"),
        "letters": (None, None),  # its use is reported elsewhere
        "sso": (None, None),
    }
    many = world.post(
        "entitlements/check",
        checks=[
            {"customer": "ada", "feature": key} for key in ("builds", "sso", "nothing", "projects")
        ],
    )["results"]
    assert [each["check"] and each["check"]["used"] for each in many] == ["4", None, None, "2"]
    told_now = world.get("customers/ada/entitlements/explain", feature="builds")
    assert told_now["usage"] == {"used": "4", "held": "0", "remaining": "6"}
    assert told_now["in_words"].endswith("4 builds used, 6 left. Not blocked.")


def test_only_of_now_is_use_known(shop: Shop) -> None:
    shop.uses("builds", 10)
    world, later = shop.world, "2025-01-01T12:00:01Z"
    listed = world.get("customers/ada/entitlements", at=later)["data"]
    assert {(row["used"], row["remaining"]) for row in listed} == {(None, None)}
    told_then = world.get("customers/ada/entitlements/explain", feature="builds", at=later)
    assert (told_then["usage"], told_then["result"]["allowed"]) == (None, True)
    told_now = world.get("customers/ada/entitlements/explain", feature="builds")
    assert (told_now["result"]["allowed"], told_now["result"]["reason"]) == (False, "limit_reached")
