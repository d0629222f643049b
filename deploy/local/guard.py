"""Ends what the launcher leaves behind, however it ends; `kill -9` included.

The launcher writes `start GROUP SIGNAL` and `end GROUP` lines to this process's standard input.
When that closes, the launcher is gone: every group still listed gets its signal, ten seconds later
SIGKILL; then the folders named as arguments are removed.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 10.0


def main() -> None:
    groups = read(sys.stdin)
    for group, number in groups.items():
        _signal(group, number)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(_signal(group, 0) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        _signal(group, signal.SIGKILL)
    for folder in sys.argv[1:]:
        shutil.rmtree(folder, ignore_errors=True)


def read(lines: Iterable[str]) -> dict[int, int]:
    """The groups that were started and not ended, each with the signal that stops it."""
    groups: dict[int, int] = {}
    for line in lines:
        match line.split():
            case ["start", group, number]:
                groups[int(group)] = int(number)
            case ["end", group]:
                groups.pop(int(group), None)
    return groups


def _signal(group: int, number: int) -> bool:
    """Whether the group still has members."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main()
