"""Instants and local time: what is stored is UTC, what people count in is their zone's calendar."""

import calendar
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from core.errors import BadRequest

# In the directory, but no place's time: whatever the machine is set to, and a placeholder.
_NOT_ZONES = frozenset({"localtime", "Factory"})


class UnknownZone(BadRequest):
    """The time zone database has no such zone."""

    code = "unknown_zone"


class BeyondCalendar(BadRequest):
    """The instant asked for lies before year 1 or after year 9999."""

    code = "beyond_calendar"


def instant(at: datetime) -> datetime:
    """Return an instant in UTC.

    :raises ValueError: if it is naive, or finer than a second: what moves money is whole seconds
    :raises BeyondCalendar: if it is in no year from 1 to 9999 in UTC
    """
    if at.tzinfo is None or at.utcoffset() is None:
        raise ValueError("an instant knows its zone; this one is naive")
    if at.microsecond:
        raise ValueError("an instant that moves money is a whole second")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise BeyondCalendar("the instant is outside the calendar") from error


def is_zone(name: str) -> bool:
    """Tell whether the time zone database knows the IANA name."""
    return name in _names()


@cache
def zone_info(name: str) -> ZoneInfo:
    """Return a zone's rules.

    :raises UnknownZone: if there is none of that name
    """
    if not is_zone(name):
        raise UnknownZone(f"{name!r} is not an IANA time zone like Europe/Berlin")
    return ZoneInfo(name)


def to_local(at: datetime, zone: str) -> datetime:
    """Return what clocks on the wall of a zone show, without a zone."""
    try:
        return at.astimezone(zone_info(zone)).replace(tzinfo=None, fold=0)
    except OverflowError as error:
        raise BeyondCalendar("the instant is outside the calendar") from error


def resolve(local: datetime, zone: str) -> datetime:
    """Return the instant at which clocks on the wall show a local time.

    In a gap, when it is never shown, it is pushed forward by the length of the gap (02:30
    becomes 03:30); in an overlap, when it is shown twice, it is the first (PEP 495, fold=0).
    """
    try:
        return local.replace(tzinfo=zone_info(zone), fold=0).astimezone(UTC)
    except OverflowError as error:
        raise BeyondCalendar("the instant is outside the calendar") from error


def on_day(local: datetime, *, year: int, month: int, day: int) -> datetime:
    """Move a local time to a day of a month, at the latest to that month's last day."""
    last = calendar.monthrange(year, month)[1]
    return local.replace(year=year, month=month, day=min(day, last))


def midnight(local: datetime) -> datetime:
    """Return 00:00 of a local time's day."""
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_ZONES
