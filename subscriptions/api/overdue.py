"""What payments do to subscriptions: failures, recoveries, and bringing back what was lost."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from core.api.fields import Id, StrictBoolean
from core.api.operations import Change as FieldChange
from core.api.operations import Changed, changes
from core.api.serializers import Input, Output
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Scope
from customers.lookups import find_customer
from customers.turns import CustomerNotFound
from plans.errors import PlanNotSold
from subscriptions import services
from subscriptions.api import examples
from subscriptions.api.common import TURN
from subscriptions.api.outputs import SubscriptionOut
from subscriptions.blocks import Blocked
from subscriptions.models import Subscription
from subscriptions.policy import CurrencyNotSold, IntervalNotSold
from subscriptions.services.restore import NothingToRestore
from subscriptions.services.results import ContactSales, Result, SubscriptionNotFound

TAG = "payments"
MOST_SUBSCRIPTIONS = 500
_EXAMPLE = {"subscriptions": [examples.SUBSCRIPTION["id"]]}


class RecoveryIn(Input):
    subscriptions = serializers.ListField(
        child=Id("sub"),
        min_length=1,
        max_length=MOST_SUBSCRIPTIONS,
        help_text="Those that the invoice is about, all of the customer.",
    )


class FailureIn(RecoveryIn):
    final = StrictBoolean(default=False, help_text="Whether it was the last try.")


class SubscriptionsOut(Output):
    customer = serializers.CharField()
    subscriptions = SubscriptionOut(many=True, help_text="As they are now.")


_ANSWER = {"customer": examples.SUBSCRIPTION["customer"]}
_OVERDUE = {**_ANSWER, "subscriptions": [{**examples.SUBSCRIPTION, "state": "past_due"}]}
_PAID = {**_ANSWER, "subscriptions": [examples.SUBSCRIPTION]}


class PaymentFailures(ApiView):
    scopes = {"POST": Scope.PAYMENTS_WRITE}

    @changes(
        FailureIn,
        SubscriptionsOut,
        tag=TAG,
        summary="Report that a payment failed",
        description=(
            "The subscriptions are past due and go on granting what they did; until it is paid the "
            "customer buys nothing more (the block `overdue`). With the `final` try they fall "
            "back, in one step, and what they were is kept: `restore` brings it back. What is in "
            "a trial, or has ended, stays as it is."
        ),
        problems=(*TURN, LimitedCaller, CustomerNotFound, SubscriptionNotFound, PlanNotSold),
        request_example={**_EXAMPLE, "final": False},
        response_example=_OVERDUE,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        request.principal.require_unlimited()
        found = find_customer(customer, request.principal)
        results = services.report_failure(
            customer_id=found.id,
            subscription_ids=data["subscriptions"],
            is_final=data["final"],
        )
        return _answer(found.id, results)


class PaymentRecoveries(ApiView):
    scopes = {"POST": Scope.PAYMENTS_WRITE}

    @changes(
        RecoveryIn,
        SubscriptionsOut,
        tag=TAG,
        summary="Report that what was overdue is paid",
        description=(
            "What is past due is active again. The customer may buy again, unless something else "
            "is overdue. What has fallen back stays there until it is restored."
        ),
        problems=(*TURN, LimitedCaller, CustomerNotFound, SubscriptionNotFound),
        request_example=_EXAMPLE,
        response_example=_PAID,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        request.principal.require_unlimited()
        found = find_customer(customer, request.principal)
        results = services.report_recovery(
            customer_id=found.id, subscription_ids=data["subscriptions"]
        )
        return _answer(found.id, results)


class Restore(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        None,
        SubscriptionsOut,
        tag="subscriptions",
        summary="Bring back what was lost or canceled",
        description=(
            "All that was lost because it was not paid or, where nothing was, what was canceled "
            "last. Inside the period that was open then it is that period again, at no further "
            "cost; after its end new periods begin, without trials. Plans and add-ons come back in "
            "the versions that were held, for 90 days. What was changed since is left alone."
        ),
        problems=(
            *TURN,
            CustomerNotFound,
            NothingToRestore,
            Blocked,
            PlanNotSold,
            ContactSales,
            IntervalNotSold,
            CurrencyNotSold,
        ),
        request_example=examples.REASON,
        response_example=_PAID,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        found = find_customer(customer, request.principal)
        results = services.restore(
            customer_id=found.id, override=request.principal.may(Scope.SUBSCRIPTIONS_OVERRIDE)
        )
        return _answer(found.id, results)


def _answer(customer_id: str, results: Sequence[Result]) -> Changed:
    ids = [each.subscription.pk for each in results]
    rows = Subscription.objects.shown().filter(pk__in=ids).order_by("id")
    return Changed(
        {"customer": customer_id, "subscriptions": list(rows)},
        customers=[customer_id],
        changes=[
            FieldChange(f"{each.subscription.pk}.{name}", before, after)
            for each in results
            for name, before, after in each.changes
        ],
    )
