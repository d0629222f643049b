"""One worker that gives customers with due work their turns until none is left, as the relay does.

Begins when a line comes in; prints how long it took and the most memory it had, as JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")
django.setup()

from customers import turns  # noqa: E402 - Django must be set up first


def main() -> None:
    """Tell that we are ready, wait for the word, work, and report."""
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    done = 0
    while found := turns.run_due_live():
        done += found
    took = time.perf_counter() - began
    print(json.dumps({"customers": done, "seconds": took, "most_mib": _most_mib()}))


def _most_mib() -> float:
    """Return the most memory that this program had. What ``getrusage`` tells would include that of
    the process that started it."""
    status = Path("/proc/self/status").read_text()
    (line,) = (each for each in status.splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
