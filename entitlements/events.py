"""The facts this app publishes."""

from core.events import EventType

ENTITLEMENTS_CHANGED = EventType(
    "entitlements.changed",
    "What a customer or a subject may use has changed, now or for later.",
    {
        "owner": "id of the subject or, where it is the customer itself, of the customer",
        "features": "keys of the features whose values, dates or sources changed",
        "revision": "the customer's entitlement revision after the change",
    },
)

EVENT_TYPES = (ENTITLEMENTS_CHANGED,)
