"""Bring back what a subscription was before it fell back or ended. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.periods import Anchor
from subscriptions.agreement import Agreement
from subscriptions.counting import new_cycle, open_period
from subscriptions.sales import Sale
from subscriptions.states import BILLABLE, Action, after

# For so long a plan and its add-ons come back in the versions that were held.
SAME_VERSIONS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Lost:
    """What a subscription was until ``at``: ``before``, in the period that was open then."""

    before: Agreement
    at: datetime

    @property
    def can_come_back(self) -> bool:
        """Whether it was held in full. What was in a trial, paused or not begun is begun anew."""
        return self.before.state in BILLABLE

    def has_open_period(self, at: datetime) -> bool:
        """Tell whether an instant lies in the period that it was lost in."""
        return at < self.before.period.end

    def keeps_versions(self, at: datetime) -> bool:
        return at < self.at + SAME_VERSIONS


def lost(before: Agreement, at: datetime) -> Lost:
    """Return what was lost at an instant; ``before`` may hold a period that has renewed since."""
    just_before = max(at - timedelta(seconds=1), before.period.start)
    return Lost(replace(before, period=before.period_at(just_before)), at)


def reopened(now: Agreement, was: Lost) -> Agreement:
    """Return the agreement as it was, in the same period and from the same anchor.

    What was charged for that period is charged for it still, so this costs nothing more.
    """
    return replace(was.before, state=after(now.state, Action.RESTORE))


def begun_again(
    now: Agreement, was: Lost, sale: Sale, *, at: datetime, zone: str, shared: Anchor | None
) -> Agreement:
    """Return the agreement on what was held, in a new period, without a trial."""
    cycle = new_cycle(sale, at=at, zone=zone, shared=shared)
    return replace(
        was.before,
        terms=sale.terms,
        interval=sale.interval,
        quantity=sale.quantity,
        add_ons=sale.add_ons,
        limits_of=sale.limits_of,
        state=after(now.state, Action.RESTORE),
        cycle=cycle,
        period=open_period(cycle, sale.interval, at),
        is_billed=True,
    )
