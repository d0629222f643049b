"""Test clocks: a customer's whole future in a second."""

from typing import Any

from django.db.models import QuerySet

from core.api.lists import Filters
from core.api.lookups import find
from core.api.operations import Change, Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Principal, Scope
from customers import clocks
from customers.api import examples
from customers.api.serializers import AdvanceIn, ClockIn, ClockOut
from customers.clocks import AdvanceTooFar, ClockCannotGoBack, ClockNotFound
from customers.models import TestClock
from customers.turns import ClockAdvancing


class ClockFilters(Filters):
    pass


class Clocks(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ, "POST": Scope.CLOCKS_WRITE}

    @lists(
        ClockOut,
        filters=ClockFilters,
        tag="test clocks",
        summary="List test clocks",
        description="Newest first, each with the instant it stands at and whether it is moving.",
        problems=(LimitedCaller,),
        response_example=examples.CLOCK,
    )
    def get(self, request: ApiRequest) -> QuerySet[TestClock]:
        request.principal.require_unlimited()
        return TestClock.objects.counting_parked()

    @changes(
        ClockIn,
        ClockOut,
        status=201,
        tag="test clocks",
        summary="Create a test clock",
        description="It stands still until it is advanced. Create customers on it.",
        problems=(LimitedCaller,),
        request_example={"name": "Month ends", "frozen_at": "2026-01-31T00:00:00Z"},
        response_example=examples.CLOCK,
    )
    def post(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        request.principal.require_unlimited()
        return Changed(clocks.create_clock(**data))


class OneClock(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ}

    @reads(
        ClockOut,
        tag="test clocks",
        summary="Get a test clock",
        description="Where it stands, and while it is advancing, where it goes.",
        problems=(ClockNotFound, LimitedCaller),
        response_example=examples.CLOCK,
    )
    def get(self, request: ApiRequest, clock: str) -> TestClock:
        return _find(clock, request.principal)


class Advance(ApiView):
    scopes = {"POST": Scope.CLOCKS_WRITE}

    @changes(
        AdvanceIn,
        ClockOut,
        status=202,
        tag="test clocks",
        summary="Advance a test clock",
        description=(
            "Workers move the clock, stopping wherever something is due for its customers. Poll "
            "the clock until its status is `ready`. Ten years at most at once."
        ),
        problems=(ClockNotFound, LimitedCaller, ClockAdvancing, ClockCannotGoBack, AdvanceTooFar),
        request_example={"to": "2026-03-01T00:00:00Z"},
        response_example={
            **examples.CLOCK,
            "advancing_to": "2026-03-01T00:00:00Z",
            "status": "advancing",
        },
    )
    def post(self, request: ApiRequest, data: dict[str, Any], clock: str) -> Changed:
        row = clocks.advance(clock_id=_find(clock, request.principal).id, to=data["to"])
        return Changed(row, changes=[Change("advancing_to", None, row.advancing_to)])


def _find(reference: str, principal: Principal) -> TestClock:
    principal.require_unlimited()
    return find(
        TestClock.objects.all(),
        reference,
        prefix="clk",
        missing=ClockNotFound,
        principal=None,
        key_field=None,
    )
