"""Place a block on a customer, or on a part of what it has, and lift it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.errors import Conflict, Forbidden, NotFound, Unprocessable
from core.events import EventType, Fact, publish
from core.transactions import command
from customers.turns import turn
from subscriptions import events, queries
from subscriptions.blocks import BlockScope, Concern, Effect, buys_more, refuse_change
from subscriptions.loading import Loaded
from subscriptions.models import Block, Subscription
from subscriptions.parts import Target
from subscriptions.services.results import SubscriptionNotFound, owner_of


class AlreadyBlocked(Conflict):
    """The same source has placed a block of this name on the same thing for that time already."""

    code = "already_blocked"


class BlockNotFound(NotFound):
    """There is no such block."""

    code = "block_not_found"


class BlockOfAnotherSource(Forbidden):
    """Another source placed this block; lifting it needs `subscriptions:override`."""

    code = "block_of_another_source"


class BlockDatesNotAllowed(Unprocessable):
    """A block begins now or later, and ends after it begins."""

    code = "block_dates_not_allowed"


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A block to be placed. It covers the whole customer or, where it names one, a subject, a
    subscription or a product. It begins now and lasts until it is lifted, unless told."""

    name: str
    effects: Collection[Effect]
    subject_id: str | None = None
    subscription_id: str | None = None
    product_id: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    public_reason: str = ""
    internal_reason: str = ""

    @property
    def scope(self) -> BlockScope:
        if self.subject_id:
            return BlockScope.SUBJECT
        if self.subscription_id:
            return BlockScope.SUBSCRIPTION
        return BlockScope.PRODUCT if self.product_id else BlockScope.CUSTOMER


@command
def place_block(*, customer_id: str, new: NewBlock, source: str) -> Block:
    """Take from a customer what the block's effects say. Several blocks add up.

    :raises SubjectNotFound, SubjectEnded, SubscriptionNotFound: for what is not the customer's
    :raises BlockDatesNotAllowed: as named
    :raises AlreadyBlocked: naming the block that is in the way
    """
    with turn(customer_id) as at:
        _check_covered(customer_id, new)
        block = _block(customer_id, new, source=source, at=at)
        _check_dates(block)
        _check_once(block)
        block.save(force_insert=True)
        publish([_fact(events.BLOCK_PLACED, block, at)])
        return block


def place_on_customers(*, at: Mapping[str, datetime], new: NewBlock, source: str) -> None:
    """Place the same block on customers as a whole who have none like it, in their turns. A fixed
    number of statements."""
    blocks = [_block(each, new, source=source, at=at[each]) for each in sorted(at)]
    Block.objects.bulk_create(blocks)
    publish([_fact(events.BLOCK_PLACED, each, each.created_at) for each in blocks])


def _block(customer_id: str, new: NewBlock, *, source: str, at: datetime) -> Block:
    return Block(
        customer_id=customer_id,
        scope=new.scope,
        subject_id=new.subject_id,
        subscription_id=new.subscription_id,
        product_id=new.product_id,
        name=new.name,
        source=source,
        effects=sorted(new.effects),
        starts_at=new.starts_at or at,
        ends_at=new.ends_at,
        public_reason=new.public_reason,
        internal_reason=new.internal_reason,
        created_at=at,
    )


@command
def lift_block(*, block_id: str, source: str, of_others: bool = False) -> Block:
    """End one block now; the others stay. One that is lifted or over already stays as it is.

    ``of_others``: the caller may lift what another source has placed.

    :raises BlockNotFound, BlockOfAnotherSource: as named
    """
    customer_id = Block.objects.filter(pk=block_id).values_list("customer_id", flat=True).first()
    if customer_id is None:
        raise BlockNotFound("there is no such block")
    with turn(customer_id) as at:
        block = Block.objects.select_related("product").get(pk=block_id)
        if block.source != source and not of_others:
            raise BlockOfAnotherSource("another source placed this block", source=block.source)
        if block.over_at is not None and block.over_at <= at:
            return block
        block.lifted_at = at
        block.save(update_fields=["lifted_at"])
        publish([_fact(events.BLOCK_LIFTED, block, at)])
        return block


def refuse_if_blocked(concern: Concern, *, at: datetime) -> None:
    """Let a customer buy nothing more where a block with the effect *change* is in effect.

    :raises Blocked: naming all that are
    """
    refuse_change(queries.blocks([concern.customer_id], Effect.CHANGE), concern, at)


def refuse_more_if_blocked(loaded: Loaded, target: Target, *, at: datetime) -> None:
    """Let a subscription go where it shall, unless that is more and a block keeps it from that.

    :raises Blocked: naming all that do
    """
    row = loaded.row
    if buys_more(loaded.agreement, target):
        product_key = target.terms.product.key
        concern = Concern(row.customer_id, product_key, row.subject_id, row.id)
        refuse_if_blocked(concern, at=at)


def _check_covered(customer_id: str, new: NewBlock) -> None:
    owner_of(customer_id=customer_id, subject_id=new.subject_id)
    if new.subscription_id is not None:
        rows = Subscription.objects.filter(pk=new.subscription_id, customer_id=customer_id)
        if not rows.exists():
            raise SubscriptionNotFound("there is no such subscription")


def _check_dates(block: Block) -> None:
    if block.starts_at < block.created_at:
        raise BlockDatesNotAllowed("a block begins now or later")
    if block.ends_at is not None and block.ends_at <= block.starts_at:
        raise BlockDatesNotAllowed("a block ends after it begins")


def _check_once(block: Block) -> None:
    same = Block.objects.standing(block.starts_at).filter(
        customer_id=block.customer_id,
        subject_id=block.subject_id,
        subscription_id=block.subscription_id,
        product_id=block.product_id,
        name=block.name,
        source=block.source,
    )
    if block.ends_at is not None:
        same = same.filter(starts_at__lt=block.ends_at)
    present = same.first()
    if present is not None:
        raise AlreadyBlocked(f"{block.name} is placed there already", block=present.id)


def _fact(type: EventType, block: Block, at: datetime) -> Fact:
    subject_id = block.subject_id
    if block.subscription is not None:
        subject_id = block.subscription.subject_id
    return Fact(
        type,
        at=at,
        customer_id=block.customer_id,
        subject_id=subject_id,
        data={
            "block": block.id,
            "scope": str(block.scope),
            "reference": block.reference,
            "name": block.name,
            "source": block.source,
            "effects": list(block.effects),
            "from": block.starts_at,
            "until": block.ends_at,
        },
    )
