"""What can be told of a price without a quantity."""

from typing import Any

import pytest

from plans.price_forms import price_terms
from plans.terms import PriceTerms


def terms(model: str, meter: str | None = None, **fields: Any) -> PriceTerms:
    return price_terms(
        id="prc_1",
        key="base",
        sold_interval="month",
        currency="EUR",
        interval="month",
        model=model,
        due="advance",
        meter=meter,
        fields=fields,
    )


@pytest.mark.parametrize(
    ("price", "zero"),
    [
        (terms("flat", amount="0.00"), True),
        (terms("flat", amount="0.01"), False),
        (terms("flat", amount="5.00", multiplier=0), True),
        (terms("flat", amount="5.00", maximum="0.00"), True),
        (terms("per_unit", amount="0.000001"), False),
        (terms("per_unit", amount=0, minimum="5.00"), False),
        (terms("volume", tiers=[{"up_to": 5, "amount": 0}, {"amount": 0}]), True),
        (terms("volume", tiers=[{"up_to": 5, "amount": 0}, {"amount": 1}]), False),
        (terms("graduated", tiers=[{"amount": 0, "flat_amount": "1.00"}]), False),
        (terms("percentage", "use", rate=0), True),
        (terms("percentage", "use", rate="1.4"), False),
        (terms("percentage", "use", rate=0, fixed="0.10"), False),
        (terms("percentage", "use", rate=0, min_per_event="0.10"), False),
        (terms("percentage", "use", rate="1.4", max_per_event="0.00"), True),
    ],
)
def test_a_price_is_zero_if_no_quantity_can_cost_anything(price: PriceTerms, zero: bool) -> None:
    assert price.is_zero is zero


def test_what_is_included_is_prorated_only_if_the_price_says_so() -> None:
    assert terms("per_unit", "use", amount=1, included=5, prorate_included=True).prorate_included
    assert not terms("per_unit", "use", amount=1, included=5).prorate_included


@pytest.mark.parametrize(
    ("price", "per_seat"),
    [
        (terms("flat", amount="5.00"), False),
        (terms("per_unit", amount="5.00"), True),
        (terms("per_unit", "use", amount="5.00"), False),
        (terms("package", package_size=5, amount="5.00"), True),
    ],
)
def test_seats_are_counted_where_no_meter_counts(price: PriceTerms, per_seat: bool) -> None:
    assert price.is_per_seat is per_seat
