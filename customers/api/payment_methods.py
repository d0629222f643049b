"""Whether a customer has something to charge."""

from typing import Any

from core.api.fields import StrictBoolean
from core.api.operations import Change, Changed, changes
from core.api.serializers import Input
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Scope
from customers import services
from customers.api import examples
from customers.api.serializers import CustomerOut
from customers.lookups import find_customer
from customers.turns import (
    CatchingUp,
    ClockAdvancing,
    CustomerClosed,
    CustomerNotFound,
    CustomerParked,
)


class PaymentMethodIn(Input):
    on_file = StrictBoolean(help_text="Whether there is something to charge.")


class PaymentMethod(ApiView):
    scopes = {"PUT": Scope.PAYMENTS_WRITE}

    @changes(
        PaymentMethodIn,
        CustomerOut,
        tag="payments",
        summary="Say whether a customer has a payment method",
        description=(
            "Said by whoever holds it. A trial that ends as paid if there is one goes on with it, "
            "and falls back without; until then that is a date that checks know."
        ),
        problems=(
            LimitedCaller,
            CustomerNotFound,
            CustomerClosed,
            CustomerParked,
            ClockAdvancing,
            CatchingUp,
        ),
        request_example={"on_file": True},
        response_example={**examples.CUSTOMER, "payment_method_on_file": True},
        personal=("profile",),
    )
    def put(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        request.principal.require_unlimited()
        found = find_customer(customer, request.principal)
        row, is_new = services.set_payment_method(customer_id=found.id, on_file=data["on_file"])
        changed = Change("payment_method_on_file", not row.payment_method_on_file, data["on_file"])
        return Changed(
            find_customer(row.id, request.principal),
            customers=[row.id],
            changes=[changed] if is_new else [],
        )
