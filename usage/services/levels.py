"""Take the levels of limits as they were observed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from core import clock, ids
from core.transactions import command
from usage.counting import Owner


@dataclass(frozen=True, slots=True)
class LevelReport:
    """An owner had so many of a limit's things at an instant of the customer's time."""

    owner: Owner
    feature: str
    level: Decimal
    observed_at: datetime


_REPORT = """
    INSERT INTO usage_level AS l
        (owner_id, customer_id, subject_id, feature, level, observed_at, recorded_at)
    SELECT *, %s::timestamptz FROM unnest(
        %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::numeric[], %s::timestamptz[])
    ON CONFLICT (owner_id, feature) DO UPDATE SET level = excluded.level,
        observed_at = excluded.observed_at, recorded_at = excluded.recorded_at
    WHERE excluded.observed_at >= l.observed_at
    RETURNING owner_id, feature
"""


@command
def report_levels(reports: Sequence[LevelReport]) -> list[bool]:
    """Take levels as they were observed; tell of each whether it counts.

    One that was observed before what is known is left aside; at the same instant the later to
    arrive counts. Of several of one owner and feature the one observed last.
    """
    newest: dict[tuple[str, str], LevelReport] = {}
    for each in reports:
        name = (each.owner.id, each.feature)
        known = newest.get(name)
        if known is None or each.observed_at >= known.observed_at:
            newest[name] = each
    rows = [newest[name] for name in sorted(newest)]  # one order of locks for everybody
    columns: list[Any] = [
        [each.owner.uuid for each in rows],
        [ids.decode(each.owner.customer_id, prefix="cus") for each in rows],
        [each.owner.uuid if each.owner.subject_id else None for each in rows],
        [each.feature for each in rows],
        [each.level for each in rows],
        [each.observed_at for each in rows],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_REPORT, [clock.system_now(), *columns])
        taken = set(cursor.fetchall())
    return [
        newest[each.owner.id, each.feature] is each and (each.owner.uuid, each.feature) in taken
        for each in reports
    ]
