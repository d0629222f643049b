"""Subscriptions as the page shows them: the plan, the period, what is to come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, Q

from customers.models import Customer
from plans import queries as catalog
from subscriptions.models import ChangeKind, PendingChange, Subscription

MOST_SUBSCRIPTIONS = 100


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription, and what is planned for it; ``kept_from`` are the numbers of the plan's
    versions whose higher limits are kept."""

    subscription: Subscription
    pending: Sequence[PendingChange]
    kept_from: Sequence[int] = ()

    @property
    def is_current(self) -> bool:
        return self.subscription.ended_at is None

    @property
    def is_ending(self) -> bool:
        """Whether an end is announced."""
        return any(change.kind == ChangeKind.END for change in self.pending)

    @property
    def can_be_canceled(self) -> bool:
        """Not where it has ended, or is on the plan that a cancellation leads to."""
        row = self.subscription
        return self.is_current and row.plan_version.plan_id != row.product.fallback_plan_id


def of_owners(
    customer: Customer, whose: Q
) -> tuple[Mapping[str | None, Sequence[Subscribed]], bool]:
    """Return the subscriptions of some owners by subject (None: the customer itself), those that
    have not ended first, and whether there are more."""
    rows = list(
        Subscription.objects.shown()
        .filter(whose, customer=customer)
        .order_by(F("ended_at").desc(nulls_first=True), "product__key", "-id")[
            : MOST_SUBSCRIPTIONS + 1
        ]
    )
    versions = catalog.terms_of({each for row in rows for each in row.term.limits_of})
    found: dict[str | None, list[Subscribed]] = {}
    for row in rows[:MOST_SUBSCRIPTIONS]:
        pending: Sequence[PendingChange] = getattr(row, "pending_changes")  # noqa: B009 - to_attr
        kept_from = [versions[each].version for each in row.term.limits_of]
        found.setdefault(row.subject_id, []).append(Subscribed(row, pending, kept_from))
    return found, len(rows) > MOST_SUBSCRIPTIONS
