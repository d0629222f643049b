"""How fast does a change set change many subscriptions, beside one subscription at a time?

    python -m benchmarks.change_sets                          2,000 subscriptions
    python -m benchmarks.change_sets --subscriptions 100000 --alone 500

Each customer has one monthly subscription of the sample price list (Workers Paid, 5.00); the change
set moves all of them to Workers Free. Two workers preview it and, once it is approved, apply it.
When half of it is applied one of them is killed with SIGKILL, and another one takes its place. At
the end every subscription must have been changed exactly once.

The baseline previews and applies items of the same change set one at a time, each in transactions
of its own, with one worker. Databases are made on the server of DATABASE_URL, or on one that is
started and thrown away, and dropped afterwards.
"""

import argparse
import os
import subprocess
import time
from dataclasses import dataclass

import psycopg

from benchmarks.databases import Server, stream, subscribed

WORKERS = 2
_DONE = "SELECT count(*) FROM changes_changesetitem WHERE state <> %s"
_CHANGED = """
    SELECT count(*), count(DISTINCT customer_id) FROM core_event WHERE type = 'subscription.changed'
"""


@dataclass(frozen=True, slots=True)
class Worked:
    """How long a number of items took, and whether a worker was killed meanwhile."""

    items: int
    preview: float
    apply: float


def main() -> None:
    arguments = _arguments()
    with subscribed(arguments.subscriptions) as (server, seed):
        with server.database("alone", like=seed) as database:
            alone = _work(server, database, items=arguments.alone, workers=1, at_once=1)
        with server.database("together", like=seed) as database:
            together = _work(
                server, database, items=arguments.subscriptions, workers=WORKERS, is_killed=True
            )
    _report(alone, together)


def _work(
    server: Server,
    database: str,
    *,
    items: int,
    workers: int,
    at_once: int | None = None,
    is_killed: bool = False,
) -> Worked:
    """Make a change set, have it previewed and applied, and look at what came of it."""
    more = [] if at_once is None else [str(at_once)]
    made = server.python(database, "benchmarks.change_sets_worker", "create", str(items))
    change_set = stream(made.stdout).readline().strip()
    if made.wait() or not change_set:
        raise SystemExit("the change set could not be made")
    took = []
    for verb, before in (("preview", "pending"), ("apply", "previewed")):
        if verb == "apply":
            server.python(database, "benchmarks.change_sets_worker", "apply", change_set).wait()

        def start() -> "subprocess.Popen[str]":
            return server.python(database, "benchmarks.change_sets_worker", "work", *more)

        began = time.perf_counter()
        running = [start() for _ in range(workers)]
        if is_killed and verb == "apply":
            _wait_for_half(server.url(database), items, before)
            running[0].kill()
            running[0].wait()
            print("half is applied: one worker was killed", flush=True)
            running[0] = start()
        for each in running:
            each.communicate()
        took.append(time.perf_counter() - began)
    _check(server.url(database), items)
    return Worked(items, *took)


def _wait_for_half(url: str, items: int, before: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute(_DONE, [before]).fetchone()
            if row is not None and row[0] * 2 >= items:
                return
            time.sleep(0.2)


def _check(url: str, items: int) -> None:
    """Every subscription was changed, and none twice."""
    with psycopg.connect(url) as connection:
        states = connection.execute(
            "SELECT state, count(*) FROM changes_changesetitem GROUP BY 1"
        ).fetchall()
        changed = connection.execute(_CHANGED).fetchone()
    if states != [("applied", items)] or changed != (items, items):
        raise SystemExit(f"not every item was applied once: {states}, {changed} changes")


def _report(alone: Worked, together: Worked) -> None:
    print("\n| what | items | previews/s | applied/s | to one at a time |")
    print("|---|---|---|---|---|")
    for name, worked in (("one at a time, 1 worker", alone), ("together, 2 workers", together)):
        ratio = _per_item(alone) / _per_item(worked)
        print(
            f"| {name} | {worked.items:,} | {worked.items / worked.preview:,.1f}"
            f" | {worked.items / worked.apply:,.1f} | {ratio:.1f} |"
        )
    print(f"\nevery one of {together.items:,} was changed once, although a worker was killed")
    print(f"load average at the end: {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")


def _per_item(worked: Worked) -> float:
    return (worked.preview + worked.apply) / worked.items


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscriptions", type=int, default=2_000)
    parser.add_argument("--alone", type=int, default=100)
    return parser.parse_args()


if __name__ == "__main__":
    main()
