"""One command's step, put together, written and answered: what all verbs have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.events import EventType
from subscriptions import events
from subscriptions.agreement import Agreement
from subscriptions.arrival import Arrival
from subscriptions.loading import Loaded
from subscriptions.models import ChangeStatus
from subscriptions.planned import Kind, Planned, aligned
from subscriptions.services.results import Result, differences
from subscriptions.services.together import written
from subscriptions.writing import Move


@dataclass(slots=True)
class Step:
    """What a command does to a subscription: what it becomes, what comes on its schedule
    (``agreed``), what goes off it, and what became of that (``resolved``)."""

    loaded: Loaded
    at: datetime
    after: Agreement
    planned: list[Planned]
    cause: str
    events: list[EventType] = field(default_factory=list)
    decision: Mapping[str, Any] = field(default_factory=dict)
    agreed: list[Planned] = field(default_factory=list)
    resolved: list[tuple[Planned, ChangeStatus]] = field(default_factory=list)

    @classmethod
    def on(cls, loaded: Loaded, *, at: datetime, cause: str) -> "Step":
        """Return a step that does nothing yet."""
        return cls(loaded, at, loaded.agreement, list(loaded.planned), cause)

    def become(self, after: Agreement, event: EventType) -> None:
        self.after = after
        if event not in self.events:
            self.events.append(event)

    def follow(self, arrival: Arrival) -> None:
        """Do what an instant did."""
        self.after = arrival.agreement
        self.planned = arrival.planned
        self.decision = self.decision or arrival.decision
        self.events += [events.HAPPENED[each] for each in arrival.happened]
        self.resolved += [(each, ChangeStatus.APPLIED) for each in arrival.applied]
        self.resolved += [(each, ChangeStatus.SUPERSEDED) for each in arrival.superseded]

    def drop(self, planned: Sequence[Planned], status: ChangeStatus) -> None:
        """Take planned changes off the schedule."""
        gone = [each for each in self.planned if each in planned]
        self.planned = [each for each in self.planned if each not in gone]
        self.resolved += [(each, status) for each in gone]

    def drop_kind(self, kind: Kind, key: str = "", *, status: ChangeStatus) -> None:
        self.drop([each for each in self.planned if (each.kind, each.key) == (kind, key)], status)

    def agree(self, planned: Planned) -> None:
        """Put a change on the schedule, in the place of one of its kind."""
        self.drop_kind(planned.kind, planned.key, status=ChangeStatus.REPLACED)
        self.agreed.append(planned)

    @property
    def does_nothing(self) -> bool:
        return not (self.events or self.agreed or self.resolved)


def take(
    step: Step,
    *,
    decision: Mapping[str, Any] | None = None,
    parts: Sequence[Mapping[str, Any]] = (),
) -> Result:
    """Write a step, and answer it; ``decision`` and ``parts`` say what a policy answered."""
    loaded = step.loaded
    if step.does_nothing:
        return Result(loaded.row, decision=decision, parts=parts)
    return answered(written(move_of(step)), decision=decision, parts=parts)


def move_of(step: Step) -> Move:
    """Return a step as it is written. What goes with the period's end is put where that is after
    it."""
    loaded = step.loaded
    known = {each.id: each for each in loaded.planned}
    together = aligned([*step.planned, *step.agreed], step.after)
    kept, agreed = together[: len(step.planned)], together[len(step.planned) :]
    return Move(
        loaded.row,
        loaded.agreement,
        step.after,
        step.at,
        step.events,
        step.cause,
        decision=step.decision,
        resolved=step.resolved,
        planned=kept,
        moved=[each for each in kept if each != known[each.id]],
        added=agreed,
        base=loaded.before,
        previous=loaded.previous,
    )


def answered(
    move: Move,
    *,
    decision: Mapping[str, Any] | None = None,
    parts: Sequence[Mapping[str, Any]] = (),
) -> Result:
    """Return what is answered to a step that is written."""
    gone = [each.id for each, _ in move.resolved]
    kept = [each.id for each in move.planned]
    before = move.before or move.after
    pending = ([*kept, *gone], [*kept, *move.added_ids])
    return Result(
        move.row,
        changes=differences(before, move.after, at=move.effective_at, pending=pending),
        decision=decision,
        parts=parts,
        replaced=tuple(each.id for each, became in move.resolved if became != ChangeStatus.APPLIED),
    )
