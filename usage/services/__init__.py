"""Record use, reserve it, and take the levels of limits: the only code that writes them.

No turn is taken here: whoever uses something locks the counter or level of just that. Each record
is one statement, which raises the sum, keeps the event and remembers its identifier, or does none
of it. So a counter is always the sum of its events, and nobody can pass a bound together.
"""

from usage.services.levels import LevelReport, report_levels
from usage.services.recording import (
    KEPT,
    LevelBelowZero,
    Outcome,
    Result,
    UsageIdReused,
    Use,
    clean_up,
    consume,
    look,
    release,
)
from usage.services.reserving import (
    MoreThanReserved,
    ReservationNotFound,
    ReservationOver,
    Reserved,
    finalize,
    find,
    give_back,
    reserve,
)

__all__ = [
    "KEPT",
    "LevelBelowZero",
    "LevelReport",
    "MoreThanReserved",
    "Outcome",
    "ReservationNotFound",
    "ReservationOver",
    "Reserved",
    "Result",
    "UsageIdReused",
    "Use",
    "clean_up",
    "consume",
    "finalize",
    "find",
    "give_back",
    "look",
    "release",
    "report_levels",
    "reserve",
]
