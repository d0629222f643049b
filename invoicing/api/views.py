"""What was charged, and what stands to a customer's credit."""

from typing import Any

from django.db.models import QuerySet

from core.acting import ReasonRequired
from core.api.fields import Instant
from core.api.lists import Filter, Filters
from core.api.lookups import find
from core.api.operations import Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.money import Money
from core.principals import LimitedCaller, Scope
from customers.lookups import find_customer
from customers.turns import (
    CatchingUp,
    ClockAdvancing,
    CustomerClosed,
    CustomerNotFound,
    CustomerParked,
)
from invoicing import queries, services
from invoicing.api import examples
from invoicing.api.serializers import BalancesOut, ChargeOut, CreditIn, CreditOut
from invoicing.drafts import Kind
from invoicing.events import CREDITED
from invoicing.models import Charge, CreditEntry, CreditKind, covering
from invoicing.services import ChargeNotFound, CreditExceedsCharge, WrongCurrency
from subscriptions.models import Subscription
from subscriptions.services.results import SubscriptionNotFound


class ChargeFilters(Filters):
    kind = Filter.choice(Kind, "kind", "Of this kind.")
    item = Filter.text("item", "Of this item: `plan`, or `add_on:KEY`.", max_length=160)
    at = Filter(
        Instant(whole=False),
        lambda rows, at: rows.filter(covering(at)),
        "Of the full periods that contain this instant.",
    )
    from_ = Filter.after("at", "Charged at or after this instant, the customer's time.")
    to = Filter.before("at", "Charged before this instant, the customer's time.")


class CustomerChargeFilters(ChargeFilters):
    subscription = Filter.reference("sub", "subscription_id", "Of this subscription.")


class CreditFilters(Filters):
    kind = Filter.choice(CreditKind, "kind", "Of this kind.")
    from_ = Filter.after("at", "At or after this instant, the customer's time.")
    to = Filter.before("at", "Before this instant, the customer's time.")


class SubscriptionCharges(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ}

    @lists(
        ChargeOut,
        filters=ChargeFilters,
        tag="charges",
        summary="List a subscription's charges",
        description=(
            "Newest first. Charges never change; those of one line (item, price, version, "
            "quantity and period) add up to what was charged of it."
        ),
        problems=(SubscriptionNotFound,),
        response_example=examples.CHARGE,
    )
    def get(self, request: ApiRequest, subscription: str) -> QuerySet[Charge]:
        found = find(
            Subscription.objects.all(),
            subscription,
            prefix="sub",
            missing=SubscriptionNotFound,
            principal=request.principal,
            key_field=None,
        )
        return Charge.objects.filter(subscription=found)


class CustomerCharges(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ}

    @lists(
        ChargeOut,
        filters=CustomerChargeFilters,
        tag="charges",
        summary="List a customer's charges",
        description="Newest first, of all its subscriptions and those of its subjects.",
        problems=(CustomerNotFound,),
        response_example=examples.CHARGE,
    )
    def get(self, request: ApiRequest, customer: str) -> QuerySet[Charge]:
        return Charge.objects.filter(customer=find_customer(customer, request.principal))


class CustomerCredits(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ, "POST": Scope.CREDITS_WRITE}

    @lists(
        CreditOut,
        filters=CreditFilters,
        tag="charges",
        summary="List what came onto a customer's credit balance",
        description="Newest first.",
        problems=(CustomerNotFound,),
        response_example=examples.CREDIT,
    )
    def get(self, request: ApiRequest, customer: str) -> QuerySet[CreditEntry]:
        return CreditEntry.objects.filter(customer=find_customer(customer, request.principal))

    @changes(
        CreditIn,
        CreditOut,
        status=201,
        tag="charges",
        summary="Give a customer credit",
        description=(
            "Goodwill on the customer's credit balance, for a stated reason. If it is for a "
            "charge, so much less of that charge can be credited later; it is never asked back."
        ),
        problems=(
            CustomerNotFound,
            CustomerClosed,
            CustomerParked,
            ClockAdvancing,
            CatchingUp,
            LimitedCaller,
            ReasonRequired,
            WrongCurrency,
            ChargeNotFound,
            CreditExceedsCharge,
        ),
        request_example=examples.CREDIT_IN,
        response_example=examples.CREDIT,
        publishes=(CREDITED.name,),
    )
    def post(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        request.principal.require_unlimited()
        found = find_customer(customer, request.principal)
        entry = services.give_credit(
            customer_id=found.id, amount=data["amount"], charge_id=data.get("charge")
        )
        return Changed(entry, customers=[found.id])


class CustomerBalance(ApiView):
    scopes = {"GET": Scope.CUSTOMERS_READ}

    @reads(
        BalancesOut,
        tag="charges",
        summary="Get a customer's credit balance",
        description="What stands to its credit, in each currency in which anything ever did.",
        problems=(CustomerNotFound,),
        response_example=examples.BALANCE,
    )
    def get(self, request: ApiRequest, customer: str) -> list[Money]:
        return queries.balances(find_customer(customer, request.principal).id)
