"""The check, asked for every action of every user: it takes the shortest way through Django.

``as_view`` returns a plain function that answers GET without DRF's dispatch, serializers and
renderers. It obeys the same operation that is documented, and any refusal is written by the same
handler as everybody's.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import update_wrapper
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.response import Response

from core.api import problems
from core.api.operations import documented
from core.api.parameters import read_query
from core.api.permissions import NotAuthenticated
from core.api.rendering import dumps
from core.api.serializers import validated
from core.api.views import ApiRequest, ApiView
from core.errors import DomainError
from core.principals import Principal, Scope
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound
from entitlements import queries
from entitlements.api import examples, parameters
from entitlements.api.serializers import CheckOut, ChecksIn, ChecksOut
from entitlements.connections import EntitlementsUnavailable
from entitlements.queries import (
    RevisionTokenOfAnother,
    RevisionUnavailable,
    RevisionUnknown,
    SubjectRequired,
)
from entitlements.reader import Asked, OwnerRequired
from entitlements.tokens import MalformedRevisionToken
from identity.authentication import identify
from plans.errors import FeatureNotFound

_ONE = Decimal(1)
_PARAMETERS = (
    parameters.CUSTOMER,
    parameters.SUBJECT,
    parameters.FEATURE,
    parameters.QUANTITY,
    parameters.AT_LEAST,
)
_PROBLEMS = (
    OwnerRequired,
    FeatureNotFound,
    CustomerNotFound,
    SubjectNotFound,
    SubjectRequired,
    EntitlementsUnavailable,
)
_PLAIN_ACCEPT = frozenset({"*/*", "application/json"})


class Check(ApiView):
    scopes = {"GET": Scope.ENTITLEMENTS_CHECK, "POST": Scope.ENTITLEMENTS_CHECK}

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        ordinary = super().as_view(**initkwargs)

        def view(request: HttpRequest) -> HttpResponseBase:
            return _answered(request) if _is_plain(request) else ordinary(request)

        return update_wrapper(view, ordinary)

    @documented(
        CheckOut,
        tag="entitlements",
        summary="Check one feature",
        description=(
            "Whether a customer or subject may use a feature now, and why. A denial is an answer, "
            "too. `quantity` is what is asked for in addition. A feature of the customer may be "
            "asked about with a subject; the customer's is answered. Answers are read from the "
            "database, so they are never older than what was committed before the question."
        ),
        parameters=_PARAMETERS,
        problems=(
            *_PROBLEMS,
            MalformedRevisionToken,
            RevisionTokenOfAnother,
            RevisionUnknown,
            RevisionUnavailable,
        ),
        response_example=examples.CHECK,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        return _response(_answer(request.principal, request.parameters))

    @documented(
        ChecksOut,
        input=ChecksIn,
        tag="entitlements",
        summary="Check up to 500 features",
        description=(
            "One result for each question, in order: the answer that a single check gives, or the "
            "problem it answers. Nothing is changed, so an Idempotency-Key is ignored."
        ),
        problems=(EntitlementsUnavailable,),
        request_example=examples.CHECKS_IN,
        response_example=examples.CHECKS,
    )
    def post(self, request: ApiRequest) -> Response:
        data = validated(ChecksIn, request.data)
        questions = [
            (
                Asked(each.get("customer"), each.get("subject")),
                each["feature"],
                each.get("quantity", _ONE),
            )
            for each in data["checks"]
        ]
        found = queries.check_many(questions, request.principal)
        return Response({"results": [_result(each, request.request_id) for each in found]})


def _is_plain(request: HttpRequest) -> bool:
    """Tell whether a request is a GET like nearly all; whatever is odd goes the ordinary way."""
    meta = request.META
    return (
        request.method in ("GET", "HEAD")
        and meta.get("HTTP_ACCEPT", "*/*") in _PLAIN_ACCEPT
        and meta.get("QUERY_STRING", "").isascii()
        and "HTTP_TRANSFER_ENCODING" not in meta
        and "HTTP_CONTENT_ENCODING" not in meta
    )


def _answered(request: HttpRequest) -> HttpResponse:
    try:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            raise NotAuthenticated("send an access token: Authorization: Bearer …")
        principal = identify(header)
        principal.require(Scope.ENTITLEMENTS_CHECK)
        query = read_query(request.META.get("QUERY_STRING", ""), _PARAMETERS)
        return _response(_answer(principal, query))
    except (DomainError, OperationalError, InterfaceError) as error:
        refusal = problems.handle(error, {"request": request})
        headers = {**dict(refusal.items()), "Content-Type": problems.MEDIA_TYPE}
        return HttpResponse(dumps(refusal.data), status=refusal.status_code, headers=headers)


def _answer(principal: Principal, query: Mapping[str, Any]) -> dict[str, Any]:
    return queries.check(
        asked=Asked(query.get("customer"), query.get("subject")),
        feature=query["feature"],
        quantity=query.get("quantity", _ONE),
        at_least=query.get("at_least"),
        principal=principal,
    )


def _response(answer: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(dumps(answer), content_type="application/json")


def _result(found: Mapping[str, Any] | DomainError, request_id: str) -> dict[str, Any]:
    if isinstance(found, DomainError):
        return {"check": None, "problem": problems.problem(found, request_id=request_id)}
    return {"check": found, "problem": None}
