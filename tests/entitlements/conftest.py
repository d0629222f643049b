"""A small catalog with a feature of every type, and a caller who may do everything."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from core.principals import Scope
from entitlements import connections
from plans.services import apply_catalog
from tests import kept
from tests.world import World

CATALOG: dict[str, Any] = {
    "currencies": ["USD"],
    "product_services": {"edge": {"name": "Edge"}, "desk": {"name": "Desk"}},
    "meters": {
        "requests": {
            "name": "Requests",
            "event_type": "requests",
            "aggregation": "sum",
            "value_property": "n",
        },
        "uploads": {"name": "Uploads", "event_type": "uploads", "aggregation": "count"},
    },
    "features": {
        "rules": {
            "name": "rules",
            "type": "limit",
            "unit": "rule",
            "scope": "subject",
            "list_prices": {"USD": "0.50"},
        },
        "regex": {"name": "regular expressions", "type": "boolean", "scope": "subject"},
        "seats": {"name": "seats", "type": "limit", "scope": "customer", "combine": "sum"},
        "requests": {
            "name": "requests",
            "type": "metered",
            "unit": "request",
            "scope": "customer",
            "meter": "requests",
        },
        # nothing that is sold gives it
        "uploads": {"name": "uploads", "type": "metered", "scope": "customer", "meter": "uploads"},
        "ports": {"name": "ports", "type": "number_set", "scope": "customer"},
        "sizes": {"name": "sizes", "type": "range", "scope": "customer"},
        "region": {"name": "region", "type": "string", "scope": "customer"},
        "theme": {"name": "theme", "type": "config", "scope": "customer"},
    },
    "products": {
        "zone": {
            "name": "Zone",
            "scope": "subject",
            "subject_kind": "zone",
            "exclusive": True,
            "features": ["rules", "regex"],
            "default_plan": "free",
        },
        "team": {
            "name": "Team",
            "scope": "customer",
            "exclusive": True,
            "features": ["requests", "ports", "sizes", "region", "theme", "seats"],
            "default_plan": "team_free",
        },
        "packs": {"name": "Packs", "scope": "customer", "exclusive": False, "features": ["seats"]},
    },
    "plans": {
        "free": {
            "name": "Free",
            "product": "zone",
            "rank": 0,
            "prices": {"month": {}},
            "features": {"rules": 5, "regex": False},
        },
        "pro": {
            "name": "Pro",
            "product": "zone",
            "rank": 1,
            "prices": {"month": {"USD": {"base": {"model": "flat", "amount": "25.00"}}}},
            "features": {"rules": 20, "regex": False},
        },
        "business": {
            "name": "Business",
            "product": "zone",
            "rank": 2,
            "prices": {"month": {"USD": {"base": {"model": "flat", "amount": "250.00"}}}},
            "features": {"rules": 100, "regex": True},
        },
        "team_free": {
            "name": "Team Free",
            "product": "team",
            "rank": 0,
            "prices": {"month": {}},
            "features": {
                "requests": {
                    "included": 1000,
                    "reset": {"calendar": "day"},
                    "zone": "customer",
                    "overage": "block",
                },
                "ports": [80, 443],
                "sizes": {"min": 1, "max": "2.5"},
                "region": "eu",
                "theme": {"color": "blue"},
                "seats": 3,
            },
        },
        "pack": {
            "name": "Pack",
            "product": "packs",
            "rank": 0,
            "prices": {"month": {"USD": {"base": {"model": "flat", "amount": "5.00"}}}},
            "features": {"seats": 10},
        },
    },
}


def catalog() -> dict[str, Any]:
    features = {
        key: {"product_service": "edge" if key in ("rules", "regex") else "desk", **each}
        for key, each in CATALOG["features"].items()
    }
    plans = {
        key: {"billing_zone": "UTC", "publish": True, **each}
        for key, each in CATALOG["plans"].items()
    }
    products = {
        key: {"co_terms": False, **each} | ({} if each["exclusive"] else {"fallback_plan": "none"})
        for key, each in CATALOG["products"].items()
    }
    return CATALOG | {"features": features, "plans": plans, "products": products}


def opened() -> World:
    world = World(Client())
    kept.written_once("entitlements", lambda: apply_catalog(tree=catalog()))
    world.token = world.token_for(list(Scope))
    return world


@pytest.fixture
def world(db: Any) -> Iterator[World]:
    """The small shop, on a test clock; what a test leaves behind must be sound."""
    made = opened()
    made.starts_on("2025-01-31")
    yield made
    call_command("check_invariants", verbosity=0)


@pytest.fixture
def committed_world(transactional_db: Any) -> Iterator[World]:
    """The same in real time, with commits, so that the check reads on a connection of its own."""
    yield opened()
    connections.close()


@pytest.fixture
def shop(world: World) -> str:
    """Ada's zone, on Pro with 20 rules."""
    world.customer("ada")
    zone = world.zone("ada", "shop.example")
    world.change(zone, "pro")
    return zone
