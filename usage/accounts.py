"""What happens to the account of one grant. Every function keeps its sum (``usage.states``). Pure.

To be called where arithmetic is exact: in ``decimal.localcontext(EXACT)``.
"""

from dataclasses import replace
from decimal import Decimal

from usage.grants import Rollover
from usage.quantities import ZERO
from usage.states import Account, End, Slice


def opened(amount: Decimal, turn: int | None = None) -> Account:
    """Give an amount for the first time."""
    return Account(granted=amount, fresh=amount, turn=turn)


def renewed(
    account: Account, *, amount: Decimal, rollover: Rollover | None, times: int = 1
) -> Account:
    """Give the amount anew, ``times`` in a row without any use between; what is left rolls before.

    All at once: after the first time, what is left before each is the amount and what was carried,
    which is never less than the least. So every further time carries one amount more, up to most.
    """
    carried = topped_up = ZERO
    if rollover is not None:
        first = rollover.of(account.left)
        topped_up = max(ZERO, first - account.left)
        carried = min(rollover.most, first + (times - 1) * amount)
    given = topped_up + times * amount
    return replace(
        account,
        granted=account.granted + given,
        fresh=amount,
        carried=carried,
        expired=account.expired + account.left + given - amount - carried,
        rounds=account.rounds + times,
        carried_by_reset=False,
    )


def rolled(account: Account, rollover: Rollover) -> Account:
    """Take what is left over a reset; nothing is given anew, but what the rule's least gives."""
    carried = rollover.of(account.left)
    difference = carried - account.left
    return replace(
        account,
        granted=account.granted + max(ZERO, difference),
        fresh=ZERO,
        carried=carried,
        expired=account.expired + max(ZERO, -difference),
        rounds=account.rounds + 1,
        carried_by_reset=True,
    )


def amended(account: Account, change: Decimal) -> Account:
    """Give more, or take away what is fresh and left, at most."""
    change = max(change, -account.fresh)
    return replace(account, granted=account.granted + change, fresh=account.fresh + change)


def closed(account: Account, end: End) -> Account:
    """End it: what is left is lost. What is held stays held."""
    return _lost(replace(account, fresh=ZERO, carried=ZERO, end=end), account.left, end)


def taken(account: Account, quantity: Decimal, *, carried: bool, held: bool) -> Account:
    """Use or hold units of those that are left."""
    return replace(
        account,
        fresh=account.fresh if carried else account.fresh - quantity,
        carried=account.carried - quantity if carried else account.carried,
        used=account.used if held else account.used + quantity,
        held=account.held + quantity if held else account.held,
    )


def settled(account: Account, slice: Slice, *, used: Decimal, rollover: Rollover | None) -> Account:
    """Use so many of a slice's held units; the others come back.

    To where they were taken, if that is still there. What comes back to a turn or window that has
    rolled since rolls after it, as far as its rule has room. To what has ended, it is lost.
    """
    back = slice.quantity - used
    account = replace(account, held=account.held - slice.quantity, used=account.used + used)
    if account.end is not None:
        return _lost(account, back, account.end)
    if account.rounds == slice.rounds:
        if slice.carried:
            return replace(account, carried=account.carried + back)
        return replace(account, fresh=account.fresh + back)
    room = ZERO if rollover is None else max(ZERO, rollover.most - account.carried)
    rolls = min(back, room)
    return _lost(replace(account, carried=account.carried + rolls), back - rolls, End.EXPIRED)


def _lost(account: Account, quantity: Decimal, end: End) -> Account:
    if end == End.VOIDED:
        return replace(account, voided=account.voided + quantity)
    return replace(account, expired=account.expired + quantity)
