"""Fill a fresh database with customers, each with one zone and what both may use.

One customer and zone are made as any caller makes them; the others are copies of exactly the rows
that a check reads. Prints a token and the identifiers of some zones, as JSON.

    python -m benchmarks.check_seed 1000000
"""

import io
import json
import os
import random
import sys
from uuid import UUID

import django
from django.core.management import call_command
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")
django.setup()

from core import acting, clock, ids  # noqa: E402 - Django must be set up first
from core.principals import Scope  # noqa: E402
from customers import services as customers  # noqa: E402
from customers.services import NewSubject  # noqa: E402
from identity import services as identity  # noqa: E402
from identity import tokens  # noqa: E402

ASKED_ABOUT = 20_000
AT_ONCE = 50_000

# What is copied: each column is the sample row's own, but for the owners' identifiers and keys.
_COPIES = (
    ("customers_customer", {"id": "n.customer", "key": "'c' || n.place"}, "id = %(customer)s"),
    (
        "customers_subject",
        {"id": "n.subject", "customer_id": "n.customer"},
        "id = %(subject)s",
    ),
    (
        "entitlements_customerrevision",
        {"customer_id": "n.customer"},
        "customer_id = %(customer)s",
    ),
    (
        "entitlements_timeline",
        {"owner_id": "n.customer", "customer_id": "n.customer"},
        "owner_id = %(customer)s",
    ),
    (
        "entitlements_timeline",
        {"owner_id": "n.subject", "customer_id": "n.customer", "subject_id": "n.subject"},
        "owner_id = %(subject)s",
    ),
)


def main(count: int) -> None:
    """Fill the database and print what the load needs to know."""
    call_command("migrate", verbosity=0)
    call_command("catalog", "apply", "examples/catalog.yaml", verbosity=0, stdout=io.StringIO())
    with acting.acting_as("system:benchmark"):
        sample = customers.create_customer(currency="USD", key="sample")
        [zone] = customers.create_subjects(
            customer_id=sample.id, subjects=[NewSubject("zone", "zone.example")]
        )
        client = identity.create_client(
            name="benchmark", scopes=[Scope.ENTITLEMENTS_CHECK], now=clock.system_now()
        ).client
        token = tokens.issue(client=client, now=clock.system_now()).text
    zones = copy(count, customer=sample.id, subject=zone.id)
    asked = random.Random(1).sample(zones, min(ASKED_ABOUT, len(zones)))
    print(json.dumps({"token": token, "zones": [ids.encode("sbj", each) for each in asked]}))


def copy(count: int, *, customer: str, subject: str) -> list[UUID]:
    """Copy the sample's rows for as many new customers; return the new zones."""
    sample = {
        "customer": ids.decode(customer, prefix="cus"),
        "subject": ids.decode(subject, prefix="sbj"),
    }
    zones: list[UUID] = []
    with connection.cursor() as cursor:
        # Copied rows are no acts of anybody: no audit entries.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("CREATE TEMP TABLE new_owners (place bigint, customer uuid, subject uuid)")
        for start in range(0, count, AT_ONCE):
            made = [
                (place, ids.new_uuid(), ids.new_uuid())
                for place in range(start, min(start + AT_ONCE, count))
            ]
            zones += [zone for _, _, zone in made]
            cursor.execute("TRUNCATE new_owners")
            with cursor.copy("COPY new_owners FROM STDIN") as stream:
                for row in made:
                    stream.write_row(row)
            for table, replaced, chosen in _COPIES:
                cursor.execute(_copy_statement(cursor, table, replaced, chosen), sample)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM (ANALYZE)")
    return zones


def _copy_statement(cursor: object, table: str, replaced: dict[str, str], chosen: str) -> str:
    described = connection.introspection.get_table_description(cursor, table)
    columns = [column.name for column in described]
    taken = ", ".join(replaced.get(name, f"row.{name}") for name in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken}"
        f" FROM new_owners AS n, {table} AS row WHERE {chosen}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
