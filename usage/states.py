"""What is known about balances at one instant: enough to go on from there. Pure.

Of every grant, and of the allowance, there is an account in which at any instant

    granted = used + held + left + expired + voided        left = fresh + carried

``granted`` is every amount ever given, each turn's and each window's, and what a rollover's least
gave on top. What rolls over was left and is left; what does not has expired. Of all together

    use = sum of used + overage + unpaid

``use`` is all use there was, ``overage`` is what of the open window's nothing has paid for yet, and
``unpaid`` is that of the windows before. While there is overage, nothing is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from usage.grants import Rollover
from usage.quantities import EXACT, ZERO, in_utc


class End(StrEnum):
    """How a grant ended."""

    EXPIRED = "expired"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Account:
    """What has become of the units of one grant.

    ``fresh`` units are those of its amount, ``carried`` those that rolled over. ``rounds`` is how
    often what was left was rolled or replaced. ``turn`` is that of its recurrence.
    ``carried_by_reset``: what is carried ends with the window, not with the turn.
    """

    granted: Decimal
    fresh: Decimal
    carried: Decimal = ZERO
    used: Decimal = ZERO
    held: Decimal = ZERO
    expired: Decimal = ZERO
    voided: Decimal = ZERO
    rounds: int = 0
    turn: int | None = None
    carried_by_reset: bool = False
    end: End | None = None

    @property
    def left(self) -> Decimal:
        """What can still be used."""
        return EXACT.add(self.fresh, self.carried)


@dataclass(frozen=True, slots=True)
class Slice:
    """Units taken from one grant at once: of which round, and whether they had been carried."""

    grant_id: str
    quantity: Decimal
    rounds: int
    carried: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation: ``slices`` in the order they were taken. Their sum is less than ``quantity``
    where more was reserved than was left; nothing is held for that part."""

    at: datetime
    expires_at: datetime
    quantity: Decimal
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The open usage window: ``[starts_at, ends_at)``, without an end if it never resets.

    ``included`` is the allowance that was promised; ``given`` is what of it was given, which is
    more if it was lowered after more had been used. ``used`` is the use dated in the window.
    """

    starts_at: datetime
    ends_at: datetime | None
    included: Decimal
    given: Decimal
    rollover: Rollover | None
    used: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class State:
    """Everything up to and including ``at``. It starts out empty, before anything has happened.

    Grants that have ended stay, as one account each; nothing is kept per turn, window or use.

    :raises ValueError: if ``at`` is naive
    """

    at: datetime
    window: Window | None = None
    accounts: Mapping[str, Account] = field(default_factory=dict)
    holds: Mapping[str, Held] = field(default_factory=dict)
    use: Decimal = ZERO
    overage: Decimal = ZERO
    unpaid: Decimal = ZERO

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", in_utc(self.at))
