"""A small catalog to start tests from, and ways to change one thing of it."""

import copy
from enum import Enum
from typing import Any

Tree = dict[str, Any]

SMALL: Tree = {
    "currencies": ["EUR"],
    "product_services": {"edge": {}},
    "meters": {
        "hits": {"event_type": "hit", "aggregation": "sum", "value_property": "count"},
    },
    "features": {
        "rules": {"product_service": "edge", "type": "limit", "unit": "rule", "scope": "subject"},
        "hits": {"product_service": "edge", "type": "metered", "scope": "subject", "meter": "hits"},
    },
    "products": {
        "site": {
            "scope": "subject",
            "exclusive": True,
            "features": ["rules", "hits"],
            "default_plan": "free",
        }
    },
    "plans": {
        "free": {
            "product": "site",
            "rank": 0,
            "prices": {"month": {}},
            "features": {"rules": 5, "hits": {"included": 100}},
            "publish": True,
        },
        "pro": {
            "product": "site",
            "rank": 1,
            "prices": {
                "month": {
                    "EUR": {
                        "base": {"model": "flat", "amount": "20.00"},
                        "hits": {"model": "per_unit", "meter": "hits", "amount": "0.01"},
                    }
                }
            },
            "features": {"rules": 20, "hits": {"included": 1000, "overage": "allow"}},
            "publish": True,
        },
    },
    "add_ons": {
        "more": {
            "available_for": ["free", "pro"],
            "prices": {"month": {"EUR": {"base": {"model": "flat", "amount": "3.00"}}}},
            "features": {"rules": {"add": 10}},
            "publish": True,
        }
    },
    "coupons": {"ten": {"percent_off": 10, "duration": "once"}},
}

BASE = "/plans/pro/prices/month/EUR/base"
HITS = "/plans/pro/prices/month/EUR/hits"


class Removed(Enum):
    """Stands for a part of a document that is taken out; has a name that tests can be named by."""

    REMOVED = "removed"


REMOVED = Removed.REMOVED


def small(changes: dict[str, Any] | None = None) -> Tree:
    """Return the small catalog, with what stands at each JSON pointer replaced, added, removed."""
    tree = copy.deepcopy(SMALL)
    for pointer, value in (changes or {}).items():
        *path, last = pointer.strip("/").split("/")
        place: Any = tree
        for step in path:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if value is REMOVED:
            del place[last]
        else:
            place[int(last) if isinstance(place, list) else last] = copy.deepcopy(value)
    return tree


def only(*sections: str, **plans: Tree) -> Tree:
    """Return just these sections of the small catalog, or just these plans."""
    tree = {section: copy.deepcopy(SMALL[section]) for section in sections}
    return {**tree, "plans": plans} if plans else tree
