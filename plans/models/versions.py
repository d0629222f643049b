"""Versions of plans and add-ons, and what they hold. Published, they never change."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from core import audit
from core.ids import TypeIdField, primary_key
from plans.models.definitions import AddOn, Feature, Meter, Plan, choices
from plans.models.triggers import part_of_a_draft, version_is_final
from plans.terms import Due, Effect, PauseMode, PriceModel, TrialEnd, TrialUsage


class VersionStatus(models.TextChoices):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class VersionQuerySet(models.QuerySet):
    def published(self) -> Self:
        return self.filter(status=VersionStatus.PUBLISHED)

    def effective(self, *, at: datetime) -> Self:
        """Versions that can be sold at an instant of the customer's time."""
        return self.published().filter(Q(effective_from=None) | Q(effective_from__lte=at))


_STATUS_TELLS_ITS_TIMES = (
    Q(status="draft", published_at=None, archived_at=None)
    | Q(status="published", published_at__isnull=False, archived_at=None)
    | Q(status="archived", published_at__isnull=False, archived_at__isnull=False)
)


_QUANTITY_WHOLE_OR_NONE = Q(quantity_min=None, quantity_max=None, quantity_default=None) | (
    Q(quantity_min__isnull=False, quantity_default__isnull=False, quantity_min__gte=1)
    & Q(quantity_default__gte=F("quantity_min"))
    & (Q(quantity_max=None) | Q(quantity_max__gte=F("quantity_default")))
)


class PlanVersion(models.Model):
    """The terms of a plan. A version with a ``private_key`` is for named customers only.

    ``effective_from`` None: since always. ``sold`` maps an interval to its currencies, an empty
    list standing for all. ``billing_zone`` is an IANA name, or ``customer``: the customer's own.
    Without ``quantity_min`` the version says nothing about quantities.
    """

    id = primary_key("plv")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    private_key = models.CharField(max_length=128, blank=True)
    status = models.CharField(max_length=9, choices=VersionStatus.choices)
    effective_from = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    sold = models.JSONField()
    contract = models.BooleanField()
    externally_managed = models.BooleanField()
    billing_zone = models.CharField(max_length=64)
    pause = models.CharField(
        max_length=6, choices=choices(PauseMode), db_default=PauseMode.CREDIT.value
    )
    access_while_paused = models.BooleanField()
    quantity_min = models.PositiveIntegerField(null=True)
    quantity_max = models.PositiveIntegerField(null=True)
    quantity_default = models.PositiveIntegerField(null=True)
    trial_days = models.PositiveSmallIntegerField(null=True)
    trial_ends = models.CharField(max_length=14, choices=choices(TrialEnd), blank=True)
    trial_usage = models.CharField(max_length=6, choices=choices(TrialUsage), blank=True)
    trial_scope = models.CharField(max_length=8, blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        triggers = [*audit.triggers(customer=""), version_is_final()]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_number_once"),
            models.UniqueConstraint(
                fields=["plan", "private_key"],
                condition=Q(status="draft"),
                name="plan_version_one_draft",
            ),
            models.CheckConstraint(
                condition=_STATUS_TELLS_ITS_TIMES, name="plan_version_status_tells_its_times"
            ),
            models.CheckConstraint(
                condition=Q(trial_days=None, trial_ends="", trial_usage="", trial_scope="")
                | Q(
                    trial_days__gt=0,
                    trial_ends__in=[each.value for each in TrialEnd],
                    trial_usage__in=[each.value for each in TrialUsage],
                    trial_scope__in=["customer", "subject"],
                ),
                name="plan_version_trial_whole_or_none",
            ),
            models.CheckConstraint(
                condition=_QUANTITY_WHOLE_OR_NONE, name="plan_version_quantity_whole_or_none"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_private(self) -> bool:
        return bool(self.private_key)

    @property
    def can_always_be_had(self) -> bool:
        """Whether anybody can land on it at any time, also by a test clock that stands long ago."""
        return (
            self.status == VersionStatus.PUBLISHED
            and self.effective_from is None
            and not (self.is_private or self.contract or self.externally_managed)
        )


class PlanVersionCustomer(models.Model):
    """A customer whom a private version is for. Customers may be added after it is published."""

    version = models.ForeignKey(PlanVersion, models.CASCADE, related_name="customers")
    customer_id = TypeIdField("cus")

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "customer_id"], name="plan_version_customer_once"
            )
        ]
        indexes = [models.Index(fields=["customer_id"], name="plan_version_by_customer")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.customer_id}"


class AddOnVersion(models.Model):
    """The terms of an add-on: its prices, and what it adds to or puts in place of values."""

    id = primary_key("adv")
    add_on = models.ForeignKey(AddOn, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=9, choices=VersionStatus.choices)
    effective_from = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    sold = models.JSONField()
    quantity_min = models.PositiveIntegerField(null=True)
    quantity_max = models.PositiveIntegerField(null=True)
    quantity_default = models.PositiveIntegerField(null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        triggers = [*audit.triggers(customer=""), version_is_final()]
        constraints = [
            models.CheckConstraint(
                condition=_QUANTITY_WHOLE_OR_NONE, name="add_on_version_quantity_whole_or_none"
            ),
            models.UniqueConstraint(fields=["add_on", "number"], name="add_on_version_once"),
            models.UniqueConstraint(
                fields=["add_on"], condition=Q(status="draft"), name="add_on_version_one_draft"
            ),
            models.CheckConstraint(
                condition=_STATUS_TELLS_ITS_TIMES, name="add_on_version_status_tells_its_times"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


_PART_OF_ONE = Q(plan_version__isnull=False, add_on_version=None) | Q(
    plan_version=None, add_on_version__isnull=False
)


class Price(models.Model):
    """One price of a version sold for ``sold_interval`` in ``currency``.

    ``terms`` holds amounts, tiers and conversions, decimals as text in major units; see
    ``plans.price_forms`` for its fields.
    """

    id = primary_key("prc")
    plan_version = models.ForeignKey(PlanVersion, models.CASCADE, null=True, related_name="prices")
    add_on_version = models.ForeignKey(
        AddOnVersion, models.CASCADE, null=True, related_name="prices"
    )
    key = models.CharField(max_length=128)
    position = models.PositiveSmallIntegerField()
    sold_interval = models.CharField(max_length=16)
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=16)
    model = models.CharField(max_length=17, choices=choices(PriceModel))
    due = models.CharField(max_length=7, choices=choices(Due))
    meter = models.ForeignKey(Meter, models.PROTECT, null=True, related_name="prices")
    terms = models.JSONField()

    class Meta:
        ordering = ["position"]
        triggers = [*audit.triggers(customer=""), part_of_a_draft()]
        constraints = [
            models.UniqueConstraint(
                fields=["plan_version", "add_on_version", "sold_interval", "currency", "key"],
                nulls_distinct=False,
                name="price_key_once",
            ),
            models.CheckConstraint(condition=_PART_OF_ONE, name="price_part_of_one_version"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.key}"


class FeatureValue(models.Model):
    """What a version gives of a feature. ``value`` has the JSON form of ``plans.values``."""

    plan_version = models.ForeignKey(PlanVersion, models.CASCADE, null=True, related_name="values")
    add_on_version = models.ForeignKey(
        AddOnVersion, models.CASCADE, null=True, related_name="values"
    )
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="values")
    effect = models.CharField(max_length=7, choices=choices(Effect))
    value = models.JSONField()

    class Meta:
        triggers = [*audit.triggers(customer=""), part_of_a_draft()]
        constraints = [
            models.UniqueConstraint(
                fields=["plan_version", "add_on_version", "feature"],
                nulls_distinct=False,
                name="feature_value_once",
            ),
            models.CheckConstraint(
                condition=_PART_OF_ONE, name="feature_value_part_of_one_version"
            ),
            models.CheckConstraint(
                condition=Q(plan_version__isnull=False, effect="set")
                | Q(add_on_version__isnull=False, effect__in=["add", "replace"]),
                name="feature_value_effect_of_its_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature_id}: {self.value}"
