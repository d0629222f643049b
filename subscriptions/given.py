"""What arrivals depend on beside the subscription itself: fallback plans, and trials that were had.

Read for many subscriptions at once, in a fixed number of queries.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from plans import queries as catalog
from plans.errors import PlanNotSold
from plans.models import PlanVersion
from plans.terms import Scope, Terms
from subscriptions.agreement import Agreement
from subscriptions.arrival import Given
from subscriptions.loading import Loaded
from subscriptions.models import SpentTrial, Subscription
from subscriptions.planned import Kind, Planned


def given_of(loaded: Loaded, *, at: datetime) -> Given:
    """Return what an arrival of one subscription at an instant depends on beside it."""
    row, held = loaded.row, loaded.agreement
    fallback, spent = None, False
    if held.trial is not None:
        fallback = fallback_of(held.terms, at=at, customer_id=row.customer_id)
    terms = trial_ahead(held, loaded.planned)
    if terms is not None:
        spent = spent_trials([row]).has(terms, row)
    customer = row.customer
    return Given(
        customer.shared_anchor, customer.payment_method_on_file, fallback, spent, customer.zone
    )


def fallbacks(loaded: Mapping[str, tuple[Loaded, datetime]]) -> dict[str, Terms]:
    """Return what subscriptions fall back to at an instant each, by their identifiers; those whose
    product has no fallback plan are left out. A fixed number of queries."""
    wanted = {
        row_id: (plan_id, at, each.row.customer_id)
        for row_id, (each, at) in loaded.items()
        if (plan_id := each.agreement.terms.product.fallback_plan_id) is not None
    }
    if not wanted:
        return {}
    sold = sold_versions(
        {plan_id for plan_id, _, _ in wanted.values()},
        {customer_id for _, _, customer_id in wanted.values()},
    )
    chosen = {
        row_id: latest(sold[plan_id], at=at, customer_id=customer_id)
        for row_id, (plan_id, at, customer_id) in wanted.items()
    }
    terms = catalog.terms_of(set(chosen.values()))
    return {row_id: terms[version_id] for row_id, version_id in chosen.items()}


@dataclass(frozen=True, slots=True)
class Sold:
    """A published version: since when it is sold, and to whom alone."""

    id: str
    number: int
    since: datetime | None
    customer_id: str | None


def sold_versions(plan_ids: set[str], customer_ids: set[str]) -> dict[str, list[Sold]]:
    """Return which versions of plans are sold, to everybody or to these customers, in one query."""
    rows = (
        PlanVersion.objects.published()
        .filter(plan__in=plan_ids, plan__archived_at=None, plan__product__archived_at=None)
        .filter(Q(private_key="") | Q(customers__customer_id__in=customer_ids))
        .values_list("plan_id", "id", "number", "effective_from", "customers__customer_id")
    )
    found: dict[str, list[Sold]] = {plan_id: [] for plan_id in plan_ids}
    for plan_id, *version in rows:
        found[plan_id].append(Sold(*version))
    return found


def latest(versions: Iterable[Sold], *, at: datetime, customer_id: str) -> str:
    """Choose as ``catalog.effective_version`` does: a customer's own before the public ones.

    :raises PlanNotSold: if there is none
    """
    sold = [
        each
        for each in versions
        if (each.since is None or each.since <= at) and each.customer_id in (None, customer_id)
    ]
    if not sold:
        raise PlanNotSold("the plan is not sold to this customer at this time")
    return max(sold, key=lambda each: (each.customer_id is not None, each.number)).id


def fallback_of(terms: Terms, *, at: datetime, customer_id: str) -> Terms | None:
    """Return the version of the product's fallback plan that a customer gets at an instant."""
    plan_id = terms.product.fallback_plan_id
    if plan_id is None:
        return None
    return catalog.terms(catalog.effective_version(plan_id, at=at, customer_id=customer_id))


@dataclass(slots=True)
class SpentTrials:
    """The trials that were had: product, customer and, where it is counted so, subject."""

    had: set[tuple[str, str, str | None]] = field(default_factory=set)

    def has(self, terms: Terms, row: Subscription) -> bool:
        return self._key(terms, row) in self.had

    def spend(self, terms: Terms, row: Subscription) -> None:
        self.had.add(self._key(terms, row))

    def _key(self, terms: Terms, row: Subscription) -> tuple[str, str, str | None]:
        return terms.product.id, row.customer_id, trial_holder(terms, row.subject_id)


def spent_trials(rows: Sequence[Subscription]) -> SpentTrials:
    """Read which trials the owners of these subscriptions have had, in one query."""
    return spent_by((row.product_id, row.customer_id, row.subject_id) for row in rows)


def spent_by(owners: Iterable[tuple[str, str, str | None]]) -> SpentTrials:
    """Read which trials owners have had of a product each, in one query. An owner is the product,
    the customer and, where it is for one, the subject."""
    wanted = list(owners)
    if not wanted:
        return SpentTrials()
    subject_ids = {subject_id for _, _, subject_id in wanted if subject_id}
    found = SpentTrial.objects.filter(
        Q(subject=None) | Q(subject_id__in=subject_ids),
        customer_id__in={customer_id for _, customer_id, _ in wanted},
        product_id__in={product_id for product_id, _, _ in wanted},
    )
    return SpentTrials(set(found.values_list("product_id", "customer_id", "subject_id")))


def trial_ahead(held: Agreement, planned: Iterable[Planned]) -> Terms | None:
    """Return the plan whose trial something that is planned may begin."""
    for each in planned:
        terms = each.terms or held.terms
        if each.kind in (Kind.START, Kind.PLAN) and (each.trial_days or terms.trial is not None):
            return terms
    return None


def trial_holder(terms: Terms, subject_id: str | None) -> str | None:
    """Return the subject that a trial of a plan is counted for; None: the customer as a whole."""
    per_subject = terms.trial is not None and terms.trial.scope == Scope.SUBJECT
    return subject_id if per_subject else None
