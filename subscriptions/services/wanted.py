"""What callers ask for, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from plans.change_rules import AnchorRule, Decision, Proration, Settlement, Timing
from subscriptions.anchors import AnchorWish


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be different; what is left out stays. ``add_ons`` are {reference: quantity}."""

    plan_id: str | None = None
    interval: str | None = None
    quantity: int | None = None
    add_ons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """What is subscribed to; as many as the plan says without a word about it."""

    plan_id: str
    interval: str | None = None
    quantity: int | None = None
    add_ons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beginning:
    """How somebody with ``subscriptions:override`` wants a subscription to begin.

    ``access_start`` lies ahead: until then the subscription is pending. ``billing_start`` lies
    ahead: until then nothing is charged. ``ends_at`` is the date of an end that is agreed at once.
    """

    version_id: str | None = None
    anchor: AnchorWish | None = None
    trial_days: int | None = None
    access_start: datetime | None = None
    billing_start: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What somebody with ``subscriptions:override`` decides instead of the policy.

    ``effective_at`` lies ahead, or in the past of the open period. ``beginning`` is how what is
    changed in place begins. With ``keep_higher_limits`` a change to another version of the plan
    leaves what the present one gives more; ``limits_of`` are the versions whose limits an undo
    brings back.
    """

    timing: Timing | None = None
    anchor: AnchorRule | None = None
    proration: Proration | None = None
    settlement: Settlement | None = None
    version_id: str | None = None
    effective_at: datetime | None = None
    keep_pending: bool = False
    keep_higher_limits: bool = False
    limits_of: tuple[str, ...] | None = None
    beginning: Beginning = field(default=Beginning())

    def on(self, decision: Decision, *, at: datetime) -> Decision:
        """Return the decision with these answers put in the place of the policy's."""
        given = {
            name: value
            for name in ("timing", "anchor", "proration", "settlement")
            if (value := getattr(self, name)) is not None
        }
        if self.effective_at is not None:
            given["timing"] = Timing.DATE if self.effective_at > at else Timing.NOW
        return replace(decision, **given, rule="override") if given else decision
