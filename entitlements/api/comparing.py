"""What differs between two instants, and what would differ if something were otherwise."""

from typing import Any

from rest_framework.response import Response

from core.api.operations import documented, reads
from core.api.serializers import represent, validated
from core.api.views import ApiRequest, ApiView
from core.principals import Scope
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound
from entitlements import queries
from entitlements.api import examples, parameters
from entitlements.api.serializers import DiffOut, SimulationIn, SimulationOut
from entitlements.connections import EntitlementsUnavailable
from entitlements.overrides import Mode, ModeNotAllowed, WindowRequired
from entitlements.queries import FeatureOfCustomer, NotSubscribed, SubjectRequired, Supposed
from entitlements.reader import Asked, OwnerRequired
from plans.errors import FeatureNotFound, PlanNotFound, PlanNotSold
from plans.numbers import MalformedValue


class Diff(ApiView):
    scopes = {"GET": Scope.ENTITLEMENTS_READ}

    @reads(
        DiffOut,
        tag="entitlements",
        summary="Compare what an owner has at two instants",
        description=(
            "The features of the customer itself or, with `subject`, of that subject whose values "
            "differ, each with its cause. Access that a block or a pause takes is not compared."
        ),
        parameters=(parameters.FROM, parameters.TO, parameters.SUBJECT_OF),
        problems=(CustomerNotFound, SubjectNotFound, EntitlementsUnavailable),
        response_example=examples.DIFF,
    )
    def get(self, request: ApiRequest, customer: str) -> dict[str, Any]:
        return queries.diff(
            asked=Asked(customer, request.parameters.get("subject")),
            before=request.parameters["from"],
            after=request.parameters["to"],
            principal=request.principal,
        )


class Simulation(ApiView):
    scopes = {"POST": Scope.ENTITLEMENTS_READ}

    @documented(
        SimulationOut,
        input=SimulationIn,
        tag="entitlements",
        summary="Ask what an owner would have if something were otherwise",
        description=(
            "On another plan, with an override, or both: the features that would differ, resolved "
            "as everything is. Nothing is changed, so an Idempotency-Key is ignored."
        ),
        problems=(
            OwnerRequired,
            CustomerNotFound,
            SubjectNotFound,
            FeatureNotFound,
            PlanNotFound,
            PlanNotSold,
            NotSubscribed,
            SubjectRequired,
            FeatureOfCustomer,
            ModeNotAllowed,
            WindowRequired,
            MalformedValue,
            EntitlementsUnavailable,
        ),
        request_example=examples.SIMULATION_IN,
        response_example=examples.SIMULATION,
    )
    def post(self, request: ApiRequest) -> Response:
        data = validated(SimulationIn, request.data)
        override = data.get("override", {})
        found = queries.simulate(
            asked=Asked(data.get("customer"), data.get("subject")),
            supposed=Supposed(
                plan=data.get("plan"),
                feature=override.get("feature"),
                mode=Mode(override["mode"]) if "mode" in override else None,
                form=override.get("value"),
            ),
            at=data.get("at"),
            principal=request.principal,
        )
        return Response(represent(SimulationOut, found, request))
