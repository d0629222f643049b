"""Money: exact until one rounding, half away from zero; parts add up to the whole."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DomainError
from core.money import (
    AmountOutOfRange,
    CurrencyMismatch,
    MalformedAmount,
    Money,
    UnknownCurrency,
    exponent,
    multiply_unit_price,
    parse_decimal,
    round_half_away,
)

AMOUNTS = st.integers(min_value=-(10**12), max_value=10**12)


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


# --- what an amount is -------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [True, 1.0, "1", Decimal(1), Fraction(1), None])
def test_an_amount_is_an_int_and_nothing_that_resembles_one(amount: Any) -> None:
    with pytest.raises(TypeError, match="an amount is an int"):
        Money(amount, "EUR")


def test_an_amount_fits_into_64_bits() -> None:
    assert Money(2**63 - 1, "EUR").amount == 2**63 - 1
    with pytest.raises(AmountOutOfRange):
        Money(2**63, "EUR")
    with pytest.raises(AmountOutOfRange):
        eur(-(2**62)).times(2) - eur(1)
    with pytest.raises(AmountOutOfRange):
        Money.from_major("9999999999999999999", "EUR")


def test_money_cannot_be_changed() -> None:
    money = eur(1)
    with pytest.raises(AttributeError):
        money.amount = 2  # type: ignore[misc]  # this is the test


@pytest.mark.parametrize(
    ("currency", "places"),
    [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("BHD", 3), ("CLF", 4)],
)
def test_the_exponent_is_the_one_of_iso_4217(currency: str, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "XXX", "XAU", "XDR", "BTC", "EUR "])
def test_a_currency_without_a_minor_unit_in_iso_4217_is_unknown(currency: str) -> None:
    with pytest.raises(UnknownCurrency) as refused:
        Money(1, currency)
    assert isinstance(refused.value, DomainError)
    assert (refused.value.code, refused.value.status) == ("unknown_currency", 400)


# --- arithmetic --------------------------------------------------------------------------------


def test_adding_subtracting_and_negating_stay_in_the_currency() -> None:
    assert eur(250) + eur(5) == eur(255)
    assert eur(250) - eur(255) == eur(-5)
    assert -eur(5) == eur(-5)
    assert sum([eur(1), eur(2), eur(3)], start=Money.zero("EUR")) == eur(6)


def test_amounts_of_one_currency_compare() -> None:
    assert eur(1) < eur(2) <= eur(2)
    assert eur(2) > eur(1) >= eur(1)
    assert not eur(2) < eur(2)
    assert not eur(2) > eur(2)
    assert max(eur(3), eur(1), eur(2)) == eur(3)


@pytest.mark.parametrize("operator", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_two_currencies_never_mix(operator: str) -> None:
    with pytest.raises(CurrencyMismatch, match="cannot combine EUR with USD"):
        getattr(eur(1), operator)(Money(1, "USD"))
    assert issubclass(CurrencyMismatch, ValueError)


def test_amounts_of_two_currencies_are_not_equal() -> None:
    assert eur(0) != Money(0, "USD")


@pytest.mark.parametrize("other", [0, 1, Decimal(1), "1"])
def test_money_is_not_added_to_plain_numbers(other: Any) -> None:
    with pytest.raises(TypeError, match="money goes with money"):
        eur(1) + other


# --- one rounding ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exact", "whole"),
    [
        (Fraction(0), 0),
        (Fraction(1, 2), 1),
        (Fraction(-1, 2), -1),
        (Fraction(3, 2), 2),
        (Fraction(5, 2), 3),
        (Fraction(-5, 2), -3),
        (Fraction(49, 100), 0),
        (Fraction(-49, 100), 0),
        (Fraction(10**30 + 1, 2 * 10**30), 1),
        (Fraction(10**30 - 1, 2 * 10**30), 0),
    ],
)
def test_halves_are_rounded_away_from_zero(exact: Fraction, whole: int) -> None:
    assert round_half_away(exact) == whole
    assert Money.rounded(exact, "JPY") == Money(whole, "JPY")


@pytest.mark.parametrize(
    ("amount", "factor", "result"),
    [
        (1235, Fraction(9, 30), 371),  # 370.5
        (-1235, Fraction(9, 30), -371),
        (999, Fraction(1, 2), 500),  # two halves of 9.99 are 5.00 + 4.99
        (2500, Fraction(21, 31), 1694),  # 1693.548...
        (24000, Fraction(16, 366), 1049),  # 1049.18...
        (24000, Fraction(264, 365), 17359),  # 17358.9...
        (250, 3, 750),
        (250, 0, 0),
        (250, -1, -250),
        (5, Decimal("0.1"), 1),  # 0.5; the float 0.1 is a little more than a tenth
        (10, Decimal("0.049999999999"), 0),
    ],
)
def test_multiplying_is_exact_and_rounds_once(
    amount: int, factor: int | Decimal | Fraction, result: int
) -> None:
    assert eur(amount).times(factor) == eur(result)


@pytest.mark.parametrize("factor", [0.5, True, "2", None])
def test_money_is_not_multiplied_by_floats(factor: Any) -> None:
    with pytest.raises(TypeError, match="money is multiplied by"):
        eur(1).times(factor)


@pytest.mark.parametrize("factor", ["NaN", "Infinity", "-Infinity"])
def test_money_is_not_multiplied_by_what_is_no_number(factor: str) -> None:
    with pytest.raises(ValueError, match="not multiplied by"):
        eur(1).times(Decimal(factor))


@given(
    amount=AMOUNTS,
    factor=st.decimals(min_value=-(10**6), max_value=10**6, places=6, allow_nan=False),
)
def test_multiplying_rounds_as_decimals_round_half_up_on_the_magnitude(
    amount: int, factor: Decimal
) -> None:
    with localcontext() as context:
        context.prec = 60
        magnitude = (abs(amount) * abs(factor)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    sign = -1 if (amount < 0) != (factor < 0) else 1
    assert eur(amount).times(factor).amount == sign * int(magnitude)


@given(amount=AMOUNTS, numerator=st.integers(-(10**6), 10**6), denominator=st.integers(1, 10**6))
def test_multiplying_is_never_more_than_half_a_unit_off(
    amount: int, numerator: int, denominator: int
) -> None:
    exact = Fraction(amount * numerator, denominator)
    assert abs(eur(amount).times(Fraction(numerator, denominator)).amount - exact) <= Fraction(1, 2)


# --- sharing out -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),  # a tie goes to the earlier
        (-100, [1, 1, 1], [-34, -33, -33]),
        (2, [5, 5, 5], [1, 1, 0]),  # 10 % of 3 * 0.05, taken once
        (100, [1, 2, 3], [17, 33, 50]),  # 16.67, 33.33, 50
        (5, [0, 1, 0, 1], [0, 3, 0, 2]),
        (7, [3], [7]),
        (0, [1, 2], [0, 0]),
        (10, [10**30, 10**30 + 1], [5, 5]),
        (1, [10**30, 10**30 + 1], [0, 1]),
    ],
)
def test_allocating_gives_what_is_left_to_the_largest_remainders(
    amount: int, weights: list[int], parts: list[int]
) -> None:
    assert eur(amount).allocate(weights) == [eur(part) for part in parts]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [2, -1], [1, -1]])
def test_allocating_needs_something_to_share_by(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights are not negative and add up"):
        eur(1).allocate(weights)


@pytest.mark.parametrize("weight", [0.5, True, Decimal(1)])
def test_weights_are_whole_numbers(weight: Any) -> None:
    with pytest.raises(TypeError, match="weights are ints"):
        eur(1).allocate([1, weight])


@given(amount=AMOUNTS, weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_allocated_parts_add_up_and_are_each_within_one_unit(
    amount: int, weights: list[int]
) -> None:
    parts = [part.amount for part in eur(amount).allocate(weights)]
    total = sum(weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, total)) < 1
        assert part == 0 or weight > 0
    assert [-part for part in parts] == [part.amount for part in eur(-amount).allocate(weights)]


# --- major units -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("major", "currency", "amount"),
    [
        ("25.00", "EUR", 2500),
        ("25", "EUR", 2500),
        ("25.000", "EUR", 2500),  # three places, but not finer than a cent
        ("-0.01", "EUR", -1),
        ("0", "JPY", 0),
        ("240", "JPY", 240),
        ("1.234", "KWD", 1234),
        (Decimal("9.99"), "USD", 999),
        (Decimal("1E+2"), "USD", 10000),
    ],
)
def test_major_units_are_read_exactly(major: Decimal | str, currency: str, amount: int) -> None:
    assert Money.from_major(major, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    ("major", "currency"), [("25.005", "EUR"), ("1.5", "JPY"), ("0.0001", "KWD")]
)
def test_an_amount_finer_than_a_minor_unit_is_refused(major: str, currency: str) -> None:
    with pytest.raises(MalformedAmount, match="finer than a minor unit"):
        Money.from_major(major, currency)


@pytest.mark.parametrize(
    "text",
    [
        *["", " 1", "1 ", "+1", "1e3", "1_000", "1,5", ".5", "5.", "01", "NaN", "inf", "٣", "1\n"],
        *["0x1", "0.1234567890123", "12345678901234567890"],
    ],
)
def test_only_plain_decimals_are_read(text: str) -> None:
    with pytest.raises(MalformedAmount):
        parse_decimal(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1E+19", "1E-13"])
def test_decimals_are_held_to_the_same_form(number: str) -> None:
    with pytest.raises(MalformedAmount):
        parse_decimal(Decimal(number))


@pytest.mark.parametrize("number", [0.3, 1, True, None])
def test_amounts_are_read_from_text_or_decimal_only(number: Any) -> None:
    with pytest.raises(TypeError, match="read from text or Decimal"):
        Money.from_major(number, "EUR")


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(2500, "EUR"), "25.00"),
        (Money(-5, "EUR"), "-0.05"),
        (Money(240, "JPY"), "240"),
        (Money(1, "KWD"), "0.001"),
        (Money(2**63 - 1, "CLF"), "922337203685477.5807"),
    ],
)
def test_major_units_are_written_with_all_their_places(money: Money, text: str) -> None:
    assert f"{money.to_major():f}" == text


@given(amount=AMOUNTS, currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_what_is_written_in_major_units_is_read_back(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert Money.from_major(money.to_major(), currency) == money


# --- unit prices -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit_price", "quantity", "currency", "exact"),
    [
        ("0.30", Fraction(2_345_678, 1_000_000), "USD", Fraction(70_370_340, 1_000_000)),
        ("0.000001", 1, "USD", Fraction(1, 10_000)),
        ("0.000000000001", 10**12, "EUR", Fraction(100)),
        ("0.02", Decimal("940.5"), "USD", Fraction(1881)),
        ("0.5", 3, "JPY", Fraction(3, 2)),
        ("0.5", -3, "KWD", Fraction(-1500)),
    ],
)
def test_unit_prices_multiply_exactly_into_minor_units(
    unit_price: str, quantity: int | Decimal | Fraction, currency: str, exact: Fraction
) -> None:
    assert multiply_unit_price(Decimal(unit_price), quantity, currency) == exact


def test_a_line_is_rounded_once_not_unit_by_unit() -> None:
    exact = multiply_unit_price(Decimal("0.004"), 3, "EUR")
    assert Money.rounded(exact, "EUR") == eur(1)  # 1.2 cents; three rounded units would be free


@pytest.mark.parametrize(("unit_price", "quantity"), [(0.3, 1), (Decimal(1), 1.5), (True, 1)])
def test_unit_prices_and_quantities_are_never_floats(unit_price: Any, quantity: Any) -> None:
    with pytest.raises(TypeError, match="money is multiplied by"):
        multiply_unit_price(unit_price, quantity, "EUR")
