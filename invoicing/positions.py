"""Where an instant lies in a full period, from 0 at its start to 1 at its end. Pure, exact.

What a piece of a period costs is the difference of two positions times the price, so that pieces
always add up, whichever way each boundary between them counts.
"""

from datetime import datetime
from fractions import Fraction

from core.periods import Period, day_fraction
from core.periods.zones import to_local
from plans.change_rules import Proration

START, END = Fraction(0), Fraction(1)


def position(full: Period, at: datetime, *, mode: Proration, zone: str) -> Fraction:
    """Return where a boundary at an instant lies; at or beyond an end, on that end.

    ``second`` counts seconds. ``day`` counts local calendar days, both ends taken back to local
    midnight; a period that has no midnight in it is counted by seconds. ``none`` moves nothing
    before the next boundary of the period, so it is there already. All instants in served time.
    """
    if at <= full.start:
        return START
    if at >= full.end or mode == Proration.NONE:
        return END
    if mode == Proration.DAY and _has_a_midnight(full, zone):
        return day_fraction(full=full, segment=Period(full.start, at), zone=zone)
    return full.fraction(Period(full.start, at))


def _has_a_midnight(full: Period, zone: str) -> bool:
    return to_local(full.start, zone).date() < to_local(full.end, zone).date()
