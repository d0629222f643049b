"""What happened to a customer, and who changed which row: the newest of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

from django.apps import apps

from console.actors import named
from console.customer_page.values import said
from core import ids
from core.models import AuditEntry, Event
from customers.models import Subject

MOST_EVENTS = 50
MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class Happening:
    """An event; actor and subject are named for people, ``details`` are (name, value)."""

    event: Event
    actor: str
    subject: str
    details: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Change:
    """An audit entry, and how many ``more`` like it; ``columns`` are (name, what it became)."""

    entry: AuditEntry
    actor: str
    what: str
    row: str
    more: int
    columns: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class History:
    """The newest events and changes, the newest first; ``entries`` of the audit log were read."""

    events: Sequence[Happening]
    events_in_all: int
    changes: Sequence[Change]
    entries: int


def history_of(customer_id: str) -> History:
    """Return the newest events and audit entries; an event's sequence counts without a gap."""
    events = list(Event.objects.filter(customer_id=customer_id).order_by("-sequence")[:MOST_EVENTS])
    entries = list(
        AuditEntry.objects.filter(customer_id=customer_id).order_by("-id")[:MOST_CHANGES]
    )
    actors = named([*(each.actor for each in events), *(each.actor for each in entries)])
    keys = dict(
        Subject.objects.filter(pk__in={each.subject_id for each in events if each.subject_id})
        .exclude(key=None)
        .values_list("id", "key")
    )
    return History(
        events=[
            Happening(
                event=row,
                actor=actors[row.actor],
                subject=keys.get(row.subject_id or "", row.subject_id or ""),
                details=list(_details(row.data)),
            )
            for row in events
        ],
        events_in_all=events[0].sequence if events else 0,
        changes=_changes(entries, actors),
        entries=len(entries),
    )


def _changes(entries: Sequence[AuditEntry], actors: Mapping[str, str]) -> list[Change]:
    """Tell rows that came or went together, such as the facts of one plan, as one change."""
    found = []
    for _, together in groupby(entries, _of_one_kind):
        entry, *others = together
        found.append(
            Change(
                entry=entry,
                actor=actors[entry.actor],
                what=_table(entry.table_name)[0],
                row=_row(entry),
                more=len(others),
                columns=list(_columns(entry)),
            )
        )
    return found


def _of_one_kind(entry: AuditEntry) -> tuple[str | int, ...]:
    """What changes have in common that are told as one; an update stands for itself."""
    number = entry.pk if entry.operation == "update" else 0
    return (
        entry.table_name, entry.operation, entry.actor, entry.reason, entry.request_id, number,
    )  # fmt: skip


def _details(data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What an event says, without identifiers and hashes: they are on the event's own page."""
    for name, value in sorted(data.items()):
        is_identifier = isinstance(value, str) and (ids.is_type_id(value) or name == "hash")
        if value not in (None, "", [], {}) and not is_identifier:
            yield name.replace("_", " "), said(value)


def _columns(entry: AuditEntry) -> Iterable[tuple[str, str]]:
    """Of an update the columns before and after; of personal data only the columns' names."""
    if entry.operation != "update":
        return
    for column, change in sorted(entry.changes.items()):
        is_pair = isinstance(change, list) and len(change) == 2
        yield column, f"{said(change[0])} → {said(change[1])}" if is_pair else "changed"


def _row(entry: AuditEntry) -> str:
    """Write the row's identifier as the rest of the page does."""
    prefix = _table(entry.table_name)[1]
    try:
        return ids.encode(prefix, UUID(entry.row_id)) if prefix else entry.row_id
    except ValueError:
        return entry.row_id


@cache
def _table(name: str) -> tuple[str, str]:
    """Return what a table's rows are called, and the prefix of their identifiers or ""."""
    for model in apps.get_models():
        if model._meta.db_table == name:
            return str(model._meta.verbose_name), getattr(model._meta.pk, "prefix", "")
    return name, ""
