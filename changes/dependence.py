"""What a preview depends on, as [type, id, version]: if one of them moves, it is stale.

Read after catching up to the instant of the change. Usage and payments are none of them.
"""

import hashlib
from typing import Any

from django.db.models import Q

from customers.models import Customer
from plans import queries as catalog
from plans.models import PlanVersion
from subscriptions.blocks import BlockScope
from subscriptions.models import Block, PendingChange, Subscription

Inputs = list[list[Any]]
# What an undo compares with what its original left.
OF_THE_SUBSCRIPTION = frozenset({"subscription", "pending_change", "block"})


def inputs_of(*, customer_id: str, subject_id: str | None, subscription_id: str | None) -> Inputs:
    """Return the inputs of a change: of one subscription or, for one that is only to begin, of all
    that its owner has."""
    owned = Subscription.objects.current().of_owner(customer_id=customer_id, subject_id=subject_id)
    if subscription_id is not None:
        owned = Subscription.objects.filter(pk=subscription_id)
    rows = list(owned.order_by("id"))
    planned = PendingChange.objects.pending().filter(subscription__in=rows).order_by("id")
    blocks = Block.objects.filter(
        Q(scope=BlockScope.CUSTOMER)
        | Q(scope=BlockScope.SUBJECT, subject=subject_id)
        | Q(scope=BlockScope.PRODUCT, product__in={row.product_id for row in rows})
        | Q(scope=BlockScope.SUBSCRIPTION, subscription__in=rows),
        customer_id=customer_id,
        lifted_at=None,
    )
    versions = PlanVersion.objects.filter(pk__in={row.plan_version_id for row in rows})
    method = Customer.objects.values_list("payment_method_on_file", flat=True).get(pk=customer_id)
    terms = catalog.terms_of({row.plan_version_id for row in rows})
    products = {each.product.id: each.product for each in terms.values()}
    return [
        *(["subscription", row.id, row.version] for row in rows),
        *(["pending_change", row.id, row.effective_at.isoformat()] for row in planned),
        *(["plan_version", row.id, str(row.status)] for row in versions.order_by("id")),
        *(["rules", key, _hash(products[key])] for key in sorted(products)),
        *(["block", each.id, list(each.effects)] for each in blocks.order_by("id")),
        ["payment_method", customer_id, bool(method)],
    ]


def moved(before: Inputs, now: Inputs) -> list[str]:
    """Return the types of the inputs that are other ones now."""
    return sorted({each[0] for each in [*before, *now] if each not in before or each not in now})


def of_the_subscription(inputs: Inputs) -> Inputs:
    return [each for each in inputs if each[0] in OF_THE_SUBSCRIPTION]


def _hash(value: object) -> str:
    """The product's terms are frozen values: their repr says all that they hold."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
