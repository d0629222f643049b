"""Subscriptions, the terms they had and have, their billing periods, and what is to come."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce

from core import audit
from core.ids import primary_key
from customers.models import Customer, Subject
from plans.models import PlanVersion, Product
from subscriptions.states import ENTITLED, State


class _Range(Func):
    """``[start, end)``; without an end it never ends."""

    function = "tstzrange"
    output_field = DateTimeRangeField()


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def current(self) -> Self:
        """Those that have not ended."""
        return self.exclude(state=State.CANCELED)

    def entitled(self) -> Self:
        """Those that grant what their plan holds."""
        return self.filter(state__in=ENTITLED)

    def due(self, until: datetime) -> Self:
        return self.filter(next_due_at__lte=until)

    def shown(self) -> Self:
        """With all that a subscription's representation needs, in a fixed number of queries."""
        pending = (
            PendingChange.objects.pending()
            .select_related("plan_version__plan")
            .order_by("effective_at", "id")
        )
        return self.select_related("product", "plan_version__plan").prefetch_related(
            models.Prefetch("changes", pending, to_attr="pending_changes")
        )

    def of_owner(self, *, customer_id: str, subject_id: str | None) -> Self:
        """Those of a subject, or of the customer itself."""
        return self.filter(customer_id=customer_id, subject_id=subject_id)


class Subscription(models.Model):
    """One agreement: who has which product, on what terms now. ``version`` counts its changes.

    Plan version, interval, currency and quantity repeat the latest ``Term``; the period repeats
    the latest ``BillingPeriod``.
    """

    id = primary_key("sub")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="subscriptions")
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="subscriptions")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    is_exclusive = models.BooleanField()
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    interval = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    quantity = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=State.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    anchor_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    next_due_at = models.DateTimeField(null=True)
    metadata = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers(ignored=("updated_at",))
        constraints = [
            models.CheckConstraint(
                name="subscription_period_is_forward",
                condition=Q(period_start__lt=F("period_end")),
            ),
            models.CheckConstraint(
                name="subscription_ended_iff_canceled",
                condition=Q(state="canceled", ended_at__isnull=False, next_due_at=None)
                | (~Q(state="canceled") & Q(ended_at=None, next_due_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="subscription_ends_after_it_began",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
            ),
            ExclusionConstraint(
                name="subscription_exclusive",
                expressions=[
                    ("product", RangeOperators.EQUAL),
                    (Coalesce("subject", "customer"), RangeOperators.EQUAL),
                    (_Range("started_at", "ended_at"), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_exclusive=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "next_due_at"],
                name="subscription_due",
                condition=Q(next_due_at__isnull=False),
            ),
            models.Index(fields=["plan_version", "state"], name="subscription_by_version"),
            models.Index(fields=["updated_at"], name="subscription_updated"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Cause(models.TextChoices):
    """Why a term began."""

    DEFAULT = "default"
    SUBSCRIBED = "subscribed"
    CHANGED = "changed"
    SCHEDULED = "scheduled"
    FALLBACK = "fallback"


class TermQuerySet(models.QuerySet["Term"]):
    def open(self) -> Self:
        return self.filter(ends_at=None)


class Term(models.Model):
    """What a subscription was worth from one instant to another: version, interval, quantity.

    The terms of a subscription follow each other without a gap. ``decision`` keeps what the change
    policy decided, and by which rule.
    """

    id = primary_key("trm")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="terms")
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    interval = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    quantity = models.PositiveIntegerField()
    anchor_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    cause = models.CharField(max_length=16, choices=Cause.choices)
    decision = models.JSONField(default=dict)
    recorded_at = models.DateTimeField()

    objects = TermQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"], condition=Q(ends_at=None), name="term_one_is_open"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")),
                name="term_ends_after_it_began",
            ),
            ExclusionConstraint(
                name="terms_do_not_overlap",
                expressions=[
                    ("subscription", RangeOperators.EQUAL),
                    (_Range("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [models.Index(fields=["customer", "starts_at"], name="term_by_customer")]

    def __str__(self) -> str:
        return f"{self.subscription_id} from {self.starts_at.isoformat()}"


class BillingPeriod(models.Model):
    """One billing period, ``[starts_at, ends_at)``. A subscription's periods tile its life.

    A change may cut the open period short; nothing else changes a period.
    """

    id = primary_key("per")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="periods")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="period_is_forward"
            ),
            ExclusionConstraint(
                name="periods_do_not_overlap",
                expressions=[
                    ("subscription", RangeOperators.EQUAL),
                    (_Range("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [models.Index(fields=["subscription", "starts_at"], name="period_in_order")]

    def __str__(self) -> str:
        return f"{self.subscription_id} {self.starts_at.isoformat()}"


class ChangeKind(models.TextChoices):
    PLAN = "plan"
    END = "end"


class ChangeStatus(models.TextChoices):
    PENDING = "pending"
    APPLIED = "applied"
    REPLACED = "replaced"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"


class PendingChangeQuerySet(models.QuerySet["PendingChange"]):
    def pending(self) -> Self:
        return self.filter(status=ChangeStatus.PENDING)


class PendingChange(models.Model):
    """A change that was agreed and has not happened yet: one per subscription and kind.

    It names the version and interval it leads to, so that a later edit of the catalog does not move
    what was agreed. An end that names none ends the subscription for good.
    """

    id = primary_key("pch")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=16, choices=ChangeKind.choices)
    effective_at = models.DateTimeField()
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+")
    interval = models.CharField(max_length=32, blank=True)
    decision = models.JSONField(default=dict)
    status = models.CharField(
        max_length=16, choices=ChangeStatus.choices, default=ChangeStatus.PENDING
    )
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    objects = PendingChangeQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "kind"],
                condition=Q(status="pending"),
                name="pending_change_one_per_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="plan", plan_version__isnull=False) & ~Q(interval="")
                | Q(kind="end", plan_version__isnull=False) & ~Q(interval="")
                | Q(kind="end", plan_version=None, interval=""),
                name="pending_change_names_what_it_needs",
            ),
            models.CheckConstraint(
                condition=Q(status="pending", resolved_at=None)
                | (~Q(status="pending") & Q(resolved_at__isnull=False)),
                name="pending_change_resolved_iff_not_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subscription_id} at {self.effective_at.isoformat()}"
