"""One subscription in its customer's turn, or many of different customers in one step.

A verb works on one subscription: it takes it ``in_turn``, decides, and has its move ``written``.
Inside ``together`` the turns are taken, everything is read, and all moves are written at once, so
that a thousand cost few more statements than one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from customers.turns import turn, turns
from subscriptions.loading import Loaded
from subscriptions.move import Move
from subscriptions.services.results import customer_of, customers_of, load_each, load_one
from subscriptions.writing import write


@dataclass(slots=True)
class _Group:
    """Those that are still to be taken, with their instants, and what is to be written."""

    waiting: dict[str, tuple[Loaded, datetime]]
    moves: list[Move] = field(default_factory=list)


_group: ContextVar[_Group | None] = ContextVar("subscriptions together", default=None)


@contextmanager
def in_turn(subscription_id: str) -> Iterator[tuple[Loaded, datetime]]:
    """Take the turn of a subscription's customer; yield the subscription, and the instant.

    :raises SubscriptionNotFound: if there is no such subscription
    :raises AlreadyEnded: if it has ended
    :raises PreconditionFailed: if it is not what the caller has seen
    """
    group = _group.get()
    if group is not None:
        yield group.waiting.pop(subscription_id)
        return
    with turn(customer_of(subscription_id)) as at:
        yield load_one(subscription_id, at=at), at


@contextmanager
def together(subscription_ids: Sequence[str]) -> Iterator[None]:
    """Let the verbs in the block work on these subscriptions of different customers, once each, and
    write what they do in one step, all or none. What they return is not complete.

    :raises SubscriptionNotFound: if there is no such subscription
    :raises AlreadyEnded: if one has ended
    """
    customers = customers_of(subscription_ids)
    with turns(list(customers.values())) as at:
        instants = {each: at[customers[each]] for each in subscription_ids}
        loaded = load_each(instants)
        group = _Group({each.row.id: (each, instants[each.row.id]) for each in loaded})
        token = _group.set(group)
        try:
            yield
        finally:
            _group.reset(token)
        write(group.moves)


def written(move: Move) -> Move:
    """Write a move now, or with those that are made together."""
    group = _group.get()
    if group is None:
        write([move])
    else:
        group.moves.append(move)
    return move
