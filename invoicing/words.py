"""How a charge is explained: numbers that a person can check with a pocket calculator."""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from core.money import exponent, round_half_away
from invoicing.targets import Line, Part, Segment
from plans.terms import PriceModel, PriceTerms

PLACES = 6


def unit_price(price: PriceTerms) -> str:
    """Return what one costs in major units, ``9.99 each``; for tiers, how they are counted."""
    if price.model in (PriceModel.FLAT, PriceModel.PER_UNIT):
        each = " each" if price.model == PriceModel.PER_UNIT else ""
        return f"{price.amount:f}{each}"
    return f"{price.model} tiers"


def explain(
    line: Line | None, segments: Sequence[Segment], *, amount: int, billed: int, currency: str
) -> str:
    """Say how an amount came about: its pieces, and what was charged of them before.

    ``25.00 x 21/31 = 16.935483... -> 16.94``
    """
    pieces = [_piece(line, each, currency) for each in segments if line is not None]
    text = "; ".join(pieces) or "nothing is held any more"
    target = sum(each.amount for each in segments)
    if not billed and target == amount:
        return text
    left = target - billed
    before = f"{_minor(target, currency)} - {_minor(billed, currency)} charged"
    text = f"{text}; {before} = {_minor(left, currency)}"
    return text if left == amount else f"{text}, of which {_minor(amount, currency)}"


def explain_kept(amount: int, *, billed: int, currency: str) -> str:
    """Say that what was charged stays charged."""
    kept, whole = _minor(amount, currency), _minor(billed, currency)
    return f"{kept} of {whole} charged stays so: it ended without a settlement"


def _piece(line: Line | None, segment: Segment, currency: str) -> str:
    if line is not None and line.key.part == Part.TRUE_UP:
        committed = round_half_away(segment.exact)
        cost = _minor(committed - segment.amount, currency)
        total, missing = _minor(committed, currency), _minor(segment.amount, currency)
        return f"{total} committed - {cost} = {missing}"
    whole = major(segment.exact / segment.fraction, currency)
    exact = major(segment.exact, currency)
    return f"{whole} x {segment.fraction} = {exact} -> {_minor(segment.amount, currency)}"


def _minor(amount: int, currency: str) -> str:
    return major(Fraction(amount), currency)


@lru_cache(maxsize=4096)
def major(exact_minor: Fraction, currency: str) -> str:
    """Write an exact number of minor units in major ones: ``173.589041...`` where it goes on."""
    places = exponent(currency)
    value = exact_minor / 10**places
    digits = max(PLACES, places)
    scaled = abs(value) * 10**digits
    whole = scaled.numerator // scaled.denominator
    text = f"{whole // 10**digits}.{whole % 10**digits:0{digits}d}"
    text = text if whole != scaled else _short(text, places)
    return f"{'-' if value < 0 else ''}{text}{'' if whole == scaled else '...'}"


def _short(text: str, places: int) -> str:
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole
