"""From a price's stored fields to its terms. The fields are those of the catalog document.

``amount package_size tiers rate fixed min_per_event max_per_event free_events free_total divide_by
rounding included prorate_included multiplier minimum maximum``: numbers are integers or decimal
strings; what is absent has the default of ``PriceTerms``.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from plans.terms import ONE, ZERO, Due, Percentage, PriceModel, PriceTerms, Tier


def price_terms(
    *,
    id: str,
    key: str,
    sold_interval: str,
    currency: str,
    interval: str,
    model: str,
    due: str,
    meter: str | None,
    fields: Mapping[str, Any],
) -> PriceTerms:
    """Read a price. ``fields`` were validated before they were stored."""
    return PriceTerms(
        id=id,
        key=key,
        sold_interval=sold_interval,
        currency=currency,
        interval=interval,
        model=PriceModel(model),
        due=Due(due),
        meter=meter,
        amount=_number(fields, "amount") or ZERO,
        package_size=_number(fields, "package_size") or ONE,
        tiers=tuple(_tier(each) for each in fields.get("tiers", ())),
        percentage=_percentage(fields) if model == PriceModel.PERCENTAGE else None,
        divide_by=_number(fields, "divide_by") or ONE,
        round_up=fields.get("rounding") == "up",
        included=_number(fields, "included") or ZERO,
        prorate_included=bool(fields.get("prorate_included", False)),
        multiplier=Decimal(fields.get("multiplier", 1)),
        minimum=_number(fields, "minimum"),
        maximum=_number(fields, "maximum"),
    )


def _number(fields: Mapping[str, Any], name: str) -> Decimal | None:
    return Decimal(fields[name]) if name in fields else None


def _tier(fields: Mapping[str, Any]) -> Tier:
    return Tier(
        up_to=_number(fields, "up_to"),
        amount=_number(fields, "amount") or ZERO,
        flat_amount=_number(fields, "flat_amount") or ZERO,
        package_size=_number(fields, "package_size") or ONE,
    )


def _percentage(fields: Mapping[str, Any]) -> Percentage:
    return Percentage(
        rate=Decimal(fields["rate"]),
        fixed=_number(fields, "fixed") or ZERO,
        least=_number(fields, "min_per_event"),
        most=_number(fields, "max_per_event"),
        free_events=fields.get("free_events"),
        free_total=_number(fields, "free_total"),
    )
