"""Customers, the subjects they own, and the test clocks some of them live by."""

from typing import Self

from django.db import models
from django.db.models import Count, F, Q

from core import audit
from core.ids import primary_key
from core.periods import Anchor


class ClockStatus(models.TextChoices):
    READY = "ready"
    ADVANCING = "advancing"


class TestClockQuerySet(models.QuerySet["TestClock"]):
    def counting_parked(self) -> Self:
        """Count each clock's parked customers, as ``parked_count``, for all clocks at once."""
        parked = Q(customers__parked_at__isnull=False)
        return self.annotate(parked_count=Count("customers", filter=parked))


class TestClock(models.Model):
    """A clock that stands still until it is advanced. Customers on it live in its time."""

    __test__ = False  # keep pytest from collecting this class

    id = primary_key("clk")
    name = models.CharField(max_length=200, blank=True)
    frozen_at = models.DateTimeField()
    advancing_to = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects = TestClockQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers(customer="", ignored=("frozen_at",))
        constraints = [
            models.CheckConstraint(
                condition=Q(advancing_to=None) | Q(advancing_to__gte=F("frozen_at")),
                name="clock_never_goes_back",
            )
        ]
        indexes = [
            models.Index(
                fields=["id"], name="clock_advancing", condition=Q(advancing_to__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} at {self.frozen_at.isoformat()}"

    @property
    def status(self) -> ClockStatus:
        return ClockStatus.READY if self.advancing_to is None else ClockStatus.ADVANCING


class CustomerQuerySet(models.QuerySet["Customer"]):
    def live(self) -> Self:
        """Customers who live in real time."""
        return self.filter(test_clock=None)

    def moving(self) -> Self:
        """Customers for whom due work runs: not parked."""
        return self.filter(parked_at=None)


class Customer(models.Model):
    """Who pays. All writes for one customer take this row's lock: the customer's turn."""

    id = primary_key("cus")
    key = models.CharField(max_length=128, null=True, unique=True)  # noqa: DJ001 - absent, not ""
    currency = models.CharField(max_length=3)
    zone = models.CharField(max_length=64)
    test_clock = models.ForeignKey(TestClock, models.PROTECT, null=True, related_name="customers")
    billing_anchor_at = models.DateTimeField(null=True)
    billing_anchor_zone = models.CharField(max_length=64, blank=True)
    billing_anchor_day = models.PositiveSmallIntegerField(null=True)
    payment_method_on_file = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    last_acted_at = models.DateTimeField()
    next_due_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)
    park_error = models.TextField(blank=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers(customer="id", ignored=("last_acted_at", "next_due_at"))
        constraints = [
            models.CheckConstraint(
                condition=Q(parked_at=None, park_error="")
                | (Q(parked_at__isnull=False) & ~Q(park_error="")),
                name="customer_parked_with_an_error",
            ),
            models.CheckConstraint(
                condition=Q(billing_anchor_at=None, billing_anchor_zone="", billing_anchor_day=None)
                | Q(billing_anchor_at__isnull=False) & ~Q(billing_anchor_zone=""),
                name="customer_billing_anchor_is_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_due_at"],
                name="customer_due",
                condition=Q(next_due_at__isnull=False, parked_at=None, test_clock=None),
            ),
            models.Index(
                fields=["test_clock", "next_due_at"],
                name="customer_due_on_clock",
                condition=Q(test_clock__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_on_clock(self) -> bool:
        return self.test_clock_id is not None

    @property
    def shared_anchor(self) -> Anchor | None:
        """What the customer's monthly purchases are aligned with."""
        if self.billing_anchor_at is None:
            return None
        return Anchor(self.billing_anchor_at, self.billing_anchor_zone, self.billing_anchor_day)


class CustomerProfile(models.Model):
    """Personal data, here and nowhere else, so that a person can be erased."""

    id = primary_key("pro")
    customer = models.OneToOneField(Customer, models.PROTECT, related_name="profile")
    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)

    class Meta:
        triggers = audit.triggers(personal=True)
        indexes = [models.Index(fields=["email"], name="profile_email")]

    def __str__(self) -> str:
        return str(self.customer_id)


class SubjectQuerySet(models.QuerySet["Subject"]):
    def current(self) -> Self:
        return self.filter(ended_at=None)


class Subject(models.Model):
    """A thing under a customer that holds its own subscriptions: a zone, a site, a project."""

    id = primary_key("sbj")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="subjects")
    key = models.CharField(max_length=128, null=True)  # noqa: DJ001 - absent, not ""
    kind = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = SubjectQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.UniqueConstraint(fields=["customer", "key"], name="subject_key_per_customer"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("created_at")),
                name="subject_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
