"""What is imported, and what a run has imported so far."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from core.clock import written
from subscriptions.given import SpentTrials
from subscriptions.importing import Elsewhere
from subscriptions.models import Subscription

# A product, a customer and, where it is for one, a subject: of an exclusive product, one fits in.
Slot = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Item:
    """One subscription as another system has it. Owner and plan are named by id or key.

    ``add_ons`` are {reference: quantity}, ``add_on_versions`` {reference: version id} of those that
    are not to be as they are sold now. ``trial_spent`` says that its owner has had the trial of the
    product.
    """

    external_id: str
    customer: str
    plan: str
    there: Elsewhere
    subject: str | None = None
    version_id: str | None = None
    interval: str | None = None
    quantity: int | None = None
    add_ons: Mapping[str, int] = field(default_factory=dict)
    add_on_versions: Mapping[str, str] = field(default_factory=dict)
    trial_spent: bool = False
    ends_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What tells whether the same was said: of all that was said, however it was ordered."""
        text = json.dumps(_said(asdict(self)), sort_keys=True, default=written)
        return sha256(text.encode()).hexdigest()


def _said(members: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing, so that members that are added later change no digest."""
    return {
        name: _said(value) if isinstance(value, Mapping) else value
        for name, value in members.items()
        if value not in (None, False, {})
    }


@dataclass(frozen=True, slots=True)
class Named:
    """What was imported under a name. ``is_new`` tells that it is written by the run that asks."""

    digest: str
    row: Subscription
    is_new: bool = False


@dataclass(slots=True)
class Taken:
    """What a run has imported so far. A dry run of many steps hands it on from one to the next,
    because each is taken back; else the tables have it."""

    names: dict[str, Named] = field(default_factory=dict)
    slots: set[Slot] = field(default_factory=set)
    spent: SpentTrials = field(default_factory=SpentTrials)

    def add(self, step: "Taken") -> None:
        """Remember what a step has taken, without the rows that its rows refer to."""
        for named in step.names.values():
            named.row._state.fields_cache.clear()
        self.names |= step.names
        self.slots |= step.slots
        self.spent.had |= step.spent.had
