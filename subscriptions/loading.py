"""Subscriptions from rows to values: what the rules in ``agreement`` work on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.periods import Period
from plans import queries as catalog
from plans.terms import Terms
from subscriptions.agreement import Agreement, Kind, Planned
from subscriptions.models import PendingChange, Subscription
from subscriptions.states import State


@dataclass(slots=True)
class Loaded:
    """One subscription: its row, the agreement it holds, and what is planned for it."""

    row: Subscription
    agreement: Agreement
    planned: list[Planned] = field(default_factory=list)

    def pending(self, kind: Kind) -> Planned | None:
        return next((each for each in self.planned if each.kind == kind), None)


def load(rows: Sequence[Subscription]) -> list[Loaded]:
    """Read what belongs to these rows in a fixed number of queries. Call it under their turns."""
    changes = list(
        PendingChange.objects.pending().filter(subscription__in=rows).order_by("effective_at", "id")
    )
    version_ids = {row.plan_version_id for row in rows}
    version_ids |= {each.plan_version_id for each in changes if each.plan_version_id}
    terms = catalog.terms_of(sorted(version_ids))
    planned: dict[str, list[Planned]] = {row.id: [] for row in rows}
    for each in changes:
        planned[each.subscription_id].append(
            Planned(
                id=each.id,
                kind=Kind(each.kind),
                at=each.effective_at,
                terms=terms[each.plan_version_id] if each.plan_version_id else None,
                interval=each.interval,
                decision=each.decision,
            )
        )
    return [
        Loaded(row, as_agreement(row, terms[row.plan_version_id]), planned[row.id]) for row in rows
    ]


def as_agreement(row: Subscription, terms: Terms) -> Agreement:
    """Return the value that a row holds."""
    return Agreement(
        terms=terms,
        interval=row.interval,
        currency=row.currency,
        state=State(row.state),
        anchor_at=row.anchor_at,
        zone=row.zone,
        period=Period(row.period_start, row.period_end),
    )


def fallback_of(terms: Terms, *, at: datetime, customer_id: str) -> Terms | None:
    """Return the version of the product's fallback plan that a customer gets at an instant."""
    plan_id = terms.product.fallback_plan_id
    if plan_id is None:
        return None
    return catalog.terms(catalog.effective_version(plan_id, at=at, customer_id=customer_id))
