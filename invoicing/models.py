"""What was charged and credited, and what customers have on their credit balances."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from core import audit
from core.ids import primary_key
from core.money import Money
from customers.models import Customer
from invoicing.drafts import Kind
from invoicing.targets import Part
from plans.change_rules import Settlement
from subscriptions.models import Subscription


def _choices(values: type[Kind] | type[Part] | type[Settlement]) -> list[tuple[str, str]]:
    return [(str(each), str(each).replace("_", " ")) for each in values]


def covering(at: datetime) -> Q:
    """Return the condition for charges of the full periods that contain an instant; one-time fees
    from then on."""
    ends_later = Q(period_end__gt=at) | Q(period_end=None)
    return ends_later & Q(period_start__lte=at)


class Charge(models.Model):
    """One amount for one price of one version, in one quantity, of one full period of an item.

    Never changed: a later one corrects it. The sum of a line's charges is what was billed of it.
    ``period_*`` is the full period in real time as it was known then, ``served_*`` the same with
    pauses that extend taken out, by which it is found again. ``due_at`` is when it was to be
    charged and ``at`` when it was, both the customer's time; ``amount`` is in minor units.
    """

    id = primary_key("chg")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False)
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="charges", db_index=False
    )
    item = models.CharField(max_length=160)
    price_key = models.CharField(max_length=128)
    version = models.CharField(max_length=40)
    quantity = models.PositiveIntegerField()
    part = models.CharField(max_length=16, choices=_choices(Part))
    kind = models.CharField(max_length=16, choices=_choices(Kind))
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    settlement = models.CharField(max_length=16, choices=_choices(Settlement))
    period_start = models.DateTimeField()
    period_end = models.DateTimeField(null=True)
    served_start = models.DateTimeField()
    served_end = models.DateTimeField(null=True)
    segments = models.JSONField()
    unit_price = models.CharField(max_length=64, blank=True)
    explanation = models.TextField()
    is_imported = models.BooleanField(default=False)
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        triggers = [*audit.triggers(), audit.append_only()]
        constraints = [
            models.CheckConstraint(
                name="charge_sign_is_its_kinds",
                condition=Q(kind__in=("advance", "arrears"), amount__gt=0)
                | Q(kind="credit", amount__lt=0)
                | (Q(kind="forfeited") & ~Q(amount=0)),
            ),
            models.CheckConstraint(
                name="charge_period_is_forward",
                condition=Q(period_end=None, served_end=None)
                | Q(
                    period_end__isnull=False,  # what is compared with NULL is not refused
                    period_end__gt=F("period_start"),
                    served_end__isnull=False,
                    served_end__gt=F("served_start"),
                ),
            ),
            models.CheckConstraint(
                name="charge_without_end_iff_one_time",
                condition=Q(part="one_time", served_end=None)
                | (~Q(part="one_time") & Q(served_end__isnull=False)),
            ),
            models.CheckConstraint(
                name="charge_settles_iff_credit",
                condition=Q(kind="credit", settlement__in=("credit", "refund"))
                | (~Q(kind="credit") & Q(settlement="none")),
            ),
        ]
        indexes = [
            models.Index(fields=["subscription", "served_end"], name="charge_of_open_periods"),
            models.Index(fields=["customer", "-id"], name="charge_by_customer"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class NextCharge(models.Model):
    """When time alone changes what a subscription should be charged, if nothing announces it.

    A copy that can be computed again: a price with an interval of its own, or billing that
    outlives access.
    """

    subscription = models.OneToOneField(
        Subscription, models.PROTECT, primary_key=True, related_name="+"
    )
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["customer", "at"], name="next_charge_due")]

    def __str__(self) -> str:
        return f"{self.subscription_id} at {self.at.isoformat()}"


class CreditKind(models.TextChoices):
    """``settlement``: what a reduction gave back. ``goodwill``: a gift."""

    SETTLEMENT = "settlement"
    GOODWILL = "goodwill"


class CreditEntry(models.Model):
    """What came onto a customer's credit balance, and why. Never changed.

    Goodwill may be for a charge: so much less of its line can be credited later.
    """

    id = primary_key("cre")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False)
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True, related_name="+")
    charge = models.ForeignKey(Charge, models.PROTECT, null=True, related_name="goodwill")
    kind = models.CharField(max_length=16, choices=CreditKind.choices)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.TextField(blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "credit entries"
        triggers = [*audit.triggers(), audit.append_only()]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_is_positive"),
            models.CheckConstraint(
                name="credit_names_what_it_needs",
                condition=Q(kind="settlement", charge=None, subscription__isnull=False)
                | (Q(kind="goodwill") & ~Q(reason="")),
            ),
        ]
        indexes = [models.Index(fields=["customer", "-id"], name="credit_by_customer")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class CreditBalance(models.Model):
    """What a customer has to its credit in one currency: the sum of its entries."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "currency"], name="credit_balance_per_currency"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="credit_balance_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.money.to_major()} {self.currency}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class RefundIntent(models.Model):
    """What is to be refunded to a customer. Never changed; who takes payments carries it out."""

    id = primary_key("rfi")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        triggers = [*audit.triggers(), audit.append_only()]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_is_positive"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)
