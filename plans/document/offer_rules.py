"""How plans and add-ons of a document must fit what they refer to."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.periods import ONCE
from plans import values
from plans.document.nodes import Node, reads
from plans.document.overlay import Overlay
from plans.document.prices import CONTRACT
from plans.numbers import MalformedValue
from plans.terms import Effect, PriceModel, Scope, TrialEnd
from plans.values import Comparison, FeatureType, Metered, Value

ADDABLE = (
    FeatureType.BOOLEAN,
    FeatureType.LIMIT,
    FeatureType.NUMBER_SET,
    FeatureType.RANGE,
    FeatureType.METERED,
)
_FALLS_BACK = (TrialEnd.FREE, TrialEnd.PAID_IF_METHOD)


def check_plan(overlay: Overlay, key: str, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan with its feature values in normal form."""
    at = overlay.at("plans", key)
    overlay.requires("products", [plan["product"]], at.at("product"), "unknown_product")
    product = overlay.objects["products"].get(plan["product"])
    lines = {}
    for name, line in plan["lines"].items():
        where = overlay.at_line(key, name)
        given = line["terms"]["features"]
        normal = _values(overlay, given, where.at("features"))
        _check_prices(overlay, line["terms"]["prices"], where.at("prices"))
        if product is not None:
            _check_completeness(product, given, where.at("features"), publish=line["publish"])
            _check_trial_scope(product, line["terms"]["trial"], where.at("trial"))
        if line["publish"]:
            _check_quantity(line["terms"], given.values(), where.at("quantity"))
        lines[name] = {**line, "terms": {**line["terms"], "features": normal}}
    return {**plan, "lines": lines}


def check_add_on(overlay: Overlay, key: str, add_on: Mapping[str, Any]) -> dict[str, Any]:
    """Return the add-on with its feature values in normal form."""
    at = overlay.at("add_ons", key)
    for role in ("available_for", "included_in"):
        overlay.requires("plans", add_on[role], at.at(role), "unknown_plan")
    line = add_on["lines"][""]
    _check_prices(overlay, line["terms"]["prices"], at.at("prices"))
    if CONTRACT in line["terms"]["prices"].values():
        at.at("prices").report("not_allowed", "an add-on has prices; a contract is of a plan")
    if line["publish"]:
        given = [
            form for effects in line["terms"]["features"].values() for form in effects.values()
        ]
        _check_quantity(line["terms"], given, at.at("quantity"))
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


def check_trials(overlay: Overlay, product: str) -> None:
    """What follows a trial must exist, and be something else than what is tried.

    Reported at the trial if the document publishes it, else at the product.
    """
    fallback = overlay.objects["products"][product]["fallback_plan"]
    for plan in overlay.plans_of(product):
        for line, terms in overlay.terms_on_sale("plans", plan).items():
            ends = terms["trial"] and terms["trial"]["ends"]
            at = overlay.at("products", product, "fallback_plan")
            if overlay.publishes("plans", plan, line):
                at = overlay.at_line(plan, line).at("trial").at("ends")
            if ends == TrialEnd.FREE and fallback is None:
                at.report("no_fallback", f"{product} has no plan that a trial of {plan} can end in")
            if ends in _FALLS_BACK and fallback == plan:
                at.report("falls_back_to_itself", f"{plan} is what its own trial falls back to")


def check_inclusions(overlay: Overlay) -> None:
    """A plan that includes an add-on gives at least what the add-on gives: it is redundant there.

    Both sides as they would be on sale, one unit of each.
    """
    for key, add_on in overlay.objects["add_ons"].items():
        on_sale = overlay.terms_on_sale("add_ons", key).get("")
        if on_sale is None or add_on["archived"]:
            continue
        for plan in add_on["included_in"]:
            for terms in overlay.terms_on_sale("plans", plan).values():
                less = [
                    feature
                    for feature, effects in on_sale["features"].items()
                    if not _covers(overlay, feature, terms["features"], effects)
                ]
                if less:
                    overlay.at("add_ons", key, "included_in").report(
                        "value_below_add_on", f"{plan} gives less of {', '.join(less)}"
                    )


def _covers(
    overlay: Overlay, feature: str, given: Mapping[str, Any], effects: Mapping[str, Any]
) -> bool:
    """Tell whether a plan's value is at least an add-on's; what is broken is told elsewhere."""
    known = overlay.objects["features"].get(feature)
    if known is None or feature not in given:
        return True
    [form] = effects.values()
    try:
        of_plan, of_add_on = (_one_unit(known["type"], each) for each in (given[feature], form))
    except MalformedValue:
        return True
    return values.compare(of_add_on, of_plan) in (Comparison.SAME, Comparison.MORE)


def _one_unit(type: str, form: Any) -> Value:
    """Read a value for a quantity of one; of an allowance the amount alone."""
    value = values.at_quantity(values.parse(type, form), 1)
    return value.included if isinstance(value, Metered) else value


def _check_trial_scope(
    product: Mapping[str, Any], trial: Mapping[str, Any] | None, at: Node
) -> None:
    if trial and trial["scope"] == Scope.SUBJECT and product["scope"] != Scope.SUBJECT:
        at.at("scope").report("scope_differs", f"the product has scope {product['scope']}")


def _check_quantity(terms: Mapping[str, Any], given: Iterable[Any], at: Node) -> None:
    if terms["quantity"] is None or any(_is_per_unit(form) for form in given):
        return
    if not any(
        price["model"] != PriceModel.FLAT and "meter" not in price
        for sold in terms["prices"].values()
        for priced in ({} if sold == CONTRACT else sold).values()
        for price in priced.values()
    ):
        at.report("not_allowed", "no price and no value depends on a quantity")


def _is_per_unit(form: Any) -> bool:
    """Tell whether a value as it is written waits for a quantity."""
    amount = form.get("included", form) if isinstance(form, dict) else form
    return isinstance(amount, dict) and amount.keys() == {"per_unit"}


def _check_prices(overlay: Overlay, prices: Mapping[str, Any], at: Node) -> None:
    if str(ONCE) in prices:
        at.at(str(ONCE)).report(
            "interval_not_recurring",
            "nothing is sold once: a one-time fee is a price with interval once beside a "
            "recurring interval",
        )
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
