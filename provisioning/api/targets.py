"""Targets: what each product service should hold, and every try to tell it."""

from typing import Any

from django.db.models import F, QuerySet

from core.api.fields import StrictBoolean
from core.api.lists import Filter, Filters
from core.api.lookups import find
from core.api.operations import Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Scope
from customers.lookups import find_customer
from customers.turns import CustomerNotFound
from provisioning import queries, services
from provisioning.api import examples
from provisioning.api.serializers import (
    AttemptOut,
    CustomerTargetOut,
    TargetDetailOut,
    TargetOut,
)
from provisioning.documents import State
from provisioning.models import Attempt, Target
from provisioning.services import TargetNotFound

TAG = "provisioning"


def _lagging(rows: QuerySet[Target], wanted: bool) -> QuerySet[Target]:
    behind = {"applied_generation__lt": F("desired_generation")}
    return rows.filter(**behind) if wanted else rows.exclude(**behind)


class TargetFilters(Filters):
    service = Filter.reference(
        "svc", "service_id", "At this product service.", key_path="service__key"
    )
    customer = Filter.reference(
        "cus", "customer_id", "Of this customer and its subjects.", key_path="customer__key"
    )
    subject = Filter.reference("sbj", "subject_id", "Of this subject.")
    state = Filter.choice(State, "state", "Whose newest document says so.")
    lagging = Filter(
        StrictBoolean(), _lagging, "Whose newest document is not known to be applied, or is."
    )


class CustomerTargetFilters(Filters):
    service = Filter.reference(
        "svc", "service_id", "At this product service.", key_path="service__key"
    )
    subject = Filter.reference("sbj", "subject_id", "Of this subject.", key_path="subject__key")


def _find_target(reference: str, request: ApiRequest) -> Target:
    return find(
        queries.targets(request.principal),
        reference,
        prefix="tgt",
        missing=TargetNotFound,
        principal=None,
        key_field=None,
    )


class Targets(ApiView):
    scopes = {"GET": Scope.PROVISIONING_READ}

    @lists(
        TargetOut,
        filters=TargetFilters,
        tag=TAG,
        summary="List targets",
        description=(
            "Newest first. A caller limited to a product service sees that one's; a caller limited "
            "to a customer none: `/customers/{customer}/provisioning` is theirs."
        ),
        response_example=examples.TARGET,
    )
    def get(self, request: ApiRequest) -> QuerySet[Target]:
        return queries.targets(request.principal)


class OneTarget(ApiView):
    scopes = {"GET": Scope.PROVISIONING_READ}

    @reads(
        TargetDetailOut,
        tag=TAG,
        summary="Get a target",
        description="The document that is desired beside the one that was applied.",
        problems=(TargetNotFound,),
        response_example=examples.TARGET_DETAIL,
    )
    def get(self, request: ApiRequest, target: str) -> Target:
        return _find_target(target, request)


class ResyncTarget(ApiView):
    scopes = {"POST": Scope.PROVISIONING_WRITE}

    @changes(
        None,
        TargetDetailOut,
        tag=TAG,
        summary="Send a target again",
        description=(
            "Sends its newest document now, whatever the service is thought to hold. What was "
            "given up is tried again."
        ),
        problems=(TargetNotFound, LimitedCaller),
        request_example=examples.RESYNC_TARGET,
        response_example=examples.TARGET_DETAIL,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], target: str) -> Changed:
        request.principal.require_unlimited()
        found = _find_target(target, request)
        services.resync(target_id=found.id)
        return Changed(_find_target(found.id, request), customers=[found.customer_id])


class Attempts(ApiView):
    scopes = {"GET": Scope.PROVISIONING_READ}

    @lists(
        AttemptOut,
        tag=TAG,
        summary="List a target's attempts",
        description="Every try to send a document in the last 30 days, newest first.",
        problems=(TargetNotFound,),
        response_example=examples.ATTEMPT,
    )
    def get(self, request: ApiRequest, target: str) -> QuerySet[Attempt]:
        return Attempt.objects.filter(target=_find_target(target, request))


class CustomerProvisioning(ApiView):
    scopes = {"GET": Scope.PROVISIONING_READ}

    @lists(
        CustomerTargetOut,
        filters=CustomerTargetFilters,
        tag=TAG,
        summary="List how a customer is set up",
        description="The customer's view: one row for each thing that a product service holds.",
        problems=(CustomerNotFound,),
        response_example=examples.CUSTOMER_TARGET,
    )
    def get(self, request: ApiRequest, customer: str) -> QuerySet[Target]:
        found = find_customer(customer, request.principal)
        return queries.targets_of(found.id, request.principal)
