"""What an override gives away: how much more than without it, at list price, for how long. Pure.

The numbers are worked through in ``docs/how-to/give-more-than-the-plan.md``.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from core.money import Money, multiply_unit_price
from core.periods import MONTH, Anchor, Period, index_at, period_at
from entitlements.decisions import amount_of, is_unlimited
from entitlements.facts import OVERRIDE, Fact
from plans.values import Value

MONTHS_WITHOUT_END = 12


def months(starts_at: datetime, expires_at: datetime | None, *, zone: str) -> Fraction:
    """Return the months from one instant to another, exactly: whole months of the calendar counted
    from the first instant, and the seconds of the rest beside those of the month they lie in.

    What never ends is valued for twelve months.
    """
    if expires_at is None:
        return Fraction(MONTHS_WITHOUT_END)
    anchor = Anchor(starts_at, zone)
    whole, last = index_at(anchor, MONTH, expires_at), period_at(anchor, MONTH, expires_at)
    if last.start == expires_at:
        return Fraction(whole)
    return whole + last.fraction(Period(last.start, expires_at))


def without_overrides(facts: Iterable[Fact], at: datetime) -> list[Fact]:
    """Return what is in effect at an instant beside overrides."""
    return [fact for fact in facts if fact.source.type != OVERRIDE and fact.is_in_effect(at)]


def given(
    before: Value | None,
    after: Value | None,
    *,
    list_price: Decimal | None,
    months: Fraction,
    currency: str,
) -> Money | None:
    """Return what the step from one value to another gives away at list price.

    None: there is no list price, either is no number or has no end, or it gives less.

    :raises AmountOutOfRange: beyond 64 bits of minor units
    """
    had, has = Decimal(0) if before is None else amount_of(before), amount_of(after)
    if list_price is None or had is None or has is None or has < had:
        return None
    units = (Fraction(has) - Fraction(had)) * months
    return Money.rounded(multiply_unit_price(list_price, units, currency), currency)


def needs_approval(
    before: Value | None,
    after: Value | None,
    *,
    worth: Money | None,
    list_price: Decimal | None,
    above: Mapping[str, Money],
    currency: str,
) -> bool:
    """Tell whether somebody else must approve an override: it gives away more than a threshold in
    the customer's currency. No end at all, of something with a list price, is more than any."""
    if currency not in above:
        return False
    if worth is not None:
        return worth > above[currency]
    return list_price is not None and is_unlimited(after) and not is_unlimited(before)
