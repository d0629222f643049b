"""The only place that reads the system clock.

Everything else takes its instant as an argument: a rule that reads a clock cannot be replayed,
previewed or tested. A linter keeps it so.
"""

from datetime import UTC, datetime


def system_now() -> datetime:
    """Return the machine's time as an aware UTC instant, with microseconds."""
    return datetime.now(UTC)


def written(at: datetime) -> str:
    """Return an instant as the API writes it: RFC 3339 in UTC, with ``Z``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def whole_second(at: datetime) -> datetime:
    """Truncate an instant to its second, the grain of everything money or access depends on."""
    return at.replace(microsecond=0)
