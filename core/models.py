"""The kernel's tables: facts, the duty to react to them, the audit log, replayable answers."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from core import audit
from core.ids import TypeIdField


class EventQuerySet(models.QuerySet["Event"]):
    def unpositioned(self) -> Self:
        return self.filter(position=None)


class Event(models.Model):
    """A fact. Written in the transaction that made it true; never changed afterwards.

    ``sequence`` counts one customer's events without a gap. ``position`` orders all events; a
    sequencer stamps it after commit, so a reader that remembers a position never skips one.
    """

    ordinal = models.BigAutoField(primary_key=True)
    id = TypeIdField("evt", new=True, unique=True, editable=False)
    type = models.CharField(max_length=64)
    customer_id = TypeIdField("cus", null=True)
    subject_id = TypeIdField("sbj", null=True)
    sequence = models.BigIntegerField()
    position = models.BigIntegerField(null=True, unique=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=128)
    reason = models.TextField(blank=True)
    data = models.JSONField()

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["ordinal"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer_id", "sequence"],
                name="event_sequence_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(fields=["ordinal"], name="event_unpositioned", condition=Q(position=None)),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.type}"


class EventSequence(models.Model):
    """The last sequence number given to each customer's events; no customer: the catalog's."""

    customer_id = TypeIdField("cus", null=True)
    last = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer_id"], name="event_sequence_per_customer", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.last}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> Self:
        return self.filter(delivered_at=None, parked_at=None)


class Delivery(models.Model):
    """One reaction's duty to handle one event. Together these rows are the work queue."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=128)
    attempts = models.PositiveIntegerField(default=0)
    attempt_after = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "handler"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(delivered_at=None) | Q(parked_at=None), name="delivery_ends_one_way"
            ),
        ]
        indexes = [
            models.Index(
                F("attempt_after"),
                name="delivery_waiting",
                condition=Q(delivered_at=None, parked_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_id} -> {self.handler}"


class AuditEntry(models.Model):
    """What one statement changed in one row. Triggers write it; nothing changes it."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=128)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    table_name = models.CharField(max_length=63)
    row_id = models.CharField(max_length=64)
    customer_id = TypeIdField("cus", null=True)
    operation = models.CharField(max_length=6)
    changes = models.JSONField()

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-id"]
        triggers = [audit.append_only()]
        constraints = [
            models.CheckConstraint(condition=~Q(actor=""), name="audit_somebody_acted"),
        ]
        indexes = [
            models.Index(fields=["customer_id", "-id"], name="audit_by_customer"),
            models.Index(fields=["table_name", "row_id", "-id"], name="audit_by_row"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.table_name} {self.row_id}"


class IdempotencyKey(models.Model):
    """The committed answer to one POST, kept to be given again."""

    principal = models.CharField(max_length=128)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    customer_id = TypeIdField("cus", null=True)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["principal", "route", "key"], name="idempotency_key_once"
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return f"{self.principal} {self.route} {self.key}"
