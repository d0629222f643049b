"""What a change set adds up to, counted once when its items are previewed and once at its end."""

from typing import Any

from django.db import connection

from changes.models import ChangeSet
from core import ids

_MONEY = """
    SELECT preview #>> '{money,due_now,currency}',
        sum((preview #>> '{money,due_now,amount}')::bigint),
        sum((preview #>> '{money,credit_balance_change,amount}')::bigint),
        sum((preview #>> '{money,refund,amount}')::bigint)
    FROM changes_changesetitem
    WHERE change_set_id = %s AND state IN ('previewed', 'applied') GROUP BY 1 ORDER BY 1
"""
_WARNINGS = """
    SELECT warning ->> 'code', count(*)
    FROM changes_changesetitem, jsonb_array_elements(preview -> 'warnings') AS warning
    WHERE change_set_id = %s AND state IN ('previewed', 'applied') GROUP BY 1 ORDER BY 1
"""
_PROBLEMS = """
    SELECT error_code, count(*) FROM changes_changesetitem
    WHERE change_set_id = %s AND error_code <> '' GROUP BY 1 ORDER BY 1
"""


def total_up(change_set: ChangeSet) -> None:
    """Write what the items that are previewed or applied add up to, by currency, and how many
    warnings and problems there are of each code."""
    money = _rows(_MONEY, change_set)
    change_set.totals = {
        "money": [
            {
                "currency": currency,
                "due_now": int(due),
                "credit_balance_change": int(balance),
                "refund": int(refund),
            }
            for currency, due, balance, refund in money
        ],
        "warnings": {code: number for code, number in _rows(_WARNINGS, change_set)},
        "problems": {code: number for code, number in _rows(_PROBLEMS, change_set)},
    }
    change_set.save(update_fields=["totals"])


def _rows(sql: str, change_set: ChangeSet) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [ids.decode(change_set.id, prefix="chs")])
        return list(cursor.fetchall())
