"""Where product services are, what each should hold of each owner, and every try to tell them."""

from datetime import datetime, timedelta
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q

from core import audit
from core.ids import primary_key
from customers.models import Customer, Subject
from plans.models import ProductService
from provisioning.documents import Desired, Names, Owner, State

SECRET_SLOTS = (1, 2)  # two live secrets: the one in use and the one it is rotated to
DEFAULT_GRACE_DAYS = 30
LONGEST_GRACE_DAYS = 3650


class ServiceStatus(models.TextChoices):
    LIVE = "live"
    PAUSED = "paused"
    DISABLED = "disabled"


class ServiceConfigurationQuerySet(models.QuerySet["ServiceConfiguration"]):
    def called(self) -> Self:
        """Services that documents are sent to now."""
        return self.filter(paused_at=None, disabled_at=None)

    def being_planned(self) -> Self:
        """Services whose owners have yet to be looked at, since they are new or changed."""
        return self.filter(planning_since__isnull=False)


class ServiceConfiguration(models.Model):
    """Where a product service of the catalog is, and whether it is called.

    While ``planning_since`` is set, all owners are being given their targets at the service, in
    the order of their identifiers; those up to ``planned_through`` have theirs.
    """

    id = primary_key("scf")
    service = models.OneToOneField(ProductService, models.PROTECT, related_name="configuration")
    url = models.CharField(max_length=2048)
    sandbox = models.BooleanField(default=False)
    grace_days = models.PositiveSmallIntegerField(default=DEFAULT_GRACE_DAYS)
    paused_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    stopped_because = models.TextField(blank=True)
    planning_since = models.DateTimeField(null=True)
    planned_through = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    objects = ServiceConfigurationQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers(customer="", ignored=("planning_since", "planned_through"))
        constraints = [
            models.CheckConstraint(
                condition=Q(grace_days__lte=LONGEST_GRACE_DAYS), name="service_grace_is_bounded"
            ),
            models.CheckConstraint(
                condition=Q(planning_since__isnull=False) | Q(planned_through=None),
                name="service_planned_through_while_planning",
            ),
        ]

    def __str__(self) -> str:
        return str(self.service_id)

    @property
    def is_called(self) -> bool:
        return self.paused_at is None and self.disabled_at is None

    @property
    def status(self) -> ServiceStatus:
        if self.disabled_at is not None:
            return ServiceStatus.DISABLED
        return ServiceStatus.LIVE if self.paused_at is None else ServiceStatus.PAUSED

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.grace_days)


class ServiceSecretQuerySet(models.QuerySet["ServiceSecret"]):
    def live(self) -> Self:
        return self.filter(revoked_at=None)


class ServiceSecret(models.Model):
    """A key that requests to a product service are signed with. It is shown once, when it is made;
    the database only holds it sealed."""

    id = primary_key("whs")
    configuration = models.ForeignKey(ServiceConfiguration, models.PROTECT, related_name="secrets")
    slot = models.PositiveSmallIntegerField()
    sealed = models.BinaryField()
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    objects = ServiceSecretQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers(customer="", personal=True)
        constraints = [
            models.UniqueConstraint(
                fields=["configuration", "slot"],
                condition=Q(revoked_at=None),
                name="service_secret_slot_once",
            ),
            models.CheckConstraint(
                condition=Q(slot__in=SECRET_SLOTS), name="service_secret_two_slots"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class TargetQuerySet(models.QuerySet["Target"]):
    def lagging(self) -> Self:
        """Those whose newest document is not known to be applied."""
        return self.filter(applied_generation__lt=F("desired_generation"))

    def waiting(self) -> Self:
        """Those with something to send."""
        return self.filter(next_attempt_at__isnull=False)

    def due(self, now: datetime) -> Self:
        """Those to send now that nobody else is sending."""
        return self.filter(next_attempt_at__lte=now).exclude(lease_until__gt=now)

    def leased(self, now: datetime) -> Self:
        """Those that somebody is sending."""
        return self.filter(lease_until__gt=now)

    def dead(self) -> Self:
        """Those that were given up."""
        return self.filter(dead_lettered_at__isnull=False)

    def of_owners(self, owners: list[Owner]) -> Self:
        """Those of subjects, and of customers themselves."""
        subject_ids = [owner.subject_id for owner in owners if owner.subject_id]
        customer_ids = [owner.customer_id for owner in owners if not owner.subject_id]
        return self.filter(
            Q(subject_id__in=subject_ids) | Q(subject=None, customer_id__in=customer_ids)
        )


class Target(models.Model):
    """What one product service should hold of one owner, and what it is known to hold.

    The owner is the subject or, without one, the customer. Only one worker at a time sends: it
    holds the lease, and only while the ``fencing_token`` is still its own does what it found out
    count. ``planned_at`` is the owner's instant that the content was planned for.
    """

    id = primary_key("tgt")
    service = models.ForeignKey(
        ProductService, models.PROTECT, db_index=False, related_name="targets"
    )
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="targets")
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="targets")
    state = models.CharField(max_length=9, choices=[(each.value, each.value) for each in State])
    desired_content = models.JSONField()
    desired_generation = models.BigIntegerField()
    desired_hash = models.CharField(max_length=71)
    planned_at = models.DateTimeField()
    applied_content = models.JSONField(null=True)
    applied_generation = models.BigIntegerField(default=0)
    applied_hash = models.CharField(max_length=71, blank=True)
    applied_at = models.DateTimeField(null=True)
    ahead_of = models.BigIntegerField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(default=0)
    trying_since = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fencing_token = models.BigIntegerField(default=0)
    dead_lettered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=64, blank=True)
    problem_detail = models.TextField(blank=True)
    created_at = models.DateTimeField()

    objects = TargetQuerySet.as_manager()

    class Meta:
        triggers = [
            *audit.triggers(
                ignored=(
                    "planned_at",
                    "applied_content",
                    "next_attempt_at",
                    "attempts",
                    "refusals",
                    "trying_since",
                    "lease_until",
                    "fencing_token",
                    "problem",
                    "problem_detail",
                )
            ),
            pgtrigger.Protect(
                name="generations_only_rise",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.desired_generation < OLD.desired_generation"
                    " OR NEW.applied_generation < OLD.applied_generation"
                    " OR NEW.fencing_token < OLD.fencing_token"
                ),
            ),
            pgtrigger.Protect(
                name="generation_counts_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.desired_generation <> OLD.desired_generation"
                    " + (NEW.desired_hash <> OLD.desired_hash)::int"
                    " AND NEW.ahead_of IS DISTINCT FROM NEW.desired_generation - 1"
                ),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "customer", "subject"],
                nulls_distinct=False,
                name="target_once_per_service_and_owner",
            ),
            models.CheckConstraint(
                condition=Q(desired_generation__gte=1) & Q(applied_generation__gte=0),
                name="target_generations_count_from_one",
            ),
            models.CheckConstraint(
                condition=Q(applied_generation__lte=F("desired_generation")),
                name="target_applied_is_not_beyond_desired",
            ),
            models.CheckConstraint(
                condition=Q(applied_generation=F("desired_generation"))
                | Q(next_attempt_at__isnull=False)
                | Q(dead_lettered_at__isnull=False),
                name="target_lagging_is_due_or_given_up",
            ),
            models.CheckConstraint(
                condition=Q(next_attempt_at=None) | Q(dead_lettered_at=None),
                name="target_given_up_is_not_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["service", "next_attempt_at"],
                name="target_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["service", "lease_until"],
                name="target_leased",
                condition=Q(lease_until__isnull=False),
            ),
            models.Index(
                fields=["service", "dead_lettered_at"],
                name="target_given_up",
                condition=Q(dead_lettered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def owner(self) -> Owner:
        return Owner(self.customer_id, self.subject_id)

    @property
    def desired(self) -> Desired:
        return Desired(self.desired_generation, self.desired_content, self.desired_hash)

    @property
    def applied(self) -> Desired | None:
        """What the service last said it holds."""
        if self.applied_content is None:
            return None
        return Desired(self.applied_generation, self.applied_content, self.applied_hash)

    @property
    def names(self) -> Names:
        """The owner's names; customer and subject must have been selected with the target."""
        if self.subject is None:
            return Names(self.customer.key)
        return Names(self.customer.key, self.subject.key, self.subject.kind)

    @property
    def is_lagging(self) -> bool:
        return self.applied_generation < self.desired_generation


class Attempt(models.Model):
    """One try to send a document. It is counted before it is made: one without an ``outcome`` is
    under way; ``lost``: its worker never said, and another one has taken the target over. Answers
    are untrusted text, kept escaped."""

    id = primary_key("att")
    target = models.ForeignKey(Target, models.CASCADE, db_index=False, related_name="history")
    generation = models.BigIntegerField()
    hash = models.CharField(max_length=71)
    url = models.CharField(max_length=2200)
    fencing_token = models.BigIntegerField()
    started_at = models.DateTimeField()
    elapsed_ms = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=16, blank=True)
    problem = models.CharField(max_length=64, blank=True)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["target", "-id"], name="attempt_by_target"),
            models.Index(fields=["started_at"], name="attempt_age"),
        ]

    def __str__(self) -> str:
        return str(self.id)
