"""What a request asks for, in the terms of the services, and whether its caller may."""

from collections.abc import Mapping, Sequence
from typing import Any

from changes.operations import OPERATIONS
from changes.services import Asked, Selector, Whose
from core.acting import require_reason
from core.api.lookups import find
from core.principals import Principal, Scope
from customers.lookups import find_customer, find_subject
from entitlements import catalog as entitlements
from plans import queries as catalog
from subscriptions.api.common import NEEDS_OVERRIDE
from subscriptions.models import Subscription
from subscriptions.services.cancel import When
from subscriptions.services.results import SubscriptionNotFound

Data = Mapping[str, Any]
_NEEDS_OVERRIDE = NEEDS_OVERRIDE | {"keep_higher_limits"}


def asked(data: Data, sent: Sequence[dict[str, Any]], principal: Principal) -> Asked:
    """Return the operations as they were ``sent``, checked against what the caller may decide.

    :raises ScopeMissing: for an operation that needs another scope
    :raises FieldNotAllowed: naming a field that needs ``subscriptions:override``
    :raises ReasonRequired: for an end that is now, and an override
    :raises LimitedCaller: for an override by who is limited to one customer
    :raises FeatureNotFound: for an override of what the caller may not see
    """
    override = Scope.SUBSCRIPTIONS_OVERRIDE
    if "effective_at" in data:
        principal.require_for_fields(override, ["effective_at"])
    for operation in data["operations"]:
        for name, body in operation.items():
            scope = OPERATIONS[name].scope
            if scope is not None:
                principal.require(scope)
            if name == "override":
                principal.require_unlimited()
                require_reason()
                entitlements.find(body["feature"], principal)
            principal.require_for_fields(override, _NEEDS_OVERRIDE & body.keys())
            if name == "cancel" and body.get("when") == When.NOW and "access_end" not in body:
                principal.require_for_fields(override, ["when"])
                require_reason()
    return Asked(operations=list(sent), may_override=principal.may(override))


def whose(data: Data, principal: Principal) -> Whose:
    """Find the one subscription, or the owner of the one that is to begin.

    :raises SubscriptionNotFound, CustomerNotFound, SubjectNotFound: also for another tenant's
    """
    if "subscription" in data:
        row = find(
            Subscription.objects.all(),
            data["subscription"],
            prefix="sub",
            missing=SubscriptionNotFound,
            principal=principal,
            key_field=None,
        )
        return Whose(row.customer_id, row.subject_id, row.id)
    begun = data["operations"][0]["subscribe"]
    customer = find_customer(begun["customer"], principal)
    if "subject" not in begun:
        return Whose(customer.id)
    return Whose(customer.id, find_subject(customer, begun["subject"], principal).id)


def selector(data: Data, sent: Data, principal: Principal) -> Selector:
    """Return a selector with identifiers in the place of keys.

    :raises LimitedCaller: selectors are not for callers limited to one customer
    :raises CustomerNotFound, ProductNotFound, PlanNotFound: if a name names nothing
    """
    principal.require_unlimited()
    filters: dict[str, Any] = {
        name: data[name] for name in ("plan_version", "interval", "state") if name in data
    }
    if "customer" in data:
        filters["customer"] = find_customer(data["customer"], principal).id
    if "product" in data:
        filters["product"] = catalog.find_product(data["product"]).id
    if "plan" in data:
        filters["plan"] = catalog.find_plan(data["plan"]).id
    excluded = data.get("exclude", {})
    filters["exclude"] = {
        "subscriptions": excluded.get("subscriptions", []),
        "customers": [find_customer(each, principal).id for each in excluded.get("customers", [])],
    }
    return Selector(filters=filters, shown=sent)
