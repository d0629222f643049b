"""How fast is the check, beside a view that does nothing, and beside itself with few customers?

    python -m benchmarks.check                            1,000 customers only
    python -m benchmarks.check --customers 1000000        1,000 and 1,000,000

Granian serves the whole application with one worker on one core; the load runs on the others. The
servers run at the same time and are asked in turn, so a busy machine is busy for all of them;
medians are shown. Databases are made on the server of DATABASE_URL, or on one that is started and
thrown away, and dropped afterwards. Tokens are verified and the database is read at every check.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import psycopg

from benchmarks import load
from benchmarks.load import Result
from deploy.local import ports
from deploy.local.processes import die_with_parent
from deploy.local.testing import throw_away_servers

FEW = 1_000
CORE = 0
GOAL = 0.40
GOAL_OF_SIZE = 0.9


@dataclass(frozen=True, slots=True)
class Site:
    """One running server with so many customers."""

    customers: int
    port: int
    token: str
    zones: tuple[str, ...]

    @property
    def checks(self) -> list[str]:
        path = "/v1/entitlements/check?feature=waf_custom_rules&quantity=1&subject="
        return [f"{path}{zone}" for zone in self.zones]


def main() -> None:
    arguments = _arguments()
    sizes = sorted({FEW, arguments.customers})
    with ExitStack() as stack:
        environment = dict(os.environ)
        if "DATABASE_URL" not in environment:
            environment = stack.enter_context(throw_away_servers())
        sites = [stack.enter_context(_site(size, environment)) for size in sizes]
        _report(sites, _measured(sites, arguments.seconds, arguments.rounds))


def _measured(
    sites: Sequence[Site], seconds: int, rounds: int
) -> dict[tuple[str, int], list[Result]]:
    """Ask everything in turn, ``rounds`` times, after one short turn that only warms up."""
    results: dict[tuple[str, int], list[Result]] = {}
    for turn in range(rounds + 1):
        for site in sites:
            for what, paths in (("bare", ["/bare"]), ("check", site.checks)):
                told = load.run(
                    port=site.port, paths=paths, token=site.token, seconds=seconds if turn else 2
                )
                if told.refused:
                    raise SystemExit(f"{told.refused} requests to {what} were refused")
                if turn:
                    results.setdefault((what, site.customers), []).append(told)
    return results


def _report(sites: Sequence[Site], results: dict[tuple[str, int], list[Result]]) -> None:
    few = sites[0].customers
    print(
        f"\ngenerator: {load.generator()}, {load.CONNECTIONS} connections; one worker, one core\n"
    )
    print("| what | customers | requests/s | to the bare view | p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|")
    for (what, customers), rounds in results.items():
        rate = statistics.median(each.per_second for each in rounds)
        ratio = _ratio(rounds, results["bare", customers])
        p50, p99 = (statistics.median(getattr(each, name) for each in rounds) for name in _TIMES)
        print(f"| {what} | {customers:,} | {rate:,.0f} | {ratio:.2f} | {p50:.1f} | {p99:.1f} |")
    ratio = _ratio(results["check", few], results["bare", few])
    print(f"\ncheck to bare view: {ratio:.2f} (goal {GOAL:.2f})")
    for site in sites[1:]:
        of_size = _ratio(results["check", site.customers], results["check", few])
        print(f"{site.customers:,} to {few:,} customers: {of_size:.2f} (goal {GOAL_OF_SIZE:.2f})")


_TIMES = ("p50", "p99")


def _ratio(these: Sequence[Result], those: Sequence[Result]) -> float:
    """The median of the ratios within each round."""
    pairs = zip(these, those, strict=True)
    return statistics.median(this.per_second / that.per_second for this, that in pairs)


@contextmanager
def _site(customers: int, environment: dict[str, str]) -> Iterator[Site]:
    """Make and fill a database, serve it, and drop it afterwards."""
    name = f"benchmark_check_{customers}_{os.getpid()}"
    server = urlsplit(environment["DATABASE_URL"])
    environment = {
        "SECRET_KEY": "only for this benchmark",
        "BASE_URL": "http://127.0.0.1",
        **environment,
        "ENVIRONMENT": "test",
        "DATABASE_POOL": "1",
        "DATABASE_URL": urlunsplit(server._replace(path=f"/{name}")),
    }
    administer = urlunsplit(server._replace(path="/postgres"))
    with psycopg.connect(administer, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
    try:
        print(f"seeding {customers:,} customers …", flush=True)
        command = [sys.executable, "-m", "benchmarks.check_seed", str(customers)]
        seeded = json.loads(subprocess.check_output(command, env=environment, text=True))
        with _server(environment) as port:
            yield Site(customers, port, seeded["token"], tuple(seeded["zones"]))
    finally:
        with psycopg.connect(administer, autocommit=True) as database:
            database.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def _server(environment: dict[str, str]) -> Iterator[int]:
    port = ports.any_free()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    command += ["--workers", "1", "--blocking-threads", "8", "--no-access-log"]
    process = subprocess.Popen(
        [*command, "benchmarks.check_site:application"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_on_one_core(),
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _on_one_core() -> Callable[[], None]:
    prepare = die_with_parent(signal.SIGTERM)

    def confine() -> None:
        prepare()
        os.sched_setaffinity(0, {CORE})

    return confine


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            urlopen(f"http://127.0.0.1:{port}/bare", timeout=1).close()
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not come up")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=FEW, help="compare with so many")
    parser.add_argument("--seconds", type=int, default=5, help="of load at a time")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
