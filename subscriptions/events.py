"""The facts this app publishes."""

from collections.abc import Mapping

from core.events import EventType

_WHAT: Mapping[str, str] = {
    "subscription": "its id",
    "product": "product key",
    "plan": "plan key",
    "plan_version": "id of the plan version",
    "interval": "billing interval",
    "quantity": "how many of the plan",
    "add_ons": "add-on keys with their quantities",
    "state": "state after the change",
    "cause": "why: one of the causes of a term, or renewed",
    "effective_at": "since when; earlier than the event if the past was corrected",
}
_PERIOD = {"period_start": "start of the period", "period_end": "its end, not included"}
_BEFORE = {
    "before": "plan key before",
    "changed": "what is different: plan, plan_version, interval, quantity, add_ons, "
    "limits_kept_from, trial, anchor, zone, billing",
}
_CHANGE = {
    "subscription": "its id",
    "change": "id of the pending change",
    "kind": "what is agreed: plan, end, quantity, add_on, pause, …",
    "effective_at": "when it takes effect",
    "plan": "plan key it leads to, or null",
}

CREATED = EventType("subscription.created", "A subscription was agreed.", {**_WHAT, **_PERIOD})
IMPORTED = EventType(
    "subscription.imported",
    "A subscription that lives in another system goes on here.",
    {**_WHAT, **_PERIOD, "billed_through": "until when the other system has billed it, or null"},
)
STARTED = EventType(
    "subscription.started", "A subscription agreed for later has begun.", {**_WHAT, **_PERIOD}
)
CHANGED = EventType(
    "subscription.changed",
    "A subscription has another plan, version, interval, quantity, add-on or anchor.",
    {**_WHAT, **_PERIOD, **_BEFORE},
)
RENEWED = EventType("subscription.renewed", "A new period began.", {**_WHAT, **_PERIOD})
TRIAL_ENDED = EventType("subscription.trial_ended", "A trial is over.", {**_WHAT, **_PERIOD})
PAUSED = EventType("subscription.paused", "A subscription is paused.", _WHAT)
RESUMED = EventType("subscription.resumed", "A pause is over.", {**_WHAT, **_PERIOD})
PAST_DUE = EventType("subscription.past_due", "A payment for it failed.", _WHAT)
RECOVERED = EventType("subscription.recovered", "What was overdue is paid.", _WHAT)
RESTORED = EventType(
    "subscription.restored",
    "What had fallen back or ended is what it was before.",
    {**_WHAT, **_PERIOD, **_BEFORE},
)
ENDED = EventType("subscription.ended", "A subscription ended for good.", _WHAT)
SCHEDULED = EventType("subscription.scheduled", "A change was agreed for later.", _CHANGE)
UNSCHEDULED = EventType(
    "subscription.unscheduled",
    "A change that was agreed for later will not happen.",
    {**_CHANGE, "status": "replaced, canceled or superseded"},
)

_BLOCK = {
    "block": "its id",
    "scope": "what it covers: customer, subject, subscription or product",
    "reference": "id of what it covers",
    "name": "its public name",
    "source": "who placed it",
    "effects": "what it takes: access, change, billing",
    "from": "since when",
    "until": "when it is over by itself, or null",
}
BLOCK_PLACED = EventType("block.placed", "A block was placed.", _BLOCK)
BLOCK_LIFTED = EventType("block.lifted", "A block was lifted.", _BLOCK)
BLOCK_TYPES = (BLOCK_PLACED, BLOCK_LIFTED)

# What happens to subscriptions, by the names that ``subscriptions.arrival`` gives it.
HAPPENED: Mapping[str, EventType] = {
    "started": STARTED,
    "changed": CHANGED,
    "renewed": RENEWED,
    "trial_ended": TRIAL_ENDED,
    "paused": PAUSED,
    "resumed": RESUMED,
    "ended": ENDED,
}
EVENT_TYPES = (
    CREATED,
    IMPORTED,
    STARTED,
    CHANGED,
    RENEWED,
    TRIAL_ENDED,
    PAUSED,
    RESUMED,
    PAST_DUE,
    RECOVERED,
    RESTORED,
    ENDED,
    SCHEDULED,
    UNSCHEDULED,
    *BLOCK_TYPES,
)
