"""One worker that gives customers with due work their turns until none is left, as the relay does.

Begins when a line comes in; prints how long it took and the most memory it had, as JSON.
"""

import json
import os
import resource
import sys
import time

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
    most_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"customers": done, "seconds": took, "most_mib": most_mib}))


if __name__ == "__main__":
    main()
