"""How plans and add-ons of a document must fit what they refer to."""

from collections.abc import Mapping
from typing import Any

from plans import values
from plans.document.nodes import Node, reads
from plans.document.overlay import Overlay
from plans.document.prices import CONTRACT
from plans.terms import Effect
from plans.values import FeatureType

ADDABLE = (
    FeatureType.BOOLEAN,
    FeatureType.LIMIT,
    FeatureType.NUMBER_SET,
    FeatureType.RANGE,
    FeatureType.METERED,
)


def check_plan(overlay: Overlay, key: str, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan with its feature values in normal form."""
    at = overlay.at("plans", key)
    overlay.requires("products", [plan["product"]], at.at("product"), "unknown_product")
    product = overlay.objects["products"].get(plan["product"])
    lines = {}
    for name, line in plan["lines"].items():
        where = at if name == "" else at.at("private_versions").at(name)
        given = line["terms"]["features"]
        normal = _values(overlay, given, where.at("features"))
        _check_prices(overlay, line["terms"]["prices"], where.at("prices"))
        if product is not None:
            _check_completeness(product, given, where.at("features"), publish=line["publish"])
        lines[name] = {**line, "terms": {**line["terms"], "features": normal}}
    return {**plan, "lines": lines}


def check_add_on(overlay: Overlay, key: str, add_on: Mapping[str, Any]) -> dict[str, Any]:
    """Return the add-on with its feature values in normal form."""
    at = overlay.at("add_ons", key)
    for role in ("available_for", "included_in"):
        overlay.requires("plans", add_on[role], at.at(role), "unknown_plan")
    line = add_on["lines"][""]
    _check_prices(overlay, line["terms"]["prices"], at.at("prices"))
    normal = {}
    for feature, effects in line["terms"]["features"].items():
        where = at.at("features").at(feature)
        [(effect, form)] = effects.items()
        normal[feature] = {effect: _value(overlay, feature, form, where.at(effect), where)}
        known = overlay.objects["features"].get(feature)
        if known and effect == Effect.ADD and known["type"] not in ADDABLE:
            where.report("not_addable", f"a {known['type']} can only be replaced")
        for plan in (*add_on["available_for"], *add_on["included_in"]):
            _check_offered(overlay, plan, feature, where)
    terms = {**line["terms"], "features": normal}
    return {**add_on, "lines": {"": {**line, "terms": terms}}}


def _check_offered(overlay: Overlay, plan: str, feature: str, at: Node) -> None:
    known = overlay.objects["plans"].get(plan)
    product = overlay.objects["products"].get(known["product"]) if known else None
    if product is not None and feature not in product["features"]:
        at.report("feature_not_in_product", f"the product of {plan} does not list {feature}")


def _check_completeness(
    product: Mapping[str, Any], given: Mapping[str, Any], at: Node, *, publish: bool
) -> None:
    for feature in given:
        if feature not in product["features"]:
            at.at(feature).report("feature_not_in_product", "the product does not list it")
    missing = [feature for feature in product["features"] if feature not in given]
    if publish and missing:
        at.report("value_missing", f"there is no value for {', '.join(missing)}")


def _check_prices(overlay: Overlay, prices: Mapping[str, Any], at: Node) -> None:
    for interval, sold in prices.items():
        by_currency = {} if sold == CONTRACT else sold
        for code, priced in by_currency.items():
            where = at.at(interval).at(code)
            overlay.requires("currencies", [code], where, "currency_not_sold")
            for name, price in priced.items():
                meter = price.get("meter")
                overlay.requires("meters", [meter], where.at(name).at("meter"), "unknown_meter")


def _values(overlay: Overlay, given: Mapping[str, Any], at: Node) -> dict[str, Any]:
    return {
        feature: _value(overlay, feature, form, at.at(feature), at.at(feature))
        for feature, form in given.items()
    }


def _value(overlay: Overlay, feature: str, form: Any, at: Node, named_at: Node) -> Any:
    """Return a value's normal form; of an unknown feature, as it is."""
    overlay.requires("features", [feature], named_at, "unknown_feature")
    known = overlay.objects["features"].get(feature)
    if known is None:
        return form
    place = Node(form, at.pointer, overlay.problems)
    return reads(place, lambda given: values.to_json(values.parse(known["type"], given)))
