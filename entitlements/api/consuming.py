"""Consuming what is given, giving it back, and reporting how many there are."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from core.api import problems
from core.api.fields import Choice, Instant, Quantity, Reference, Text
from core.api.operations import documented
from core.api.serializers import Input, Output, validated
from core.api.views import ApiRequest, ApiView
from core.errors import DomainError
from core.principals import LimitedCaller, Principal, Scope
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound
from entitlements import consuming
from entitlements.api import examples
from entitlements.api.serializers import CheckOut, ProblemOut
from entitlements.connections import EntitlementsUnavailable
from entitlements.consuming import Consumption, LevelSeen, LevelTaken, NotALimit, NotConsumable
from entitlements.queries import SubjectRequired
from entitlements.reader import Asked, OwnerRequired
from plans.errors import FeatureNotFound
from usage.services import LevelBelowZero, Result, UsageIdReused

TAG = "usage"
MOST_LEVELS = 500
OWNER_PROBLEMS = (
    OwnerRequired,
    FeatureNotFound,
    CustomerNotFound,
    SubjectNotFound,
    SubjectRequired,
)
_REPEATABLE = (
    "`id` is the caller's own name of this use. The same request again changes nothing more and is "
    "answered `repeated`; it is known for 40 days. An Idempotency-Key is ignored."
)


class UseIn(Input):
    customer = Reference("cus", required=False, help_text="Not needed with a subject's id.")
    subject = Reference("sbj", required=False, help_text="Its id, or its key with a customer.")
    feature = Reference("ftr", help_text="The feature's key or id.")
    quantity = Quantity(help_text="How many units.")


class ConsumeIn(UseIn):
    id = Text(
        max_length=128,
        help_text="The caller's own name of this use, each once: a request, a message, a job.",
    )


class ConsumeOut(CheckOut):
    id = serializers.CharField(help_text="The caller's name of this use.")
    result = Choice(
        Result,
        help_text="`recorded`: it counts now. `repeated`: it has counted before, and does not "
        "again. `denied`: nothing was recorded; `reason` says why.",
    )


class LevelIn(Input):
    customer = Reference("cus", required=False, help_text="Not needed with a subject's id.")
    subject = Reference("sbj", required=False, help_text="Its id, or its key with a customer.")
    feature = Reference("ftr", help_text="The limit's key or id.")
    level = Quantity(help_text="How many there were.")
    observed_at = Instant(
        whole=False,
        required=False,
        help_text="When, in the customer's time; without: now. Of two the later one counts.",
    )


class LevelsIn(Input):
    levels = serializers.ListField(child=LevelIn(), min_length=1, max_length=MOST_LEVELS)


class LevelOut(Output):
    feature = serializers.CharField()
    customer = serializers.CharField(source="owner.customer_id")
    subject = serializers.CharField(source="owner.subject_id", allow_null=True)
    used = Quantity(help_text="How many there are now, as far as anybody has told.")
    taken = serializers.BooleanField(
        source="is_taken", help_text="False: something newer was known already."
    )


class LevelResultOut(Output):
    level = LevelOut(allow_null=True)
    problem = ProblemOut(allow_null=True)


class LevelsOut(Output):
    results = LevelResultOut(many=True, help_text="In the order of the reports.")


class Consume(ApiView):
    scopes = {"POST": Scope.USAGE_CONSUME}

    @documented(
        ConsumeOut,
        input=ConsumeIn,
        tag=TAG,
        summary="Use units of a feature, if that is allowed",
        description=(
            "Checks and counts in one step: of two who ask for the last unit at once, one gets it. "
            "A metered feature counts in its window, as far as its allowance and overage policy "
            "permit; of a limit the level rises. A denial is an answer, too, and records nothing. "
            f"{_REPEATABLE}"
        ),
        problems=(*OWNER_PROBLEMS, NotConsumable, UsageIdReused, EntitlementsUnavailable),
        request_example=examples.CONSUME_IN,
        response_example=examples.CONSUME,
    )
    def post(self, request: ApiRequest) -> Response:
        return _answer(request, consuming.consume)


class Release(ApiView):
    scopes = {"POST": Scope.USAGE_CONSUME}

    @documented(
        ConsumeOut,
        input=ConsumeIn,
        tag=TAG,
        summary="Give units of a limit back",
        description=(
            "The level falls, whatever the limit is now. More than there is cannot be given back. "
            f"What was used of a metered feature stays used. {_REPEATABLE}"
        ),
        problems=(
            *OWNER_PROBLEMS,
            LimitedCaller,
            NotConsumable,
            NotALimit,
            LevelBelowZero,
            UsageIdReused,
            EntitlementsUnavailable,
        ),
        request_example=examples.CONSUME_IN,
        response_example=examples.RELEASE,
    )
    def post(self, request: ApiRequest) -> Response:
        request.principal.require_unlimited()
        return _answer(request, consuming.release)


class Levels(ApiView):
    scopes = {"PUT": Scope.USAGE_REPORT}

    @documented(
        LevelsOut,
        input=LevelsIn,
        tag=TAG,
        summary="Report how many there are of up to 500 limits",
        description=(
            "Each for itself and in order: the level that is known now, or a problem. What was "
            "observed before something that is known already is left aside; of two at one instant "
            "the later to arrive counts. A level above the limit is taken: it is what there is."
        ),
        problems=(LimitedCaller, EntitlementsUnavailable),
        request_example=examples.LEVELS_IN,
        response_example=examples.LEVELS,
    )
    def put(self, request: ApiRequest) -> Response:
        request.principal.require_unlimited()
        data = validated(LevelsIn, request.data)
        found = consuming.report_levels(
            [
                LevelSeen(_asked(each), each["feature"], each["level"], each.get("observed_at"))
                for each in data["levels"]
            ],
            request.principal,
        )
        return Response({"results": [_result(each, request.request_id) for each in found]})


def _answer(
    request: ApiRequest, act: Callable[[Consumption, Principal], dict[str, Any]]
) -> Response:
    data = validated(ConsumeIn, request.data)
    wanted = Consumption(data["id"], _asked(data), data["feature"], data["quantity"])
    return Response(act(wanted, request.principal))


def _asked(data: dict[str, Any]) -> Asked:
    return Asked(data.get("customer"), data.get("subject"))


def _result(found: LevelTaken | DomainError, request_id: str) -> dict[str, Any]:
    if isinstance(found, DomainError):
        return {"level": None, "problem": problems.problem(found, request_id=request_id)}
    return {"level": LevelOut(found).data, "problem": None}
