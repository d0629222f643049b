"""What the catalog defines by key: services, meters, features, products, plans, extras."""

from enum import StrEnum
from typing import Self

from django.db import models
from django.db.models import Q

from core import audit
from core.ids import primary_key
from plans.models.triggers import keeps
from plans.terms import Aggregation, CouponDuration, DowngradePolicy, FedBy, Scope
from plans.values import Combine, FeatureType


def choices(values: type[StrEnum]) -> list[tuple[str, str]]:
    """Return an enum of the pure modules as the choices of a column."""
    return [(value.value, value.value) for value in values]


def key_field() -> "models.CharField[str, str]":
    """Return the column of a name that the catalog's author chose."""
    return models.CharField(max_length=128, unique=True)


class SoldQuerySet(models.QuerySet):
    def current(self) -> Self:
        return self.filter(archived_at=None)


class CatalogRevision(models.Model):
    """One row whose token changes with every change of the catalog, so that caches can tell."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    token = models.UUIDField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="catalog_revision_is_one")]

    def __str__(self) -> str:
        return str(self.token)


class Currency(models.Model):
    """A currency that this install sells in."""

    code = models.CharField(max_length=3, unique=True)

    class Meta:
        verbose_name_plural = "currencies"
        triggers = audit.triggers(customer="")

    def __str__(self) -> str:
        return self.code


class ProductService(models.Model):
    """A system that carries out what customers may use. Where it is, ``provisioning`` knows."""

    id = primary_key("svc")
    key = key_field()
    name = models.CharField(max_length=200)

    class Meta:
        triggers = audit.triggers(customer="")

    def __str__(self) -> str:
        return self.key


class Meter(models.Model):
    """How events become a quantity: of ``event_type``, passing ``filters``, one property summed up.

    ``filters`` maps a property to its accepted values. A meter that a published price or feature
    counts by keeps its meaning.
    """

    id = primary_key("mtr")
    key = key_field()
    name = models.CharField(max_length=200)
    event_type = models.CharField(max_length=200)
    aggregation = models.CharField(max_length=20, choices=choices(Aggregation))
    value_property = models.CharField(max_length=200, blank=True)
    filters = models.JSONField(default=dict)
    group_by = models.JSONField(default=list)
    published_at = models.DateTimeField(null=True)

    class Meta:
        triggers = [
            *audit.triggers(customer=""),
            keeps(
                "event_type",
                "aggregation",
                "value_property",
                "filters",
                "published_at",
                once="published_at",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(aggregation="count", value_property="")
                | (~Q(aggregation="count") & ~Q(value_property="")),
                name="meter_reads_a_property_unless_it_counts",
            )
        ]

    def __str__(self) -> str:
        return self.key


class Feature(models.Model):
    """Something a customer or subject may have or use. ``list_prices`` is {currency: decimal}, the
    worth of one unit for a month, to value what is given away."""

    id = primary_key("ftr")
    key = key_field()
    name = models.CharField(max_length=200)
    product_service = models.ForeignKey(ProductService, models.PROTECT, related_name="features")
    type = models.CharField(max_length=12, choices=choices(FeatureType))
    unit = models.CharField(max_length=64, blank=True)
    scope = models.CharField(max_length=8, choices=choices(Scope))
    combine = models.CharField(max_length=8, choices=choices(Combine))
    meter = models.ForeignKey(Meter, models.PROTECT, null=True, related_name="features")
    fed_by = models.CharField(max_length=8, choices=choices(FedBy), blank=True)
    downgrade_policy = models.CharField(max_length=12, choices=choices(DowngradePolicy))
    downgrade_days = models.PositiveSmallIntegerField(null=True)
    list_prices = models.JSONField(default=dict)
    published_at = models.DateTimeField(null=True)

    class Meta:
        triggers = [
            *audit.triggers(customer=""),
            keeps(
                "type",
                "unit",
                "scope",
                "combine",
                "product_service_id",
                "meter_id",
                "fed_by",
                "published_at",
                once="published_at",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(type="metered", meter__isnull=False, fed_by__in=["events", "consume"])
                | (~Q(type="metered") & Q(meter=None, fed_by="")),
                name="feature_metered_if_and_only_if_by_a_meter",
            ),
            models.CheckConstraint(
                condition=Q(downgrade_policy="keep_until", downgrade_days__isnull=False)
                | (~Q(downgrade_policy="keep_until") & Q(downgrade_days=None)),
                name="feature_kept_for_days_or_not",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Product(models.Model):
    """What is sold. A subscription goes to ``fallback_plan`` instead of ending; None: it ends.

    ``subject_kind`` limits a product of scope subject to subjects of that kind; empty: any.
    ``cancel`` holds what canceling means here, where that is not the default of ``CancelPolicy``.
    """

    id = primary_key("prd")
    key = key_field()
    name = models.CharField(max_length=200)
    scope = models.CharField(max_length=8, choices=choices(Scope))
    subject_kind = models.CharField(max_length=64, blank=True)
    exclusive = models.BooleanField()
    co_terms = models.BooleanField()
    default_plan = models.ForeignKey("Plan", models.PROTECT, null=True, related_name="+")
    fallback_plan = models.ForeignKey("Plan", models.PROTECT, null=True, related_name="+")
    change_rules = models.JSONField(default=list)
    cancel = models.JSONField(default=dict, db_default={})
    features = models.ManyToManyField(Feature, through="ProductFeature", related_name="products")
    archived_at = models.DateTimeField(null=True)

    objects = SoldQuerySet.as_manager()

    class Meta:
        triggers = [*audit.triggers(customer=""), keeps("scope", "exclusive")]
        constraints = [
            models.CheckConstraint(
                condition=Q(exclusive=True) | Q(default_plan=None, fallback_plan=None),
                name="product_default_needs_exclusive",
            ),
            models.CheckConstraint(
                condition=Q(scope="subject") | Q(subject_kind=""),
                name="product_kind_of_subject_only",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ProductFeature(models.Model):
    """A feature that every plan of a product gives a value for."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="feature_links")
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="product_links")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        triggers = audit.triggers(customer="")
        constraints = [
            models.UniqueConstraint(fields=["product", "feature"], name="product_feature_once")
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.feature_id}"


class Plan(models.Model):
    """One rung of a product's ladder; a higher rank is an upgrade. Its versions hold the terms."""

    id = primary_key("pln")
    key = key_field()
    name = models.CharField(max_length=200)
    product = models.ForeignKey(Product, models.PROTECT, related_name="plans")
    rank = models.SmallIntegerField()
    archived_at = models.DateTimeField(null=True)

    objects = SoldQuerySet.as_manager()

    class Meta:
        triggers = [*audit.triggers(customer=""), keeps("product_id")]

    def __str__(self) -> str:
        return self.key


class AddOn(models.Model):
    """Something that can be had on top of a plan."""

    id = primary_key("ado")
    key = key_field()
    name = models.CharField(max_length=200)
    plans = models.ManyToManyField(Plan, through="AddOnPlan", related_name="add_ons")
    archived_at = models.DateTimeField(null=True)

    objects = SoldQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers(customer="")

    def __str__(self) -> str:
        return self.key


class AddOnPlan(models.Model):
    """A plan that an add-on is available for, or that includes it: there it would be redundant."""

    add_on = models.ForeignKey(AddOn, models.CASCADE, related_name="plan_links")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="add_on_links")
    included = models.BooleanField()

    class Meta:
        triggers = audit.triggers(customer="")
        constraints = [
            models.UniqueConstraint(fields=["add_on", "plan"], name="add_on_once_per_plan")
        ]

    def __str__(self) -> str:
        return f"{self.add_on_id} {self.plan_id}"


class Coupon(models.Model):
    """A discount before tax. ``percent_off`` or ``amounts_off`` {currency: decimal in major units};
    of several, the lower priority number is taken first."""

    id = primary_key("cpn")
    key = key_field()
    name = models.CharField(max_length=200)
    percent_off = models.DecimalField(max_digits=15, decimal_places=12, null=True)
    amounts_off = models.JSONField(default=dict)
    duration = models.CharField(max_length=8, choices=choices(CouponDuration))
    months = models.PositiveSmallIntegerField(null=True)
    priority = models.PositiveSmallIntegerField()
    archived_at = models.DateTimeField(null=True)

    objects = SoldQuerySet.as_manager()

    class Meta:
        triggers = [
            *audit.triggers(customer=""),
            keeps("percent_off", "amounts_off", "duration", "months"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent_off__gt=0, percent_off__lte=100, amounts_off={})
                | (Q(percent_off=None) & ~Q(amounts_off={})),
                name="coupon_percent_or_amounts",
            ),
            models.CheckConstraint(
                condition=Q(duration="months", months__gt=0)
                | (~Q(duration="months") & Q(months=None)),
                name="coupon_months_or_not",
            ),
        ]

    def __str__(self) -> str:
        return self.key
