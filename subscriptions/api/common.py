"""What the views of subscriptions share: refusals, finding one, asking and answering."""

from collections.abc import Mapping
from typing import Any

from core.api.lookups import find
from core.api.operations import Change as FieldChange
from core.api.operations import Changed
from core.principals import Principal, Scope
from customers.turns import CatchingUp, ClockAdvancing, CustomerClosed, CustomerParked
from plans import queries as catalog
from plans.change_rules import AnchorRule, Proration, Settlement, Timing
from plans.errors import (
    AddOnNotFound,
    AddOnNotSold,
    PlanNotFound,
    PlanNotSold,
    PlanVersionNotFound,
)
from subscriptions import services
from subscriptions.blocks import Blocked
from subscriptions.models import Subscription
from subscriptions.policy import CurrencyNotSold, IntervalNotSold
from subscriptions.services.results import AlreadyEnded, ContactSales, SubscriptionNotFound
from subscriptions.services.targets import AddOnIncluded, AddOnNotAvailable, QuantityNotAllowed
from subscriptions.services.trials import TrialSpent
from subscriptions.services.wanted import Beginning, Override, Wanted

TAG = "subscriptions"
TURN = (CustomerClosed, CustomerParked, ClockAdvancing, CatchingUp)
SALE = (
    PlanNotFound,
    PlanNotSold,
    PlanVersionNotFound,
    IntervalNotSold,
    CurrencyNotSold,
    ContactSales,
    AddOnNotFound,
    AddOnNotSold,
    AddOnIncluded,
    AddOnNotAvailable,
    QuantityNotAllowed,
    TrialSpent,
    Blocked,
)
ONE = (SubscriptionNotFound, AlreadyEnded)
NEEDS_OVERRIDE = frozenset(
    {
        "plan_version",
        "timing",
        "anchor",
        "proration",
        "settlement",
        "effective_at",
        "keep_pending",
        "trial_days",
        "access_start",
        "billing_start",
        "ends_at",
        "access_end",
        "billing_end",
    }
)


def find_subscription(reference: str, principal: Principal) -> Subscription:
    """:raises SubscriptionNotFound: if there is none, or it is another tenant's"""
    return find(
        Subscription.objects.all(),
        reference,
        prefix="sub",
        missing=SubscriptionNotFound,
        principal=principal,
        key_field=None,
    )


def answer(result: services.Result, *, status: int = 200) -> Changed:
    """Show a command's outcome as every command on a subscription does."""
    row = Subscription.objects.shown().get(pk=result.subscription.pk)
    return Changed(
        row,
        status=status,
        customers=[row.customer_id],
        changes=[FieldChange(*each) for each in result.changes],
        outcome=result,
    )


def wanted(data: Mapping[str, Any]) -> Wanted:
    """Read what shall be different."""
    return Wanted(
        plan_id=catalog.find_plan(data["plan"]).id if "plan" in data else None,
        interval=data.get("interval"),
        quantity=data.get("quantity"),
        add_ons=data.get("add_ons", {}),
    )


def may_override(data: Mapping[str, Any], principal: Principal) -> bool:
    """Tell whether the caller may decide instead of the policy.

    :raises FieldNotAllowed: naming a field that needs the scope
    """
    principal.require_for_fields(Scope.SUBSCRIPTIONS_OVERRIDE, NEEDS_OVERRIDE & data.keys())
    return principal.may(Scope.SUBSCRIPTIONS_OVERRIDE)


def beginning(data: Mapping[str, Any], principal: Principal) -> Beginning | None:
    """Return how the caller wants a subscription to begin; None without the scope."""
    if not may_override(data, principal):
        return None
    return Beginning(
        version_id=data.get("plan_version"),
        anchor=data.get("anchor"),
        trial_days=data.get("trial_days"),
        access_start=data.get("access_start"),
        billing_start=data.get("billing_start"),
        ends_at=data.get("ends_at"),
    )


def override(data: Mapping[str, Any], principal: Principal) -> Override | None:
    """Return what the caller decides instead of the policy; None without the scope."""
    if not may_override(data, principal):
        return None
    return Override(
        timing=Timing(data["timing"]) if "timing" in data else None,
        anchor=AnchorRule(data["anchor"]) if "anchor" in data else None,
        proration=Proration(data["proration"]) if "proration" in data else None,
        settlement=Settlement(data["settlement"]) if "settlement" in data else None,
        version_id=data.get("plan_version"),
        effective_at=data.get("effective_at"),
        keep_pending=data.get("keep_pending", False),
    )
