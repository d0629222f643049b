"""What customers and subjects hold, why, and how new an answer must be."""

from typing import Any

from core.api.operations import reads
from core.api.views import ApiRequest, ApiView
from core.principals import Scope
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound
from entitlements import queries
from entitlements.api import examples, parameters
from entitlements.api.serializers import EntitlementsOut, ExplanationOut, RevisionOut
from entitlements.connections import EntitlementsUnavailable
from entitlements.queries import SubjectRequired
from entitlements.reader import Asked
from plans.errors import FeatureNotFound


class Entitlements(ApiView):
    scopes = {"GET": Scope.ENTITLEMENTS_READ}

    @reads(
        EntitlementsOut,
        tag="entitlements",
        summary="List what a customer or subject may use",
        description=(
            "Every feature that is, was or will be given to the customer itself or, with "
            "`subject`, to that subject. An instant ahead assumes that renewals succeed and says "
            "`projected`; an instant behind is told as it is known now."
        ),
        parameters=(parameters.SUBJECT_OF, parameters.AT),
        problems=(CustomerNotFound, SubjectNotFound, EntitlementsUnavailable),
        response_example=examples.ENTITLEMENTS,
    )
    def get(self, request: ApiRequest, customer: str) -> dict[str, Any]:
        return queries.entitlements(
            asked=Asked(customer, request.parameters.get("subject")),
            at=request.parameters.get("at"),
            principal=request.principal,
        )


class Explanation(ApiView):
    scopes = {"GET": Scope.ENTITLEMENTS_READ}

    @reads(
        ExplanationOut,
        tag="entitlements",
        summary="Explain one entitlement",
        description=(
            "Step by step and in words: what gives the value, what lost, what changes next, and "
            "which plans would give more. A denial is explained in the same way."
        ),
        parameters=(parameters.FEATURE, parameters.SUBJECT_OF, parameters.AT),
        problems=(
            CustomerNotFound,
            SubjectNotFound,
            FeatureNotFound,
            SubjectRequired,
            EntitlementsUnavailable,
        ),
        response_example=examples.EXPLANATION,
    )
    def get(self, request: ApiRequest, customer: str) -> dict[str, Any]:
        return queries.explain(
            asked=Asked(customer, request.parameters.get("subject")),
            feature=request.parameters["feature"],
            at=request.parameters.get("at"),
            principal=request.principal,
        )


class RevisionToken(ApiView):
    scopes = {"GET": Scope.ENTITLEMENTS_READ}

    @reads(
        RevisionOut,
        tag="entitlements",
        summary="Get a customer's revision token",
        description=(
            "Given as `at_least`, checks answer with what holds now or something newer. Every "
            "change answers such a token, too."
        ),
        problems=(CustomerNotFound, EntitlementsUnavailable),
        response_example=examples.REVISION,
    )
    def get(self, request: ApiRequest, customer: str) -> dict[str, Any]:
        return queries.token_of(customer=customer, principal=request.principal)
