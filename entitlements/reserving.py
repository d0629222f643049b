"""Reservations of metered features: units held until it is known how many of them were used."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.principals import Principal
from entitlements import blocks, consuming
from entitlements.consuming import Consumption, NotConsumable
from entitlements.decisions import Decision, amount_of, decide, most_of
from entitlements.queries.checks import Held
from entitlements.queries.usages import usage_of
from entitlements.reader import Asked
from plans.values import FeatureType
from usage import services as usage
from usage.quantities import ZERO
from usage.services import Outcome, Reserved, Result

LONGEST_SECONDS = 3600


def reserve(consumption: Consumption, seconds: int, principal: Principal) -> dict[str, Any]:
    """Hold units if they may be used, for so many seconds of the customer's time; answer as a check
    does. A denial holds nothing.

    :raises FeatureNotFound, CustomerNotFound, SubjectNotFound: also for what the caller may not see
    :raises OwnerRequired, SubjectRequired: if the owner is not named, or not of the right kind
    :raises NotConsumable: for a feature that is not metered, or not fed by consume
    :raises UsageIdReused: if the identifier was used for another reservation
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    held = consuming.held_for(consumption, principal)
    if held.feature.type != FeatureType.METERED:
        raise NotConsumable("only units of metered features are reserved")
    value = held.standing.current.value if held.standing.current else None
    decision = _decide(held, consumption.quantity)
    if held.tally is None or value is None:  # nothing is given, so nothing can be held
        return _answer(consumption.id, held, Reserved(Result.DENIED, None), decision)
    use = consuming.use_of(consumption, held, held.tally, principal, most_of(value))
    expires_at = held.whose.at + timedelta(seconds=seconds)
    placed = usage.reserve(use, expires_at=expires_at, is_allowed=decision.allowed)
    outcome = Outcome(placed.result, usage_of([held.tally])[0])
    return _answer(consumption.id, held, placed, consuming.decided(held, decision, outcome))


def finalize(
    id: str, quantity: Decimal | None, principal: Principal, *, allow_more: bool
) -> dict[str, Any]:
    """Count so many of the held units as used; None: all of them. The rest is free again.

    :raises ReservationNotFound: if the caller has made no such reservation
    :raises ReservationOver: if it was released, finalized with another quantity, or has expired
    :raises MoreThanReserved: unless ``allow_more``
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    held = _held(id, principal)
    current = held.standing.current
    done = usage.finalize(
        source=principal.actor,
        id=id,
        quantity=quantity,
        allow_more=allow_more,
        at=held.whose.at,
        tally=held.tally,
        value=amount_of(current.value if current else None),
    )
    return _answer(id, held, done, None)


def give_back(id: str, principal: Principal) -> dict[str, Any]:
    """Let go of what is held.

    :raises ReservationNotFound: if the caller has made no such reservation
    :raises ReservationOver: if it was finalized
    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    held = _held(id, principal)
    done = usage.give_back(source=principal.actor, id=id, at=held.whose.at)
    return _answer(id, held, done, None)


def _held(id: str, principal: Principal) -> Held:
    row = usage.find(source=principal.actor, id=id)
    asked = Asked(row.customer_id, row.subject_id)
    return consuming.held_for(Consumption(id, asked, row.feature, row.quantity), principal)


def _decide(held: Held, quantity: Decimal, taken: Decimal | None = None) -> Decision:
    names = blocks.names(held.blocks, held.whose.at)
    return decide(held.standing, quantity, blocks=names, taken=taken)


def _answer(id: str, held: Held, done: Reserved, decision: Decision | None) -> dict[str, Any]:
    """Write what became of a reservation; without a decision, a check for nothing more."""
    [now] = usage_of([held.tally])
    row = done.reservation
    return {
        **consuming.answer(
            id, held, decision or _decide(held, ZERO, now.taken), Outcome(done.result, now)
        ),
        "reservation": None
        if row is None
        else {
            "state": row.state(held.whose.at),
            "quantity": row.quantity,
            "used": row.used,
            "held_at": row.held_at,
            "expires_at": row.expires_at,
        },
    }
