"""Bad documents at the front door: refused with a pointer and a code, nothing changed, in time."""

import json
import time
from typing import Any

import pytest
from django.test import Client

from core.principals import Scope
from plans.services import apply_catalog, export_catalog
from tests.plans.catalogs import BASE, HITS, small
from tests.world import World

pytestmark = pytest.mark.django_db

STRANGER = "cus_01jd0000000000000000000009"
FEE = {"model": "flat", "amount": 5}
OVERLAPPING = [{"up_to": 10, "amount": 1}, {"up_to": 5, "amount": 1}, {"amount": 1}]


@pytest.fixture
def world(client: Client) -> World:
    world = World(client)
    world.token = world.token_for([Scope.CATALOG_READ, Scope.CATALOG_WRITE])
    apply_catalog(tree=small())
    return world


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "a unit that no column holds": (
        {"/features/rules/unit": "u" * 65},
        "/features/rules/unit",
        "out_of_range",
    ),
    "a kind that no column holds": (
        {"/products/site/subject_kind": "k" * 65},
        "/products/site/subject_kind",
        "out_of_range",
    ),
    "an unknown currency": ({"/currencies": ["EUR", "XXX"]}, "/currencies/1", "unknown_currency"),
    "an amount beyond 64 bits": (
        {f"{BASE}/amount": 2**63 - 1},
        f"{BASE}/amount",
        "malformed_value",
    ),
    "foreign digits": ({f"{BASE}/amount": "\u0662\u0660"}, f"{BASE}/amount", "malformed_value"),
    "grouped digits": ({f"{BASE}/amount": "1_000"}, f"{BASE}/amount", "malformed_value"),
    "an exponent": ({f"{BASE}/amount": "1e400"}, f"{BASE}/amount", "malformed_value"),
    "a list where a unit of time stands": (
        {"/plans/pro/features/hits/reset": {"calendar": ["day"]}},
        "/plans/pro/features/hits/reset/calendar",
        "malformed_value",
    ),
    "an object where a duration stands": (
        {"/plans/pro/features/hits/reset": {"sliding": {}}},
        "/plans/pro/features/hits/reset/sliding",
        "malformed_value",
    ),
    "a path for a zone": (
        {"/plans/pro/billing_zone": "../../etc/passwd"},
        "/plans/pro/billing_zone",
        "unknown_zone",
    ),
    "overlapping tiers": (
        {HITS: {"model": "graduated", "meter": "hits", "tiers": OVERLAPPING}},
        f"{HITS}/tiers/1/up_to",
        "tiers_not_ascending",
    ),
    "a bounded last tier": (
        {HITS: {"model": "volume", "meter": "hits", "tiers": OVERLAPPING[:1]}},
        f"{HITS}/tiers",
        "last_tier_bounded",
    ),
    "a plan sold once": (
        {"/plans/pro/prices": {"once": {"EUR": {"fee": FEE}}}},
        "/plans/pro/prices/once",
        "interval_not_recurring",
    ),
    "two spellings of one interval": (
        {"/plans/pro/prices/1 month": {}},
        "/plans/pro/prices/1 month",
        "duplicate_key",
    ),
    "an instant before the calendar": (
        {"/plans/pro/effective_from": "0001-01-01T00:00:00+23:59"},
        "/plans/pro/effective_from",
        "out_of_range",
    ),
    "a fallback that is not there": (
        {"/products/site/fallback_plan": "gold"},
        "/products/site/fallback_plan",
        "unknown_plan",
    ),
    "another unit for what is sold": (
        {"/features/rules/unit": "item"},
        "/features/rules/unit",
        "immutable",
    ),
    "a private version without a key": (
        {"/plans/pro/private_versions": {"": {"customers": [STRANGER], "prices": {"month": {}}}}},
        "/plans/pro/private_versions/",
        "malformed_key",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_refused_where_it_is_bad(world: World, name: str) -> None:
    changes, pointer, code = BAD[name]
    before = export_catalog()
    answer = world.put("catalog", status=422, **small(changes))
    assert answer["code"] == "catalog_invalid"
    assert [(each["pointer"], each["code"]) for each in answer["errors"]] == [(pointer, code)]
    planned = world.call(
        "PUT", "catalog", status=200, body=small(changes), query={"dry_run": "true"}
    )
    assert planned["resource"]["errors"] == answer["errors"]
    assert export_catalog() == before


KEYS = [f"k{place}" for place in range(80_000)]
HUGE: dict[str, Any] = {
    "equal currencies": {"currencies": ["EUR"] * 120_000},
    "broken coupons": {"coupons": dict.fromkeys(KEYS, 0)},
    "unknown fields": {"plans": {"pro": dict.fromkeys(KEYS, 0)}},
    "unknown features": {
        "products": {"big": {"scope": "customer", "exclusive": False, "features": KEYS}}
    },
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_document_is_refused_in_time(world: World, name: str) -> None:
    body = json.dumps(HUGE[name], separators=(",", ":"))
    assert 500_000 < len(body) < 1024 * 1024
    began = time.monotonic()
    answer = world.call("PUT", "catalog", status=422, body=HUGE[name])
    assert time.monotonic() - began < 60  # seconds; comparing each with each would take minutes
    assert (answer["code"], len(answer["errors"])) == ("catalog_invalid", 1000)
    assert all(each["pointer"].startswith("/") for each in answer["errors"])


def test_a_private_version_may_name_somebody_who_is_not_there_yet(world: World) -> None:
    """Customers are known to a lower app only; nobody else ever gets the version."""
    own = {**small()["plans"]["pro"], "customers": [STRANGER]}
    del own["product"], own["rank"]
    world.put("catalog", **small({"/plans/pro/private_versions": {"acme": own}}))
    shown = world.get("plans/pro/versions")["data"]
    assert [(row["number"], row["customers"]) for row in shown] == [(2, [STRANGER]), (1, [])]
    reader = world.token_for([Scope.CATALOG_READ])
    seen = world.call("GET", "plans/pro/versions", status=200, token=reader)["data"]
    assert [row["number"] for row in seen] == [1]


def test_who_is_subscribed_keeps_a_version_that_is_archived(client: Client) -> None:
    world = World(client)
    world.open()
    ada = world.customer()
    shop, blog = world.zone(ada), world.zone(ada, "blog.example")
    world.change(shop, "pro")
    [pro] = world.get("plans/pro/versions")["data"]
    world.post(f"plans/pro/versions/{pro['id']}/archive")
    held = world.subscription(shop)
    assert (held["plan"], held["plan_version"]) == ("pro", pro["id"])
    assert world.change(blog, "pro", status=422)["code"] == "plan_not_sold"
    again = world.post(f"plans/pro/versions/{pro['id']}/archive", status=409)
    assert again["code"] == "version_not_published"
    published = world.post(f"plans/pro/versions/{pro['id']}/publish", status=409)
    assert published["code"] == "version_not_draft"


def test_a_version_that_another_one_cannot_stand_in_for_is_not_archived(world: World) -> None:
    """The first version has no value for a feature that the product gained since."""
    tls = {"product_service": "edge", "type": "boolean", "scope": "subject"}
    gained = {
        "/features/tls": tls,
        "/products/site/features": ["rules", "hits", "tls"],
        "/plans/free/features/tls": False,
        "/plans/pro/features/tls": True,
    }
    world.put("catalog", **small(gained))
    second = world.get("plans/pro/versions")["data"][0]
    answer = world.post(f"plans/pro/versions/{second['id']}/archive", status=409)
    assert answer["code"] == "version_in_use"
    assert [(each["pointer"], each["code"]) for each in answer["errors"]] == [
        ("/products/site/features", "value_missing")
    ]
    path = f"plans/pro/versions/{second['id']}"
    assert world.get(path)["status"] == "published"
    world.put("catalog", **small({**gained, "/plans/pro/archived": True}))
    world.post(f"{path}/archive")
