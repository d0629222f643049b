"""What becomes of an amount in the customer's favour: off what is open, to the balance, refunded.

Pure. All amounts are minor units of one currency.
"""

from dataclasses import dataclass

from plans.change_rules import Settlement


@dataclass(frozen=True, slots=True)
class Paid:
    """What is known of what a reduction was billed with.

    ``billed`` is what was asked for it, ``paid`` what of that was paid by any means, ``captured``
    what of that came from outside rather than from the balance. ``used`` is the value of what was
    had; ``refunded`` and ``credited`` what was already given back for it, ``unspent`` how much of
    ``credited`` still lies on the balance.
    """

    billed: int
    paid: int
    captured: int
    used: int
    refunded: int = 0
    credited: int = 0
    unspent: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """Where an amount goes. ``taken_back`` leaves the balance, so that it can be refunded."""

    off_open: int = 0
    to_balance: int = 0
    to_refund: int = 0
    taken_back: int = 0


def settle(amount: int, settlement: Settlement, paid: Paid) -> Split:
    """Split an amount in the customer's favour, which is not negative.

    Without a settlement nothing moves. Otherwise it first lowers what is still open; only what was
    paid reaches the customer, and never more than was paid for what was not used. A refund is at
    most captured - used - refunded - credited; if credit that was given for the same thing stands
    in its way and is unspent, that is taken back first. What cannot be refunded, because it was
    paid from the balance, goes back there.
    """
    if settlement == Settlement.NONE:
        return Split()
    off_open = min(amount, max(paid.billed - paid.paid, 0))
    wanted = amount - off_open
    if settlement == Settlement.CREDIT:
        return Split(off_open, to_balance=min(wanted, _unused(paid)))
    most = paid.captured - paid.used - paid.refunded - paid.credited
    to_refund = min(wanted, max(most + paid.unspent, 0))
    taken_back = max(to_refund - most, 0) if to_refund else 0
    to_balance = min(wanted - to_refund, max(_unused(paid) + taken_back - to_refund, 0))
    return Split(off_open, to_balance, to_refund, taken_back)


def _unused(paid: Paid) -> int:
    """Return what was paid for what was not had, and not given back yet."""
    return max(paid.paid - paid.used - paid.refunded - paid.credited, 0)
