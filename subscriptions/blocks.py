"""What a block takes from a customer, where, and from when to when. Pure.

Blocks take nothing out of the agreement: periods, windows and renewals run on underneath. The rules
in words: ``docs/explanation/blocks-and-overdue.md``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import Conflict
from plans.change_rules import RankChange, compare_ranks
from subscriptions.agreement import Agreement
from subscriptions.parts import Target
from subscriptions.sales import carried_quantity


class Effect(StrEnum):
    """``access``: nothing may be used. ``change``: the customer buys nothing more. ``billing``:
    invoicing waits."""

    ACCESS = "access"
    CHANGE = "change"
    BILLING = "billing"


class BlockScope(StrEnum):
    """What a block covers; of a product, all that the customer and its subjects have of it."""

    CUSTOMER = "customer"
    SUBJECT = "subject"
    SUBSCRIPTION = "subscription"
    PRODUCT = "product"


class Blocked(Conflict):
    """A block keeps the customer from buying more; ``blocked_by`` gives its name and its public
    reason. Canceling and going down always work."""

    code = "blocked"


@dataclass(frozen=True, slots=True)
class Concern:
    """What something is about to be done to; None: nothing of the kind, or not there yet."""

    customer_id: str
    product_key: str
    subject_id: str | None = None
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A block in ``[starts_at, ends_at)``, lifted or over at ``ends_at``; None: until it is lifted.

    It covers the whole customer or, where it names one, a subject, a subscription or a product.
    """

    name: str
    customer_id: str
    effects: frozenset[Effect]
    starts_at: datetime
    ends_at: datetime | None
    subject_id: str | None = None
    subscription_id: str | None = None
    product_key: str | None = None
    public_reason: str = ""

    def is_in_effect(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def covers(self, concern: Concern) -> bool:
        """Tell whether it is about this."""
        named = [
            (self.subject_id, concern.subject_id),
            (self.subscription_id, concern.subscription_id),
            (self.product_key, concern.product_key),
        ]
        return self.customer_id == concern.customer_id and all(
            wanted in (None, found) for wanted, found in named
        )


def refuse_change(blocks: Iterable[Block], concern: Concern, at: datetime) -> None:
    """Let nothing more be bought where a block with the effect *change* is in effect.

    :raises Blocked: naming all that are
    """
    found = sorted(
        {
            (each.name, each.public_reason)
            for each in blocks
            if Effect.CHANGE in each.effects and each.is_in_effect(at) and each.covers(concern)
        }
    )
    if found:
        raise Blocked(
            f"blocked by {', '.join(name for name, _ in found)}",
            blocked_by=[{"name": name, "public_reason": reason} for name, reason in found],
        )


def buys_more(held: Agreement, target: Target) -> bool:
    """Tell whether a change is one that a block refuses: to a higher rank, from free to paid, to
    more units than come along by themselves, or to more of an add-on."""
    more_units = target.quantity is not None and target.quantity > carried_quantity(
        held, target.terms
    )
    return (
        more_units
        or compare_ranks(held.terms.rank, target.terms.rank) == RankChange.UP
        or (held.is_free and not target.terms.is_free(target.interval, held.currency))
        or any(each.quantity > _held(held, each.key) for each in target.add_ons)
    )


def _held(held: Agreement, key: str) -> int:
    present = held.add_on(key)
    return present.quantity if present else 0
