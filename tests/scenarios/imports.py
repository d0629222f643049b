"""What the stories of imports share: what is said there, and what is told and charged here."""

from typing import Any

from django.db import connection

from tests.world import World


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def import_(world: World, *items: dict[str, Any], status: int = 201, **more: Any) -> dict[str, Any]:
    return world.post("subscriptions/import", status=status, items=list(items), **more)


def imported(world: World, item: dict[str, Any]) -> dict[str, Any]:
    [told] = import_(world, item)["resource"]["data"]
    return dict(told)


def refused(world: World, *items: dict[str, Any]) -> list[tuple[str, str]]:
    """Return pointer and code of each thing that is wrong."""
    told = import_(world, *items, status=422)
    assert told["code"] == "import_refused"
    return [(each["pointer"], each["code"]) for each in told["errors"]]


def charged(world: World, customer: str) -> list[str]:
    """Return a customer's charges in words, oldest first; ``(there)`` was billed elsewhere."""
    found = world.get(f"customers/{customer}/charges", limit=100)["data"]
    rows = sorted(found, key=lambda row: (row["at"], row["amount"]["amount"]))
    return [
        f"{row['at'][:10]} {row['kind']} {row['amount']['amount'] / 100:.2f}"
        + (" (there)" if row["is_imported"] else "")
        for row in rows
    ]


def row_counts() -> dict[str, int]:
    """Return how many rows every table has."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        counts = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = int(cursor.fetchone()[0])
    return counts


# Pro, 25.00 a month, on the 31st, or on the last day of shorter months.
SHOP = {
    "external_id": "old-1",
    "customer": "ada",
    "subject": "shop.example",
    "plan": "pro",
    "interval": "month",
    "started_at": "2024-01-31T00:00:00Z",
    "anchor": {"day_of_month": 31},
    "billed_through": "2026-02-28T00:00:00Z",
}


def ada_with_a_free_zone(world: World) -> str:
    """On 14 February 2026 Ada is here, with a zone on Free."""
    world.starts_on("2026-02-14")
    return world.zone(world.customer("ada"))
