"""Wrong secrets: counted, so that whoever keeps sending them is told to wait.

Only refusals are counted and only refusals change: a right secret is always accepted, so nobody
can lock a client out by naming it with wrong ones. Against guessing nothing is needed, because a
secret has 256 random bits. Counts are each process's own, begin anew every minute, and take no
more memory however many names are tried.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable

WINDOW_SECONDS = 60
MOST_PER_CLIENT = 20
MOST_PER_ADDRESS = 100
MOST_NAMES = 10_000
_LONGEST_NAME = 128  # of a client's key; what is longer names no client


class WrongSecrets:
    """Counts wrong secrets by the client that is named and by the address they come from."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed  # seconds, of any origin
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._began = elapsed()

    def seconds_to_wait(self, *, client: str, address: str) -> int:
        """Count one more wrong secret; return how long to wait after it, 0 while there are few."""
        names = ("client", client[:_LONGEST_NAME]), ("address", address)
        with self._lock:
            now = self._elapsed()
            if now >= self._began + WINDOW_SECONDS or len(self._counts) >= MOST_NAMES:
                self._counts.clear()
                self._began = now
            self._counts.update(names)
            of_client, of_address = (self._counts[each] for each in names)
            if of_client <= MOST_PER_CLIENT and of_address <= MOST_PER_ADDRESS:
                return 0
            return max(1, math.ceil(self._began + WINDOW_SECONDS - now))

    def __len__(self) -> int:
        """How many names are counted."""
        return len(self._counts)


wrong_secrets = WrongSecrets()
