"""How long something is sold for: ``day``, ``2 weeks``, ``month``, ``year``, ``once``."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Literal, Self, cast, get_args

from core.errors import BadRequest

Unit = Literal["day", "week", "month", "year", "once"]

_TEXT = re.compile(r"(?:([1-9][0-9]{0,2}) )?(day|week|month|year)(s?)", re.ASCII)
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}
_MOST = 999
_SECONDS_OF_A_DAY = 86_400
_SECONDS_OF_A_MONTH = 2_629_746  # 365.2425 days / 12, the Gregorian mean


class MalformedInterval(BadRequest):
    """The text is not an interval."""

    code = "malformed_interval"


class Length(StrEnum):
    """What one interval is beside another."""

    LONGER = "longer"
    SHORTER = "shorter"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Interval:
    """``count`` calendar units, 1 … 999. ``once`` is a one-time fee: its period never ends.

    ``str()`` gives the one spelling that is stored and compared: ``month``, ``3 months``.
    Equality is of the spelling; ``12 months`` and ``year`` are two intervals of the same length.

    :raises MalformedInterval: for another unit or count, and for more than one ``once``
    """

    unit: Unit
    count: int = 1

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise MalformedInterval(f"an interval counts {', '.join(get_args(Unit))}")
        most = 1 if self.unit == "once" else _MOST
        if type(self.count) is not int or not 1 <= self.count <= most:
            raise MalformedInterval(f"a count of {self.unit} is a whole number from 1 to {most}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``"month"``, ``"3 months"`` or ``"once"``; ``"1 month"`` is read as ``"month"``.

        :raises MalformedInterval: for anything else ("3 month", "P1M", "0 days")
        """
        return cls(*_parts(text))

    def __str__(self) -> str:
        return self.unit if self.count == 1 else f"{self.count} {self.unit}s"

    @property
    def days(self) -> int:
        """Calendar days from one boundary to the next; 0 if counted in months, or ``once``."""
        return self.count * _DAYS.get(self.unit, 0)

    @property
    def months(self) -> int:
        """Calendar months from one boundary to the next; 0 if counted in days, or ``once``."""
        return self.count * _MONTHS.get(self.unit, 0)

    def compared_with(self, other: "Interval") -> Length:
        """Tell whether this is longer or shorter than the other, by nominal length.

        A month is 30.436875 days, so ``30 days`` < ``month`` < ``31 days``; twelve months are a
        year. ``once`` is longer than any other: it is paid for good.
        """
        if (self.unit == "once") != (other.unit == "once"):
            return Length.LONGER if self.unit == "once" else Length.SHORTER
        if self._nominal_seconds == other._nominal_seconds:
            return Length.SAME
        longer = self._nominal_seconds > other._nominal_seconds
        return Length.LONGER if longer else Length.SHORTER

    def divides(self, whole: "Interval") -> bool:
        """Tell whether a fixed number of this makes the other: a month divides a year, a week
        divides two weeks, neither a day nor a week divides a month. ``once`` fits in any."""
        if self.unit == "once" or self == whole:
            return True
        if self.months and whole.months:
            return whole.months % self.months == 0
        return bool(self.days and whole.days) and whole.days % self.days == 0

    @property
    def _nominal_seconds(self) -> int:
        return self.days * _SECONDS_OF_A_DAY + self.months * _SECONDS_OF_A_MONTH


@lru_cache(maxsize=256)
def _parts(text: str) -> tuple[Unit, int]:
    """Return unit and count; of a few texts, which come again and again."""
    if text == "once":
        return "once", 1
    match = _TEXT.fullmatch(text)
    if match is None or (match[3] == "s") != (int(match[1] or 1) > 1):
        raise MalformedInterval('an interval is written like "month", "3 months" or "once"')
    return cast(Unit, match[2]), int(match[1] or 1)


DAY = Interval("day")
WEEK = Interval("week")
MONTH = Interval("month")
YEAR = Interval("year")
ONCE = Interval("once")
