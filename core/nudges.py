"""Make waiting work happen sooner. Only ever a hint: the relay finds what a hint missed.

``billing.wiring`` says which Celery task a hint wakes, a moment later: what else is committed in
the meantime is found by the same task, and needs no hint of its own. With the broker down a publish
costs most of a second, so after a failure no hint is tried for a while.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

logger = logging.getLogger(__name__)

QUIET_SECONDS = 5.0
GATHER_SECONDS = 0.1

_wake: Mapping[str, Callable[[], Any]] = {}
_awake_at: dict[str, float] = {}  # when the work that was woken last begins, by the hint
_quiet_until = 0.0


def install(wake: Mapping[str, Callable[[], Any]]) -> None:
    """Say what wakes the work of each hint, to begin in ``GATHER_SECONDS``. Called once, by
    ``billing.wiring``."""
    global _wake
    _wake = wake


def after_commit(name: str) -> None:
    """Give the hint once the current transaction is committed, once per transaction at most."""
    connection = transaction.get_connection()
    if any(getattr(entry[1], "hint", None) == name for entry in connection.run_on_commit):
        return
    transaction.on_commit(_Hint(name))


class _Hint:
    def __init__(self, name: str) -> None:
        self.hint = name

    def __call__(self) -> None:
        global _quiet_until
        wake, now = _wake.get(self.hint), time.monotonic()
        if wake is None or now < max(_quiet_until, _awake_at.get(self.hint, now)):
            return
        try:
            wake()
            _awake_at[self.hint] = now + GATHER_SECONDS
        except Exception:
            _quiet_until = time.monotonic() + QUIET_SECONDS
            logger.warning("no broker: the relay will find the work", exc_info=True)
