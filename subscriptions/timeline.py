"""What subscriptions were, are and are agreed to be, entry after entry, a page at a time.

The past is read by its keys, so that the thousandth page costs what the first does. What is agreed
for later comes after it, and is worked out only when a page gets there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from core import ids
from core.models import AuditEntry
from subscriptions.agreement import Agreement
from subscriptions.history import Entry
from subscriptions.loading import versions_of
from subscriptions.models import PendingChange, Subscription, Term
from subscriptions.reading import as_entry, lives

_PAST, _AGREED = "past", "agreed"


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of one subscription. ``actor`` and ``reason`` are of what was done, and empty where
    nobody may know; ``position`` orders lines, and is unique."""

    subscription_id: str
    subject_id: str | None
    product_key: str
    entry: Entry
    actor: str = ""
    reason: str = ""

    @property
    def is_agreed(self) -> bool:
        return not self.entry.id

    @property
    def agreement(self) -> Agreement:
        return self.entry.agreement

    @property
    def position(self) -> list[str]:
        phase = _AGREED if self.is_agreed else _PAST
        key = self.entry.id or self.subscription_id
        return [phase, self.entry.starts_at.isoformat(), key]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lines of some subscriptions, oldest first; takes the place of a queryset in a list.

    ``with_actors`` tells who acted and why.
    """

    subscriptions: QuerySet[Subscription]
    with_actors: bool = False
    known_at: datetime | None = None
    after: tuple[str, datetime, str] | None = None

    def filter(
        self, *, known_at: datetime | None = None, position__gt: Sequence[str] | None = None
    ) -> "Timeline":
        """Return the lines as they were known at an instant, or those after a position."""
        after = self.after if position__gt is None else _position(position__gt)
        return replace(self, known_at=known_at or self.known_at, after=after)

    def order_by(self, column: str) -> "Timeline":
        """Lines have one order."""
        if column != "position":
            raise ValueError("a timeline goes forward in time")
        return self

    def __getitem__(self, window: slice) -> list[Line]:
        lines = [] if self._is_beyond_the_past else self._past(window.stop)
        if len(lines) < window.stop:
            lines += self._agreed()[: window.stop - len(lines)]
        return lines

    @property
    def _is_beyond_the_past(self) -> bool:
        return self.after is not None and self.after[0] == _AGREED

    def _past(self, most: int) -> list[Line]:
        known = self.known_at
        terms = Term.objects.standing() if known is None else Term.objects.known_at(known)
        terms = terms.filter(subscription__in=self.subscriptions)
        if self.after is not None:
            _, at, key = self.after
            terms = terms.filter(Q(starts_at__gt=at) | Q(starts_at=at, id__gt=key))
        rows = list(
            terms.select_related("subscription__product").order_by("starts_at", "id")[:most]
        )
        versions = versions_of(rows, [])
        acted = _acted(rows) if self.with_actors else {}
        return [
            Line(
                row.subscription_id,
                row.subscription.subject_id,
                row.subscription.product.key,
                as_entry(row, versions),
                *acted.get(row.id, ("", "")),
            )
            for row in rows
        ]

    def _agreed(self) -> list[Line]:
        """Only something planned, or a trial, leads on by itself."""
        planned = PendingChange.objects.filter(subscription=OuterRef("pk"))
        if self.known_at is None:
            planned = planned.pending()
        found = self.subscriptions.filter(Exists(planned) | Q(term__trial_ends_at__isnull=False))
        lines = [
            Line(life.row.id, life.row.subject_id, life.row.product.key, entry)
            for life in lives(found, known_at=self.known_at)
            for entry in life.history.agreed
        ]
        if self._is_beyond_the_past and self.after is not None:
            _, at, key = self.after
            lines = [each for each in lines if _key(each) > (at, key)]
        return sorted(lines, key=_key)


def _key(line: Line) -> tuple[datetime, str]:
    return line.entry.starts_at, line.subscription_id


def _position(value: Sequence[str]) -> tuple[str, datetime, str]:
    """:raises ValueError, BadRequest: if it is none"""
    phase, at, key = value
    if phase == _PAST:
        ids.decode(key, prefix="trm")
    return phase, datetime.fromisoformat(at), key


def _acted(terms: Sequence[Term]) -> Mapping[str, tuple[str, str]]:
    """Return who wrote terms, and why, by their identifiers."""
    rows = {str(ids.decode(term.id, prefix="trm")): term.id for term in terms}
    entries = AuditEntry.objects.filter(
        table_name=Term._meta.db_table, row_id__in=rows, operation="insert"
    )
    return {rows[each.row_id]: (each.actor, each.reason) for each in entries}
