"""Reads about subscriptions that are more than a filter."""

from collections.abc import Sequence

from plans import queries as catalog
from plans.terms import Terms
from subscriptions.models import ChangeKind, PendingChange, Term
from subscriptions.spans import Agreed, Span, with_agreed


def spans(customer_ids: Sequence[str]) -> list[Span]:
    """Return when each subscription of these customers grants what, past and agreed future.

    A fixed number of queries, however many customers.
    """
    terms = list(
        Term.objects.filter(customer_id__in=customer_ids)
        .select_related("subscription")
        .order_by("subscription_id", "starts_at", "ends_at", "id")
    )
    pending = list(PendingChange.objects.pending().filter(customer_id__in=customer_ids))
    version_ids = {each.plan_version_id for each in terms}
    version_ids |= {each.plan_version_id for each in pending if each.plan_version_id}
    versions = catalog.terms_of(version_ids)
    history: dict[str, list[Term]] = {}
    for each in terms:
        history.setdefault(each.subscription_id, []).append(each)
    agreed: dict[str, list[PendingChange]] = {}
    for change in pending:
        agreed.setdefault(change.subscription_id, []).append(change)
    return [
        span
        for subscription_id, rows in history.items()
        for span in with_agreed(
            [_span(row, versions[row.plan_version_id]) for row in rows],
            [_agreed(each, rows[-1], versions) for each in agreed.get(subscription_id, [])],
        )
    ]


def _span(term: Term, terms: Terms) -> Span:
    return Span(
        subscription_id=term.subscription_id,
        customer_id=term.customer_id,
        subject_id=term.subscription.subject_id,
        product_key=terms.product.key,
        plan_key=terms.plan_key,
        plan_version_id=terms.version_id,
        quantity=term.quantity,
        start=term.starts_at,
        end=term.ends_at,
        interval=term.interval,
        anchor=term.anchor_at,
        zone=term.zone,
        cause=term.cause,
    )


def _agreed(change: PendingChange, current: Term, versions: dict[str, Terms]) -> Agreed:
    is_end = change.kind == ChangeKind.END
    if change.plan_version_id is None:
        return Agreed(change.effective_at, is_end, None)
    following = Term(
        customer_id=change.customer_id,
        subscription=current.subscription,
        plan_version_id=change.plan_version_id,
        interval=change.interval,
        quantity=current.quantity,
        anchor_at=current.anchor_at,
        zone=current.zone,
        starts_at=change.effective_at,
        cause="fallback" if is_end else "scheduled",
    )
    return Agreed(change.effective_at, is_end, _span(following, versions[change.plan_version_id]))
