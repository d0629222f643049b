"""Money is a whole number of minor units in one currency. Rounding happens here and only here.

Everything is exact (``int``, ``Decimal``, ``Fraction``) up to one rounding, half away from zero,
on the line. A float never becomes money: it would round before anybody asked it to.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from iso4217 import Currency

from core.errors import BadRequest

# Funds and metals in ISO 4217 that have no minor unit (XAU, XDR, XXX, …) cannot be billed in.
_EXPONENTS: dict[str, int] = {
    str(currency.code): currency.exponent for currency in Currency if currency.exponent is not None
}
_LARGEST = 2**63 - 1  # what a bigint column holds
_MOST_PLACES = 12
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,12})?", re.ASCII)


class CurrencyMismatch(ValueError):
    """Amounts of two currencies were put together: a defect of the calling code."""


class UnknownCurrency(BadRequest):
    """ISO 4217 has no such currency, or gives it no minor unit."""

    code = "unknown_currency"


class MalformedAmount(BadRequest):
    """The text is not a plain decimal, or it is finer than what it stands for can be."""

    code = "malformed_amount"


class AmountOutOfRange(BadRequest):
    """The amount does not fit into 64 bits of minor units."""

    code = "amount_out_of_range"


@dataclass(frozen=True, slots=True)
class Money:
    """``amount`` minor units (cents, yen, fils) of an ISO 4217 currency; negative is allowed.

    :raises TypeError: for an amount that is not an ``int`` (``bool`` is none)
    :raises UnknownCurrency: for a currency without a minor unit
    :raises AmountOutOfRange: beyond 64 bits
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"an amount is an int, not {type(self.amount).__name__}")
        exponent(self.currency)
        if abs(self.amount) > _LARGEST:
            raise AmountOutOfRange(f"an amount is at most {_LARGEST} minor units")

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Return nothing, in a currency: where sums start."""
        return cls(0, currency)

    @classmethod
    def rounded(cls, exact_minor: Fraction, currency: str) -> Self:
        """Round an exact number of minor units, half away from zero: the one rounding of a line."""
        return cls(round_half_away(exact_minor), currency)

    @classmethod
    def from_major(cls, major: Decimal | str, currency: str) -> Self:
        """Read an amount in major units: ``from_major("25.00", "EUR")`` is 2500 cents.

        :raises MalformedAmount: for anything but a plain decimal, and for one that is finer than
            the minor unit (25.005 EUR, 1.5 JPY): a price is never rounded to be read
        """
        exact = Fraction(parse_decimal(major)) * _minor_units(currency)
        if exact.denominator != 1:
            raise MalformedAmount(f"{major} is finer than a minor unit of {currency}")
        return cls(exact.numerator, currency)

    def to_major(self) -> Decimal:
        """Return the amount in major units, with all their places: 2500 cents are 25.00."""
        return Decimal(f"{self.amount}E-{exponent(self.currency)}")

    def __add__(self, other: object) -> "Money":
        return Money(self.amount + self._same_currency(other).amount, self.currency)

    def __sub__(self, other: object) -> "Money":
        return Money(self.amount - self._same_currency(other).amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: object) -> bool:
        return self.amount < self._same_currency(other).amount

    def __le__(self, other: object) -> bool:
        return self.amount <= self._same_currency(other).amount

    def __gt__(self, other: object) -> bool:
        return self.amount > self._same_currency(other).amount

    def __ge__(self, other: object) -> bool:
        return self.amount >= self._same_currency(other).amount

    def times(self, factor: int | Decimal | Fraction) -> "Money":
        """Multiply exactly, then round once, half away from zero: 1235 times 9/30 is 371.

        :raises TypeError: for a float or a bool
        """
        return Money(round_half_away(self.amount * _exact(factor)), self.currency)

    def allocate(self, weights: Sequence[int]) -> "list[Money]":
        """Split in proportion to whole weights so that the parts add up to the whole.

        Largest remainder, ties to the earlier; a negative amount splits like its positive twin,
        and a weight of zero gets nothing.

        :raises ValueError: for a negative weight, or if the weights add up to zero
        """
        if any(type(weight) is not int for weight in weights):
            raise TypeError("weights are ints")
        total = sum(weights)
        if total == 0 or min(weights) < 0:
            raise ValueError("weights are not negative and add up to more than zero")
        shares = [divmod(abs(self.amount) * weight, total) for weight in weights]
        parts = [whole for whole, _ in shares]
        left = abs(self.amount) - sum(parts)
        # sorted() is stable, so equal remainders keep their order.
        by_remainder = sorted(range(len(shares)), key=lambda i: -shares[i][1])
        for i in by_remainder[:left]:
            parts[i] += 1
        sign = -1 if self.amount < 0 else 1
        return [Money(sign * part, self.currency) for part in parts]

    def _same_currency(self, other: object) -> "Money":
        if not isinstance(other, Money):
            raise TypeError(f"money goes with money, not with {type(other).__name__}")
        if self.currency != other.currency:
            raise CurrencyMismatch(f"cannot combine {self.currency} with {other.currency}")
        return other


def exponent(currency: str) -> int:
    """Return how many places a currency has, by ISO 4217: EUR 2, JPY 0, KWD 3.

    :raises UnknownCurrency: if it is not there, or has no minor unit
    """
    places = _EXPONENTS.get(currency)
    if places is None:
        raise UnknownCurrency(f"{currency!r} is not a currency that can be billed in")
    return places


def round_half_away(exact: Fraction) -> int:
    """Round to a whole number, halves away from zero: 370.5 is 371, -370.5 is -371.

    The built-in ``round`` would go to the even neighbour.
    """
    magnitude = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return magnitude if exact >= 0 else -magnitude


def multiply_unit_price(
    unit_price: Decimal, quantity: int | Decimal | Fraction, currency: str
) -> Fraction:
    """Return unit price (major units, up to twelve places) times quantity in exact minor units.

    Unrounded, so that the parts of a line can be added up before ``Money.rounded``.

    :raises TypeError: for a float or a bool
    """
    return _exact(unit_price) * _exact(quantity) * _minor_units(currency)


def parse_decimal(value: Decimal | str) -> Decimal:
    """Read a plain decimal, as prices are written: ``"25.00"``, ``"0.000001"``.

    At most 19 digits before the point and twelve after it; no exponent, sign +, blank, or digit
    of another script, all of which ``Decimal`` itself would take.

    :raises TypeError: for anything but text and ``Decimal``
    :raises MalformedAmount: for text of another form, NaN and infinity
    """
    if not isinstance(value, Decimal | str):
        raise TypeError(f"an amount is read from text or Decimal, not {type(value).__name__}")
    text = value if isinstance(value, str) else f"{value:f}"
    if _DECIMAL.fullmatch(text) is None:
        raise MalformedAmount(
            f"an amount is written like 12.50, with at most {_MOST_PLACES} places"
        )
    return Decimal(text)


def _minor_units(currency: str) -> int:
    """Return how many minor units make a major one."""
    return int(10 ** exponent(currency))


def _exact(factor: int | Decimal | Fraction) -> Fraction:
    if isinstance(factor, bool) or not isinstance(factor, int | Decimal | Fraction):
        raise TypeError(
            f"money is multiplied by int, Decimal or Fraction, not {type(factor).__name__}"
        )
    if isinstance(factor, Decimal) and not factor.is_finite():
        raise ValueError(f"money is not multiplied by {factor}")
    return Fraction(factor)
