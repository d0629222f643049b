"""Subscriptions: list, begin, read at any time, note."""

from typing import Any

from django.db.models import QuerySet

from core.api.fields import Choice, Instant
from core.api.lists import Filter, Filters
from core.api.lookups import visible
from core.api.operations import Changed, Parameter, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.errors import NotFound
from core.periods import AnchorNotAllowed
from core.principals import Scope
from customers.lookups import find_customer, find_subject
from customers.services import SubjectEnded, SubjectNotFound
from customers.turns import CustomerNotFound
from plans import queries as catalog
from subscriptions import services
from subscriptions.api import examples
from subscriptions.api.common import NEEDS_OVERRIDE as NEEDS_OVERRIDE
from subscriptions.api.common import ONE as ONE
from subscriptions.api.common import SALE as SALE
from subscriptions.api.common import TAG, answer, beginning, find_subscription
from subscriptions.api.common import TURN as TURN
from subscriptions.api.outputs import OutcomeOut, SubscriptionOut
from subscriptions.api.serializers import MetadataIn, SubscribeIn
from subscriptions.models import ChangeKind, PendingChange, Subscription
from subscriptions.reading import standing_at
from subscriptions.services.beginnings import DateInPast, DatesOutOfOrder
from subscriptions.services.ends import AlreadyOnFallback
from subscriptions.services.results import SubscriptionNotFound, WrongOwner
from subscriptions.services.subscribe import AlreadySubscribed
from subscriptions.services.wanted import Order
from subscriptions.states import State

AT = Parameter(
    "at",
    Instant(required=False),
    "Another instant of the customer's time, past or future.",
)
KNOWN_AT = Parameter(
    "known_at",
    Instant(required=False, whole=False),
    "As it was known at this instant of the machine's time; as known now unless told.",
)


class NothingThen(NotFound):
    """At that instant, or by what was known then, there was no such subscription."""

    code = "nothing_then"


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
        tag=TAG,
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
        tag=TAG,
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
            AlreadyOnFallback,
            AnchorNotAllowed,
            DateInPast,
            DatesOutOfOrder,
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
        plan = catalog.find_plan(data["plan"])
        result = services.subscribe(
            customer_id=customer.id,
            subject_id=subject_id,
            order=Order(
                plan.id, data.get("interval"), data.get("quantity"), data.get("add_ons", {})
            ),
            beginning=beginning(data, request.principal),
        )
        return answer(result, status=201 if result.created else 200)


class OneSubscription(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ, "PATCH": Scope.SUBSCRIPTIONS_WRITE}

    @reads(
        SubscriptionOut,
        parameters=(AT, KNOWN_AT),
        tag=TAG,
        summary="Get a subscription",
        description=(
            "What it is now, with what is agreed for later; an ended one stays readable. `at` "
            "asks for another instant of its customer's time: the past as it is known now, "
            "corrections included, and the future as it is agreed, if renewals succeed. "
            "`known_at` asks for what was known earlier, in the machine's time. Metadata, version "
            "and `updated_at` are always those of now."
        ),
        problems=(SubscriptionNotFound, NothingThen),
        response_example=examples.SUBSCRIPTION,
    )
    def get(self, request: ApiRequest, subscription: str) -> Subscription:
        row = find_subscription(subscription, request.principal)
        at, known_at = (request.parameters.get(each.name) for each in (AT, KNOWN_AT))
        if at is None and known_at is None:
            return Subscription.objects.shown().get(pk=row.id)
        then = standing_at(row.id, at=at, known_at=known_at)
        if then is None:
            raise NothingThen("there was no such subscription then")
        return then

    @changes(
        MetadataIn,
        SubscriptionOut,
        tag=TAG,
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
