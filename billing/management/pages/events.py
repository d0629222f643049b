"""Every kind of event, what it holds, and who listens to it. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from billing.management.pages import markdown
from core.events import EventType, Listener

ENVELOPE: Mapping[str, str] = {
    "id": "identifies the event: `evt_…`",
    "type": "one of the names below",
    "customer": "whose it is; null for events of the catalog and of product services",
    "subject": "which of the customer's subjects it is about, or null",
    "sequence": "counts one customer's events from 1, without a gap",
    "position": "orders all events; null for the moment between the commit and the sequencer",
    "occurred_at": "the customer's time: that of the test clock, for customers on one",
    "recorded_at": "the machine's time",
    "actor": "who did it: `client:…`, `staff:…`, `system:…`",
    "reason": "why, if that was said",
    "data": "what is listed below for its type; identifiers, keys and values, no personal data",
}
_INTRODUCTION = """\
# Events

An event is a fact: a row written in the transaction that made it true. Afterwards it gets its
position, and nothing else of it ever changes. `GET /v1/events` lists all of them,
`GET /v1/customers/{customer}/timeline` those of one customer. How they travel between the apps:
[decision 0001](../adr/0001-call-down-publish-up.md). How to add one:
[contributing](../../CONTRIBUTING.md). `manage.py reference` writes this page.

## What every event has
"""


def page(
    published: Mapping[str, Sequence[EventType]],
    *,
    projections: Sequence[Listener],
    reactions: Sequence[Listener],
) -> str:
    """Return the page; ``published`` are the event types of each app."""
    envelope = [(f"`{name}`", meaning) for name, meaning in ENVELOPE.items()]
    lines = [_INTRODUCTION, *markdown.table(("member", "meaning"), envelope)]
    for app, types in published.items():
        lines += ["", f"## {app}"]
        for each in types:
            lines += ["", f"### `{each.name}`", "", *_about(each)]
            lines += [*_heard(each, projections, "in its transaction by")]
            lines += [*_heard(each, reactions, "after the commit, at least once, by")]
    return markdown.page(lines)


def _about(type: EventType) -> list[str]:
    if not type.data:
        return [type.meaning]
    rows = [(f"`{name}`", meaning) for name, meaning in type.data.items()]
    return [type.meaning, "", *markdown.table(("data", "meaning"), rows)]


def _heard(type: EventType, listeners: Iterable[Listener], how: str) -> list[str]:
    names = [f"`{each.name}`" for each in listeners if type.name in each.types]
    return ["", f"Handled {how} {', '.join(names)}."] if names else []
