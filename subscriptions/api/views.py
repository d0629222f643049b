"""Subscriptions: begin, change, cancel, and what is agreed for later."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from core.acting import ReasonRequired, require_reason
from core.api.fields import Choice, Instant
from core.api.lists import Filter, Filters
from core.api.lookups import find, visible
from core.api.operations import Change as FieldChange
from core.api.operations import Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.principals import Principal, Scope
from customers.lookups import find_customer, find_subject
from customers.services import SubjectEnded, SubjectNotFound
from customers.turns import (
    CatchingUp,
    ClockAdvancing,
    CustomerClosed,
    CustomerNotFound,
    CustomerParked,
)
from plans import queries as catalog
from plans.change_rules import AnchorRule, Proration, Timing
from plans.errors import PlanNotFound, PlanNotSold, PlanVersionNotFound
from subscriptions import services
from subscriptions.agreement import CurrencyNotSold, IntervalNotSold
from subscriptions.api import examples
from subscriptions.api.serializers import (
    CancelIn,
    ChangeIn,
    MetadataIn,
    OutcomeOut,
    PendingOut,
    SubscribeIn,
    SubscriptionOut,
)
from subscriptions.models import ChangeKind, PendingChange, Subscription
from subscriptions.services.cancel import (
    AlreadyOnFallback,
    ChangeNotFound,
    NotCanceling,
    When,
)
from subscriptions.services.change import DifferentProduct, NothingToChange, Override
from subscriptions.services.results import (
    AlreadyEnded,
    ContactSales,
    NotAvailableYet,
    SubscriptionNotFound,
    WrongOwner,
)
from subscriptions.services.subscribe import AlreadySubscribed
from subscriptions.states import State

TURN = (CustomerClosed, CustomerParked, ClockAdvancing, CatchingUp)
SALE = (
    PlanNotFound,
    PlanNotSold,
    PlanVersionNotFound,
    IntervalNotSold,
    CurrencyNotSold,
    ContactSales,
    NotAvailableYet,
)
ONE = (SubscriptionNotFound, AlreadyEnded)
NEEDS_OVERRIDE = frozenset({"plan_version", "timing", "anchor", "proration"})


def _agreed(**which: Any) -> QuerySet[Any]:
    return PendingChange.objects.pending().filter(**which).values("subscription_id")


class SubscriptionFilters(Filters):
    customer = Filter.reference("cus", "customer_id", "Of this customer.", key_path="customer__key")
    subject = Filter.reference("sbj", "subject_id", "Of this subject.", key_path="subject__key")
    product = Filter.reference("prd", "product_id", "To this product.", key_path="product__key")
    plan = Filter.reference(
        "pln", "plan_version__plan_id", "On this plan.", key_path="plan_version__plan__key"
    )
    plan_version = Filter.reference("plv", "plan_version_id", "On this plan version.")
    state = Filter.choice(State, "state", "In this state.")
    pending = Filter(
        Choice(ChangeKind),
        lambda rows, kind: rows.filter(id__in=_agreed(kind=kind)),
        "With a change of this kind agreed for later.",
    )
    renews_before = Filter.before("period_end", "Whose period ends before this instant.")
    ends_before = Filter(
        Instant(),
        lambda rows, at: rows.filter(id__in=_agreed(kind=ChangeKind.END, effective_at__lt=at)),
        "With an end agreed for before this instant.",
    )
    updated_after = Filter.after("updated_at", "Changed at or after this instant.")


class Subscriptions(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ, "POST": Scope.SUBSCRIPTIONS_WRITE}

    @lists(
        SubscriptionOut,
        filters=SubscriptionFilters,
        tag="subscriptions",
        summary="List subscriptions",
        description="Newest first, ended ones included.",
        response_example=examples.SUBSCRIPTION,
    )
    def get(self, request: ApiRequest) -> QuerySet[Subscription]:
        return visible(Subscription.objects.shown(), request.principal)

    @changes(
        SubscribeIn,
        SubscriptionOut,
        status=(201, 200),
        tag="subscriptions",
        summary="Subscribe",
        description=(
            "Puts a customer, or one of its subjects, on a plan. Of an exclusive product there is "
            "one subscription at a time: a default free plan is changed in place and keeps its id "
            "(200); anything else is in the way (409 `already_subscribed`, naming it)."
        ),
        problems=(
            *TURN,
            *SALE,
            CustomerNotFound,
            SubjectNotFound,
            SubjectEnded,
            WrongOwner,
            AlreadySubscribed,
        ),
        request_example=examples.SUBSCRIBE,
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        customer = find_customer(data["customer"], request.principal)
        subject_id = None
        if "subject" in data:
            subject_id = find_subject(customer, data["subject"], request.principal).id
        override = _override(data, request.principal)
        result = services.subscribe(
            customer_id=customer.id,
            subject_id=subject_id,
            plan_id=catalog.find_plan(data["plan"]).id,
            interval=data.get("interval"),
            version_id=data.get("plan_version"),
            override=override is not None,
        )
        return answer(result, status=201 if result.created else 200)


class OneSubscription(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ, "PATCH": Scope.SUBSCRIPTIONS_WRITE}

    @reads(
        SubscriptionOut,
        tag="subscriptions",
        summary="Get a subscription",
        description="What it is now, with what is agreed for later; an ended one stays readable.",
        problems=(SubscriptionNotFound,),
        response_example=examples.SUBSCRIPTION,
    )
    def get(self, request: ApiRequest, subscription: str) -> Subscription:
        return find_subscription(subscription, request.principal)

    @changes(
        MetadataIn,
        SubscriptionOut,
        tag="subscriptions",
        summary="Replace a subscription's metadata",
        description="Your own notes. Nothing here reads them; an ended subscription keeps them.",
        problems=(*TURN, SubscriptionNotFound),
        request_example={"metadata": {"cost_center": "4711"}},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def patch(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = find_subscription(subscription, request.principal)
        return answer(services.set_metadata(subscription_id=row.id, metadata=data["metadata"]))


class Change(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        ChangeIn,
        SubscriptionOut,
        tag="subscriptions",
        summary="Change plan or interval",
        description=(
            "The product's change policy decides when: by default an upgrade acts now, a "
            "downgrade at the period's end. The answer names the rule that decided. A change for "
            "later replaces what was agreed before; a change now takes it away."
        ),
        problems=(*TURN, *SALE, *ONE, DifferentProduct, NothingToChange),
        request_example={"plan": "pro", "interval": "month"},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = find_subscription(subscription, request.principal)
        plan_id = catalog.find_plan(data["plan"]).id if "plan" in data else None
        return answer(
            services.change(
                subscription_id=row.id,
                plan_id=plan_id,
                interval=data.get("interval"),
                override=_override(data, request.principal),
            )
        )


class Cancel(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        CancelIn,
        SubscriptionOut,
        tag="subscriptions",
        summary="Cancel",
        description=(
            "At the period's end the subscription falls back to the product's fallback plan, or "
            "ends where there is none. Until then it can be taken back with `uncancel`."
        ),
        problems=(*TURN, *ONE, AlreadyOnFallback, ReasonRequired),
        request_example={"when": "period_end"},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = find_subscription(subscription, request.principal)
        when = When(data["when"])
        if when == When.NOW:
            request.principal.require_for_fields(Scope.SUBSCRIPTIONS_OVERRIDE, ["when"])
            require_reason()
        return answer(services.cancel(subscription_id=row.id, when=when))


class Uncancel(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        None,
        SubscriptionOut,
        tag="subscriptions",
        summary="Take a cancellation back",
        description="Until it takes effect. A change that it had superseded does not come back.",
        problems=(*TURN, *ONE, NotCanceling),
        request_example=examples.REASON,
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = find_subscription(subscription, request.principal)
        return answer(services.uncancel(subscription_id=row.id))


class ScheduleFilters(Filters):
    kind = Filter.choice(ChangeKind, "kind", "Changes of this kind.")


class Schedule(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ}

    @lists(
        PendingOut,
        filters=ScheduleFilters,
        tag="subscriptions",
        summary="List what is agreed for later",
        description="Newest first. What has happened, or was taken back, is no longer listed.",
        problems=(SubscriptionNotFound,),
        response_example=examples.SUBSCRIPTION["pending"][0],
    )
    def get(self, request: ApiRequest, subscription: str) -> QuerySet[PendingChange]:
        row = find_subscription(subscription, request.principal)
        return (
            PendingChange.objects.pending()
            .filter(subscription=row)
            .select_related("plan_version__plan")
        )


class OneScheduled(ApiView):
    scopes = {"DELETE": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        None,
        SubscriptionOut,
        tag="subscriptions",
        summary="Take one agreed change back",
        description="A change of plan or a cancellation, by its id, until it takes effect.",
        problems=(*TURN, *ONE, ChangeNotFound),
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def delete(
        self, request: ApiRequest, data: dict[str, Any], subscription: str, change: str
    ) -> Changed:
        row = find_subscription(subscription, request.principal)
        return answer(services.unschedule(subscription_id=row.id, change_id=change))


def find_subscription(reference: str, principal: Principal) -> Subscription:
    """:raises SubscriptionNotFound: if there is none, or it is another tenant's"""
    return find(
        Subscription.objects.shown(),
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


def _override(data: Mapping[str, Any], principal: Principal) -> Override | None:
    """Return what the caller decides instead of the policy; None without the scope.

    :raises FieldNotAllowed: naming a field that needs the scope
    """
    given = NEEDS_OVERRIDE & data.keys()
    principal.require_for_fields(Scope.SUBSCRIPTIONS_OVERRIDE, given)
    if not principal.may(Scope.SUBSCRIPTIONS_OVERRIDE):
        return None
    return Override(
        timing=Timing(data["timing"]) if "timing" in data else None,
        anchor=AnchorRule(data["anchor"]) if "anchor" in data else None,
        proration=Proration(data["proration"]) if "proration" in data else None,
        version_id=data.get("plan_version"),
    )
