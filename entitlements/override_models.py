"""What owners were given beside all that is sold: overrides."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Least

from core import audit
from core.ids import primary_key
from core.money import Money
from core.ranges import InWholeSeconds, TimeRange
from customers.models import Customer, Subject
from entitlements.overrides import Mode, State
from plans.models import Feature

_OVER_AT = Least("expires_at", "superseded_at", "revoked_at")
_APPROVED = Q(needs_approval=False) | Q(approved_at__isnull=False)
# Whatever ended it before it began has made it never count.
_HAS_LENGTH = (Q(superseded_at=None) | Q(superseded_at__gt=F("starts_at"))) & (
    Q(revoked_at=None) | Q(revoked_at__gt=F("starts_at"))
)
_COUNTS = _APPROVED & Q(rejected_at=None) & _HAS_LENGTH


class OverrideQuerySet(models.QuerySet["Override"]):
    def counting(self) -> Self:
        """Those that count at some time: past ones, present ones, those to come."""
        return self.filter(_COUNTS)

    def overlapping(self, starts_at: datetime, ends_at: datetime | None) -> Self:
        """Those of them that count at some time in ``[starts_at, ends_at)``."""
        rows = self.counting().annotate(ends=_OVER_AT)
        rows = rows.filter(Q(ends=None) | Q(ends__gt=starts_at))
        return rows if ends_at is None else rows.filter(starts_at__lt=ends_at)

    def not_over(self) -> Self:
        """Those that nobody has taken back, refused or replaced; they may have expired."""
        return self.filter(revoked_at=None, rejected_at=None, superseded_at=None)

    def as_of(self, at: datetime | Combinable) -> Self:
        """Add the ``state`` at an instant of the customer."""
        now = at if isinstance(at, Combinable) else Value(at, models.DateTimeField())
        return self.annotate(over=_OVER_AT, now=now).annotate(
            state=Case(
                When(rejected_at__isnull=False, then=Value(State.REJECTED.value)),
                When(revoked_at__isnull=False, then=Value(State.REVOKED.value)),
                When(Q(over__lte=F("now")) | Q(over__lte=F("starts_at")), then=Value("ended")),
                When(~_APPROVED, then=Value(State.WAITING.value)),
                When(starts_at__gt=F("now"), then=Value(State.SCHEDULED.value)),
                default=Value(State.ACTIVE.value),
                output_field=models.CharField(),
            )
        )

    def as_of_each_customer(self, system_now: datetime) -> Self:
        """Add the ``state`` in each customer's now."""
        real = Value(system_now, models.DateTimeField())
        now = Coalesce(F("customer__test_clock__frozen_at"), real)
        return self.as_of(Greatest(F("customer__last_acted_at"), now))


class Override(models.Model):
    """One feature of one owner that somebody has set, raised or added to, for a reason.

    It counts in ``[starts_at, expires_at)``, no longer once it is revoked or another one supersedes
    it, and not at all before it is approved, if it needs that: read by time, so that no job is
    needed to end it. ``value_given`` is in minor units of ``currency``, the customer's. Overrides
    are kept: they tell what held before.
    """

    id = primary_key("ovr")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="+")
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    mode = models.CharField(max_length=8, choices=[(each.value, each.value) for each in Mode])
    value = models.JSONField()
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=128)
    recorded_at = models.DateTimeField()
    value_given = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    supersede = models.BooleanField(default=False)
    needs_approval = models.BooleanField(default=False)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=128, blank=True)
    rejected_at = models.DateTimeField(null=True)
    rejected_by = models.CharField(max_length=128, blank=True)
    superseded_at = models.DateTimeField(null=True)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=128, blank=True)

    objects = OverrideQuerySet.as_manager()

    state: str  # where the rows were read ``as_of`` an instant

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("starts_at")),
                name="override_lasts",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__gte=F("created_at")),
                name="override_begins_when_it_is_made_or_later",
            ),
            models.CheckConstraint(
                condition=Q(InWholeSeconds("starts_at")) & Q(InWholeSeconds("expires_at")),
                name="override_begins_and_ends_on_whole_seconds",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="override_has_a_reason"),
            models.CheckConstraint(
                condition=Q(value_given=None, currency="")
                | (Q(value_given__gte=0) & ~Q(currency="")),
                name="override_value_given_in_a_currency",
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None, approved_by="")
                | (
                    Q(needs_approval=True, approved_at__isnull=False, rejected_at=None)
                    & ~Q(approved_by="")
                    & ~Q(approved_by=F("created_by"))
                ),
                name="override_approved_by_somebody_else",
            ),
            models.CheckConstraint(
                condition=Q(rejected_at=None, rejected_by="")
                | (Q(needs_approval=True, rejected_at__isnull=False) & ~Q(rejected_by="")),
                name="override_rejected_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(superseded_at=None, superseded_by=None)
                | Q(superseded_at__isnull=False, superseded_by__isnull=False),
                name="override_superseded_by_another",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_by="")),
                name="override_revoked_by_somebody",
            ),
            ExclusionConstraint(
                name="override_once_at_a_time",
                expressions=[
                    (Coalesce("subject", "customer"), RangeOperators.EQUAL),
                    ("feature", RangeOperators.EQUAL),
                    (TimeRange("starts_at", _OVER_AT), RangeOperators.OVERLAPS),
                ],
                condition=_COUNTS,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mode} of {self.feature.key} of {self.subject_id or self.customer_id}"

    @property
    def over_at(self) -> datetime | None:
        """When it is no longer in effect, as far as that is known."""
        ends = (self.expires_at, self.superseded_at, self.revoked_at)
        return min((each for each in ends if each is not None), default=None)

    @property
    def worth(self) -> Money | None:
        """What it gives away; None where that is no amount."""
        return None if self.value_given is None else Money(self.value_given, self.currency)
