"""Instants as the database tells them: the same whatever the session's time zone."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection

pytestmark = pytest.mark.django_db


def told(instant: str, zone: str = "UTC") -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('timezone', %s, true)", [zone])
        cursor.execute("SELECT %s::timestamptz", [instant])
        ((found,),) = cursor.fetchall()
    assert isinstance(found, datetime)
    return found


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-01-31T00:00:00Z", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T00:00:00.25Z", datetime(2026, 1, 31, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T00:00:00.000001Z", datetime(2026, 1, 31, 0, 0, 0, 1, tzinfo=UTC)),
        ("0044-03-15T12:00:00Z", datetime(44, 3, 15, 12, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_an_instant_is_read_in_utc(instant: str, expected: datetime, zone: str) -> None:
    found = told(instant, zone)
    assert (found, found.tzinfo) == (expected, UTC)


@pytest.mark.parametrize("instant", ["infinity", "10000-01-01T00:00:00Z", "0044-03-15 BC"])
def test_what_python_cannot_say_is_refused(instant: str) -> None:
    with pytest.raises(DataError):
        told(instant)
