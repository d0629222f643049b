"""Billing periods: half-open ``[start, end)``, counted from a fixed anchor. Pure; no clock.

Intervals (``intervals``), local time (``zones``), where counting begins (``anchors``), the
periods themselves (``sequence``), what moves a count on (``cycles``), and what a piece of a period
costs (``stubs``).
"""

from core.periods.anchors import (
    Anchor,
    AnchorNotAllowed,
    calendar_anchor,
    choose_anchor,
    day_of_month_anchor,
)
from core.periods.cycles import Cycle
from core.periods.intervals import (
    DAY,
    MONTH,
    ONCE,
    WEEK,
    YEAR,
    Interval,
    Length,
    MalformedInterval,
    Unit,
)
from core.periods.sequence import (
    NoBoundaries,
    Period,
    after_zone_change,
    boundary,
    index_at,
    next_boundary,
    period_at,
)
from core.periods.stubs import day_fraction, leading_stub, trailing_stub
from core.periods.zones import BeyondCalendar, UnknownZone, instant, is_zone

__all__ = [
    "DAY",
    "MONTH",
    "ONCE",
    "WEEK",
    "YEAR",
    "Anchor",
    "AnchorNotAllowed",
    "BeyondCalendar",
    "Cycle",
    "Interval",
    "Length",
    "MalformedInterval",
    "NoBoundaries",
    "Period",
    "Unit",
    "UnknownZone",
    "after_zone_change",
    "boundary",
    "calendar_anchor",
    "choose_anchor",
    "day_fraction",
    "day_of_month_anchor",
    "index_at",
    "instant",
    "is_zone",
    "leading_stub",
    "next_boundary",
    "period_at",
    "trailing_stub",
]
