"""Subscriptions, the terms they had and have, and what is agreed for later."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from core import audit
from core.ids import TypeIdField, primary_key
from core.ranges import TimeRange
from customers.models import Customer, Subject
from plans.models import PlanVersion, Product
from plans.terms import PauseMode
from subscriptions.states import ENTITLED, State


def _choices(values: type[StrEnum]) -> list[tuple[str, str]]:
    return [(each.value, each.value) for each in values]


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
            .prefetch_related("plan_version__plan")  # not joined: most have nothing pending
            .order_by("effective_at", "id")
        )
        return self.select_related("product", "plan_version__plan", "term").prefetch_related(
            models.Prefetch("changes", pending, to_attr="pending_changes")
        )

    def of_owner(self, *, customer_id: str, subject_id: str | None) -> Self:
        """Those of a subject, or of the customer itself."""
        return self.filter(customer_id=customer_id, subject_id=subject_id)


class Subscription(models.Model):
    """One agreement: who has which product, on what terms now. ``version`` counts its changes.

    ``term`` is the latest of its terms; plan version, interval, quantity and state repeat it, to be
    found by. The period is the open one.
    """

    id = primary_key("sub")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="subscriptions")
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="subscriptions")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    is_exclusive = models.BooleanField()
    term = models.ForeignKey("Term", models.PROTECT, related_name="+")
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    interval = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    quantity = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=State.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
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
                | (~Q(state="canceled") & Q(ended_at=None)),
            ),
            models.CheckConstraint(
                name="subscription_is_due_unless_it_waits",
                condition=Q(state__in=["canceled", "paused"]) | Q(next_due_at__isnull=False),
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
                    (TimeRange("started_at", "ended_at"), RangeOperators.OVERLAPS),
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
    IMPORTED = "imported"
    CHANGED = "changed"
    SCHEDULED = "scheduled"
    FALLBACK = "fallback"
    TRIAL_END = "trial_end"
    TRIAL_MOVED = "trial_moved"
    REANCHORED = "reanchored"
    BILLING_START = "billing_start"
    BILLING_END = "billing_end"
    PAUSED = "paused"
    RESUMED = "resumed"
    PAYMENT_FAILED = "payment_failed"
    PAST_DUE = "past_due"
    RECOVERED = "recovered"
    RESTORED = "restored"
    CANCELED = "canceled"
    OWNER_ENDED = "owner_ended"


class TermQuerySet(models.QuerySet["Term"]):
    def standing(self) -> Self:
        """Those that history is made of: what was put in their place is left out."""
        return self.filter(superseded_at=None)

    def known_at(self, at: datetime) -> Self:
        """Those that history was made of, as it was known at an instant of the machine's time."""
        known = Q(superseded_at=None) | Q(superseded_at__gt=at)
        return self.filter(known, recorded_at__lte=at)


class Term(models.Model):
    """What a subscription is from ``starts_at`` until its next term starts: the whole agreement.

    Terms are only added. One that starts when another does, or before it, supersedes that one: so
    a change and a change back at one instant leave no trace in history, and what was known earlier
    can still be told. ``decision`` keeps how the change was decided, and by which rule.

    ``add_ons`` is {key: {version, quantity}}; ``limits_of`` are the plan's earlier versions whose
    limits are kept. ``anchor_day`` is the day of the month that is remembered where it is not the
    anchor's own. The period is the one open at ``starts_at``. ``is_composed`` tells that not only
    its owner changed plans at that instant: a further change then builds on it, and does not come
    in its place.
    """

    id = primary_key("trm")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="terms")
    starts_at = models.DateTimeField()
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    interval = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    quantity = models.PositiveIntegerField()
    add_ons = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State.choices)
    anchor_at = models.DateTimeField()
    anchor_day = models.PositiveSmallIntegerField(null=True)
    zone = models.CharField(max_length=64)
    shift_seconds = models.PositiveBigIntegerField(default=0)
    joined_at = models.DateTimeField(null=True)
    left_zone = models.CharField(max_length=64, blank=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    trial_starts_at = models.DateTimeField(null=True)
    trial_ends_at = models.DateTimeField(null=True)
    paused_since = models.DateTimeField(null=True)
    pause_mode = models.CharField(max_length=6, choices=_choices(PauseMode), blank=True)
    is_past_due_in_pause = models.BooleanField(default=False)
    is_billed = models.BooleanField(default=True)
    limits_of = ArrayField(TypeIdField("plv"), default=list)
    is_composed = models.BooleanField(default=False)
    cause = models.CharField(max_length=16, choices=Cause.choices)
    decision = models.JSONField(default=dict)
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    objects = TermQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "starts_at"],
                condition=Q(superseded_at=None),
                name="term_one_per_instant",
            ),
            models.CheckConstraint(
                condition=Q(period_start__lt=F("period_end")), name="term_period_is_forward"
            ),
            models.CheckConstraint(
                condition=Q(state="paused", paused_since__isnull=False) & ~Q(pause_mode="")
                | (
                    ~Q(state="paused")
                    & Q(paused_since=None, pause_mode="", is_past_due_in_pause=False)
                ),
                name="term_paused_iff_in_a_pause",
            ),
            models.CheckConstraint(
                condition=Q(trial_starts_at__lt=F("trial_ends_at"))
                | Q(trial_starts_at=None, trial_ends_at=None) & ~Q(state="trialing"),
                name="term_trialing_has_a_trial",
            ),
            models.CheckConstraint(
                condition=Q(joined_at=None, left_zone="")
                | Q(joined_at__isnull=False) & ~Q(left_zone=""),
                name="term_joined_a_zone_from_another",
            ),
            models.CheckConstraint(
                condition=~Q(limits_of__contains=[F("plan_version")]),
                name="term_keeps_limits_of_other_versions",
            ),
        ]
        indexes = [models.Index(fields=["customer", "starts_at"], name="term_by_customer")]

    def __str__(self) -> str:
        return f"{self.subscription_id} from {self.starts_at.isoformat()}"


class SpentTrial(models.Model):
    """A trial that was begun: there is one per product and customer, or subject."""

    id = primary_key("trl")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="+")
    product = models.ForeignKey(Product, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.UniqueConstraint(
                fields=["product", "customer", "subject"],
                nulls_distinct=False,
                name="trial_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} from {self.starts_at.isoformat()}"


class ChangeKind(models.TextChoices):
    START = "start"
    BILLING_START = "billing_start"
    PLAN = "plan"
    QUANTITY = "quantity"
    ADD_ON = "add_on"
    END = "end"
    BILLING_END = "billing_end"
    PAUSE = "pause"
    RESUME = "resume"
    ANCHOR = "anchor"


class ChangeStatus(models.TextChoices):
    PENDING = "pending"
    APPLIED = "applied"
    REPLACED = "replaced"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"


class PendingChangeQuerySet(models.QuerySet["PendingChange"]):
    def pending(self) -> Self:
        return self.filter(status=ChangeStatus.PENDING)

    def pending_at(self, at: datetime) -> Self:
        """Those that were agreed and still to come at an instant of the customer's time."""
        open_then = Q(resolved_at=None) | Q(resolved_at__gt=at)
        return self.filter(open_then, created_at__lte=at)

    def known_at(self, at: datetime) -> Self:
        """Those that were known and still to come at an instant of the machine's time."""
        known = Q(closed_at=None) | Q(closed_at__gt=at)
        return self.filter(known, recorded_at__lte=at)


class PendingChange(models.Model):
    """A change that was agreed and has not happened yet: one per subscription and kind, and of
    add-ons one per add-on.

    It names the version and interval it leads to, so that a later edit of the catalog does not move
    what was agreed. An end that names none ends the subscription for good. ``details`` hold what
    other kinds need (quantity, add_on, pause_mode, anchor, zone, trial_days), and
    keep_higher_limits of a change of version. ``with_period`` marks what happens at the period's
    end, and moves when that moves. ``created_at`` and ``resolved_at`` are the customer's time,
    ``recorded_at`` and ``closed_at`` the machine's.
    """

    id = primary_key("pch")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=16, choices=ChangeKind.choices)
    key = models.CharField(max_length=128, blank=True)
    effective_at = models.DateTimeField()
    with_period = models.BooleanField()
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, null=True, related_name="+")
    interval = models.CharField(max_length=32, blank=True)
    details = models.JSONField(default=dict)
    decision = models.JSONField(default=dict)
    status = models.CharField(
        max_length=16, choices=ChangeStatus.choices, default=ChangeStatus.PENDING
    )
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    objects = PendingChangeQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "kind", "key"],
                condition=Q(status="pending"),
                name="pending_change_one_per_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["plan", "end"], plan_version__isnull=False) & ~Q(interval="")
                | ~Q(kind="plan") & Q(plan_version=None, interval=""),
                name="pending_change_names_what_it_needs",
            ),
            models.CheckConstraint(
                condition=Q(status="pending", resolved_at=None, closed_at=None)
                | (~Q(status="pending") & Q(resolved_at__isnull=False, closed_at__isnull=False)),
                name="pending_change_resolved_iff_not_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subscription_id} at {self.effective_at.isoformat()}"


# Below, because they refer to subscriptions.
from subscriptions.block_models import Block as Block  # noqa: E402
from subscriptions.import_models import Import as Import  # noqa: E402
