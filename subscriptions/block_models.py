"""What keeps customers from using, buying or being billed: blocks."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Least

from core import audit
from core.ids import primary_key
from core.ranges import TimeRange
from customers.models import Customer, Subject
from plans.models import Product
from subscriptions import blocks
from subscriptions.blocks import BlockScope, Effect

_EFFECTS = [each.value for each in Effect]
_NAMED = {
    BlockScope.CUSTOMER: None,
    BlockScope.SUBJECT: "subject",
    BlockScope.SUBSCRIPTION: "subscription",
    BlockScope.PRODUCT: "product",
}


def _names_what_it_covers() -> Q:
    columns = [name for name in _NAMED.values() if name]
    fits = Q()
    for scope, named in _NAMED.items():
        fits |= Q(scope=scope.value, **{f"{name}__isnull": name != named for name in columns})
    return fits


class BlockQuerySet(models.QuerySet["Block"]):
    def standing(self, at: datetime) -> Self:
        """Those that are in effect at an instant or will be, if they are not lifted."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=at), lifted_at=None)

    def with_effect(self, effect: Effect) -> Self:
        return self.filter(effects__contains=[effect])


class Block(models.Model):
    """Something that was taken from a customer, by one source, under one public name.

    In effect in ``[starts_at, ends_at)``, and no longer once it is lifted: read by time, so that no
    job is needed to end it. Blocks are kept: they tell what held before.
    """

    id = primary_key("blk")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    scope = models.CharField(
        max_length=16, choices=[(each.value, each.value) for each in BlockScope]
    )
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="+")
    subscription = models.ForeignKey(
        "subscriptions.Subscription", models.PROTECT, null=True, related_name="+"
    )
    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=128)
    source = models.CharField(max_length=128)
    effects = ArrayField(
        models.CharField(max_length=16, choices=[(each.value, each.value) for each in Effect])
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    public_reason = models.CharField(max_length=500, blank=True)
    internal_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    objects = BlockQuerySet.as_manager()

    class Meta:
        triggers = audit.triggers()
        constraints = [
            models.CheckConstraint(
                condition=_names_what_it_covers(), name="block_names_what_it_covers"
            ),
            models.CheckConstraint(
                condition=Q(effects__contained_by=_EFFECTS) & Q(effects__len__gte=1),
                name="block_has_effects",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="block_lasts"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__gte=F("created_at"))
                & (Q(lifted_at=None) | Q(lifted_at__gte=F("created_at"))),
                name="block_begins_when_it_is_made_or_later",
            ),
            ExclusionConstraint(
                name="block_once",
                expressions=[
                    ("customer", RangeOperators.EQUAL),
                    (
                        Coalesce("subject", "subscription", "product", "customer"),
                        RangeOperators.EQUAL,
                    ),
                    ("name", RangeOperators.EQUAL),
                    ("source", RangeOperators.EQUAL),
                    (
                        TimeRange("starts_at", Least("ends_at", "lifted_at")),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(lifted_at=None) | Q(lifted_at__gt=F("starts_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.reference}"

    @property
    def reference(self) -> str:
        """The identifier of what it covers."""
        named = self.subject_id or self.subscription_id or self.product_id
        return str(named or self.customer_id)

    @property
    def over_at(self) -> datetime | None:
        """When it is no longer in effect, as far as that is known."""
        return min((each for each in (self.ends_at, self.lifted_at) if each), default=None)

    @property
    def value(self) -> blocks.Block:
        """The block as the rules see it; its ``product`` must have been read."""
        return blocks.Block(
            name=self.name,
            customer_id=self.customer_id,
            effects=frozenset(Effect(each) for each in self.effects),
            starts_at=self.starts_at,
            ends_at=self.over_at,
            subject_id=self.subject_id,
            subscription_id=self.subscription_id,
            product_key=self.product.key if self.product else None,
            public_reason=self.public_reason,
        )
