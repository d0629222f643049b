"""What a quantity costs under one price: exact, in minor units, rounded once on the line.

In this order: unit conversion, rounding up, included units, the price itself, the multiplier, the
maximum. Tier bounds are inclusive and continuous: 20 is in the tier up to 20, 20.5 in the next.
The flat fee of the first tier is owed at zero use, that of a later tier once it is reached.
Proration is not done here: it multiplies what this returns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil

from core.money import Money, multiply_unit_price
from plans.terms import Percentage, PriceModel, PriceTerms, Tier

ZERO = Fraction(0)
Quantity = int | Decimal | Fraction


class WrongQuantity(ValueError):
    """A percentage was given a quantity, or another price events: a defect of the calling code."""


@lru_cache(maxsize=4096)  # many are charged the same
def price(terms: PriceTerms, quantity: Quantity) -> Fraction:
    """Return what a quantity costs in exact minor units; below zero it counts as zero.

    :raises WrongQuantity: for a percentage, which needs ``price_events``
    """
    if terms.model == PriceModel.PERCENTAGE:
        raise WrongQuantity("a percentage is taken of events")
    exact = _MODELS[terms.model](terms, billable(terms, quantity))
    return _bounded(terms, exact)


def price_events(terms: PriceTerms, amounts: Sequence[Decimal]) -> Fraction:
    """Return what a percentage takes of events, in exact minor units.

    ``amounts`` are in the major unit, in the order of the events. Whichever of free events and
    free total is used up first ends the free part. An event that is free in part pays its fixed
    fee, and each paying event its least and most.

    :raises WrongQuantity: for any other price
    """
    share = terms.percentage
    if share is None:
        raise WrongQuantity("only a percentage is taken of events")
    fees = (_fee(share, charged, terms.currency) for charged in _charged(share, amounts))
    exact = sum(fees, ZERO)
    return _bounded(terms, exact)


def line(terms: PriceTerms, quantity: Quantity) -> Money:
    """Return the amount of a line: what the quantity costs, rounded half away from zero."""
    return Money.rounded(price(terms, quantity), terms.currency)


def true_up(terms: PriceTerms, lines: Sequence[Money]) -> Money:
    """Return what is missing to the minimum commitment after the rounded lines of a period.

    Owed once, at the period's end; nothing without a commitment or above it.
    """
    if terms.minimum is None:
        return Money.zero(terms.currency)
    missing = Money.from_major(terms.minimum, terms.currency)
    for each in lines:
        missing -= each
    return max(missing, Money.zero(terms.currency))


def billable(terms: PriceTerms, quantity: Quantity) -> Fraction:
    """Return the units that are priced: converted, rounded, less what is included."""
    units = max(Fraction(quantity), ZERO) / Fraction(terms.divide_by)
    if terms.round_up:
        units = Fraction(ceil(units))
    return max(units - Fraction(terms.included), ZERO)


def _bounded(terms: PriceTerms, exact: Fraction) -> Fraction:
    exact *= Fraction(terms.multiplier)
    if terms.maximum is None:
        return exact
    return min(exact, _minor(terms, terms.maximum))


def _minor(terms: PriceTerms, major: Decimal, quantity: Quantity = 1) -> Fraction:
    return multiply_unit_price(major, quantity, terms.currency)


def _flat(terms: PriceTerms, _units: Fraction) -> Fraction:
    return _minor(terms, terms.amount)


def _per_unit(terms: PriceTerms, units: Fraction) -> Fraction:
    return _minor(terms, terms.amount, units)


def _package(terms: PriceTerms, units: Fraction) -> Fraction:
    return _minor(terms, terms.amount, ceil(units / Fraction(terms.package_size)))


def _graduated(terms: PriceTerms, units: Fraction) -> Fraction:
    """Each tier prices its own part; with packages, whole packages of that part."""
    total = ZERO
    for tier, part in _reached(terms.tiers, units):
        if terms.model == PriceModel.GRADUATED_PACKAGE:
            part = Fraction(ceil(part / Fraction(tier.package_size)))
        total += _minor(terms, tier.flat_amount) + _minor(terms, tier.amount, part)
    return total


def _volume(terms: PriceTerms, units: Fraction) -> Fraction:
    """The tier that the whole quantity is in prices all of it."""
    tier = next(each for each in terms.tiers if each.up_to is None or units <= each.up_to)
    return _minor(terms, tier.flat_amount) + _minor(terms, tier.amount, units)


def _reached(tiers: Sequence[Tier], units: Fraction) -> Iterator[tuple[Tier, Fraction]]:
    """Yield each tier that the quantity reaches, with its part; the first one always."""
    below = ZERO
    for place, tier in enumerate(tiers):
        if place and units <= below:
            return
        above = units if tier.up_to is None else min(units, Fraction(tier.up_to))
        yield tier, above - below
        below = above if tier.up_to is None else Fraction(tier.up_to)


_MODELS: Mapping[PriceModel, Callable[[PriceTerms, Fraction], Fraction]] = {
    PriceModel.FLAT: _flat,
    PriceModel.PER_UNIT: _per_unit,
    PriceModel.PACKAGE: _package,
    PriceModel.GRADUATED: _graduated,
    PriceModel.GRADUATED_PACKAGE: _graduated,
    PriceModel.VOLUME: _volume,
}


def _charged(share: Percentage, amounts: Sequence[Decimal]) -> Iterator[Decimal]:
    """Yield, of each event that is not wholly free, the part that is charged."""
    total = Decimal(0)
    limited = share.free_events is not None or share.free_total is not None
    for count, amount in enumerate(amounts):
        left = _free_left(share, count, total) if limited else Decimal(0)
        total += max(amount, Decimal(0))
        if left is None:
            continue
        if amount > left or left == 0:
            yield max(amount - left, Decimal(0))


def _free_left(share: Percentage, count: int, total: Decimal) -> Decimal | None:
    """Return how much of the next event is free; None: all of it, whatever it is."""
    if share.free_events is not None and count >= share.free_events:
        return Decimal(0)
    if share.free_total is None:
        return None
    return max(share.free_total - total, Decimal(0))


def _fee(share: Percentage, charged: Decimal, currency: str) -> Fraction:
    fee = Fraction(charged) * Fraction(share.rate) / 100 + Fraction(share.fixed)
    if share.least is not None:
        fee = max(fee, Fraction(share.least))
    if share.most is not None:
        fee = min(fee, Fraction(share.most))
    return multiply_unit_price(Decimal(1), fee, currency)
