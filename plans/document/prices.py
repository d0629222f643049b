"""The prices of a plan or add-on in a document: interval → currency → key → price.

``{month: {}}`` is sold monthly in every currency, because nothing is charged; ``{year: contract}``
likewise, because a contract says what is.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core import money
from core.periods import ONCE, Interval
from plans import numbers
from plans.document.nodes import (
    Fields,
    Node,
    boolean,
    choice,
    currency,
    decimal,
    integer,
    interval,
    key,
)
from plans.terms import Due, PriceModel

CONTRACT = "contract"
LARGEST_AMOUNT = 10**15  # minor units: thousands of them still fit into 64 bits

_ALWAYS = ("model", "interval", "due", "multiplier", "minimum", "maximum")
_CONVERSION = ("meter", "divide_by", "rounding", "included", "prorate_included")
_SHARE = (
    "rate",
    "fixed",
    "min_per_event",
    "max_per_event",
    "free_events",
    "free_total",
)
_FIELDS: Mapping[str, tuple[str, ...]] = {
    PriceModel.FLAT: (*_ALWAYS, "amount"),
    PriceModel.PER_UNIT: (*_ALWAYS, *_CONVERSION, "amount"),
    PriceModel.GRADUATED: (*_ALWAYS, *_CONVERSION, "tiers"),
    PriceModel.VOLUME: (*_ALWAYS, *_CONVERSION, "tiers"),
    PriceModel.PACKAGE: (*_ALWAYS, *_CONVERSION, "amount", "package_size"),
    PriceModel.GRADUATED_PACKAGE: (*_ALWAYS, *_CONVERSION, "tiers"),
    PriceModel.PERCENTAGE: (*_ALWAYS, "meter", *_SHARE),
}
_TIERED = (PriceModel.GRADUATED, PriceModel.VOLUME, PriceModel.GRADUATED_PACKAGE)


def read_prices(node: Node) -> dict[str, Any] | None:
    """Read all prices into their normal form; ``contract`` stands for all of them or none."""
    sold: dict[str, Any] = {}
    for text, child in node.members():
        canonical = interval(node.at(text, text))
        if canonical is None:
            continue
        if canonical in sold:
            child.report("duplicate_key", f"{canonical} stands twice")
        sold[canonical] = CONTRACT if child.value == CONTRACT else _currencies(child, canonical)
    if not sold and node.is_sound:
        node.report("required", "a plan is sold for one interval at least")
    if CONTRACT in sold.values() and any(each != CONTRACT for each in sold.values()):
        node.report("contract_mixed", "either every interval is by contract or none is")
    return sold


def _currencies(node: Node, sold_interval: str) -> dict[str, Any]:
    found = {}
    for code, child in node.members():
        if currency(node.at(code, code)) is not None:
            found[code] = {
                name: read_price(price, sold_interval=sold_interval, code=code)
                for name, price in child.members()
                if key(child.at(name, name)) is not None
            }
    return found


def read_price(node: Node, *, sold_interval: str, code: str) -> dict[str, Any]:
    """Read one price into its normal form: what has its default value is left out."""
    model = _model(node)
    if model is None:
        return {}
    fields = node.fields(_FIELDS[model])
    form: dict[str, Any] = {
        "model": model,
        "interval": fields.read("interval", interval, default=sold_interval),
        "meter": fields.read("meter", key, default=None),
        "multiplier": _plain(fields.read("multiplier", decimal(), default=Decimal(1))),
    }
    usage = form["meter"] is not None or model == PriceModel.PERCENTAGE
    form["due"] = fields.read("due", choice(Due), default=(Due.ARREARS if usage else Due.ADVANCE))
    if model == PriceModel.PERCENTAGE:
        fields.read("meter", key)
        form |= _share(fields, code)
    elif model != PriceModel.FLAT:
        form |= _conversion(fields)
    form |= _amounts(fields, model, code)
    form |= _bounds(fields, code)
    if node.is_sound:
        _check(node, form, sold_interval, usage=usage)
    return {name: value for name, value in form.items() if _DEFAULTS.get(name, REQUIRED) != value}


REQUIRED = object()
_DEFAULTS: Mapping[str, Any] = {
    "meter": None,
    "multiplier": 1,
    "divide_by": 1,
    "rounding": "none",
    "included": 0,
    "prorate_included": False,
    "package_size": 1,
    "minimum": None,
    "maximum": None,
    "fixed": None,
    "min_per_event": None,
    "max_per_event": None,
    "free_events": None,
    "free_total": None,
}


def _model(node: Node) -> PriceModel | None:
    if not isinstance(node.value, dict):
        node.report("invalid_type", "an object is expected here")
        return None
    if "model" not in node.value:
        node.at("model").report("required", f"one of {', '.join(PriceModel)}")
        return None
    read = choice(PriceModel)(node.at("model", node.value["model"]))
    return None if read is None else PriceModel(read)


def _conversion(fields: Fields) -> dict[str, Any]:
    return {
        "divide_by": _plain(
            fields.read("divide_by", decimal(above=Decimal(0)), default=Decimal(1))
        ),
        "rounding": fields.read("rounding", _rounding, default="none"),
        "included": _plain(fields.read("included", decimal(), default=Decimal(0))),
        "prorate_included": fields.read("prorate_included", boolean, default=False),
    }


def _rounding(node: Node) -> str | None:
    if node.value not in ("none", "up"):
        node.report("invalid_choice", "one of none, up")
        return None
    return str(node.value)


def _share(fields: Fields, code: str) -> dict[str, Any]:
    def amount(name: str) -> str | None:
        return _amount(fields.read(name, decimal(), default=None), code)

    return {
        "rate": _plain(fields.read("rate", decimal())),
        "fixed": amount("fixed"),
        "min_per_event": amount("min_per_event"),
        "max_per_event": amount("max_per_event"),
        "free_events": fields.read("free_events", integer(1, 10**9), default=None),
        "free_total": amount("free_total"),
    }


def _amounts(fields: Fields, model: PriceModel, code: str) -> dict[str, Any]:
    if model in _TIERED:
        return {"tiers": fields.read("tiers", lambda node: _tiers(node, model, code))}
    if model == PriceModel.PERCENTAGE:
        return {}
    how = whole_minor(code) if model == PriceModel.FLAT else decimal()
    form: dict[str, Any] = {"amount": _amount(fields.read("amount", how), code)}
    if model == PriceModel.PACKAGE:
        form["package_size"] = _plain(fields.read("package_size", decimal(above=Decimal(0))))
    return form


def _bounds(fields: Fields, code: str) -> dict[str, Any]:
    return {
        name: _amount(fields.read(name, whole_minor(code), default=None), code)
        for name in ("minimum", "maximum")
    }


def _tiers(node: Node, model: PriceModel, code: str) -> list[dict[str, Any]]:
    found = [_tier(item, model, code) for item in node.items()]
    if not node.is_sound:
        return found
    if not found or "up_to" in found[-1]:
        node.report("last_tier_bounded", "the last tier has no up_to: it goes on without end")
    below = Decimal(0)
    for place, tier in enumerate(found[:-1]):
        bound = Decimal(tier.get("up_to", 0))
        if bound <= below:
            node.at(place).at("up_to").report(
                "tiers_not_ascending", "each tier ends above the last"
            )
        below = bound
    return found


def _tier(node: Node, model: PriceModel, code: str) -> dict[str, Any]:
    packaged = ("package_size",) if model == PriceModel.GRADUATED_PACKAGE else ()
    fields = node.fields(("up_to", "amount", "flat_amount", *packaged))
    flat = fields.read("flat_amount", whole_minor(code), default=None)
    form = {
        "up_to": _plain(fields.read("up_to", decimal(above=Decimal(0)), default=None)),
        "amount": _amount(fields.read("amount", decimal()), code),
        "flat_amount": _amount(flat, code) if flat else None,
    }
    if packaged:
        form["package_size"] = _plain(fields.read("package_size", decimal(above=Decimal(0))))
    return {name: value for name, value in form.items() if value is not None}


def _check(node: Node, form: dict[str, Any], sold_interval: str, *, usage: bool) -> None:
    if not Interval.parse(form["interval"]).divides(Interval.parse(sold_interval)):
        node.at("interval").report(
            "interval_does_not_divide", f"{form['interval']} does not divide {sold_interval}"
        )
    if usage and form["interval"] == str(ONCE):
        node.at("interval").report("not_allowed", "use is charged per period, not once")
    if usage and form["due"] == Due.ADVANCE:
        node.at("due").report("usage_in_advance", "nobody knows the use in advance")
    for least, most in (("minimum", "maximum"), ("min_per_event", "max_per_event")):
        low, high = form.get(least), form.get(most)
        if low is not None and high is not None and Decimal(low) > Decimal(high):
            node.at(most).report("out_of_range", f"{most} is at least {least}")


def whole_minor(code: str) -> Any:
    """Return a reader of amounts that are used as they stand: whole minor units."""

    def read(node: Node) -> Decimal | None:
        amount: Decimal | None = decimal()(node)
        if amount is not None and amount.scaleb(money.exponent(code)) % 1:
            node.report("amount_too_fine", f"{code} has {money.exponent(code)} decimal places")
            return None
        if amount is not None and amount.scaleb(money.exponent(code)) > LARGEST_AMOUNT:
            node.report("out_of_range", f"an amount is at most {LARGEST_AMOUNT} minor units")
            return None
        return amount

    return read


def _amount(number: Decimal | None, code: str) -> str | None:
    """Write an amount in major units with at least the currency's places."""
    if number is None:
        return None
    shortest = number.normalize().as_tuple().exponent
    places = max(money.exponent(code), -int(shortest))
    return f"{number:.{places}f}"


def _plain(number: Decimal | None) -> int | str | None:
    return None if number is None else numbers.to_json(number)
