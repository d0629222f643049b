"""Fill a fresh database with customers whose subscriptions are all due at one instant.

One customer is made as any caller makes one, a month ago; the others are copies of exactly the rows
that it left behind.

    python -m benchmarks.renewals_seed 20000
"""

import io
import os
import sys
from datetime import datetime, timedelta

import django
from django.core.management import call_command
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")
django.setup()

from core import acting, clock, ids  # noqa: E402 - Django must be set up first
from customers import services as customers  # noqa: E402
from subscriptions.models import Subscription  # noqa: E402

PLAN = {"workers": "workers_paid"}
AT_ONCE = 50_000
_NEW = {"customer_id": "n.customer"}

# What is copied: each column is the sample row's own, but for identifiers and keys.
_COPIES = (
    ("customers_customer", {"id": "n.customer", "key": "'c' || n.place"}, "id = %(customer)s"),
    ("customers_customerprofile", {"id": "gen_random_uuid()", **_NEW}, None),
    ("core_eventsequence", {"id": "nextval('core_eventsequence_id_seq')", **_NEW}, None),
    (
        "subscriptions_subscription",
        {"id": "n.subscription", "term_id": "n.term", **_NEW},
        None,
    ),
    ("subscriptions_term", {"id": "n.term", "subscription_id": "n.subscription", **_NEW}, None),
    (
        "invoicing_charge",
        {"id": "gen_random_uuid()", "subscription_id": "n.subscription", **_NEW},
        None,
    ),
    ("entitlements_customerrevision", _NEW, None),
    ("entitlements_timeline", {"owner_id": "n.customer", **_NEW}, None),
)


def main(count: int, *, plans: dict[str, str] = PLAN, days: int = 32) -> None:
    """Fill the database with customers who began some days ago, the sample included."""
    call_command("migrate", verbosity=0)
    call_command("catalog", "apply", "examples/catalog.yaml", verbosity=0, stdout=io.StringIO())
    with acting.acting_as("system:benchmark"):
        begun = _ago(days)
        machine, clock.system_now = clock.system_now, lambda: begun
        sample = customers.create_customer(currency="USD", key="sample", plans=plans)
        clock.system_now = machine
    row = Subscription.objects.get(customer=sample)
    copy(
        count - 1,
        {
            "customer": ids.decode(sample.id, prefix="cus"),
            "subscription": ids.decode(row.id, prefix="sub"),
        },
    )


def _ago(days: int) -> datetime:
    """After 32 the period has ended, and the next one does not end while we look."""
    return clock.whole_second(clock.system_now()) - timedelta(days=days)


def copy(count: int, sample: dict[str, object]) -> None:
    """Copy the sample's rows for as many new customers. Copies are no acts: no audit entries."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "CREATE TEMP TABLE new_owners"
            " (place bigint, customer uuid, subscription uuid, term uuid)"
        )
        for start in range(0, count, AT_ONCE):
            cursor.execute("TRUNCATE new_owners")
            with cursor.copy("COPY new_owners FROM STDIN") as stream:
                for place in range(start, min(start + AT_ONCE, count)):
                    stream.write_row((place, *(ids.new_uuid() for _ in range(3))))
            for table, replaced, chosen in _COPIES:
                where = chosen or "row.customer_id = %(customer)s"
                cursor.execute(_copy_statement(cursor, table, replaced, where), sample)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM (ANALYZE)")


def _copy_statement(cursor: object, table: str, replaced: dict[str, str], chosen: str) -> str:
    described = connection.introspection.get_table_description(cursor, table)
    columns = [column.name for column in described]
    taken = ", ".join(replaced.get(name, f"row.{name}") for name in columns)
    quoted = ", ".join(f'"{name}"' for name in columns)
    return (
        f"INSERT INTO {table} ({quoted}) SELECT {taken}"
        f" FROM new_owners AS n, {table} AS row WHERE {chosen}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
