"""Plans and add-ons in a document: what they are, and the version that the document asks for.

A normal form has the fields of the definition, and under ``lines`` the wanted versions: the public
one under "", private ones under their keys. Values of features are still as written: their types
may be known to the catalog only; ``plans.document.rules`` reads them.
"""

from typing import Any

from core import ids
from core.periods import is_zone
from plans.document.nodes import (
    Fields,
    Node,
    boolean,
    choice,
    instant,
    integer,
    key,
    keys,
    text,
    unique,
)
from plans.document.prices import read_prices
from plans.terms import Effect, PauseMode, QuantityTerms, Scope, TrialEnd, TrialUsage

CUSTOMER_ZONE = "customer"
MOST_UNITS = 1_000_000
_TERMS = (
    "prices",
    "features",
    "billing_zone",
    "trial",
    "quantity",
    "externally_managed",
    "pause",
    "access_while_paused",
    "publish",
    "effective_from",
)


def read_plan(name: str, node: Node) -> dict[str, Any]:
    fields = node.fields(("name", "product", "rank", "archived", "private_versions", *_TERMS))
    lines = {"": _version(fields)}
    lines |= fields.read("private_versions", _private_versions, default={})
    return {
        "name": fields.read("name", text, default=name),
        "product": fields.read("product", key),
        "rank": fields.read("rank", integer(0, 30_000)),
        "archived": fields.read("archived", boolean, default=False),
        "lines": lines,
    }


def read_add_on(name: str, node: Node) -> dict[str, Any]:
    fields = node.fields(
        (
            "name",
            "archived",
            "available_for",
            "included_in",
            "prices",
            "features",
            "quantity",
            "publish",
            "effective_from",
        )
    )
    form = {
        "name": fields.read("name", text, default=name),
        "archived": fields.read("archived", boolean, default=False),
        "available_for": sorted(fields.read("available_for", keys, default=[]), key=str),
        "included_in": sorted(fields.read("included_in", keys, default=[]), key=str),
        "lines": {
            "": {
                "publish": fields.read("publish", boolean, default=False),
                "effective_from": fields.read("effective_from", instant, default=None),
                "terms": {
                    "prices": fields.read("prices", read_prices),
                    "features": fields.read("features", _effects, default={}),
                    "quantity": fields.read("quantity", _quantity, default=None),
                },
            }
        },
    }
    for plan in sorted(set(form["available_for"]) & set(form["included_in"]), key=str):
        node.at("included_in").report("duplicate_item", f"{plan} is under available_for too")
    return form


def _version(fields: Fields) -> dict[str, Any]:
    return {
        "publish": fields.read("publish", boolean, default=False),
        "effective_from": fields.read("effective_from", instant, default=None),
        "terms": {
            "prices": fields.read("prices", read_prices),
            "features": fields.read("features", lambda node: dict(_values(node)), default={}),
            "billing_zone": fields.read("billing_zone", _zone, default=CUSTOMER_ZONE),
            "trial": fields.read("trial", _trial, default=None),
            "quantity": fields.read("quantity", _quantity, default=None),
            "externally_managed": fields.read("externally_managed", boolean, default=False),
            "pause": fields.read("pause", choice(PauseMode), default=PauseMode.CREDIT.value),
            "access_while_paused": fields.read("access_while_paused", boolean, default=False),
        },
    }


def _values(node: Node) -> list[tuple[str, Any]]:
    return [(name, child.value) for name, child in node.members() if key(node.at(name, name))]


def _private_versions(node: Node) -> dict[str, Any]:
    found = {}
    named: set[str] = set()
    for name, child in node.members():
        key(node.at(name, name))
        fields = child.fields(("customers", *_TERMS))
        customers = fields.read("customers", lambda each: unique(each, _customer))
        if customers == [] and child.is_sound:
            child.at("customers").report("required", "name one customer at least")
        for customer in customers or ():
            if customer in named:
                child.at("customers").report(
                    "duplicate_item", f"{customer} has another private version of this plan"
                )
            named.add(customer)
        found[name] = {"customers": sorted(customers or (), key=str), **_version(fields)}
    return found


def _customer(node: Node) -> str | None:
    if not isinstance(node.value, str) or not ids.is_type_id(node.value, prefix="cus"):
        node.report("malformed_id", "a customer is named by its identifier, cus_…")
        return None
    return node.value


def _zone(node: Node) -> str | None:
    if node.value != CUSTOMER_ZONE and not (isinstance(node.value, str) and is_zone(node.value)):
        node.report("unknown_zone", "a zone is customer or an IANA name like Europe/Berlin")
        return None
    return str(node.value)


def _trial(node: Node) -> dict[str, Any]:
    fields = node.fields(("days", "ends", "usage", "scope"))
    return {
        "days": fields.read("days", integer(1, 3650)),
        "ends": fields.read("ends", choice(TrialEnd), default=TrialEnd.PAID_IF_METHOD.value),
        "usage": fields.read("usage", choice(TrialUsage), default=TrialUsage.BILLED.value),
        "scope": fields.read("scope", choice(Scope), default=Scope.CUSTOMER.value),
    }


def _quantity(node: Node) -> dict[str, int] | None:
    """Read how many units may be had; None is what ``QuantityTerms`` says without a word."""
    fields = node.fields(("min", "max", "default"))
    units = integer(1, MOST_UNITS)
    least = fields.read("min", units, default=1)
    most = fields.read("max", units, default=None)
    default = fields.read("default", units, default=least)
    if not node.is_sound:
        return None
    terms = QuantityTerms(least, most, default)
    if most is not None and most < least:
        node.at("max").report("out_of_range", "max is at least min")
    elif not terms.allows(default):
        node.at("default").report("out_of_range", "default is from min to max")
    if terms == QuantityTerms():
        return None
    return {"min": least, "default": default} | ({} if most is None else {"max": most})


def _effects(node: Node) -> dict[str, Any]:
    """Read {feature: {add: value}} or {feature: {replace: value}}."""
    found = {}
    for name, child in node.members():
        key(node.at(name, name))
        fields = child.fields((Effect.ADD, Effect.REPLACE))
        fields.only_one_of(Effect.ADD, Effect.REPLACE)
        found[name] = {effect: member.value for effect, member in fields.values.items()}
    return found
