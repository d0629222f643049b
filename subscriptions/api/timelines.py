"""What subscriptions were, are and are agreed to be."""

from typing import Any

from core.api.fields import Instant
from core.api.lists import Filter, Filters
from core.api.operations import lists
from core.api.views import ApiRequest, ApiView
from core.principals import Scope
from customers.lookups import find_customer
from customers.turns import CustomerNotFound
from subscriptions.api import examples
from subscriptions.api.common import TAG, find_subscription
from subscriptions.api.outputs import EntryOut
from subscriptions.models import Subscription
from subscriptions.services.results import SubscriptionNotFound
from subscriptions.timeline import Timeline

_DESCRIPTION = (
    "Entry after entry, oldest first: the past as it is known now, corrections included, then what "
    "is agreed for later, as it will be if nothing else happens. Renewals are no entries."
)


class TimelineFilters(Filters):
    known_at = Filter(
        Instant(whole=False),
        lambda rows, at: rows.filter(known_at=at),
        "As it was known at this instant of the machine's time.",
    )


class OfSubscription(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ}

    @lists(
        EntryOut,
        filters=TimelineFilters,
        order="position",
        tag=TAG,
        summary="Get a subscription's timeline",
        description=_DESCRIPTION,
        problems=(SubscriptionNotFound,),
        response_example=examples.ENTRY,
    )
    def get(self, request: ApiRequest, subscription: str) -> Any:
        row = find_subscription(subscription, request.principal)
        found = Subscription.objects.filter(pk=row.id)
        return Timeline(found, with_actors=request.principal.customer_id is None)


class OfCustomer(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ}

    @lists(
        EntryOut,
        filters=TimelineFilters,
        order="position",
        tag=TAG,
        summary="Get the timeline of all subscriptions of a customer",
        description=_DESCRIPTION + " Those of its subjects are included.",
        problems=(CustomerNotFound,),
        response_example=examples.ENTRY,
    )
    def get(self, request: ApiRequest, customer: str) -> Any:
        row = find_customer(customer, request.principal)
        found = Subscription.objects.filter(customer=row)
        return Timeline(found, with_actors=request.principal.customer_id is None)
