"""How the objects of a catalog must fit together: a document laid over what is stored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import FieldProblem
from plans.document import offer_rules
from plans.document.nodes import Node
from plans.document.overlay import Overlay
from plans.document.prices import CONTRACT
from plans.document.sections import Document
from plans.document.state import Catalog
from plans.terms import Aggregation, FedBy
from plans.values import Combine

# What never changes: features and meters once something published relies on them, others at once.
_FIXED: Mapping[str, tuple[str, ...]] = {
    "features": ("type", "unit", "scope", "combine", "product_service", "meter", "fed_by"),
    "meters": ("event_type", "aggregation", "value_property", "filters"),
    "products": ("scope", "exclusive"),
    "plans": ("product",),
    "coupons": ("percent_off", "amounts_off", "duration"),
}
_ADDS_UP = (Aggregation.COUNT, Aggregation.SUM)
_ONCE_PUBLISHED = ("features", "meters")


def check(document: Document, catalog: Catalog) -> tuple[Document, list[FieldProblem]]:
    """Check a document against what is stored. Return it with its feature values in normal form."""
    overlay = Overlay(document, catalog)
    _check_fixed(overlay)
    for key, feature in document.objects["features"].items():
        _check_feature(overlay, key, feature)
    for key, coupon in document.objects["coupons"].items():
        _check_currencies(overlay, coupon["amounts_off"], overlay.at("coupons", key, "amounts_off"))
    plans = {
        key: offer_rules.check_plan(overlay, key, plan)
        for key, plan in document.objects["plans"].items()
    }
    add_ons = {
        key: offer_rules.check_add_on(overlay, key, add_on)
        for key, add_on in document.objects["add_ons"].items()
    }
    for key, product in overlay.objects["products"].items():
        _check_product(overlay, key, product)
    offer_rules.check_inclusions(overlay)
    _check_single_features(overlay)
    objects = {**document.objects, "plans": plans, "add_ons": add_ons}
    return Document(objects, document.named), overlay.problems


def _check_fixed(overlay: Overlay) -> None:
    for section, fields in _FIXED.items():
        for key, wanted in overlay.document.objects[section].items():
            stored = overlay.catalog.objects[section].get(key)
            published = (section, key) in overlay.catalog.fixed
            if stored is None or (section in _ONCE_PUBLISHED and not published):
                continue
            for field in fields:
                if wanted[field] != stored[field]:
                    overlay.at(section, key, field).report(
                        "immutable", f"it is {stored[field]!r} for good; take a new key instead"
                    )


def _check_feature(overlay: Overlay, key: str, feature: Mapping[str, Any]) -> None:
    at = overlay.at("features", key)
    service = feature["product_service"]
    overlay.requires(
        "product_services", [service], at.at("product_service"), "unknown_product_service"
    )
    if overlay.requires("meters", [feature["meter"]], at.at("meter"), "unknown_meter"):
        _check_meter(overlay, key, feature, at)
    _check_currencies(overlay, feature["list_prices"], at.at("list_prices"))


def _check_meter(overlay: Overlay, key: str, feature: Mapping[str, Any], at: Node) -> None:
    """What is consumed is added up, in one window: its meter serves no other feature."""
    meter = feature["meter"]
    if meter is None:
        return
    for other, known in overlay.objects["features"].items():
        shares = other != key and known["meter"] == meter
        if shares and FedBy.CONSUME in (feature["fed_by"], known["fed_by"]):
            at.at("meter").report("meter_shared", f"{other} has it, and one of both is consumed")
    counts = overlay.objects["meters"].get(meter, {}).get("aggregation")
    if feature["fed_by"] == FedBy.CONSUME and counts not in (None, *_ADDS_UP):
        at.at("fed_by").report("meter_does_not_add_up", f"what is consumed is no {counts}")


def _check_currencies(overlay: Overlay, amounts: Iterable[str], at: Node) -> None:
    for code in amounts:
        overlay.requires("currencies", [code], at.at(code), "currency_not_sold")


def _check_product(overlay: Overlay, key: str, product: Mapping[str, Any]) -> None:
    at = overlay.at("products", key)
    for place, feature in enumerate(product["features"]):
        where = at.at("features").at(place)
        overlay.requires("features", [feature], where, "unknown_feature")
        known = overlay.objects["features"].get(feature)
        if known is not None and known["scope"] != product["scope"]:
            where.report("scope_differs", f"{feature} has scope {known['scope']}")
    for role in ("default_plan", "fallback_plan"):
        overlay.requires("plans", [product[role]], at.at(role), "unknown_plan")
        if product[role] is not None and not product["archived"]:
            _check_landing(overlay, key, product[role], at.at(role))
    if not product["archived"]:
        _check_stored_plans(overlay, key, product, at.at("features"))
        offer_rules.check_trials(overlay, key)


def _check_landing(overlay: Overlay, product: str, plan: str, at: Node) -> None:
    """A subscription lands on a default or fallback plan by itself, so it must be able to."""
    known = overlay.objects["plans"].get(plan)
    if known is None:
        return
    if known["product"] != product:
        at.report("different_product", f"{plan} is a plan of {known['product']}")
    if known["archived"]:
        at.report("plan_archived", f"{plan} is archived")
    terms = overlay.terms_on_sale("plans", plan).get("")
    if terms is None:
        at.report("plan_not_published", f"{plan} has no published version")
    elif terms["externally_managed"] or CONTRACT in terms["prices"].values():
        at.report("plan_not_sellable", f"{plan} needs a contract, so nobody can land on it")
    else:
        _check_always_sold(overlay, plan, terms, at)


def _check_always_sold(overlay: Overlay, plan: str, terms: Mapping[str, Any], at: Node) -> None:
    if not _can_always_be_had(overlay, plan):
        at.report("plan_not_always_sold", f"{plan} can be had from an instant on only")
    for code in overlay.objects["currencies"]:
        if not any(not sold or code in sold for sold in terms["prices"].values()):
            at.report("plan_not_sellable", f"{plan} is not sold in {code}")


def _can_always_be_had(overlay: Overlay, plan: str) -> bool:
    """A plan's first version is effective since always; one that was archived leaves a gap."""
    stored = overlay.catalog.line("plans", plan, "")
    first_to_come = stored.draft is not None and stored.draft.number == 1
    return stored.since_always or first_to_come or plan not in overlay.catalog.objects["plans"]


def _check_stored_plans(overlay: Overlay, key: str, product: Mapping[str, Any], at: Node) -> None:
    """A feature that a product gains must be in what its plans already sell.

    Versions that the document itself publishes are checked where they stand.
    """
    for name in overlay.plans_of(key):
        for line, terms in overlay.terms_on_sale("plans", name).items():
            missing = [each for each in product["features"] if each not in terms["features"]]
            if missing and not overlay.publishes("plans", name, line):
                at.report("value_missing", f"plan {name} has no value for {', '.join(missing)}")


def _check_single_features(overlay: Overlay) -> None:
    """What cannot be combined may come from one exclusive product only."""
    sellers: dict[str, list[str]] = defaultdict(list)
    for key, product in overlay.objects["products"].items():
        for feature in product["features"]:
            sellers[feature].append(key)
    for feature, products in sellers.items():
        known = overlay.objects["features"].get(feature)
        if known is None or known["combine"] != Combine.SINGLE:
            continue
        at = overlay.at("features", feature, "combine")
        if len(products) > 1:
            at.report("not_combinable", f"{', '.join(products)} all list {feature}")
        elif not overlay.objects["products"][products[0]]["exclusive"]:
            at.report("needs_exclusive", f"{products[0]}, which lists it, is not exclusive")
