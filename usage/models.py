"""What was used, what that adds up to, and the levels of what is counted by how many there are."""

from datetime import datetime

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from core import audit
from core.ids import primary_key
from customers.models import Customer, Subject
from usage.counting import ReservationEnd

# Twenty digits before the point and twelve after it, as the API takes them. The bounds also keep
# out NaN, which PostgreSQL takes for greater than any number. A sum never runs out of its digits.
PLACES, DIGITS, SUM_DIGITS = 12, 32, 48
MOST, MOST_IN_ALL = 10 ** (DIGITS - PLACES), 10 ** (SUM_DIGITS - PLACES)


class _OfOwner(models.Model):
    """Rows of one owner: the subject or, without one, the customer."""

    customer = models.ForeignKey(Customer, models.PROTECT, db_index=False, related_name="+")
    subject = models.ForeignKey(
        Subject, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    owner_id = models.UUIDField()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(owner_id=Coalesce("subject", "customer")),
                name="%(class)s_is_of_its_owner",
            )
        ]

    @property
    def owner(self) -> str:
        return self.subject_id or self.customer_id


class UsageEvent(_OfOwner):
    """So much of a feature was used, or given back: less than zero. Never changed.

    ``source`` and ``source_id`` name it: who reported it, and by which identifier of theirs. With a
    ``meter`` it counts in the window that begins at ``window_start``. Without one it changes the
    level of a limit. ``occurred_at`` is the customer's time, ``recorded_at`` the machine's.
    """

    id = primary_key("use")
    feature = models.CharField(max_length=128)
    meter = models.CharField(max_length=128, blank=True)
    quantity = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    window_start = models.DateTimeField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source = models.CharField(max_length=128)
    source_id = models.CharField(max_length=128)

    class Meta(_OfOwner.Meta):
        triggers = [audit.append_only()]
        constraints = [
            *_OfOwner.Meta.constraints,
            models.CheckConstraint(
                condition=Q(quantity__gt=-MOST, quantity__lt=MOST), name="usageevent_has_a_quantity"
            ),
            models.CheckConstraint(
                condition=Q(meter="", window_start=None)
                | (~Q(meter="") & Q(window_start__isnull=False, quantity__gte=0)),
                name="usageevent_counts_in_a_window_or_changes_a_level",
            ),
        ]
        indexes = [
            models.Index(
                fields=["owner_id", "meter", "occurred_at"],
                include=["quantity"],
                name="usageevent_of_owner",
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.feature} by {self.owner}"


class EventKey(models.Model):
    """An event has been recorded: the same one again changes nothing.

    ``hash`` is 16 bytes of the SHA-256 of (source, source_id), by which the table is partitioned;
    ``fingerprint`` is that of what it said. Kept for ``usage.services.KEPT``.
    """

    hash = models.UUIDField(primary_key=True)
    fingerprint = models.UUIDField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [BrinIndex(fields=["recorded_at"], name="eventkey_age")]

    def __str__(self) -> str:
        return str(self.hash)


class Counter(_OfOwner):
    """The sum of an owner's events of one meter in the window that begins at ``window_start``.

    ``held`` is what is reserved, with what has expired and nobody has needed since.
    """

    meter = models.CharField(max_length=128)
    window_start = models.DateTimeField()
    used = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=PLACES)
    held = models.DecimalField(
        max_digits=SUM_DIGITS, decimal_places=PLACES, default=0, db_default=0
    )

    class Meta(_OfOwner.Meta):
        constraints = [
            *_OfOwner.Meta.constraints,
            models.UniqueConstraint(
                fields=["owner_id", "meter", "window_start"], name="counter_once_per_window"
            ),
            models.CheckConstraint(
                condition=Q(used__gte=0, used__lt=MOST_IN_ALL), name="counter_counts_from_zero"
            ),
            models.CheckConstraint(
                condition=Q(held__gte=0, held__lt=MOST_IN_ALL), name="counter_holds_zero_or_more"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter} of {self.owner} since {self.window_start}"


class Reservation(_OfOwner):
    """Units that are held until it is known how many of them were used.

    ``held_at`` and ``expires_at`` are the customer's time. It is over when it has an ``end`` or has
    expired, by the clock; an expired one may be without an end for long. ``used`` is what was
    counted in the end.
    """

    id = primary_key("rsv")
    feature = models.CharField(max_length=128)
    meter = models.CharField(max_length=128)
    window_start = models.DateTimeField()
    quantity = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    held_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source = models.CharField(max_length=128)
    source_id = models.CharField(max_length=128)
    end = models.CharField(max_length=9, blank=True)
    ended_at = models.DateTimeField(null=True)
    used = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, null=True)

    class Meta(_OfOwner.Meta):
        constraints = [
            *_OfOwner.Meta.constraints,
            models.UniqueConstraint(fields=["source", "source_id"], name="reservation_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0, quantity__lt=MOST, expires_at__gt=F("held_at")),
                name="reservation_holds_for_a_while",
            ),
            models.CheckConstraint(
                condition=Q(end="", ended_at=None, used=None)
                | Q(end=ReservationEnd.EXPIRED.value, ended_at__isnull=False, used=None)
                | Q(
                    end__in=[ReservationEnd.FINALIZED.value, ReservationEnd.RELEASED.value],
                    ended_at__isnull=False,
                    used__gte=0,
                    used__lt=MOST,
                ),
                name="reservation_ends_one_way",
            ),
        ]
        indexes = [
            models.Index(
                fields=["owner_id", "meter", "window_start"],
                name="reservation_open",
                condition=Q(end=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.feature} for {self.owner}"

    def is_over(self, at: datetime) -> bool:
        return bool(self.end) or self.expires_at <= at

    def state(self, at: datetime) -> str:
        """Return what it is at an instant of the customer's time."""
        if self.end:
            return str(self.end)
        return ReservationEnd.EXPIRED if self.is_over(at) else "held"


class Level(_OfOwner):
    """How many of a limit's things an owner has, as of ``observed_at``, the customer's time.

    A report that was observed later takes its place; one that was not is left aside.
    """

    feature = models.CharField(max_length=128)
    level = models.DecimalField(max_digits=SUM_DIGITS, decimal_places=PLACES)
    observed_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta(_OfOwner.Meta):
        constraints = [
            *_OfOwner.Meta.constraints,
            models.UniqueConstraint(fields=["owner_id", "feature"], name="level_once_per_feature"),
            models.CheckConstraint(
                condition=Q(level__gte=0, level__lt=MOST_IN_ALL), name="level_is_zero_or_more"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.feature} of {self.owner}"
