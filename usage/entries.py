"""What happens to balances from outside: windows begin or change, units are used or held. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from usage.grants import Rollover
from usage.quantities import ZERO, in_utc, quantity, whole_second
from usage.states import State


@dataclass(frozen=True, slots=True)
class _Terms:
    at: datetime
    ends_at: datetime | None
    included: Decimal = ZERO
    rollover: Rollover | None = None

    def __post_init__(self) -> None:
        quantity(self.included)
        object.__setattr__(self, "at", whole_second(self.at))
        if self.ends_at is not None:
            object.__setattr__(self, "ends_at", whole_second(self.ends_at))
            if self.ends_at <= self.at:
                raise ValueError(f"a window that is open at {self.at} ends after that")


@dataclass(frozen=True, slots=True)
class Reset(_Terms):
    """A window ends, if there was one, and one begins that includes an allowance.

    What is left rolls over by the ended window's rule, and that of grants by theirs. Overage is
    left behind, unless ``keeps_overage``. ``ends_at`` None: it never resets.

    :raises ValueError: for a naive instant, an allowance that is no quantity, or an end that is
        not after the beginning
    """

    keeps_overage: bool = False


@dataclass(frozen=True, slots=True)
class Change(_Terms):
    """The open window goes on with another allowance, end or rollover; what was used stays used.

    More is given at once and pays for overage. Less takes away what is left, at most.

    :raises ValueError: as ``Reset`` does
    """


@dataclass(frozen=True, slots=True)
class Use:
    """Units were used: zero or more. A correction is a smaller sum of the same time, not a
    negative one, and is folded again from a state before it.

    :raises ValueError: for a naive instant or a number that is no quantity
    """

    at: datetime
    quantity: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", in_utc(self.at))
        quantity(self.quantity)


@dataclass(frozen=True, slots=True)
class Hold:
    """Units are reserved until ``expires_at``; from then on they are back.

    :raises ValueError: as ``Use`` does, and if it expires before it begins
    """

    at: datetime
    id: str
    quantity: Decimal
    expires_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", in_utc(self.at))
        object.__setattr__(self, "expires_at", in_utc(self.expires_at))
        quantity(self.quantity)
        if self.expires_at <= self.at:
            raise ValueError(f"hold {self.id} expires before it begins")


@dataclass(frozen=True, slots=True)
class Finalize:
    """So many units of a hold were used; the rest goes back to where it was taken, last first.

    :raises ValueError: as ``Use`` does
    """

    at: datetime
    hold_id: str
    quantity: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", in_utc(self.at))
        quantity(self.quantity)


Entry: TypeAlias = Reset | Change | Use | Hold | Finalize


def manual_reset(state: State, *, at: datetime, keeps_overage: bool = False) -> Reset:
    """Return a reset between two boundaries: the same terms again, and the same next boundary.

    :raises ValueError: if no window is open
    """
    if state.window is None:
        raise ValueError("no window is open that could be reset")
    window = state.window
    return Reset(at, window.ends_at, window.included, window.rollover, keeps_overage)
