"""Reserving units: held until it is known how many of them were used. Pure.

A hold is open until it is finalized, or expires by the clock. Meanwhile its units are not left, and
nobody else's use can take them.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from usage.burndown import HoldGone, run
from usage.entries import Finalize, Hold
from usage.grants import Grant
from usage.quantities import EXACT, ZERO
from usage.states import State


class NotEnoughLeft(ValueError):
    """More was to be held than is left."""


class MoreThanHeld(ValueError):
    """More was used than had been held."""


def hold(state: State, *, grants: Iterable[Grant], hold: Hold, allow_more: bool = False) -> State:
    """Hold units at an instant, in the order in which they would be used.

    ``state.holds[hold.id].slices`` says of which grants. With ``allow_more`` what is left is held
    and the rest only noted: what of it is used in the end becomes overage, or is taken then.
    Repeated while it is open, the same hold changes nothing.

    :raises NotEnoughLeft: if more is asked for than is left, unless ``allow_more``
    :raises ValueError: if another hold of that name is open; and as ``burndown.run`` does
    """
    grants = list(grants)
    now = run(state, grants=grants, until=hold.at)
    known = now.holds.get(hold.id)
    if known is not None and known.quantity == hold.quantity:
        return now
    left = ZERO
    for account in now.accounts.values():
        left = EXACT.add(left, account.left)
    if hold.quantity > left and not allow_more:
        raise NotEnoughLeft(f"{hold.quantity} cannot be held, {left} is left")
    return run(now, grants=grants, entries=[hold], until=hold.at)


def finalize(
    state: State,
    *,
    grants: Iterable[Grant],
    hold_id: str,
    at: datetime,
    quantity: Decimal,
    allow_more: bool = False,
) -> State:
    """Use so many units of a hold; the rest goes back to its slices, last taken first.

    The use is dated at the hold: it counts in the window in which the hold was placed, if that is
    still open, else in none that follows. More than was held is taken from what is left now, and is
    overage beyond that.

    :raises HoldGone: if the hold is not open at that instant: finalized, expired or unknown
    :raises MoreThanHeld: if more was used than held, unless ``allow_more``
    :raises ValueError: as ``burndown.run`` does
    """
    grants = list(grants)
    now = run(state, grants=grants, until=at)
    if hold_id not in now.holds:
        raise HoldGone(f"hold {hold_id} is not open at {at}")
    held = now.holds[hold_id].quantity
    if quantity > held and not allow_more:
        raise MoreThanHeld(f"{quantity} was used, {held} had been held")
    return run(now, grants=grants, entries=[Finalize(at, hold_id, quantity)], until=at)
