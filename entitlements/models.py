"""What was given to whom, what that makes of each owner, and each customer's revision."""

from typing import Self

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from core import audit
from core.ids import primary_key
from core.ranges import InWholeSeconds, TimeRange
from customers.models import Customer, Subject
from entitlements.override_models import Override as Override  # a model of this app
from plans.terms import Effect


class FactQuerySet(models.QuerySet["Fact"]):
    def known(self) -> Self:
        """What is held to be true now; superseded facts are what was held true before."""
        return self.filter(superseded_at=None)


class Fact(models.Model):
    """One source gives one owner a feature's value in ``[starts_at, ends_at)``.

    Bitemporal: ``starts_at`` and ``ends_at`` are the customer's time, ``recorded_at`` and
    ``superseded_at`` the machine's. A fact is never changed or deleted, only superseded. The owner
    is the subject or, without one, the customer. ``paused`` and ``blocked_by`` withhold access.
    """

    id = primary_key("fct")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subject = models.ForeignKey(
        Subject, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    feature = models.CharField(max_length=128)
    value = models.JSONField()
    source_type = models.CharField(max_length=16)
    source_id = models.CharField(max_length=192)
    source = models.JSONField()
    window = models.JSONField(null=True)
    cause = models.CharField(max_length=32)
    effect = models.CharField(max_length=7, db_default=str(Effect.SET))
    paused = models.BooleanField(db_default=False)
    blocked_by = ArrayField(models.CharField(max_length=128), db_default=[])
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    actor = models.CharField(max_length=128)
    reason = models.TextField(blank=True)

    objects = FactQuerySet.as_manager()

    class Meta:
        triggers = [
            *audit.triggers(),
            pgtrigger.Protect(name="fact_is_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="fact_is_superseded_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL"
                    " OR to_jsonb(NEW) - 'superseded_at' <> to_jsonb(OLD) - 'superseded_at'"
                ),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="fact_lasts",
            ),
            models.CheckConstraint(
                condition=Q(InWholeSeconds("starts_at")) & Q(InWholeSeconds("ends_at")),
                name="fact_begins_and_ends_on_whole_seconds",
            ),
            models.CheckConstraint(
                condition=Q(superseded_at=None) | Q(superseded_at__gte=F("recorded_at")),
                name="fact_known_before_superseded",
            ),
            ExclusionConstraint(
                name="facts_of_a_source_do_not_overlap",
                expressions=[
                    (Coalesce("subject", "customer"), RangeOperators.EQUAL),
                    ("source_id", RangeOperators.EQUAL),
                    ("feature", RangeOperators.EQUAL),
                    (TimeRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
                condition=Q(superseded_at=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "subject"],
                name="fact_known",
                condition=Q(superseded_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.feature} of {self.owner_id} from {self.source_id}"

    @property
    def owner_id(self) -> str:
        return self.subject_id or self.customer_id


class Timeline(models.Model):
    """What one owner has from ``starts_at`` on: its facts resolved, to be read in one piece.

    A copy that can be computed again. ``blocks`` are those of the whole owner that take access;
    those of a customer are its subjects' too. ``revision`` is the customer's at its last change.
    """

    owner_id = models.UUIDField(primary_key=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subject = models.ForeignKey(
        Subject, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    starts_at = models.DateTimeField()
    segments = models.JSONField()
    blocks = models.JSONField(default=list, db_default=[])
    next_boundary_at = models.DateTimeField(null=True)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(owner_id=Coalesce("subject", "customer")),
                name="timeline_is_of_its_owner",
            ),
            models.CheckConstraint(
                condition=Q(next_boundary_at=None) | Q(next_boundary_at__gt=F("starts_at")),
                name="timeline_boundary_lies_ahead",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "next_boundary_at"],
                name="timeline_boundaries",
                condition=Q(next_boundary_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.owner

    @property
    def owner(self) -> str:
        return self.subject_id or self.customer_id


class CustomerRevision(models.Model):
    """How often what a customer or its subjects have been given has changed.

    A restored backup begins a new ``epoch``, so that no (epoch, revision) ever means two things.
    """

    customer = models.OneToOneField(
        Customer, models.PROTECT, primary_key=True, related_name="entitlement_revision"
    )
    epoch = models.PositiveIntegerField(default=1)
    revision = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(epoch__gte=1, revision__gte=1), name="revision_counts_from_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.epoch}.{self.revision}"
