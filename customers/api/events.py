"""What happened: to one customer, or to all that the caller may see."""

from typing import Any

from django.db.models import QuerySet

from core.api.fields import Reference
from core.api.lists import Filter, Filters
from core.api.lookups import visible
from core.api.operations import lists
from core.api.parameters import MalformedParameter
from core.api.views import ApiRequest, ApiView
from core.ids import MalformedId, is_type_id
from core.models import Event
from core.principals import Scope
from customers.api import examples
from customers.api.serializers import EventOut
from customers.lookups import find_customer
from customers.models import Customer, Subject
from customers.turns import CustomerNotFound


def named(model: type[Customer] | type[Subject], name: str) -> QuerySet[Any]:
    """Return the ids of what an id or a key names."""
    column = "pk" if is_type_id(name) else "key"
    try:
        return model.objects.filter(**{column: name}).values("pk")
    except MalformedId as error:
        raise MalformedParameter(error.detail) from None


class TimelineFilters(Filters):
    subject = Filter(
        Reference("sbj"),
        lambda rows, name: rows.filter(subject_id__in=named(Subject, name)),
        "Events of this subject.",
    )
    type = Filter.text(
        "type", "Events of this type, such as `subscription.changed`.", max_length=64
    )
    from_ = Filter.after("occurred_at", "At or after this instant, the customer's time.")
    to = Filter.before("occurred_at", "Before this instant, the customer's time.")


class EventFilters(TimelineFilters):
    customer = Filter(
        Reference("cus"),
        lambda rows, name: rows.filter(customer_id__in=named(Customer, name)),
        "Events of this customer.",
    )


class Events(ApiView):
    scopes = {"GET": Scope.EVENTS_READ}

    @lists(
        EventOut,
        filters=EventFilters,
        order="-ordinal",
        tag="events",
        summary="List events",
        description="Newest first. Every fact that the platform published.",
        response_example=examples.EVENT,
    )
    def get(self, request: ApiRequest) -> QuerySet[Event]:
        return visible(Event.objects.all(), request.principal)


class CustomerTimeline(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ}

    @lists(
        EventOut,
        filters=TimelineFilters,
        order="-ordinal",
        tag="events",
        summary="List what happened to a customer",
        description="Newest first.",
        problems=(CustomerNotFound,),
        response_example=examples.EVENT,
    )
    def get(self, request: ApiRequest, customer: str) -> QuerySet[Event]:
        return Event.objects.filter(customer_id=find_customer(customer, request.principal).id)
