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

_OVERRIDE = {
    "override": "its id",
    "feature": "key of the feature",
    "mode": "what it does: at_least, set or add",
    "value": "the value it gives, as the feature's values are written",
    "from": "since when",
    "until": "when it is over by itself, or null",
}
OVERRIDE_REQUESTED = EventType(
    "override.requested", "An override was made that waits for approval.", _OVERRIDE
)
OVERRIDE_GRANTED = EventType(
    "override.granted",
    "An override was made, or approved, and counts from its start on.",
    _OVERRIDE,
)
OVERRIDE_REJECTED = EventType("override.rejected", "An override was not approved.", _OVERRIDE)
OVERRIDE_SUPERSEDED = EventType(
    "override.superseded",
    "Another override takes the place of this one.",
    {**_OVERRIDE, "superseded_by": "id of the other override", "superseded_at": "since when"},
)
OVERRIDE_REVOKED = EventType("override.revoked", "An override was taken back.", _OVERRIDE)
# After these, owners have something else.
OVERRIDE_TYPES = (OVERRIDE_GRANTED, OVERRIDE_SUPERSEDED, OVERRIDE_REVOKED)

EVENT_TYPES = (ENTITLEMENTS_CHANGED, OVERRIDE_REQUESTED, OVERRIDE_REJECTED, *OVERRIDE_TYPES)
