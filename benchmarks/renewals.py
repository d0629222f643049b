"""How fast do subscriptions renew that are all due at one instant, beside a bare bulk write?

    python -m benchmarks.renewals                             20,000 subscriptions
    python -m benchmarks.renewals --subscriptions 100000

Each customer has one monthly subscription of the sample price list (Workers Paid, 5.00). One worker
renews them all, then two do, each time in a fresh copy of one database: with charges, history,
entitlements' projections, audit log and events, as in real life. The bare write changes the same
subscription rows to the same values and inserts the same charge rows, in the same tables with their
constraints and indexes, a thousand at a time, and nothing else: no rule is asked, nothing is
audited. Databases are made on the server of DATABASE_URL, or on one that is started and thrown
away, and dropped afterwards.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from benchmarks.databases import Server, stream, subscribed

GOAL, GOAL_OF_TWO, MOST_MIB = 0.10, 1.3, 300
AT_ONCE = 1_000
WRITTEN = ("period_start", "period_end", "next_due_at", "version", "updated_at")


@dataclass(frozen=True, slots=True)
class Renewed:
    """What workers did together."""

    subscriptions: int
    seconds: float
    most_mib: float

    @property
    def per_second(self) -> float:
        return self.subscriptions / self.seconds


@dataclass(frozen=True, slots=True)
class Round:
    bare_per_second: float
    one: Renewed
    two: Renewed


def main() -> None:
    arguments = _arguments()
    with subscribed(arguments.subscriptions) as (server, seed):
        rounds = [_round(server, seed, arguments.subscriptions) for _ in range(arguments.rounds)]
    _report(rounds)


def _round(server: Server, seed: str, subscriptions: int) -> Round:
    """One worker, the bare write of what it wrote, two workers: each from the same beginning."""
    with server.database("one", like=seed) as one, server.database("bare", like=seed) as bare:
        alone = _renew(server, one, workers=1)
        bare_per_second = _bare(server.url(one), server.url(bare))
    with server.database("two", like=seed) as two:
        together = _renew(server, two, workers=2)
    for renewed in (alone, together):
        if renewed.subscriptions != subscriptions:
            raise SystemExit(f"{renewed.subscriptions} of {subscriptions} were renewed")
    return Round(bare_per_second, alone, together)


def _renew(server: Server, database: str, *, workers: int) -> Renewed:
    """Let workers begin at once; the time is that until the last one is done."""
    running = [server.python(database, "benchmarks.renewals_worker") for _ in range(workers)]
    for each in running:
        stream(each.stdout).readline()
    began = time.perf_counter()
    for each in running:
        stream(each.stdin).write("go\n")
        stream(each.stdin).flush()
    told = [json.loads(stream(each.stdout).readline()) for each in running]
    seconds = time.perf_counter() - began
    for each in running:
        each.communicate()
    with psycopg.connect(server.url(database)) as connection:
        counted = connection.execute(
            "SELECT count(DISTINCT c.subscription_id)"
            " FROM core_event e JOIN invoicing_charge c"
            " ON c.customer_id = e.customer_id AND c.at = e.occurred_at"
            " WHERE e.type = 'subscription.renewed'"
        ).fetchone()
    return Renewed(counted[0] if counted else 0, seconds, max(each["most_mib"] for each in told))


def _bare(renewed: str, fresh: str) -> float:
    """Write the rows that renewals wrote into a database without them; return rows a second."""
    with psycopg.connect(renewed) as connection:
        subscriptions = _rows(connection, f"SELECT id, {_COLUMNS} FROM {_SUBSCRIPTIONS} ORDER BY 1")
        charges = _rows(
            connection,
            f"SELECT * FROM {_CHARGES} WHERE at > (SELECT min(at) FROM {_CHARGES}) ORDER BY id",
        )
        columns = _types(connection, _CHARGES)
        known = _types(connection, _SUBSCRIPTIONS)
    wanted = {name: known[name] for name in ("id", *WRITTEN)}
    update = (
        f"UPDATE {_SUBSCRIPTIONS} AS s SET {', '.join(f'{each} = n.{each}' for each in WRITTEN)}"
        f" FROM unnest({_arrays(wanted)}) AS n (id, {_COLUMNS}) WHERE s.id = n.id"
    )
    insert = f"INSERT INTO {_CHARGES} SELECT * FROM unnest({_arrays(columns)})"
    with psycopg.connect(fresh) as connection:
        for table in (_SUBSCRIPTIONS, _CHARGES):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.commit()
        began = time.perf_counter()
        for start in range(0, len(subscriptions), AT_ONCE):
            for statement, rows in ((update, subscriptions), (insert, charges)):
                values = [list(each) for each in zip(*rows[start : start + AT_ONCE], strict=True)]
                connection.execute(statement, values)
            connection.commit()
        return len(subscriptions) / (time.perf_counter() - began)


_SUBSCRIPTIONS, _CHARGES = "subscriptions_subscription", "invoicing_charge"
_COLUMNS = ", ".join(WRITTEN)


def _rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    """Return rows as they can be sent again: JSON wrapped."""
    return [
        tuple(Jsonb(each) if isinstance(each, (dict, list)) else each for each in row)
        for row in connection.execute(query)
    ]


def _types(connection: psycopg.Connection, table: str) -> dict[str, str]:
    """Return the types of a table's columns, in their order."""
    return dict(
        connection.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        )
    )


def _arrays(columns: Mapping[str, str]) -> str:
    return ", ".join(f"%s::{each}[]" for each in columns.values())


def _report(rounds: Sequence[Round]) -> None:
    """Print medians; a ratio is the median of the ratios within each round."""
    median = statistics.median
    bare = median(each.bare_per_second for each in rounds)
    to_bare = {
        name: median(worked(each).per_second / each.bare_per_second for each in rounds)
        for name, worked in _WORKED.items()
    }
    scaling = median(each.two.per_second / each.one.per_second for each in rounds)
    most = {name: max(worked(each).most_mib for each in rounds) for name, worked in _WORKED.items()}
    print("\n| what | renewals/s | to the bare write | MiB a worker |")
    print("|---|---|---|---|")
    print(f"| bare update and insert | {bare:,.0f} | 1.00 | |")
    for name, worked in _WORKED.items():
        rate = median(worked(each).per_second for each in rounds)
        print(f"| {name} | {rate:,.0f} | {to_bare[name]:.3f} | {most[name]:.0f} |")
    print(f"\none worker to the bare write: {to_bare['one worker']:.3f} (goal {GOAL:.2f})")
    print(f"two workers to one: {scaling:.2f} (goal {GOAL_OF_TWO:.2f})")
    print(f"most memory of a worker: {max(most.values()):.0f} MiB (goal {MOST_MIB})")
    print(f"load average at the end: {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")


_WORKED: Mapping[str, Callable[[Round], Renewed]] = {
    "one worker": lambda each: each.one,
    "two workers": lambda each: each.two,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscriptions", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
