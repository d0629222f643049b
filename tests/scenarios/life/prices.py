"""What the lives are sold: three products of one shape, and the same price list as plain numbers.

``hall`` is for subjects, alone in its count of periods. ``court`` shares the customer's day of
payment. ``box`` is the customer's own, has no default plan and ends for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PRODUCTS = ("hall", "court", "box")
INTERVALS = ("week", "month", "year")


@dataclass(frozen=True)
class Plan:
    """Prices in cents by interval; ``seats`` (least, most, default) if it is sold by the seat."""

    rank: int
    cents: Mapping[str, int]
    visits: int
    guests: int = 0
    seats: tuple[int, int, int] | None = None
    trial_days: int = 0
    access_while_paused: bool = False
    pause: str = "credit"

    @property
    def default_quantity(self) -> int:
        return self.seats[2] if self.seats else 1


@dataclass(frozen=True)
class AddOn:
    plans: frozenset[str]
    cents: Mapping[str, int]
    most: int = 1
    by_unit: bool = False
    included_in: frozenset[str] = frozenset()


PLANS = {
    "free": Plan(0, {}, visits=1),
    "basic": Plan(1, {"week": 333, "month": 999, "year": 9999}, visits=10),
    "tried": Plan(1, {"month": 1235}, visits=20, trial_days=14),
    "gold": Plan(
        2, {"month": 6200, "year": 120000}, visits=100, guests=5,
        access_while_paused=True, pause="extend",
    ),
    "tried_longer": Plan(2, {"month": 7001}, visits=30, trial_days=30),
    "team": Plan(3, {"month": 1000, "year": 10001}, visits=10, seats=(2, 9, 3)),
}  # fmt: skip
ADD_ONS = {
    "guest": AddOn(
        frozenset({"basic", "team"}), {"month": 310, "year": 3650}, most=5, by_unit=True,
        included_in=frozenset({"gold"}),
    ),
    "pool": AddOn(frozenset({"gold", "team"}), {"month": 620}),
}  # fmt: skip


def sold(plan: str) -> list[str]:
    """The intervals that a plan is sold for; what is free goes by the month."""
    return list(PLANS[plan].cents) or ["month"]


def fits(add_on: str, plan: str, interval: str) -> bool:
    return plan in ADD_ONS[add_on].plans and interval in ADD_ONS[add_on].cents


def cents(item: str, interval: str, quantity: int) -> int:
    """What a whole period of a plan or an add-on costs."""
    if item in ADD_ONS:
        add_on = ADD_ONS[item]
        return add_on.cents[interval] * (quantity if add_on.by_unit else 1)
    plan = PLANS[item]
    return plan.cents.get(interval, 0) * (quantity if plan.seats else 1)


def values(plan: str, quantity: int, add_ons: Mapping[str, int]) -> dict[str, str]:
    """What may be used of each feature of the plan, as the API writes it."""
    visits = PLANS[plan].visits * (quantity if PLANS[plan].seats else 1)
    visits += 50 if "pool" in add_ons else 0
    return {
        "visits": str(visits),
        "guests": str(PLANS[plan].guests + add_ons.get("guest", 0)),
    }


def document() -> dict[str, Any]:
    """The price list as the catalog takes it."""
    return {
        "currencies": ["USD"],
        "product_services": {"edge": {"name": "Edge"}},
        "features": {
            f"{product}_{feature}": {
                "name": feature,
                "type": "limit",
                "unit": feature,
                "scope": "customer" if product == "box" else "subject",
                "product_service": "edge",
                "downgrade": "trim",
            }
            for product in PRODUCTS
            for feature in ("visits", "guests")
        },
        "products": {product: _product(product) for product in PRODUCTS},
        "plans": {
            f"{product}_{key}": _plan(product, key, plan)
            for product in PRODUCTS
            for key, plan in PLANS.items()
            if not (product == "box" and key == "free")
        },
        "add_ons": {
            f"{product}_{key}": _add_on(product, key, add_on)
            for product in PRODUCTS
            for key, add_on in ADD_ONS.items()
        },
    }


def _product(product: str) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "name": product.capitalize(),
        "exclusive": True,
        "co_terms": product == "court",
        "features": [f"{product}_visits", f"{product}_guests"],
    }
    if product == "box":
        return {**shape, "scope": "customer", "fallback_plan": "none"}
    return {
        **shape,
        "scope": "subject",
        "subject_kind": product,
        "default_plan": f"{product}_free",
    }


def _plan(product: str, key: str, plan: Plan) -> dict[str, Any]:
    model = "per_unit" if plan.seats else "flat"
    shape: dict[str, Any] = {
        "name": key,
        "product": product,
        "rank": plan.rank,
        "prices": _prices(plan.cents, model) or {"month": {}},
        "features": {
            f"{product}_visits": {"per_unit": plan.visits} if plan.seats else plan.visits,
            f"{product}_guests": plan.guests,
        },
        "access_while_paused": plan.access_while_paused,
        "pause": plan.pause,
        "publish": True,
    }
    if plan.seats:
        least, most, default = plan.seats
        shape["quantity"] = {"min": least, "max": most, "default": default}
    if plan.trial_days:
        ends = {"ends": "paid_if_method", "usage": "free", "scope": "customer"}
        shape["trial"] = {"days": plan.trial_days, **ends}
    return shape


def _add_on(product: str, key: str, add_on: AddOn) -> dict[str, Any]:
    feature, adds = ("guests", {"per_unit": 1}) if key == "guest" else ("visits", 50)
    shape: dict[str, Any] = {
        "name": key,
        "available_for": [f"{product}_{plan}" for plan in sorted(add_on.plans)],
        "prices": _prices(add_on.cents, "per_unit" if add_on.by_unit else "flat"),
        "features": {f"{product}_{feature}": {"add": adds}},
        "publish": True,
    }
    if add_on.included_in:
        shape["included_in"] = [f"{product}_{plan}" for plan in sorted(add_on.included_in)]
    if add_on.by_unit:
        shape["quantity"] = {"max": add_on.most}
    return shape


def _prices(cents: Mapping[str, int], model: str) -> dict[str, Any]:
    return {
        interval: {"USD": {"base": {"model": model, "amount": f"{amount / 100:.2f}"}}}
        for interval, amount in cents.items()
    }
