"""What a command answers, and the refusals that several commands share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from core import preconditions
from core.errors import Conflict, NotFound, Unprocessable
from customers.models import Customer, Subject
from customers.services import SubjectEnded, SubjectNotFound
from plans import queries as catalog
from plans.errors import PlanVersionNotFound
from plans.models import PlanVersion, VersionStatus
from plans.terms import Scope, Terms
from subscriptions.agreement import Agreement
from subscriptions.loading import Loaded, load_with_base
from subscriptions.models import Subscription
from subscriptions.states import ENDED


class SubscriptionNotFound(NotFound):
    """There is no such subscription."""

    code = "subscription_not_found"


class ContactSales(Unprocessable):
    """This plan is agreed with sales, not taken by self-service."""

    code = "contact_sales"


class WrongOwner(Unprocessable):
    """The product is sold to subjects and not to customers, the other way round, or to
    subjects of another kind."""

    code = "wrong_owner"


class AlreadyEnded(Conflict):
    """The subscription has ended for good."""

    code = "subscription_ended"


@dataclass(frozen=True, slots=True)
class Result:
    """A command's outcome: the subscription, which of its fields changed, how that was decided, as
    a whole and for each part, and which pending changes it took away."""

    subscription: Subscription
    changes: tuple[tuple[str, Any, Any], ...] = ()
    decision: Mapping[str, Any] | None = None
    parts: Sequence[Mapping[str, Any]] = ()
    replaced: tuple[str, ...] = ()
    created: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """Who subscribes: a customer for itself, or for one of its subjects."""

    customer: Customer
    subject: Subject | None = field(default=None)

    @property
    def subject_id(self) -> str | None:
        return self.subject.id if self.subject else None


def owner_of(*, customer_id: str, subject_id: str | None) -> Owner:
    """Read who subscribes, under the customer's turn.

    :raises SubjectNotFound: if the customer has no such subject
    :raises SubjectEnded: if it has ended
    """
    customer = Customer.objects.get(pk=customer_id)
    if subject_id is None:
        return Owner(customer)
    subject = Subject.objects.filter(pk=subject_id, customer_id=customer_id).first()
    if subject is None:
        raise SubjectNotFound("there is no such subject")
    if subject.ended_at is not None:
        raise SubjectEnded("this subject has ended")
    return Owner(customer, subject)


def load_one(subscription_id: str, *, at: datetime) -> Loaded:
    """Read one subscription under its customer's turn.

    :raises AlreadyEnded: if it has ended
    :raises PreconditionFailed: if it is not what the caller has seen
    """
    if preconditions.are_required():
        preconditions.verify(Subscription.objects.shown().get(pk=subscription_id))
    row = _current(Subscription.objects.select_related("term").get(pk=subscription_id))
    return load_with_base([row], at={row.id: at})[0]


def load_each(at: Mapping[str, datetime]) -> list[Loaded]:
    """Read subscriptions under their customers' turns, each at its instant, in the order of ids.

    :raises AlreadyEnded: if one has ended
    """
    rows = Subscription.objects.select_related("term").filter(pk__in=at).order_by("id")
    return load_with_base([_current(row) for row in rows], at=at)


def _current(row: Subscription) -> Subscription:
    if row.ended_at is not None:
        raise AlreadyEnded("this subscription has ended")
    return row


def customer_of(subscription_id: str) -> str:
    """:raises SubscriptionNotFound: if there is no such subscription"""
    return customers_of([subscription_id])[subscription_id]


def customers_of(subscription_ids: Sequence[str]) -> dict[str, str]:
    """:raises SubscriptionNotFound: if there is no such subscription"""
    rows = Subscription.objects.filter(pk__in=subscription_ids)
    found = dict(rows.values_list("id", "customer_id"))
    if len(found) < len(set(subscription_ids)):
        raise SubscriptionNotFound("there is no such subscription")
    return found


def sellable(
    plan_id: str, *, at: datetime, customer_id: str, override: bool, version_id: str | None = None
) -> Terms:
    """Return the version of a plan that a customer gets now, if it may be had.

    ``version_id`` names another one; the caller has made sure that this is allowed.

    :raises PlanVersionNotFound: if the plan has no such version
    :raises ContactSales: for plans agreed with sales, unless ``override``
    """
    if version_id is None:
        version_id = catalog.effective_version(plan_id, at=at, customer_id=customer_id)
    else:
        check_version(version_id, plan_id=plan_id, customer_id=customer_id)
    terms = catalog.terms(version_id)
    if (terms.contract or terms.externally_managed) and not override:
        raise ContactSales(f"{terms.plan_key} is agreed with sales")
    return terms


def check_version(version_id: str, *, plan_id: str, customer_id: str) -> None:
    """:raises PlanVersionNotFound: unless it is a published version of the plan, for everybody or
    for this customer"""
    rows = PlanVersion.objects.filter(pk=version_id, plan_id=plan_id)
    mine = Q(private_key="") | Q(customers__customer_id=customer_id)
    if not rows.filter(mine).exclude(status=VersionStatus.DRAFT).exists():
        raise PlanVersionNotFound("the plan has no such published version")


def check_owner(terms: Terms, owner: Owner) -> None:
    """:raises WrongOwner: if the product is not sold to such an owner"""
    product = terms.product
    if (product.scope == Scope.SUBJECT) != (owner.subject is not None):
        raise WrongOwner(f"{product.key} is sold to {product.scope}s", scope=str(product.scope))
    kind = product.subject_kind
    if owner.subject is not None and kind and owner.subject.kind != kind:
        raise WrongOwner(f"{product.key} is sold to subjects of kind {kind}", kind=kind)


def zone_for(terms: Terms, customer: Customer) -> str:
    """Return the zone whose days a new agreement's periods follow."""
    return customer.zone if terms.billing_zone == "customer" else terms.billing_zone


def differences(
    before: Agreement,
    after: Agreement,
    *,
    at: datetime,
    pending: tuple[list[str], list[str]] = ([], []),
) -> tuple[tuple[str, Any, Any], ...]:
    """Return what a caller sees change: (field, before, after). ``pending`` are the identifiers of
    pending changes before and after."""
    pairs: list[tuple[str, Any, Any]] = [
        ("plan", before.terms.plan_key, after.terms.plan_key),
        ("plan_version", before.terms.version_id, after.terms.version_id),
        ("interval", before.interval, after.interval),
        ("quantity", before.quantity, after.quantity),
        ("add_ons", add_ons_of(before), add_ons_of(after)),
        ("limits_kept_from", list(before.limits_of), list(after.limits_of)),
        ("state", str(before.state), str(after.state)),
        ("trial_end", before.trial and before.trial.ends_at, after.trial and after.trial.ends_at),
        ("paused_since", before.pause and before.pause.since, after.pause and after.pause.since),
        ("billed", before.is_billed, after.is_billed),
        ("ended_at", None, at if after.state in ENDED else None),
        ("anchor", before.cycle.anchor.at, after.cycle.anchor.at),
        ("extended_seconds", before.cycle.shift_seconds, after.cycle.shift_seconds),
        ("zone", before.cycle.zone, after.cycle.zone),
        ("period_start", before.period.start, after.period.start),
        ("period_end", before.period.end, after.period.end),
        ("pending", *pending),
    ]
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def add_ons_of(agreement: Agreement) -> dict[str, int]:
    """Return the add-ons of an agreement as callers see them: {key: quantity}."""
    return {held.key: held.quantity for held in agreement.add_ons}
