"""What quantities cost: worked numbers, then properties that hold for all of them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import Money
from plans import pricing
from plans.price_forms import price_terms
from plans.pricing import WrongQuantity
from plans.terms import PriceTerms

D = Decimal


def terms(
    model: str, *, currency: str = "USD", meter: str | None = "use", **fields: Any
) -> PriceTerms:
    return price_terms(
        id="prc_1",
        key="base",
        sold_interval="month",
        currency=currency,
        interval="month",
        model=model,
        due="arrears",
        meter=meter,
        fields=fields,
    )


def cents(price: PriceTerms, quantity: str | int) -> Fraction:
    return pricing.price(price, D(quantity))


MILLION = {"divide_by": 1_000_000}
CLASS_A = terms("per_unit", amount="4.50", included=1, rounding="up", **MILLION)
STORAGE = terms("per_unit", amount="0.015", included=10, rounding="up")
REQUESTS = terms("per_unit", amount="0.30", included=10, **MILLION)


@pytest.mark.parametrize(
    ("price", "quantity", "line"),
    [
        (CLASS_A, 1_000_000, 0),
        (CLASS_A, 1_000_001, 450),  # two whole millions, one of them included
        (CLASS_A, 2_000_000, 450),
        (CLASS_A, 2_000_001, 900),
        (CLASS_A, 0, 0),
        (STORAGE, "10.000001", 2),  # 11 - 10 GB-months: 1.5 cents
        (STORAGE, 110, 150),
        (REQUESTS, 10_000_000, 0),
        (REQUESTS, 12_345_678, 70),  # 2.345678 millions at 0.30
        (REQUESTS, 10_016_666, 0),  # half a cent less a little
        (REQUESTS, 10_016_667, 1),
    ],
)
def test_the_published_unit_prices(price: PriceTerms, quantity: str, line: int) -> None:
    assert pricing.line(price, D(quantity)) == Money(line, "USD")


def test_a_platform_with_100_million_requests_costs_71_80() -> None:
    base = terms("flat", meter=None, amount="25.00")
    requests = terms("per_unit", amount="0.30", included=20, **MILLION)
    cpu_ms = terms("per_unit", amount="0.02", included=60, **MILLION)
    scripts = terms("per_unit", amount="0.02", included=1000)
    lines = [
        pricing.line(base, 1),
        pricing.line(requests, 100_000_000),
        pricing.line(cpu_ms, 1_000_000_000),
        pricing.line(scripts, 1200),
    ]
    assert [line.amount for line in lines] == [2500, 2400, 1880, 400]
    assert sum(lines, Money(0, "USD")) == Money(7180, "USD")


TIERS = [
    {"up_to": 10, "amount": "2.00", "flat_amount": "1.00"},
    {"up_to": 20, "amount": "1.00", "flat_amount": "5.00"},
    {"amount": "0.50"},
]
PACKAGES = [
    {"up_to": 10, "package_size": 4, "amount": "3.00"},
    {"package_size": 5, "amount": "2.00", "flat_amount": "1.00"},
]


@pytest.mark.parametrize(
    ("model", "fields", "quantity", "expected"),
    [
        ("flat", {"amount": "25.00"}, 7, 2500),
        ("per_unit", {"amount": "9.99"}, 3, 2997),
        ("per_unit", {"amount": "0.000001"}, 1, Fraction(1, 10_000)),
        ("graduated", {"tiers": TIERS}, 0, 100),  # the first flat fee, at zero use
        ("graduated", {"tiers": TIERS}, 10, 100 + 2000),
        ("graduated", {"tiers": TIERS}, "10.5", 100 + 2000 + 500 + 50),
        ("graduated", {"tiers": TIERS}, 20, 100 + 2000 + 500 + 1000),
        ("graduated", {"tiers": TIERS}, "20.5", 100 + 2000 + 500 + 1000 + 25),
        ("volume", {"tiers": TIERS}, 0, 100),
        ("volume", {"tiers": TIERS}, 10, 100 + 2000),
        ("volume", {"tiers": TIERS}, 20, 500 + 2000),
        ("volume", {"tiers": TIERS}, "20.5", 1025),  # 20 was cheaper by its tier: bounds are sharp
        ("package", {"amount": "9.00", "package_size": 1000}, 0, 0),
        ("package", {"amount": "9.00", "package_size": 1000}, 1000, 900),
        ("package", {"amount": "9.00", "package_size": 1000}, "1000.1", 1800),
        ("graduated_package", {"tiers": PACKAGES}, 10, 900),  # three packages of four
        ("graduated_package", {"tiers": PACKAGES}, 11, 900 + 100 + 200),
        ("graduated_package", {"tiers": PACKAGES}, 16, 900 + 100 + 400),
    ],
)
def test_each_model(model: str, fields: dict[str, Any], quantity: Any, expected: Any) -> None:
    assert cents(terms(model, **fields), quantity) == expected


@pytest.mark.parametrize(
    ("fields", "quantity", "expected"),
    [
        ({"divide_by": 4}, 10, 250),
        ({"divide_by": 4, "rounding": "up"}, 10, 300),
        ({"divide_by": 4, "rounding": "up", "included": 1}, 10, 200),
        ({"included": 12}, 10, 0),
        ({"multiplier": "0.8"}, 10, 800),
        ({"multiplier": 0}, 10, 0),
        ({"maximum": "6.00"}, 10, 600),
        ({"maximum": "6.00", "multiplier": "0.5"}, 10, 500),
        ({}, -10, 0),  # a negative aggregate prices as zero
    ],
)
def test_conversion_then_rounding_then_included_then_price_then_bounds(
    fields: dict[str, Any], quantity: int, expected: int
) -> None:
    assert cents(terms("per_unit", amount="1.00", **fields), quantity) == expected


def test_currencies_have_their_own_places() -> None:
    assert pricing.line(terms("per_unit", currency="JPY", amount="1.5"), 3) == Money(5, "JPY")
    assert pricing.line(terms("flat", currency="KWD", amount="1.250"), 1) == Money(1250, "KWD")


SHARE = {"rate": "1.4", "fixed": "0.25"}


@pytest.mark.parametrize(
    ("fields", "amounts", "expected"),
    [
        (SHARE, [], 0),
        (SHARE, ["100"], 140 + 25),
        (SHARE, ["0"], 25),
        ({**SHARE, "free_events": 2}, ["500", "500", "100"], 165),
        ({**SHARE, "free_total": "1000"}, ["900", "100", "100"], 165),
        # 900 is free; 100 of 200 is, so the event pays its fixed fee and 1.4 % of the rest
        ({**SHARE, "free_total": "1000"}, ["900", "200"], 165),
        # the count runs out first, though 800 of the total are left
        ({**SHARE, "free_events": 1, "free_total": "1000"}, ["200", "100"], 165),
        # the total runs out first, within the first of two free events
        ({**SHARE, "free_events": 2, "free_total": "1000"}, ["1100", "100"], 330),
        ({**SHARE, "min_per_event": "2.00"}, ["100", "1000"], 200 + 1425),
        ({**SHARE, "max_per_event": "2.00"}, ["100", "1000"], 165 + 200),
        ({**SHARE, "free_events": 1, "min_per_event": "2.00"}, ["100"], 0),
        ({"rate": "2.5", "maximum": "3.00"}, ["100", "100"], 300),
    ],
)
def test_a_percentage_of_events(fields: dict[str, Any], amounts: list[str], expected: int) -> None:
    price = terms("percentage", **fields)
    assert pricing.price_events(price, [D(each) for each in amounts]) == expected


def test_events_and_quantities_are_not_mixed_up() -> None:
    with pytest.raises(WrongQuantity):
        pricing.price(terms("percentage", rate="1"), 5)
    with pytest.raises(WrongQuantity):
        pricing.price_events(terms("flat", amount="1"), [D(5)])


@pytest.mark.parametrize(
    ("minimum", "lines", "expected"),
    [(None, [100], 0), ("20.00", [700, 800], 500), ("20.00", [], 2000), ("20.00", [2500], 0)],
)
def test_what_is_missing_to_the_commitment_is_charged_once(
    minimum: str | None, lines: list[int], expected: int
) -> None:
    fields = {} if minimum is None else {"minimum": minimum}
    price = terms("per_unit", amount="1.00", **fields)
    billed = [Money(amount, "USD") for amount in lines]
    assert pricing.true_up(price, billed) == Money(expected, "USD")


quantities = st.decimals(0, 10**7, places=3)
unit_prices = st.integers(0, 10**6).map(lambda number: str(D(number).scaleb(-4)))
steps = st.lists(st.integers(1, 1000), max_size=4)


@st.composite
def tiered(draw: Any, model: str) -> PriceTerms:
    bounds: list[int] = []
    for step in draw(steps):
        bounds.append((bounds[-1] if bounds else 0) + step)
    tiers: list[dict[str, Any]] = [{"up_to": bound} for bound in bounds] + [{}]
    for tier in tiers:
        tier["amount"] = draw(unit_prices)
        tier["flat_amount"] = str(draw(st.integers(0, 100)))
    return terms(model, tiers=tiers)


@given(tiered("graduated"), quantities, quantities)
def test_more_never_costs_less_in_graduated_tiers(price: PriceTerms, one: D, other: D) -> None:
    less, more = sorted((one, other))
    assert pricing.price(price, less) <= pricing.price(price, more)


@given(unit_prices, quantities, quantities)
def test_unit_prices_are_exactly_additive(amount: str, one: D, other: D) -> None:
    price = terms("per_unit", amount=amount)
    parts = pricing.price(price, one) + pricing.price(price, other)
    assert pricing.price(price, one + other) == parts


@given(unit_prices, quantities)
def test_one_unbounded_tier_is_a_unit_price(amount: str, quantity: D) -> None:
    plain = pricing.price(terms("per_unit", amount=amount), quantity)
    for model in ("graduated", "volume"):
        assert pricing.price(terms(model, tiers=[{"amount": amount}]), quantity) == plain


@given(tiered("graduated"), quantities, st.integers(0, 500))
def test_the_maximum_is_never_exceeded_and_only_then_applied(
    price: PriceTerms, quantity: D, maximum: int
) -> None:
    from dataclasses import replace

    free = pricing.price(price, quantity)
    bound = pricing.price(replace(price, maximum=D(maximum)), quantity)
    assert bound == min(free, maximum * 100)


@given(quantities, st.integers(1, 1000), st.integers(0, 100))
def test_rounding_up_never_makes_it_cheaper_nor_adds_a_whole_unit(
    quantity: D, divide_by: int, included: int
) -> None:
    exact = terms("per_unit", amount="1.00", divide_by=divide_by, included=included)
    rounded = terms(
        "per_unit", amount="1.00", divide_by=divide_by, included=included, rounding="up"
    )
    difference = pricing.price(rounded, quantity) - pricing.price(exact, quantity)
    assert 0 <= difference < 100


@given(st.lists(st.decimals(0, 1000, places=2), max_size=10), st.integers(0, 2000))
def test_a_free_total_frees_exactly_that_much_of_a_plain_rate(amounts: list[D], free: int) -> None:
    price = terms("percentage", rate="10", free_total=str(free))
    charged = max(sum(amounts, D(0)) - free, D(0))
    assert pricing.price_events(price, amounts) == Fraction(charged) * 10
