"""Customers and their subjects."""

from typing import Any

from django.db.models import QuerySet

from core.api.lists import Filter, Filters
from core.api.lookups import find, visible
from core.api.operations import Change, Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.periods import UnknownZone
from core.principals import LimitedCaller, Scope
from customers import services
from customers.api import examples
from customers.api.relations import CUSTOMER
from customers.api.serializers import (
    CustomerChangeIn,
    CustomerIn,
    CustomerOut,
    SubjectIn,
    SubjectOut,
    SubjectsIn,
    SubjectsOut,
)
from customers.clocks import ClockNotFound
from customers.events import CUSTOMER_CREATED, SUBJECT_CREATED
from customers.lookups import find_customer, find_subject
from customers.models import Customer, Subject, TestClock
from customers.services import KeyTaken, NewSubject, SubjectEnded, SubjectNotFound
from customers.turns import (
    CatchingUp,
    ClockAdvancing,
    CustomerClosed,
    CustomerNotFound,
    CustomerParked,
)

_COMMAND = (CustomerNotFound, CustomerClosed, CustomerParked, ClockAdvancing, CatchingUp)


def _customer(customer_id: str) -> Customer:
    return Customer.objects.select_related("profile", "test_clock").get(pk=customer_id)


class CustomerFilters(Filters):
    key = Filter.key("key", "The customer with this key of yours.")
    test_clock = Filter.reference("clk", "test_clock_id", "Customers who live by this test clock.")
    created_after = Filter.after("created_at", "Customers created at or after this instant.")
    created_before = Filter.before("created_at", "Customers created before this instant.")


class Customers(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ, "POST": Scope.CUSTOMERS_WRITE}

    @lists(
        CustomerOut,
        filters=CustomerFilters,
        tag="customers",
        summary="List customers",
        description="Newest first.",
        response_example=examples.CUSTOMER,
    )
    def get(self, request: ApiRequest) -> QuerySet[Customer]:
        rows = Customer.objects.select_related("profile", "test_clock")
        return visible(rows, request.principal, customer_field="id")

    @changes(
        CustomerIn,
        CustomerOut,
        status=201,
        tag="customers",
        summary="Create a customer",
        description=(
            "The customer is on the default plan of every product sold to customers at once, "
            "with its entitlements; `plans` names other plans to begin on. A customer created "
            "on a test clock lives in that clock's time for good."
        ),
        problems=(KeyTaken, LimitedCaller, UnknownZone, ClockNotFound, ClockAdvancing),
        request_example=examples.CUSTOMER_IN,
        response_example=examples.CUSTOMER,
        personal=("profile",),
        replay=_customer,
        publishes=(CUSTOMER_CREATED.name,),
    )
    def post(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        request.principal.require_unlimited()
        profile = data.get("profile", {})
        clock_id = None
        if "test_clock" in data:
            clock_id = find(
                TestClock.objects.all(),
                data["test_clock"],
                prefix="clk",
                missing=ClockNotFound,
                principal=None,
                key_field=None,
            ).id
        customer = services.create_customer(
            key=data.get("key"),
            currency=data["currency"],
            zone=data["zone"],
            name=profile.get("name", ""),
            email=profile.get("email", ""),
            test_clock_id=clock_id,
            plans=data.get("plans"),
        )
        return Changed(customer, customers=[customer.id])


class OneCustomer(ApiView):
    scopes = {
        "GET": Scope.CUSTOMERS_READ,
        "PATCH": Scope.CUSTOMERS_WRITE,
        "DELETE": Scope.CUSTOMERS_WRITE,
    }

    @reads(
        CustomerOut,
        tag="customers",
        summary="Get a customer",
        description="A closed one stays readable.",
        problems=(CustomerNotFound,),
        response_example=examples.CUSTOMER,
    )
    def get(self, request: ApiRequest, customer: str) -> Customer:
        return find_customer(customer, request.principal)

    @changes(
        CustomerChangeIn,
        CustomerOut,
        tag="customers",
        summary="Change a customer's profile",
        description="Only what is given changes.",
        problems=_COMMAND,
        request_example={"profile": {"email": "accounts@shop.example"}},
        response_example=examples.CUSTOMER,
        personal=("profile",),
    )
    def patch(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        found = find_customer(customer, request.principal)
        row, changed = services.update_profile(customer_id=found.id, **data["profile"])
        return Changed(
            find_customer(row.id, request.principal),
            customers=[row.id],
            changes=[
                Change(f"profile.{name}", getattr(found.profile, name), value)
                for name, value in sorted(changed.items())
            ],
        )

    @changes(
        None,
        CustomerOut,
        tag="customers",
        summary="Close a customer",
        description=(
            "Everything the customer has ends now and for good, and is deprovisioned. "
            "Its history stays readable."
        ),
        problems=_COMMAND,
        response_example=examples.CUSTOMER,
        personal=("profile",),
    )
    def delete(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        found = find_customer(customer, request.principal)
        row = services.close_customer(customer_id=found.id)
        return Changed(
            find_customer(row.id, request.principal),
            customers=[row.id],
            changes=[Change("closed_at", None, row.closed_at)],
        )


class SubjectFilters(Filters):
    key = Filter.key("key", "The subject with this key of yours.")
    kind = Filter.text("kind", "Subjects of this kind.", max_length=64)
    current = Filter.boolean("ended_at__isnull", "Whether the subject has not ended.")


class Subjects(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ, "POST": Scope.CUSTOMERS_WRITE}

    @lists(
        SubjectOut,
        filters=SubjectFilters,
        expandable={"customer": CUSTOMER},
        tag="customers",
        summary="List a customer's subjects",
        description="Newest first, ended ones included.",
        problems=(CustomerNotFound,),
        response_example=examples.SUBJECT,
    )
    def get(self, request: ApiRequest, customer: str) -> QuerySet[Subject]:
        return Subject.objects.filter(customer=find_customer(customer, request.principal))

    @changes(
        SubjectIn,
        SubjectOut,
        status=201,
        tag="customers",
        summary="Create a subject",
        description=(
            "A subject holds its own subscriptions and entitlements: a zone, a site, a project. It "
            "is on the default plan of every product sold to subjects of its kind at once."
        ),
        problems=(*_COMMAND, KeyTaken),
        request_example=examples.SUBJECT_IN,
        response_example=examples.SUBJECT,
        publishes=(SUBJECT_CREATED.name,),
    )
    def post(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        found = find_customer(customer, request.principal)
        rows = services.create_subjects(customer_id=found.id, subjects=[NewSubject(**data)])
        return Changed(rows[0], customers=[found.id])


class SubjectsInBulk(ApiView):
    scopes = {"POST": Scope.CUSTOMERS_WRITE}

    @changes(
        SubjectsIn,
        SubjectsOut,
        status=201,
        tag="customers",
        summary="Create up to 500 subjects",
        description="All of them or, if one cannot be created, none.",
        problems=(*_COMMAND, KeyTaken),
        request_example={"subjects": [examples.SUBJECT_IN]},
        response_example={"data": [examples.SUBJECT]},
        publishes=(SUBJECT_CREATED.name,),
    )
    def post(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        found = find_customer(customer, request.principal)
        wanted = [NewSubject(**each) for each in data["subjects"]]
        rows = services.create_subjects(customer_id=found.id, subjects=wanted)
        return Changed({"data": rows}, customers=[found.id])


class OneSubject(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ, "DELETE": Scope.CUSTOMERS_WRITE}

    @reads(
        SubjectOut,
        expandable={"customer": CUSTOMER},
        tag="customers",
        summary="Get a subject",
        description="An ended one stays readable, and keeps its key for good.",
        problems=(CustomerNotFound, SubjectNotFound),
        response_example=examples.SUBJECT,
    )
    def get(self, request: ApiRequest, customer: str, subject: str) -> Subject:
        found = find_customer(customer, request.principal)
        return find_subject(found, subject, request.principal)

    @changes(
        None,
        SubjectOut,
        tag="customers",
        summary="End a subject",
        description="Its subscriptions end now and for good, and it is deprovisioned.",
        problems=(*_COMMAND, SubjectNotFound, SubjectEnded),
        response_example=examples.SUBJECT,
    )
    def delete(
        self, request: ApiRequest, data: dict[str, Any], customer: str, subject: str
    ) -> Changed:
        found = find_customer(customer, request.principal)
        row = services.end_subject(subject_id=find_subject(found, subject, request.principal).id)
        return Changed(row, customers=[found.id], changes=[Change("ended_at", None, row.ended_at)])
