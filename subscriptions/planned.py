"""What is agreed for later. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.periods import Anchor
from plans.terms import PauseMode, Terms
from subscriptions.agreement import AddOnHeld, Agreement
from subscriptions.anchors import counts, next_anchor
from subscriptions.states import State


class Kind(StrEnum):
    """What is agreed for later; of each kind there is one, of ``add_on`` one per add-on."""

    START = "start"
    BILLING_START = "billing_start"
    PLAN = "plan"
    QUANTITY = "quantity"
    ADD_ON = "add_on"
    END = "end"
    BILLING_END = "billing_end"
    PAUSE = "pause"
    RESUME = "resume"
    ANCHOR = "anchor"


# What begins an agreement, or wakes it up: nobody who cancels means these.
BEGINNINGS = frozenset({Kind.START, Kind.BILLING_START, Kind.RESUME})


@dataclass(frozen=True, slots=True)
class Planned:
    """A pending change, with what its kind needs.

    ``terms`` and ``interval`` say where a plan change or an end leads: an end without them ends for
    good. ``quantity`` is for quantity; ``add_on`` for add-ons, with 0 where it ends; ``pause_mode``
    for a pause; ``anchor`` or ``zone`` for a new way of counting. What begins something may have an
    ``anchor`` that was asked for, and ``trial_days`` in the place of the plan's; 0 for none.
    ``with_period`` marks what happens at the end of the period, and moves when that moves.
    ``keeps_limits`` is for a change to another version of the plan.
    """

    id: str
    kind: Kind
    at: datetime
    with_period: bool = False
    terms: Terms | None = None
    interval: str = ""
    quantity: int | None = None
    add_on: AddOnHeld | None = None
    pause_mode: PauseMode | None = None
    anchor: Anchor | None = None
    zone: str | None = None
    trial_days: int | None = None
    keeps_limits: bool = False
    decision: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Which add-on it is about, or nothing."""
        return self.add_on.key if self.add_on else ""


def period_end(held: Agreement, planned: Sequence[Planned]) -> datetime:
    """Return when the open period will be over: at its boundary, or where a new anchor cuts it.

    A trial is not cut: it goes on to its end.
    """
    if held.trial is not None:
        return held.period.end
    cuts = [each.at for each in planned if each.kind == Kind.ANCHOR and not each.with_period]
    return min([held.period.end, *cuts])


def aligned(planned: Sequence[Planned], held: Agreement) -> list[Planned]:
    """Return what is planned, with what happens at the period's end put there.

    In a pause nobody knows when that will be.
    """
    if held.state == State.PAUSED:
        return list(planned)
    counted = [_on_its_count(each, held) for each in planned]
    end = period_end(held, counted)
    return [replace(each, at=end) if each.with_period else each for each in counted]


def _on_its_count(planned: Planned, held: Agreement) -> Planned:
    """Return a planned anchor at a boundary of its own count: another interval has other ones."""
    if planned.kind != Kind.ANCHOR or planned.anchor is None:
        return planned
    if not counts(planned.anchor, held.every):
        return planned
    return replace(planned, at=next_anchor(planned.anchor, held.every, at=planned.at))
