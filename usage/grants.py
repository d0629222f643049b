"""Grants: units of a metered feature, given for a time, and the order they are used in. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

from core.periods import ONCE, Anchor, Interval, boundary, index_at
from usage.quantities import ZERO, quantity, whole_second

DEFAULT_PRIORITY = 100

# The plan's allowance is counted like a grant, in an account of this name.
ALLOWANCE = "allowance"
ALLOWANCE_PRIORITY = 50

_NEVER = datetime.max.replace(tzinfo=UTC)

BurnKey: TypeAlias = tuple[int, datetime, bool, datetime, str]


@dataclass(frozen=True, slots=True)
class Rollover:
    """How much goes over from one window, or one turn, into the next: at most and at least.

    A ``least`` above what is left gives the difference on top. With a ``least`` above ``most`` it
    is always ``most``.

    :raises ValueError: for a bound that is no quantity
    """

    most: Decimal
    least: Decimal = ZERO

    def __post_init__(self) -> None:
        quantity(self.most)
        quantity(self.least)

    def of(self, left: Decimal) -> Decimal:
        """Return what of so many units, those of earlier rollovers among them, goes over."""
        return min(self.most, max(self.least, left))


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A grant's turns: at each boundary, counted from the anchor in its zone, it gives anew.

    :raises ValueError: for ``once``, which has no boundaries
    :raises core.periods.AnchorNotAllowed: for a day of the month with days or weeks
    """

    anchor: Anchor
    every: Interval

    def __post_init__(self) -> None:
        if self.every == ONCE:
            raise ValueError("what is given once does not recur")
        self.anchor.require_counts(self.every)

    def turn_at(self, at: datetime) -> int:
        """Return the number of the turn that an instant lies in; that of the anchor is 0."""
        return index_at(self.anchor, self.every, at)

    def begins(self, turn: int) -> datetime:
        """Return the first instant of a turn."""
        return boundary(self.anchor, self.every, turn)


@dataclass(frozen=True, slots=True)
class Grant:
    """``amount`` units that can be used in ``[effective_from, expires_at)``, until they are voided.

    A lower ``priority`` is used first. With a ``recurrence`` the amount is given anew at every
    boundary after ``effective_from``, in place of what was left; the first turn is given in full,
    however short. It ends when it expires, whatever its recurrence. With a ``rollover`` what is
    left goes over by it, at each recurrence and at each reset of the usage window. Without one
    nothing goes over a recurrence, and a reset leaves the grant as it is.

    Instants are cut to whole seconds. A grant is never changed; ``voided_at`` is set at most once.

    :raises ValueError: for a naive instant, an amount that is no quantity, a grant that ends
        before it begins, or the name of the allowance
    """

    id: str
    amount: Decimal
    effective_from: datetime
    expires_at: datetime | None = None
    priority: int = DEFAULT_PRIORITY
    paid: bool = False
    recurrence: Recurrence | None = None
    rollover: Rollover | None = None
    voided_at: datetime | None = None

    def __post_init__(self) -> None:
        quantity(self.amount)
        if self.id == ALLOWANCE:
            raise ValueError(f"no grant is called {ALLOWANCE!r}")
        for name in ("effective_from", "expires_at", "voided_at"):
            at = getattr(self, name)
            if at is not None:
                object.__setattr__(self, name, whole_second(at))
        if self.expires_at is not None and self.expires_at <= self.effective_from:
            raise ValueError(f"grant {self.id} expires before it takes effect")

    @property
    def expires_first(self) -> bool:
        """Whether it is over by its expiry before it is voided, if it ever is."""
        return self.voided_at is None or (
            self.expires_at is not None and self.expires_at <= self.voided_at
        )

    @property
    def ends_at(self) -> datetime | None:
        """When nothing of it can be used any more: it has expired or is void."""
        return self.expires_at if self.expires_first else self.voided_at

    @property
    def takes_effect(self) -> bool:
        """Whether it can ever be used: one that is voided before its beginning cannot."""
        return self.ends_at is None or self.effective_from < self.ends_at

    def burn_key(self, carried_until: datetime | None = None) -> BurnKey:
        """Return where its units stand in the order of use; rolled over, by their own end."""
        expires_at = min(self.expires_at or _NEVER, carried_until or _NEVER)
        return (self.priority, expires_at, self.paid, self.effective_from, self.id)


def allowance_key(*, starts_at: datetime, ends_at: datetime | None) -> BurnKey:
    """Return where the allowance of a window stands: a free grant that ends with it."""
    return (ALLOWANCE_PRIORITY, ends_at or _NEVER, False, starts_at, ALLOWANCE)
