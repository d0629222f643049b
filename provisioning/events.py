"""The facts that this app publishes. Those about a service belong to no customer."""

from core.events import EventType

_DOCUMENT = {
    "target": "id of the target",
    "service": "key of the product service",
    "generation": "generation of the document",
}
_SERVICE = {"service": "key of the product service"}

TARGET_APPLIED = EventType(
    "target.applied",
    "A product service has what a customer or subject may use there.",
    {**_DOCUMENT, "hash": "hash of the document"},
)
TARGET_FAILED = EventType(
    "target.failed",
    "A document could not be applied and was given up; staff must look.",
    {**_DOCUMENT, "problem": "code of what went wrong"},
)
TARGET_AHEAD = EventType(
    "target.ahead",
    "A product service held a generation that was never sent to it: one side was restored from a "
    "backup. The document is sent again, above it.",
    {**_DOCUMENT, "held": "the generation that the service held"},
)
SERVICE_CHANGED = EventType(
    "service.changed",
    "A product service's address, sandbox mark or grace changed.",
    {**_SERVICE, "fields": "names of what changed"},
)
SERVICE_PAUSED = EventType(
    "service.paused",
    "Nothing is sent to a product service until it is resumed.",
    {**_SERVICE, "problem": "code of what went wrong; empty: paused by staff"},
)
SERVICE_RESUMED = EventType(
    "service.resumed", "Documents are sent to a product service again.", _SERVICE
)
SERVICE_DISABLED = EventType(
    "service.disabled",
    "A product service takes nothing any more.",
    {**_SERVICE, "problem": "code of what it answered; empty: disabled by staff"},
)

EVENT_TYPES: tuple[EventType, ...] = (
    TARGET_APPLIED,
    TARGET_FAILED,
    TARGET_AHEAD,
    SERVICE_CHANGED,
    SERVICE_PAUSED,
    SERVICE_RESUMED,
    SERVICE_DISABLED,
)
