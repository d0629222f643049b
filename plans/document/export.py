"""Write the stored catalog as a document: what has its default value is left out."""

from collections.abc import Mapping
from typing import Any

from plans.document.offers import CUSTOMER_ZONE
from plans.document.sections import NO_PLAN
from plans.document.state import Catalog, Line
from plans.terms import PauseMode

_EMPTY: tuple[Any, ...] = (None, "", [], {}, False)
_ALWAYS = frozenset({"exclusive", "co_terms", "features", "prices"})


def export(catalog: Catalog) -> dict[str, Any]:
    """Return the document. Of a plan or add-on it holds the newest version that is not archived."""
    objects = catalog.objects
    document: dict[str, Any] = {"currencies": sorted(objects["currencies"])}
    for section in ("product_services", "meters", "features", "coupons"):
        document[section] = {key: _short(form) for key, form in objects[section].items()}
    document["products"] = {key: _product(form) for key, form in objects["products"].items()}
    for section in ("plans", "add_ons"):
        document[section] = {
            key: {**_short(form), **_lines(catalog.lines.get((section, key), {}))}
            for key, form in objects[section].items()
        }
    return document


def _product(form: Mapping[str, Any]) -> dict[str, Any]:
    short = _short(form)
    if form["default_plan"] is not None and form["fallback_plan"] is None:
        short["fallback_plan"] = NO_PLAN
    return short


def _lines(lines: Mapping[str, Line]) -> dict[str, Any]:
    private = {name: _version(line) for name, line in lines.items() if name}
    found = _version(lines[""]) if "" in lines else {}
    return {**found, "private_versions": private} if private else found


def _version(line: Line) -> dict[str, Any]:
    latest = line.latest
    if latest is None:
        return {}
    form = {
        "customers": list(latest.customers),
        "publish": line.draft is None,
        "effective_from": latest.effective_from,
        **latest.terms,
    }
    if form.get("billing_zone") == CUSTOMER_ZONE:
        del form["billing_zone"]
    if form.get("pause") == PauseMode.CREDIT:
        del form["pause"]
    return _short(form)


def _short(form: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in form.items()
        if name in _ALWAYS
        or not any(value is empty or value == empty for empty in _EMPTY)
        or (isinstance(value, int) and not isinstance(value, bool))
    }
