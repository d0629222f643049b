"""How long does the import of a large file of live subscriptions take?

    python -m benchmarks.imports                    10,000 lines
    python -m benchmarks.imports --lines 100000

Each line brings the subscription of another customer, who is on Workers Free until then, to Workers
Paid (5.00 a month), billed until the end of the open period: in its place, with charges, history,
entitlements' projections, audit log and events, as in real life. The file is given to
``manage.py import_subscriptions`` with ``--dry-run``, without, and once more. Databases are made on
the server of DATABASE_URL, or on one that is started and thrown away, and dropped afterwards.
"""

import json
import os
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.databases import a_server, stream

THIS = "benchmarks.imports"
RUNS = (
    ("dry run", "--dry-run", "imported"),
    ("import", "", "imported"),
    ("the same again", "", "already_imported"),
)


def main(lines: int) -> None:
    with a_server() as server, server.database("imports") as database, TemporaryDirectory() as at:
        print(f"making {lines:,} customers …", flush=True)
        if server.python(database, THIS, "seed", str(lines)).wait():
            raise SystemExit("the data could not be made")
        file = Path(at) / "old.jsonl"
        file.write_text("".join(f"{json.dumps(_line(place))}\n" for place in range(lines)))
        print("\n| what | lines | seconds | ms a line | of them its own CPU | MiB |")
        print("|---|---|---|---|---|---|")
        for name, options, status in RUNS:
            running = server.python(database, THIS, "run", str(file), *options.split())
            told = json.loads(stream(running.stdout).read())
            running.wait()
            if told["summary"] != f"{lines} {status}":
                raise SystemExit(f"not every line was {status}: {told['summary']}")
            each, cpu = (told[kind] / lines * 1000 for kind in ("seconds", "cpu"))
            print(
                f"| {name} | {lines:,} | {told['seconds']:.1f} | {each:.1f} | {cpu:.1f}"
                f" | {told['most_mib']:.0f} |",
                flush=True,
            )
    print(f"\nload average at the end: {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")


def _line(place: int) -> dict[str, str]:
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {
        "external_id": f"old-{place}",
        "customer": f"c{place}",
        "plan": "workers_paid",
        "started_at": first.replace(year=first.year - 1).isoformat(),
        "billed_through": (first + timedelta(days=32)).replace(day=1).isoformat(),
    }


def run(*arguments: str) -> None:
    """Import in this process, and print what that took."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")
    django.setup()
    from django.core.management import call_command

    summary, began, cpu = StringIO(), time.perf_counter(), time.process_time()
    with Path(os.devnull).open("w") as nowhere:
        call_command("import_subscriptions", *arguments, stdout=nowhere, stderr=summary)
    told = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "most_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "summary": summary.getvalue().strip().removesuffix(" (dry run: nothing was changed)"),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    verb, *rest = sys.argv[1:] or ["--lines"]
    if verb == "seed":  # on a free plan: one as any caller makes one, the others as its copies
        from benchmarks import renewals_seed

        renewals_seed.main(int(rest[0]) + 1, plans={}, days=1)
    elif verb == "run":
        run(*rest)
    else:
        main(int(rest[0]) if rest else 10_000)
