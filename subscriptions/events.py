"""The facts this app publishes."""

from collections.abc import Mapping

from core.events import EventType

_WHAT: Mapping[str, str] = {
    "subscription": "its id",
    "product": "product key",
    "plan": "plan key",
    "plan_version": "id of the plan version",
    "interval": "billing interval",
    "state": "state after the change",
    "cause": "why: default, subscribed, changed, scheduled, fallback, renewed, canceled or"
    " owner_ended",
}
_PERIOD = {"period_start": "start of the period", "period_end": "its end, not included"}
_CHANGE = {
    "subscription": "its id",
    "change": "id of the pending change",
    "kind": "plan or end",
    "effective_at": "when it takes effect",
    "plan": "plan key it leads to, or null",
}

CREATED = EventType("subscription.created", "A subscription began.", {**_WHAT, **_PERIOD})
CHANGED = EventType(
    "subscription.changed",
    "A subscription has another plan, version or interval.",
    {**_WHAT, **_PERIOD, "before": "plan key before"},
)
RENEWED = EventType("subscription.renewed", "A new period began.", {**_WHAT, **_PERIOD})
ENDED = EventType("subscription.ended", "A subscription ended for good.", _WHAT)
SCHEDULED = EventType("subscription.scheduled", "A change was agreed for later.", _CHANGE)
UNSCHEDULED = EventType(
    "subscription.unscheduled",
    "A change that was agreed for later will not happen.",
    {**_CHANGE, "status": "replaced, canceled or superseded"},
)

EVENT_TYPES = (CREATED, CHANGED, RENEWED, ENDED, SCHEDULED, UNSCHEDULED)
