"""One subscription's step, as a value that ``subscriptions.writing`` writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from core.events import EventType
from subscriptions.agreement import Agreement
from subscriptions.models import ChangeStatus, Subscription, Term
from subscriptions.planned import Planned


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A term that a correction of the past writes, or puts aside without another in its place
    (``agreement`` None). ``replaces`` is the one that stood there."""

    starts_at: datetime
    agreement: Agreement | None
    cause: str
    decision: Mapping[str, Any]
    replaces: Term | None = None


@dataclass(slots=True)
class Move:
    """One subscription's step at an instant. ``before`` is None where it begins.

    ``base`` is what held just before the instant, by the term ``previous``, unless ``before`` did.
    ``resolved`` says what became of planned changes, ``moved`` which of them have another date;
    ``planned`` are those still to come, ``added`` are new; writing them gives them ``added_ids``.
    ``rewritten`` are the terms of a correction, in order; it takes effect at ``effective_at``, and
    ``latest`` is the term that it leaves as the latest, if none of them is. ``billed_through`` is
    until when another system has billed what is imported.
    """

    row: Subscription
    before: Agreement | None
    after: Agreement
    at: datetime
    events: Sequence[EventType]
    cause: str
    decision: Mapping[str, Any] = field(default_factory=dict)
    resolved: Sequence[tuple[Planned, ChangeStatus]] = ()
    planned: Sequence[Planned] = ()
    moved: Sequence[Planned] = ()
    added: Sequence[Planned] = ()
    base: Agreement | None = None
    previous: Term | None = None
    rewritten: Sequence[Rewritten] = ()
    latest: Term | None = None
    billed_through: datetime | None = None
    added_ids: list[str] = field(default_factory=list)

    @property
    def effective_at(self) -> datetime:
        return self.rewritten[0].starts_at if self.rewritten else self.at

    @property
    def has_new_terms(self) -> bool:
        return self.before is None or not are_same(self.before, self.after)

    @property
    def begins_trial(self) -> bool:
        """Whether a trial starts, and so is spent."""
        if self.after.trial is None or (self.before is not None and self.before.trial is not None):
            return False
        # A change back at one instant goes on with the trial that was.
        return self.after.trial.starts_at >= self.effective_at

    @property
    def gives_trial_back(self) -> bool:
        """Whether a trial ends at the instant at which it began: it took no time."""
        before = self.before.trial if self.before is not None else None
        return self.after.trial is None and before is not None and before.starts_at == self.at

    @property
    def is_undone(self) -> bool:
        """Whether it is back at what held before another change of the same instant."""
        return (
            self.previous is not None and self.base is not None and are_same(self.base, self.after)
        )


def are_same(one: Agreement, other: Agreement) -> bool:
    """The open period does not count: it moves on by itself."""
    return replace(one, period=other.period) == other
