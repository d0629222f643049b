"""The kinds of waiting work, as functions that do a bounded batch and say how much they did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX_ROUNDS = 10_000  # far above any honest backlog of one drain; reaching it is a defect


@dataclass(frozen=True, slots=True)
class Pump:
    """``work`` does what is waiting, in a bounded batch, and returns how much; 0: nothing."""

    name: str
    work: Callable[[], int]
    idle_seconds: float


_pumps: Sequence[Pump] = ()


def install(pumps: Sequence[Pump]) -> None:
    """Say what kinds of work there are. Called once, by ``billing.wiring``."""
    global _pumps
    _pumps = pumps


def installed() -> Sequence[Pump]:
    return _pumps


def drain() -> int:
    """Do all that is waiting now, in turns, until a round finds nothing. Return how much it was.

    :raises RuntimeError: if the work never ends
    """
    total = 0
    for _ in range(MAX_ROUNDS):
        done = sum(pump.work() for pump in _pumps)
        if not done:
            return total
        total += done
    raise RuntimeError("waiting work never ends")
