"""The stored catalog in the normal forms of documents: what a document is compared with, and what
``export`` writes."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from plans import numbers
from plans.document.nodes import write_instant
from plans.document.prices import CONTRACT
from plans.document.state import Catalog, Line, VersionState
from plans.models import (
    AddOn,
    AddOnPlan,
    AddOnVersion,
    Coupon,
    Currency,
    Feature,
    FeatureValue,
    Meter,
    Plan,
    PlanVersion,
    PlanVersionCustomer,
    Price,
    Product,
    ProductFeature,
    ProductService,
    VersionStatus,
)
from plans.terms import DowngradePolicy

Forms = dict[str, dict[str, Any]]


def load() -> Catalog:
    """Read the whole catalog, in a fixed number of queries."""
    features = Feature.objects.select_related("product_service", "meter").order_by("key")
    meters = Meter.objects.order_by("key")
    fixed = {("features", row.key) for row in features if row.published_at}
    fixed |= {("meters", row.key) for row in meters if row.published_at}
    return Catalog(
        objects={
            "currencies": {row.code: {} for row in Currency.objects.order_by("code")},
            "product_services": {
                row.key: {"name": row.name} for row in ProductService.objects.order_by("key")
            },
            "meters": {row.key: _meter(row) for row in meters},
            "features": {row.key: _feature(row) for row in features},
            "products": _products(),
            "plans": _plans(),
            "add_ons": _add_ons(),
            "coupons": {row.key: _coupon(row) for row in Coupon.objects.order_by("key")},
        },
        lines=_lines(),
        fixed=frozenset(fixed),
    )


def _meter(row: Meter) -> dict[str, Any]:
    return {
        "name": row.name,
        "event_type": row.event_type,
        "aggregation": row.aggregation,
        "value_property": row.value_property,
        "filters": row.filters,
        "group_by": row.group_by,
    }


def _feature(row: Feature) -> dict[str, Any]:
    downgrade: Any = row.downgrade_policy
    if downgrade == DowngradePolicy.KEEP_UNTIL:
        downgrade = {"keep_until_days": row.downgrade_days}
    return {
        "name": row.name,
        "product_service": row.product_service.key,
        "type": row.type,
        "unit": row.unit,
        "scope": row.scope,
        "combine": row.combine,
        "meter": row.meter.key if row.meter else None,
        "fed_by": row.fed_by or None,
        "downgrade": downgrade,
        "list_prices": row.list_prices,
    }


def _products() -> Forms:
    listed: dict[str, list[str]] = defaultdict(list)
    links = ProductFeature.objects.order_by("product_id", "position")
    for product_id, feature in links.values_list("product_id", "feature__key"):
        listed[product_id].append(feature)
    rows = Product.objects.select_related("default_plan", "fallback_plan").order_by("key")
    return {
        row.key: {
            "name": row.name,
            "scope": row.scope,
            "subject_kind": row.subject_kind,
            "exclusive": row.exclusive,
            "co_terms": row.co_terms,
            "features": listed[row.id],
            "default_plan": row.default_plan.key if row.default_plan else None,
            "fallback_plan": row.fallback_plan.key if row.fallback_plan else None,
            "change_rules": row.change_rules,
            "cancel": row.cancel,
            "archived": row.archived_at is not None,
        }
        for row in rows
    }


def _plans() -> Forms:
    rows = Plan.objects.select_related("product").order_by("product__key", "rank", "key")
    return {
        row.key: {
            "name": row.name,
            "product": row.product.key,
            "rank": row.rank,
            "archived": row.archived_at is not None,
        }
        for row in rows
    }


def _add_ons() -> Forms:
    offered: dict[tuple[str, bool], list[str]] = defaultdict(list)
    links = AddOnPlan.objects.order_by("plan__key")
    for add_on_id, included, plan in links.values_list("add_on_id", "included", "plan__key"):
        offered[add_on_id, included].append(plan)
    return {
        row.key: {
            "name": row.name,
            "archived": row.archived_at is not None,
            "available_for": offered[row.id, False],
            "included_in": offered[row.id, True],
        }
        for row in AddOn.objects.order_by("key")
    }


def _coupon(row: Coupon) -> dict[str, Any]:
    return {
        "name": row.name,
        "percent_off": None if row.percent_off is None else numbers.to_json(row.percent_off),
        "amounts_off": row.amounts_off,
        "duration": {"months": row.months} if row.months else row.duration,
        "priority": row.priority,
        "archived": row.archived_at is not None,
    }


def _lines() -> dict[tuple[str, str], dict[str, Line]]:
    """Return of every line its open draft and its latest published version."""
    plan_versions = list(
        PlanVersion.objects.exclude(status=VersionStatus.ARCHIVED)
        .select_related("plan")
        .order_by("number")
    )
    add_on_versions = list(
        AddOnVersion.objects.exclude(status=VersionStatus.ARCHIVED)
        .select_related("add_on")
        .order_by("number")
    )
    prices, given, customers = _prices(), _values(), _customers()
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for row in plan_versions:
        terms = {
            "prices": _sold(row.sold, prices[row.id], contract=row.contract),
            "features": {key: value for key, (_, value) in given[row.id].items()},
            "billing_zone": row.billing_zone,
            "trial": trial_form(row),
            "quantity": quantity_form(row),
            "externally_managed": row.externally_managed,
            "pause": row.pause,
            "access_while_paused": row.access_while_paused,
        }
        line = found["plans", row.plan.key][row.private_key]
        line[row.status] = _state(row, terms, customers[row.id])
        if row.can_always_be_had:
            line["since_always"] = True
    for each in add_on_versions:
        terms = {
            "prices": _sold(each.sold, prices[each.id], contract=False),
            "features": {key: {effect: value} for key, (effect, value) in given[each.id].items()},
            "quantity": quantity_form(each),
        }
        found["add_ons", each.add_on.key][""][each.status] = _state(each, terms, [])
    return {
        key: {name: Line(**parts) for name, parts in lines.items()} for key, lines in found.items()
    }


def _state(
    row: PlanVersion | AddOnVersion, terms: dict[str, Any], customers: list[str]
) -> VersionState:
    since = None if row.effective_from is None else write_instant(row.effective_from)
    return VersionState(row.id, row.number, since, terms, tuple(customers))


def trial_form(row: PlanVersion) -> dict[str, Any] | None:
    """Return the trial as documents write it."""
    if row.trial_days is None:
        return None
    return {
        "days": row.trial_days,
        "ends": row.trial_ends,
        "usage": row.trial_usage,
        "scope": row.trial_scope,
    }


def quantity_form(row: PlanVersion | AddOnVersion) -> dict[str, int] | None:
    """Return how many units may be had as documents write it; None: it says nothing of that."""
    if row.quantity_min is None or row.quantity_default is None:
        return None
    most = {} if row.quantity_max is None else {"max": row.quantity_max}
    return {"min": row.quantity_min, "default": row.quantity_default, **most}


def _sold(sold: dict[str, list[str]], prices: Iterable[Price], *, contract: bool) -> dict[str, Any]:
    if contract:
        return dict.fromkeys(sold, CONTRACT)
    form: dict[str, Any] = {
        interval: {code: {} for code in currencies} for interval, currencies in sold.items()
    }
    for row in prices:
        form[row.sold_interval][row.currency][row.key] = price_form(row)
    return form


def price_form(row: Price) -> dict[str, Any]:
    """Return a price as documents write it."""
    meter = {"meter": row.meter.key} if row.meter else {}
    return {"model": row.model, "interval": row.interval, "due": row.due, **meter, **row.terms}


def _prices() -> dict[str, list[Price]]:
    found: dict[str, list[Price]] = defaultdict(list)
    for row in Price.objects.select_related("meter").order_by("position"):
        found[str(row.plan_version_id or row.add_on_version_id)].append(row)
    return found


def _values() -> dict[str, dict[str, tuple[str, Any]]]:
    found: dict[str, dict[str, tuple[str, Any]]] = defaultdict(dict)
    for row in FeatureValue.objects.select_related("feature").order_by("feature__key"):
        version_id = str(row.plan_version_id or row.add_on_version_id)
        found[version_id][row.feature.key] = (row.effect, row.value)
    return found


def _customers() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in PlanVersionCustomer.objects.order_by("customer_id"):
        found[row.version_id].append(row.customer_id)
    return found
