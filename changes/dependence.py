"""What a preview depends on, as [type, id, version]: if one of them moves, it is stale.

Read after catching up to the instant of the change. Usage and payments are none of them.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Q

from customers.models import Customer
from plans import queries as catalog
from plans.models import PlanVersion
from subscriptions.blocks import BlockScope
from subscriptions.models import Block, PendingChange, Subscription

Inputs = list[list[Any]]
Owned = TypeVar("Owned", Subscription, Block)
# What an undo compares with what its original left.
OF_THE_SUBSCRIPTION = frozenset({"subscription", "pending_change", "block"})


@dataclass(frozen=True, slots=True)
class Concerned:
    """What a change is about: one subscription or, where one is only to begin, all that its owner
    has."""

    customer_id: str
    subject_id: str | None
    subscription_id: str | None

    def covers(self, row: Subscription) -> bool:
        if self.subscription_id is not None:
            return bool(row.id == self.subscription_id)
        return (row.customer_id, row.subject_id) == (self.customer_id, self.subject_id)


def inputs_of(concerned: Collection[Concerned]) -> dict[Concerned, Inputs]:
    """Return the inputs of changes, in a fixed number of queries."""
    rows = _by_customer(_subscriptions(concerned))
    all_rows = [row for each in rows.values() for row in each]
    planned: dict[str, list[PendingChange]] = {}
    for change in PendingChange.objects.pending().filter(subscription__in=all_rows).order_by("id"):
        planned.setdefault(change.subscription_id, []).append(change)
    customers = {each.customer_id for each in concerned}
    blocks = _by_customer(
        Block.objects.filter(customer__in=customers, lifted_at=None).order_by("id")
    )
    methods = dict(
        Customer.objects.filter(pk__in=customers).values_list("id", "payment_method_on_file")
    )
    version_ids = {row.plan_version_id for row in all_rows}
    statuses = dict(PlanVersion.objects.filter(pk__in=version_ids).values_list("id", "status"))
    terms = catalog.terms_of(version_ids)
    found = {}
    for each in concerned:
        mine = [row for row in rows.get(each.customer_id, []) if each.covers(row)]
        versions = sorted({row.plan_version_id for row in mine})
        products = {terms[version].product.id: terms[version].product for version in versions}
        found[each] = [
            *(["subscription", row.id, row.version] for row in mine),
            *(
                ["pending_change", change.id, change.effective_at.isoformat()]
                for row in mine
                for change in planned.get(row.id, [])
            ),
            *(["plan_version", version, str(statuses[version])] for version in versions),
            *(["rules", key, _hash(products[key])] for key in sorted(products)),
            *(
                ["block", block.id, list(block.effects)]
                for block in blocks.get(each.customer_id, [])
                if _touches(block, each, mine)
            ),
            ["payment_method", each.customer_id, bool(methods[each.customer_id])],
        ]
    return found


def _subscriptions(concerned: Collection[Concerned]) -> Iterable[Subscription]:
    named = {each.subscription_id for each in concerned if each.subscription_id is not None}
    owners = {each.customer_id for each in concerned if each.subscription_id is None}
    current = Subscription.objects.current().filter(customer__in=owners)
    return Subscription.objects.filter(Q(pk__in=named) | Q(pk__in=current)).order_by("id")


def _touches(block: Block, concerned: Concerned, rows: Collection[Subscription]) -> bool:
    """Tell whether a block of the customer is about a part of it that is concerned."""
    if block.scope == BlockScope.SUBJECT:
        return bool(block.subject_id == concerned.subject_id)
    if block.scope == BlockScope.PRODUCT:
        return block.product_id in {row.product_id for row in rows}
    if block.scope == BlockScope.SUBSCRIPTION:
        return block.subscription_id in {row.id for row in rows}
    return True


def _by_customer(rows: Iterable[Owned]) -> dict[str, list[Owned]]:
    found: dict[str, list[Owned]] = {}
    for row in rows:
        found.setdefault(row.customer_id, []).append(row)
    return found


def moved(before: Inputs, now: Inputs) -> list[str]:
    """Return the types of the inputs that are other ones now."""
    return sorted({each[0] for each in [*before, *now] if each not in before or each not in now})


def of_the_subscription(inputs: Inputs) -> Inputs:
    return [each for each in inputs if each[0] in OF_THE_SUBSCRIPTION]


def _hash(value: object) -> str:
    """The product's terms are frozen values: their repr says all that they hold."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
