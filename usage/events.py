"""The facts this app publishes."""

from datetime import datetime
from decimal import Decimal

from core.events import EventType, Fact
from usage.counting import Owner
from usage.quantities import to_text

LIMIT_REACHED = EventType(
    "usage.limit_reached",
    "What was used has reached the limit or the allowance: more is denied, or is overage.",
    {
        "owner": "id of the subject or, where it is the customer itself, of the customer",
        "feature": "key of the feature",
        "used": "how much is used now, a decimal",
        "value": "the limit or the allowance, a decimal",
    },
)

EVENT_TYPES = (LIMIT_REACHED,)


def reached(
    owner: Owner,
    feature: str,
    *,
    before: Decimal,
    now: Decimal,
    value: Decimal | None,
    at: datetime,
) -> list[Fact]:
    """Return what is to be published of a use that led from one sum to another; nothing, unless
    the value lies between them."""
    if value is None or not before < value <= now:
        return []
    data = {
        "owner": owner.id,
        "feature": feature,
        "used": to_text(now),
        "value": to_text(value),
    }
    return [Fact(LIMIT_REACHED, at, owner.customer_id, owner.subject_id, data)]
