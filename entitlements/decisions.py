"""Whether something may be done now, and the reason, from a value and what is asked for. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from entitlements.resolution import Segment
from entitlements.timelines import Standing
from plans.resets import OverageKind
from plans.values import Metered, Unlimited, Value
from usage.quantities import EXACT, ZERO


class Reason(StrEnum):
    """Why a check answers as it does: a closed list, so that callers can handle all of it."""

    GRANTED = "granted"
    WITHIN_LIMIT = "within_limit"
    OVERAGE = "overage"
    LIMIT_REACHED = "limit_reached"
    NOT_ENTITLED = "not_entitled"
    EXPIRED = "expired"
    BLOCKED = "blocked"
    PAUSED = "paused"


MEANINGS = {
    Reason.GRANTED: "the feature is there",
    Reason.WITHIN_LIMIT: "what is asked for is within the limit or allowance",
    Reason.OVERAGE: "more than the allowance, which the plan permits",
    Reason.LIMIT_REACHED: "more than the limit or allowance",
    Reason.NOT_ENTITLED: "nothing gives the feature, or what there is gives none of it",
    Reason.EXPIRED: "it was given once, and that has ended",
    Reason.BLOCKED: "a block takes access away; `blocked_by` names it",
    Reason.PAUSED: "what gives the feature is paused",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """``blocked_by`` names all blocks in effect, in alphabetical order."""

    allowed: bool
    reason: Reason
    blocked_by: tuple[str, ...] = ()


def decide(
    standing: Standing,
    quantity: Decimal,
    *,
    blocks: Iterable[str] = (),
    taken: Decimal | None = None,
) -> Decision:
    """Decide about ``quantity`` more of a feature; it counts for limits and metered ones only.

    ``blocks`` are the names of those that are in effect for the whole owner. A block or a pause
    leaves the value and takes access away; what is not given anyway is not called blocked.
    ``taken`` is what is used and reserved; where nobody knows, the whole amount is held to be left.
    """
    current = standing.current
    names = tuple(sorted({*blocks, *(current.blocked_by if current else ())}))
    if current is None:
        reason = Reason.EXPIRED if _gave_something(standing.ended) else Reason.NOT_ENTITLED
        return Decision(False, reason, names)
    found = _by_value(current.value, EXACT.add(quantity, taken or ZERO))
    if found.reason == Reason.NOT_ENTITLED or not (names or current.paused):
        return replace(found, blocked_by=names)
    return Decision(False, Reason.BLOCKED if names else Reason.PAUSED, names)


def amount_of(value: Value | None) -> Decimal | None:
    """Return the limit or allowance of a value that has a finite one."""
    included = value.included if isinstance(value, Metered) else value
    return included if isinstance(included, Decimal) else None


def most_of(value: Value) -> Decimal | None:
    """Return up to where use of a limit or a metered feature may go; None: without bound."""
    amount = amount_of(value)
    if amount is None or not isinstance(value, Metered):
        return amount
    match value.overage.kind:
        case OverageKind.ALLOW:
            return None
        case OverageKind.ALLOW_TO_PERCENT:
            return amount * (value.overage.percent or 100) / 100
        case _:
            return amount


def is_unlimited(value: Value | None) -> bool:
    return isinstance(value.included if isinstance(value, Metered) else value, Unlimited)


def _by_value(value: Value, quantity: Decimal) -> Decision:
    """Decide about a quantity in all: what is used already, and what is asked for."""
    if isinstance(value, bool):
        return Decision(value, Reason.GRANTED if value else Reason.NOT_ENTITLED)
    if is_unlimited(value):
        return Decision(True, Reason.WITHIN_LIMIT)
    amount = amount_of(value)
    if amount is None:
        return Decision(True, Reason.GRANTED)
    if quantity <= amount:
        return Decision(True, Reason.WITHIN_LIMIT)
    most = most_of(value)
    if most is None or quantity <= most:
        return Decision(True, Reason.OVERAGE)
    return Decision(False, Reason.LIMIT_REACHED if amount else Reason.NOT_ENTITLED)


def _gave_something(ended: Segment | None) -> bool:
    return ended is not None and ended.value is not False and amount_of(ended.value) != 0
