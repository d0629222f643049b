"""Reads: how far provisioning is, for callers, customers and staff."""

from collections.abc import Sequence
from enum import StrEnum

from django.db.models import Count, F, Min, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.principals import Principal
from plans.models import ProductService
from provisioning.models import ServiceConfiguration, ServiceSecret, Target


class Status(StrEnum):
    """What a customer is told about one target. The worst one stands for many."""

    APPLIED = "applied"
    PENDING = "pending"
    FAILED = "failed"


NOTHING = "none"
MESSAGES = {
    Status.APPLIED: "Everything is set up.",
    Status.PENDING: "A change is on its way.",
    Status.FAILED: "A change could not be made. We have been told and are looking at it.",
}


def status(target: Target) -> Status:
    """Return what a customer is told about a target."""
    if target.dead_lettered_at is not None:
        return Status.FAILED
    return Status.PENDING if target.is_lagging else Status.APPLIED


def status_of(customer_ids: Sequence[str]) -> dict[str, object]:
    """Return how many targets customers have, and how they stand as a whole: failed if one was
    given up, else pending if one waits, else applied; none without targets."""
    of_customers = Target.objects.filter(customer_id__in=customer_ids)
    counted = of_customers.aggregate(
        targets=Count("pk"),
        failed=Count("pk", filter=Q(dead_lettered_at__isnull=False)),
        lagging=Count("pk", filter=Q(applied_generation__lt=F("desired_generation"))),
    )
    if not counted["targets"]:
        return {"targets": 0, "status": NOTHING}
    worst = Status.APPLIED
    if counted["lagging"]:
        worst = Status.PENDING
    if counted["failed"]:
        worst = Status.FAILED
    return {"targets": counted["targets"], "status": str(worst)}


def services(principal: Principal | None = None) -> QuerySet[ProductService]:
    """Return the product services that a caller may see, with their configuration and secrets.

    A caller limited to a product service sees that one; one limited to a customer, none.
    """
    live = ServiceSecret.objects.live().order_by("created_at")
    rows = ProductService.objects.select_related("configuration").prefetch_related(
        Prefetch("configuration__secrets", live, to_attr="live_secrets")
    )
    if principal is None:
        return rows
    if principal.customer_id is not None:
        return rows.none()
    if principal.product_service is not None:
        return rows.filter(key=principal.product_service)
    return rows


def targets(principal: Principal | None = None) -> QuerySet[Target]:
    """Return the targets that a caller may see in full. Callers limited to a customer see none:
    what services answered is for staff, and customers have a view of their own."""
    rows = Target.objects.select_related("service", "customer", "subject")
    if principal is None:
        return rows
    if principal.customer_id is not None:
        return rows.none()
    if principal.product_service is not None:
        return rows.filter(service__key=principal.product_service)
    return rows


def targets_of(customer_id: str, principal: Principal) -> QuerySet[Target]:
    """Return a customer's own targets and those of its subjects, for the customer's view."""
    rows = Target.objects.select_related("service", "subject").filter(customer_id=customer_id)
    if principal.product_service is not None:
        return rows.filter(service__key=principal.product_service)
    return rows


def with_lag(rows: QuerySet[ServiceConfiguration]) -> QuerySet[ServiceConfiguration]:
    """Add how far behind each product service is: ``waiting`` and ``dead_letters`` are numbers of
    targets, ``oldest_due_at`` the earliest waiting try. Only what waits or was given up is read."""
    of_service = Target.objects.filter(service_id=OuterRef("service_id")).order_by()
    waiting = of_service.waiting().values("service_id")
    dead = of_service.dead().values("service_id")
    return rows.annotate(
        waiting=Coalesce(Subquery(waiting.annotate(n=Count("pk")).values("n")), 0),
        oldest_due_at=Subquery(waiting.annotate(at=Min("next_attempt_at")).values("at")),
        dead_letters=Coalesce(Subquery(dead.annotate(n=Count("pk")).values("n")), 0),
    )
