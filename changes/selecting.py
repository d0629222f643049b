"""A selector made into items, once: what it finds later does not join."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core import ids
from subscriptions.models import Subscription

_COLUMNS = {
    "customer": "customer_id",
    "subject": "subject_id",
    "product": "product_id",
    "plan": "plan_version__plan_id",
    "plan_version": "plan_version_id",
    "interval": "interval",
    "state": "state",
}
# First one of each customer, then the second ones: items of different customers go together.
# A UUIDv7 as core.ids makes them: 48 bits of milliseconds laid over a random UUID of version 4,
# whose two version bits are then set as well.
_NEW_ID = """
    encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
        substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
"""
_FREEZE = f"""
    INSERT INTO changes_changesetitem (
        id, change_set_id, place, customer_id, subject_id, subscription_id, state, effective_at,
        inputs, applied_inputs, error_code, error_detail, fencing_token, attempts, undoes_id
    )
    SELECT {_NEW_ID}, %s, row_number() OVER (ORDER BY chosen.turn, chosen.customer_id, chosen.id),
        chosen.customer_id, chosen.subject_id, chosen.id, 'pending',
        greatest(c.last_acted_at, coalesce(k.frozen_at, %s)),
        '[]', '[]', '', '', 0, 0, chosen.undoes_id
    FROM (
        SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY id) AS turn
        FROM ({{chosen}}) AS found (id, customer_id, subject_id, undoes_id)
    ) AS chosen
    JOIN customers_customer c ON c.id = chosen.customer_id
    LEFT JOIN customers_testclock k ON k.id = c.test_clock_id
"""  # noqa: S608 - nothing in it comes from outside
_APPLIED = """
    SELECT subscription_id, customer_id, subject_id, id FROM changes_changesetitem
    WHERE change_set_id = %s AND state = 'applied'
"""


def chosen(selector: Mapping[str, Any]) -> QuerySet[Subscription]:
    """Return the current subscriptions that a selector finds, by identifiers: filters, and
    ``exclude`` with lists of ``customers`` and ``subscriptions``."""
    found = {_COLUMNS[name]: value for name, value in selector.items() if name != "exclude"}
    excluded = selector.get("exclude", {})
    return (
        Subscription.objects.current()
        .filter(**found)
        .exclude(pk__in=excluded.get("subscriptions", []))
        .exclude(customer_id__in=excluded.get("customers", []))
    )


def freeze(change_set_id: str, selector: Mapping[str, Any], *, now: datetime) -> int:
    """Give a change set an item for each subscription that its selector finds now; return how many.

    ``now`` is the machine's, in whole seconds; customers on test clocks have their own.
    """
    rows = chosen(selector).order_by().values_list("id", "customer_id", "subject_id")
    sql, parameters = rows.query.sql_with_params()
    found = f"SELECT found.*, NULL::uuid FROM ({sql}) AS found"  # noqa: S608 - from the ORM
    return _insert(change_set_id, found, parameters, now=now)


def freeze_applied(change_set_id: str, undone_id: str, *, now: datetime) -> int:
    """Give the undo of a change set an item for each that was applied; return how many."""
    return _insert(change_set_id, _APPLIED, [ids.decode(undone_id, prefix="chs")], now=now)


def _insert(change_set_id: str, sql: str, parameters: Any, *, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _FREEZE.format(chosen=sql),
            [ids.decode(change_set_id, prefix="chs"), now, *parameters],
        )
        return int(cursor.rowcount)
