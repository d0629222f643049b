"""Quantities of use and instants, as everything here counts them: exact, in UTC. Pure."""

from datetime import UTC, datetime
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

ZERO = Decimal(0)

# Sums of quantities never need so many digits; if they did, it would be an error, not a rounding.
EXACT = Context(prec=100, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])


def quantity(number: Decimal) -> Decimal:
    """Return a quantity that can be counted with.

    :raises ValueError: if it is negative, infinite or not a number
    """
    if not number.is_finite() or number < 0:
        raise ValueError(f"a quantity is zero or more, not {number}")
    return number


def in_utc(at: datetime) -> datetime:
    """Return an instant of any precision in UTC.

    :raises ValueError: if it is naive
    """
    if at.utcoffset() is None:
        raise ValueError("an instant knows its zone; this one is naive")
    return at.astimezone(UTC)


def whole_second(at: datetime) -> datetime:
    """Return the second that an instant lies in. What decides about balances compares in those.

    :raises ValueError: if it is naive
    """
    return in_utc(at).replace(microsecond=0)


def to_text(number: Decimal) -> str:
    """Write a quantity so that it can be read back exactly, in one way only."""
    return f"{number.normalize(EXACT):f}"
