"""A small API over clocks and customers, to walk through the front door of ``core.api``."""

import time
from typing import Any

from api_callers import Tokens
from django.db import OperationalError, connection
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.response import Response
from rest_framework.serializers import CharField, ListField

from core import clock, preconditions
from core.api import fields, health
from core.api.lists import Filter, Filters
from core.api.lookups import find, visible
from core.api.operations import (
    Change,
    Changed,
    Expansion,
    Parameter,
    changes,
    documented,
    lists,
    reads,
)
from core.api.problem_page import problem_page
from core.api.serializers import Input, Output, validated
from core.api.views import ApiRequest, ApiView
from core.errors import Conflict, NotFound
from core.principals import Scope
from core.transactions import command
from customers.models import Customer, CustomerProfile, Subject, TestClock


class ClockMissing(NotFound):
    """There is no such clock."""

    code = "clock_missing"


class CustomerMissing(NotFound):
    """There is no such customer."""

    code = "customer_missing"


class ClockStopped(Conflict):
    """The clock is stopped."""

    code = "clock_stopped"


class View(ApiView):
    authentication_classes = (Tokens,)


class PartIn(Input):
    size = fields.Integer(max_value=10)
    note = fields.Text(max_length=5, required=False)


class ClockIn(Input):
    name = fields.Text(max_length=20)
    frozen_at = fields.Instant()
    id = CharField(read_only=True)
    count = fields.Integer(required=False)
    weight = fields.Quantity(required=False)
    balance = fields.DecimalText(required=False)
    price = fields.MoneyField(required=False)
    zone = fields.Zone(required=False)
    enabled = fields.StrictBoolean(required=False)
    metadata = fields.JsonObject(required=False, max_bytes=100)
    kind = fields.Choice(["day", "night"], required=False)
    seen_at = fields.Instant(required=False, whole=False, allow_null=True)
    key = fields.Key(required=False)
    clock = fields.Id("clk", required=False)
    customer = fields.Reference("cus", required=False)
    parts = PartIn(many=True, required=False)
    tags = ListField(child=fields.Text(max_length=3), required=False, max_length=3)


class ClockOut(Output):
    id = CharField()
    name = CharField()
    frozen_at = fields.Instant()
    advancing_to = fields.Instant(allow_null=True)


class TickOut(Output):
    example = {"ticks": 1}
    ticks = fields.Integer()


class ClockFilters(Filters):
    name = Filter.text("name", "Clocks of this name.", max_length=20)
    frozen_after = Filter.after("frozen_at", "Standing at or after this instant.")
    frozen_before = Filter.before("frozen_at", "Standing before this instant.")
    moving = Filter.boolean("advancing_to__isnull", "Whether they move.", negate=True)


class CustomerFilters(Filters):
    customer = Filter.reference("cus", "id", "One customer.", key_path="key")
    test_clock = Filter.reference("clk", "test_clock_id", "Living by this clock.")


class ProfileOut(Output):
    name = CharField()


class CustomerOut(Output):
    id = CharField()
    key = CharField(allow_null=True)
    profile = ProfileOut()


class ThingOut(Output):
    """``customer`` names by id what ``account`` names by key."""

    id = CharField()
    customer = CharField(source="customer_id")
    account = CharField(source="customer.key", allow_null=True)


class CustomerIn(Input):
    key = fields.Key(required=False)
    name = fields.Text(max_length=50)


@command
def make_clock(*, name: str, frozen_at: Any) -> TestClock:
    if name == "stopped":
        raise ClockStopped("the clock is stopped", since="yesterday")
    row = TestClock.objects.create(name=name, frozen_at=frozen_at, created_at=clock.system_now())
    if name == "slow":
        time.sleep(0.5)
    if name == "late failure":
        raise ClockStopped("after the write")
    return row


@command
def rename_clock(*, clock_id: str, name: str) -> TestClock:
    row = TestClock.objects.select_for_update().get(pk=clock_id)
    preconditions.verify(row)
    row.name = name
    row.save(update_fields=["name"])
    return row


@command
def make_customer(*, key: str | None, name: str) -> Customer:
    now = clock.system_now()
    row = Customer.objects.create(
        key=key, currency="EUR", zone="UTC", created_at=now, last_acted_at=now
    )
    CustomerProfile.objects.create(customer=row, name=name)
    return row


def find_clock(reference: str) -> TestClock:
    return find(
        TestClock.objects.all(),
        reference,
        prefix="clk",
        missing=ClockMissing,
        principal=None,
        key_field=None,
    )


class Clocks(View):
    scopes = {"GET": Scope.CUSTOMERS_READ, "POST": Scope.CLOCKS_WRITE}

    @lists(ClockOut, filters=ClockFilters, tag="clocks", summary="List clocks")
    def get(self, request: ApiRequest) -> Any:
        return TestClock.objects.all()

    @changes(
        ClockIn,
        ClockOut,
        status=201,
        tag="clocks",
        summary="Create a clock",
        problems=(ClockStopped,),
    )
    def post(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        row = make_clock(name=data["name"], frozen_at=data["frozen_at"])
        return Changed(row, changes=[Change("name", None, row.name)])


class OneClock(View):
    scopes = {
        "GET": Scope.CUSTOMERS_READ,
        "PATCH": Scope.CLOCKS_WRITE,
        "DELETE": Scope.CLOCKS_WRITE,
    }

    @reads(ClockOut, tag="clocks", summary="Get a clock", problems=(ClockMissing,))
    def get(self, request: ApiRequest, clock: str) -> TestClock:
        return find_clock(clock)

    @changes(ClockIn, ClockOut, tag="clocks", summary="Rename", problems=(ClockMissing,))
    def patch(self, request: ApiRequest, data: dict[str, Any], clock: str) -> Changed:
        return Changed(rename_clock(clock_id=find_clock(clock).id, name=data["name"]))

    @changes(None, None, status=204, tag="clocks", summary="Delete", problems=(ClockMissing,))
    def delete(self, request: ApiRequest, data: dict[str, Any], clock: str) -> Changed:
        find_clock(clock).delete()
        return Changed(None)


class Tick(View):
    scopes = {"POST": Scope.CLOCKS_WRITE}

    @changes(
        None,
        ClockOut,
        tag="clocks",
        summary="Tick",
        problems=(ClockMissing,),
        outcome=TickOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], clock: str) -> Changed:
        row = rename_clock(clock_id=find_clock(clock).id, name="ticked")
        return Changed(row, outcome={"ticks": 1})


class Secret(View):
    scopes = {"POST": Scope.CLOCKS_WRITE}

    @changes(None, None, tag="clocks", summary="Make a secret", answers_secret=True)
    def post(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        return Changed(None, changes=[Change("secret", None, "s3cret")])


class Customers(View):
    scopes = {"GET": Scope.CUSTOMERS_READ, "POST": Scope.CUSTOMERS_WRITE}

    @lists(CustomerOut, filters=CustomerFilters, tag="customers", summary="List customers")
    def get(self, request: ApiRequest) -> Any:
        rows = Customer.objects.select_related("profile")
        return visible(rows, request.principal, customer_field="id")

    @changes(
        CustomerIn,
        CustomerOut,
        status=201,
        tag="customers",
        summary="Create a customer",
        personal=("profile",),
        replay=lambda customer_id: Customer.objects.select_related("profile").get(pk=customer_id),
    )
    def post(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        row = make_customer(key=data.get("key"), name=data["name"])
        return Changed(row, customers=[row.id])


class OneCustomer(View):
    scopes = {"GET": Scope.CUSTOMERS_READ}

    @reads(CustomerOut, tag="customers", summary="Get", problems=(CustomerMissing,))
    def get(self, request: ApiRequest, customer: str) -> Customer:
        return find(
            Customer.objects.select_related("profile"),
            customer,
            prefix="cus",
            missing=CustomerMissing,
            principal=request.principal,
            customer_field="id",
        )


def whole_customers() -> Any:
    return Customer.objects.select_related("profile")


RELATIONS = {
    "customer": Expansion(CustomerOut, whole_customers, Scope.CUSTOMERS_READ),
    "account": Expansion(CustomerOut, whole_customers, Scope.CUSTOMERS_WRITE, named_by="key"),
}


class Things(View):
    scopes = {"GET": None}

    @lists(ThingOut, tag="things", summary="List", expandable=RELATIONS)
    def get(self, request: ApiRequest) -> Any:
        return visible(Subject.objects.select_related("customer"), request.principal)


class OneThing(View):
    scopes = {"GET": None}

    @reads(ThingOut, tag="things", summary="Get", expandable=RELATIONS)
    def get(self, request: ApiRequest, thing: str) -> Subject:
        return find(
            Subject.objects.select_related("customer"),
            thing,
            prefix="sbj",
            missing=NotFound,
            principal=request.principal,
        )


class Ask(View):
    scopes = {"GET": None, "POST": None}

    @documented(
        None,
        tag="asking",
        summary="Ask",
        parameters=(
            Parameter("feature", fields.Reference("ftr"), "Which feature.", required=True),
            Parameter("quantity", fields.Integer(min_value=1), "How many."),
            Parameter("at", fields.Instant(), "When."),
            Parameter("strict", fields.StrictBoolean(), "Whether."),
            Parameter("dry", fields.StrictBoolean(default=False), "Whether not."),
        ),
    )
    def get(self, request: ApiRequest) -> Response:
        return Response({name: str(value) for name, value in request.parameters.items()})

    @documented(None, tag="asking", summary="Ask much", input=PartIn)
    def post(self, request: ApiRequest) -> Response:
        return Response(validated(PartIn, request.data))


class Big(Ask):
    max_body_bytes = 1024 * 1024


class Open(View):
    public = True

    @documented(None, tag="asking", summary="Ask without a token")
    def get(self, request: ApiRequest) -> Response:
        return Response({"who": "anybody"})


class Broken(View):
    scopes = {"GET": None, "POST": None}

    @documented(None, tag="asking", summary="Fail")
    def get(self, request: ApiRequest) -> Response:
        raise RuntimeError("the secret is 42")

    @documented(None, tag="asking", summary="Lose the database")
    def post(self, request: ApiRequest) -> Response:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        raise OperationalError("could not connect to server db.internal")


v1 = [
    path("clocks", Clocks.as_view()),
    path("clocks/<str:clock>", OneClock.as_view()),
    path("clocks/<str:clock>/tick", Tick.as_view()),
    path("secrets", Secret.as_view()),
    path("customers", Customers.as_view()),
    path("customers/<str:customer>", OneCustomer.as_view()),
    path("things", Things.as_view()),
    path("things/<str:thing>", OneThing.as_view()),
    path("ask", Ask.as_view()),
    path("big", Big.as_view()),
    path("open", Open.as_view()),
]
urlpatterns = [
    path("v1/", include(v1)),
    path("broken", Broken.as_view()),
    path("docs/problems", problem_page),
    path("schema", SpectacularAPIView.as_view()),
    path("", include(health.urlpatterns)),
]
handler400 = "core.api.problems.bad_request"
handler403 = "core.api.problems.forbidden"
handler404 = "core.api.problems.not_found"
handler500 = "core.api.problems.server_error"
