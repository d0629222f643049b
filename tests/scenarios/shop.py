"""A small price list for stories about add-ons, pauses, trials, blocks and debts: round numbers,
features of one kind each."""

from typing import Any

from django.test import Client

from core.principals import Scope
from plans.services import apply_catalog
from tests import kept
from tests.world import World


def _monthly(**prices: dict[str, str]) -> dict[str, Any]:
    return {"month": {"USD": prices}}


def _flat(amount: str) -> dict[str, Any]:
    return _monthly(base={"model": "flat", "amount": amount})


def _allowance(included: int) -> dict[str, Any]:
    return {"included": included, "reset": "price_period", "overage": "block"}


_SUBJECT = {"type": "limit", "unit": "rule", "scope": "subject", "product_service": "edge"}
_PLANS: dict[str, Any] = {
    "free": {
        "product": "zone",
        "rank": 0,
        "prices": {"month": {}},
        "features": {"rules": 5, "requests": _allowance(100)},
    },
    "pro": {
        "product": "zone",
        "rank": 1,
        "prices": _flat("30.00"),
        "features": {"rules": 20, "requests": _allowance(1000)},
    },
    "business": {
        "product": "zone",
        "rank": 2,
        "prices": _flat("300.00"),
        "access_while_paused": True,
        "features": {"rules": 100, "requests": _allowance(5000)},
    },
    "crew": {
        "product": "zone",
        "rank": 3,
        "prices": _monthly(seats={"model": "per_unit", "amount": "10.00"}),
        "quantity": {"max": 50, "default": 3},
        "features": {"rules": {"per_unit": 50}, "requests": _allowance(5000)},
    },
    "desk": {
        "product": "desk",
        "rank": 0,
        "prices": {"month": {}},
        "features": {"boxes": 1},
    },
    "desk_plus": {
        "product": "desk",
        "rank": 1,
        "prices": _flat("12.00"),
        "trial": {"days": 14, "ends": "paid_if_method", "usage": "free", "scope": "customer"},
        "features": {"boxes": 10},
    },
    "vault": {
        "product": "vault",
        "rank": 0,
        "prices": _flat("31.00"),
        "features": {"gigabytes": 100},
    },
}
_ADD_ONS: dict[str, Any] = {
    "extra_rules": {
        "available_for": ["pro", "crew"],
        "prices": _flat("6.00"),
        "features": {"rules": {"add": 50}},
    },
    "packs": {
        "available_for": ["pro"],
        "prices": _monthly(packs={"model": "per_unit", "amount": "1.00"}),
        "quantity": {"max": 20},
        "features": {"rules": {"add": {"per_unit": 10}}},
    },
    "rule_book": {
        "available_for": ["pro"],
        "included_in": ["business"],
        "prices": _flat("9.00"),
        "features": {"rules": {"replace": 90}},
    },
}


def _document() -> dict[str, Any]:
    return {
        "currencies": ["USD"],
        "product_services": {"edge": {"name": "Edge"}},
        "meters": {
            "requests": {
                "name": "Requests",
                "event_type": "requests",
                "aggregation": "sum",
                "value_property": "n",
            }
        },
        "features": {
            "rules": {"name": "rules", **_SUBJECT},
            "requests": {
                **_SUBJECT,
                "name": "requests",
                "type": "metered",
                "unit": "request",
                "meter": "requests",
            },
            "boxes": {**_SUBJECT, "name": "boxes", "unit": "box", "scope": "customer"},
            "gigabytes": {**_SUBJECT, "name": "space", "unit": "GB", "scope": "customer"},
        },
        "products": {
            "zone": {
                "name": "Zone",
                "scope": "subject",
                "subject_kind": "zone",
                "exclusive": True,
                "co_terms": True,
                "features": ["rules", "requests"],
                "default_plan": "free",
            },
            "desk": {
                "name": "Desk",
                "scope": "customer",
                "exclusive": True,
                "co_terms": False,
                "features": ["boxes"],
                "default_plan": "desk",
            },
            "vault": {
                "name": "Vault",
                "scope": "customer",
                "exclusive": True,
                "co_terms": False,
                "features": ["gigabytes"],
                "fallback_plan": "none",
            },
        },
        "plans": {
            key: {"name": key.capitalize(), "billing_zone": "UTC", "publish": True, **each}
            for key, each in _PLANS.items()
        },
        "add_ons": {
            key: {"name": key.replace("_", " ").capitalize(), "publish": True, **each}
            for key, each in _ADD_ONS.items()
        },
    }


def open_shop() -> World:
    """Return the platform with this price list, on a test clock at 1 January 2025."""
    world = World(Client())
    kept.written_once("shop", lambda: apply_catalog(tree=_document()))
    world.token = world.token_for(list(Scope))
    world.starts_on("2025-01-01")
    return world


def publish_another(plan: str, since: str, **features: Any) -> None:
    """Publish another version of a plan that is sold from an instant on, with other values."""
    document = _document()
    plans = document["plans"]
    values = {**plans[plan]["features"], **features}
    document["plans"] = {
        **plans,
        plan: {**plans[plan], "features": values, "effective_from": since},
    }
    apply_catalog(tree=document)
