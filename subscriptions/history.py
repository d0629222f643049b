"""A subscription through time: what it was, is and is agreed to be. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from subscriptions.agreement import Agreement
from subscriptions.arrival import Arrival, Given
from subscriptions.foresight import foresee
from subscriptions.planned import Planned


@dataclass(frozen=True, slots=True)
class Entry:
    """What a subscription is from an instant on, until the next entry starts.

    One that is only agreed has no identifier. ``decision`` is how the change that led here was
    decided; with ``billed_until`` in it, the entry before this one is billed until then.
    """

    id: str
    starts_at: datetime
    agreement: Agreement
    cause: str
    decision: Mapping[str, Any] = field(default_factory=dict)
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """``entries`` are what is so, in order of time, one per instant at most; ``agreed`` what is
    agreed for later, as it will be if nothing else happens. Renewals are no entries."""

    subscription_id: str
    customer_id: str
    subject_id: str | None
    product_key: str
    entries: tuple[Entry, ...]
    agreed: tuple[Entry, ...] = ()

    def at(self, at: datetime) -> Entry | None:
        """Return what holds at an instant, past or future; None before the beginning."""
        found = None
        for entry in (*self.entries, *self.agreed):
            if entry.starts_at > at:
                break
            found = entry
        return found


def agreed_entries(held: Agreement, planned: Sequence[Planned], given: Given) -> tuple[Entry, ...]:
    """Return the entries that what is agreed for later will make."""
    return entries_of(foresee(held, planned, given))


def entries_of(foreseen: Sequence[Arrival]) -> tuple[Entry, ...]:
    """Return the entries that what is foreseen will make, the last word of each instant."""
    by_instant = {
        each.at: Entry("", each.at, each.agreement, each.cause, each.decision)
        for each in foreseen
        if each.makes_an_entry
    }
    return tuple(by_instant.values())
