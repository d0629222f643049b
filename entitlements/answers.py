"""What an answer says. Pure; instants and decimals become text when the answer is written, and a
test holds answers to the shapes that the API documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from entitlements import blocks
from entitlements.blocks import Block
from entitlements.decisions import Decision, amount_of, decide, is_unlimited
from entitlements.facts import Source
from entitlements.timelines import Standing
from entitlements.windows import Window, WindowRule, window_at
from plans.resets import ResetKind
from plans.terms import FeatureTerms
from plans.values import Config, Metered, NumberSet, Range, Value
from usage.counting import NOT_KNOWN, Usage
from usage.quantities import EXACT, ZERO


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom an answer is about, when, and as of which revision of the customer."""

    customer_id: str
    subject_id: str | None
    at: datetime
    revision: int


def check(
    feature: FeatureTerms,
    standing: Standing,
    whose: Whose,
    quantity: Decimal,
    held: Sequence[Block] = (),
    usage: Usage = NOT_KNOWN,
) -> dict[str, Any]:
    """Answer whether ``quantity`` more of a feature may be used.

    ``held`` are the blocks of the whole owner; ``usage`` is what is used and reserved.
    """
    decision = decide(standing, quantity, blocks=blocks.names(held, whose.at), taken=usage.taken)
    return decided(feature, standing, whose, decision, held, usage)


def decided(
    feature: FeatureTerms,
    standing: Standing,
    whose: Whose,
    decision: Decision,
    held: Sequence[Block],
    usage: Usage,
) -> dict[str, Any]:
    """Write a decision as a check answers it.

    ``valid_until`` is when time alone may change the answer: a value begins or ends, or the window
    or a block does. None: nothing that is known of.
    """
    window = window_of(standing, whose.at)
    return {
        "feature": feature.key,
        "customer": whose.customer_id,
        "subject": whose.subject_id,
        **_stand(feature, standing, decision, window, usage),
        "revision": whose.revision,
        "as_of": whose.at,
        "valid_until": _valid_until(standing, window, blocks.changes_at(held, whose.at)),
        "degraded": False,
    }


def entitlement(
    feature: FeatureTerms,
    standing: Standing,
    at: datetime,
    held: Sequence[Block] = (),
    usage: Usage = NOT_KNOWN,
) -> dict[str, Any]:
    """Say what an owner has of a feature, with its dates and sources, for a list.

    ``held`` are the blocks of the whole owner; ``usage`` is what is used and reserved.
    """
    current = standing.current
    decision = decide(standing, Decimal(1), blocks=blocks.names(held, at), taken=usage.taken)
    return {
        "feature": feature.key,
        "name": feature.name,
        **_stand(feature, standing, decision, window_of(standing, at), usage),
        "from": current.starts_at if current else None,
        "until": current.ends_at if current else None,
        "sources": [source(each) for each in current.sources] if current else [],
    }


def source(of: Source) -> dict[str, Any]:
    """Name what gives a value, and the subscription it comes through; an override is named itself,
    and belongs to no product."""
    return {
        "type": of.type,
        "id": of.subscription_id,
        "product": of.product or None,
        "plan": of.plan or None,
        "add_on": of.add_on or None,
        "limit_kept_from": of.kept_from or None,
    }


def shown(value: Value | None) -> Any:
    """Write a value for an answer: an unlimited amount as null."""
    match value:
        case Metered():
            return shown(value.included)
        case bool() | str() | Decimal():
            return value
        case NumberSet():
            return list(value.numbers)
        case Range():
            return {"min": value.lowest, "max": value.highest}
        case Config():
            return value.data
        case _:
            return None


def said(value: Value | None) -> Any:
    """Write a value where null means that there is none."""
    return {"unlimited": True} if is_unlimited(value) else shown(value)


def window(of: Window | None) -> Mapping[str, Any] | None:
    if of is None:
        return None
    return {"start": of.start, "end": of.end, "reset": of.reset}


def remaining(value: Value | None, usage: Usage) -> Decimal | None:
    """Return what is left of a limit or allowance; None: not known, or there is no end of it."""
    amount, taken = amount_of(value), usage.taken
    return None if amount is None or taken is None else max(EXACT.subtract(amount, taken), ZERO)


def window_of(standing: Standing, at: datetime) -> Window | None:
    """Return the window that use counts in at an instant; None where nothing is counted so."""
    rule: WindowRule | None = standing.current.window if standing.current else None
    return None if rule is None else window_at(rule, at)


def _stand(
    feature: FeatureTerms,
    standing: Standing,
    decision: Decision,
    current: Window | None,
    usage: Usage,
) -> dict[str, Any]:
    value = standing.current.value if standing.current else None
    return {
        "allowed": decision.allowed,
        "type": feature.type,
        "value": shown(value),
        "unlimited": is_unlimited(value),
        "unit": feature.unit or None,
        "used": usage.used,
        "remaining": remaining(value, usage),
        "window": window(current),
        "reason": decision.reason,
        "blocked_by": list(decision.blocked_by),
    }


def _valid_until(
    standing: Standing, current: Window | None, blocks_change_at: datetime | None
) -> datetime | None:
    ends = current.end if current and current.reset != ResetKind.SLIDING else None
    instants = (standing.changes_at, ends, blocks_change_at)
    return min((each for each in instants if each is not None), default=None)
