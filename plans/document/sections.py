"""The sections of a catalog document, read into normal forms: all defaults filled in.

A normal form is a dict of JSON types. Two documents that mean the same have equal normal forms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.errors import FieldProblem
from core.periods import Length
from plans import numbers
from plans.change_rules import AnchorRule, EndTiming, Proration, RankChange, Settlement, Timing
from plans.document.nodes import (
    Fields,
    Node,
    Reader,
    boolean,
    choice,
    currency,
    decimal,
    integer,
    key,
    keys,
    short_text,
    text,
    unique,
)
from plans.document.offers import read_add_on, read_plan
from plans.document.prices import whole_minor
from plans.terms import Aggregation, DowngradePolicy, FedBy, Scope
from plans.values import COMBINES, Combine, FeatureType

SECTIONS = (
    "currencies",
    "product_services",
    "meters",
    "features",
    "products",
    "plans",
    "add_ons",
    "coupons",
)
NO_PLAN = "none"


@dataclass(frozen=True, slots=True)
class Document:
    """``objects``: section → key → normal form, of the sound ones; ``named``: every key that the
    document names, so that a broken object is not reported as missing too."""

    objects: Mapping[str, dict[str, dict[str, Any]]]
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read_document(tree: Any) -> tuple[Document, list[FieldProblem]]:
    """Read a tree; the problems are those that the document alone shows."""
    problems: list[FieldProblem] = []
    root = Node(tree, "", problems)
    fields = root.fields(SECTIONS)
    objects: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in SECTIONS}
    named: dict[str, frozenset[str]] = {section: frozenset() for section in SECTIONS}
    for section, node in fields.values.items():
        if section == "currencies":
            codes = [code for code in unique(node, currency) if code is not None]
            objects[section] = {code: {} for code in codes}
            named[section] = frozenset(codes)
        elif section in _READERS:
            members = node.members()
            named[section] = frozenset(name for name, _ in members)
            objects[section] = dict(_objects(members, node, _READERS[section]))
    return Document(objects, named), problems


def _objects(
    members: list[tuple[str, Node]], section: Node, read: Callable[[str, Node], dict[str, Any]]
) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, node in members:
        key(section.at(name, name))
        form = read(name, node)
        if node.is_sound:
            found.append((name, form))
    return found


def _read_service(name: str, node: Node) -> dict[str, Any]:
    return {"name": node.fields(("name",)).read("name", text, default=name)}


def _read_meter(name: str, node: Node) -> dict[str, Any]:
    fields = node.fields(
        ("name", "event_type", "aggregation", "value_property", "filters", "group_by")
    )
    aggregation = fields.read("aggregation", choice(Aggregation))
    counts = aggregation == Aggregation.COUNT
    if counts and fields.has("value_property"):
        node.at("value_property").report("not_allowed", "count reads no property")
    return {
        "name": fields.read("name", text, default=name),
        "event_type": fields.read("event_type", text),
        "aggregation": aggregation,
        "value_property": "" if counts else fields.read("value_property", text),
        "filters": fields.read("filters", _filters, default={}),
        "group_by": fields.read("group_by", lambda each: unique(each, text), default=[]),
    }


def _filters(node: Node) -> dict[str, Any]:
    """Read {property: [accepted values]}, in any order of values."""
    found = {}
    for name, child in node.members():
        found[name] = sorted(unique(child, text), key=str)
        if child.value == []:
            child.report("required", "name one accepted value at least")
    return found


def _read_feature(name: str, node: Node) -> dict[str, Any]:
    fields = node.fields(
        (
            "name",
            "product_service",
            "type",
            "unit",
            "scope",
            "combine",
            "meter",
            "fed_by",
            "downgrade",
            "list_prices",
        )
    )
    kind = fields.read("type", choice(FeatureType))
    metered = kind == FeatureType.METERED
    if not metered:
        for only in ("meter", "fed_by"):
            if fields.has(only):
                node.at(only).report("not_allowed", "only a metered feature has one")
    return {
        "name": fields.read("name", text, default=name),
        "product_service": fields.read("product_service", key),
        "type": kind,
        "unit": fields.read("unit", short_text, default=""),
        "scope": fields.read("scope", choice(Scope)),
        "combine": _combine(fields, kind),
        "meter": fields.read("meter", key) if metered else None,
        "fed_by": fields.read("fed_by", choice(FedBy), default="events") if metered else None,
        "downgrade": fields.read("downgrade", _downgrade, default=DowngradePolicy.TRIM.value),
        "list_prices": fields.read("list_prices", _worths, default={}),
    }


def _combine(fields: Fields, kind: str | None) -> str | None:
    allowed = COMBINES.get(kind, ()) if kind else ()
    default = str(allowed[0]) if allowed else None
    read: str | None = fields.read("combine", choice(Combine), default=default)
    if allowed and read is not None and read not in allowed:
        fields.node.at("combine").report("invalid_choice", f"one of {', '.join(allowed)}")
    return read


def _downgrade(node: Node) -> Any:
    """Read refuse, trim, grandfather, or {keep_until_days: n}."""
    if isinstance(node.value, dict):
        fields = node.fields(("keep_until_days",))
        return {"keep_until_days": fields.read("keep_until_days", integer(1, 3650))}
    simple = [str(each) for each in DowngradePolicy if each != DowngradePolicy.KEEP_UNTIL]
    if node.value not in simple:
        node.report("invalid_choice", f"one of {', '.join(simple)}, {{keep_until_days: n}}")
    return node.value


def _worths(node: Node) -> dict[str, Any]:
    """Read {currency: worth of a unit in major units}, which may be finer than a minor unit."""
    return _by_currency(node, lambda code: decimal())


def _amounts(node: Node) -> dict[str, Any]:
    """Read {currency: amount in major units}."""
    return _by_currency(node, whole_minor)


def _by_currency(node: Node, reader_of: Callable[[str], Reader]) -> dict[str, Any]:
    found = {}
    for code, child in node.members():
        if currency(node.at(code, code)) is not None:
            amount = reader_of(code)(child)
            if amount == 0:
                child.report("out_of_range", "the amount is above zero")
            found[code] = None if amount is None else f"{amount.normalize():f}"
    return found


def _read_product(name: str, node: Node) -> dict[str, Any]:
    fields = node.fields(
        (
            "name",
            "scope",
            "subject_kind",
            "exclusive",
            "co_terms",
            "features",
            "default_plan",
            "fallback_plan",
            "change_rules",
            "cancel",
            "archived",
        )
    )
    scope = fields.read("scope", choice(Scope))
    if scope == Scope.CUSTOMER and fields.has("subject_kind"):
        node.at("subject_kind").report("not_allowed", "only a product of scope subject has one")
    exclusive = fields.read("exclusive", boolean)
    default = fields.read("default_plan", key, default=None)
    fallback = fields.read("fallback_plan", key, default=default)
    form = {
        "name": fields.read("name", text, default=name),
        "scope": scope,
        "subject_kind": fields.read("subject_kind", short_text, default=""),
        "exclusive": exclusive,
        "co_terms": fields.read("co_terms", boolean, default=False),
        "features": fields.read("features", keys, default=[]),
        "default_plan": default,
        "fallback_plan": None if fallback == NO_PLAN else fallback,
        "change_rules": fields.read("change_rules", _change_rules, default=[]),
        "cancel": fields.read("cancel", _cancel, default={}),
        "archived": fields.read("archived", boolean, default=False),
    }
    for plan in ("default_plan", "fallback_plan"):
        if exclusive is False and form[plan] is not None:
            node.at(plan).report("needs_exclusive", "only an exclusive product has one")
    return form


def _change_rules(node: Node) -> list[dict[str, Any]]:
    found = [_change_rule(item) for item in node.items()]
    names = [each.get("name") for each in found]
    for place, name in enumerate(names):
        if name is not None and name in names[:place]:
            node.at(place).at("name").report("duplicate_item", "two rules have this name")
    return found


def _change_rule(node: Node) -> dict[str, Any]:
    fields = node.fields(("name", "when", "timing", "anchor", "proration", "settlement"))
    form = {
        "name": fields.read("name", key),
        "when": fields.read("when", _condition, default={}),
        "timing": fields.read("timing", choice(Timing)),
        "anchor": fields.read("anchor", choice(AnchorRule), default=None),
        "proration": fields.read("proration", choice(Proration), default=None),
        "settlement": fields.read("settlement", choice(Settlement), default=None),
    }
    return {name: value for name, value in form.items() if value is not None}


def _cancel(node: Node) -> dict[str, Any]:
    """Read what canceling means; what has its default value is left out."""
    fields = node.fields(("access_end", "billing_end", "settlement"))
    form = {
        "access_end": fields.read("access_end", choice(EndTiming), default=None),
        "billing_end": fields.read("billing_end", choice(EndTiming), default=None),
        "settlement": fields.read("settlement", choice(Settlement), default=None),
    }
    defaults = {None, EndTiming.PERIOD_END, Settlement.NONE}
    return {name: value for name, value in form.items() if value not in defaults}


def _condition(node: Node) -> dict[str, Any]:
    fields = node.fields(("rank", "interval", "free_to_paid"))
    form = {
        "rank": fields.read("rank", choice(RankChange), default=None),
        "interval": fields.read("interval", choice(Length), default=None),
        "free_to_paid": fields.read("free_to_paid", boolean, default=None),
    }
    return {name: value for name, value in form.items() if value is not None}


def _read_coupon(name: str, node: Node) -> dict[str, Any]:
    fields = node.fields(("name", "percent_off", "amounts_off", "duration", "priority", "archived"))
    fields.only_one_of("percent_off", "amounts_off")
    percent = fields.read("percent_off", decimal(above=Decimal(0)), default=None)
    if percent is not None and percent > 100:
        node.at("percent_off").report("out_of_range", "a discount is at most 100 percent")
    return {
        "name": fields.read("name", text, default=name),
        "percent_off": None if percent is None else numbers.to_json(percent),
        "amounts_off": fields.read("amounts_off", _amounts, default={}),
        "duration": fields.read("duration", _duration),
        "priority": fields.read("priority", integer(0, 1000), default=100),
        "archived": fields.read("archived", boolean, default=False),
    }


def _duration(node: Node) -> Any:
    """Read once, forever, or {months: n}."""
    if isinstance(node.value, dict):
        return {"months": node.fields(("months",)).read("months", integer(1, 1200))}
    if node.value not in ("once", "forever"):
        node.report("invalid_choice", "one of once, forever, {months: n}")
    return node.value


_READERS: Mapping[str, Callable[[str, Node], dict[str, Any]]] = {
    "product_services": _read_service,
    "meters": _read_meter,
    "features": _read_feature,
    "products": _read_product,
    "plans": read_plan,
    "add_ons": read_add_on,
    "coupons": _read_coupon,
}
