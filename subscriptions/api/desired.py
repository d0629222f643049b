"""What an owner shall have of a product, said as a desired state."""

from typing import Any

from core.api.operations import Changed, changes
from core.api.views import ApiRequest, ApiView
from core.principals import Principal, Scope
from customers.lookups import find_customer, find_subject
from customers.services import SubjectEnded, SubjectNotFound
from customers.turns import CustomerNotFound
from plans import queries as catalog
from plans.errors import ProductNotFound
from subscriptions import services
from subscriptions.api import examples
from subscriptions.api.common import SALE, TURN, answer, wanted
from subscriptions.api.outputs import OutcomeOut, SubscriptionOut
from subscriptions.api.serializers import PutIn
from subscriptions.services.change import DateRequired
from subscriptions.services.put import SeveralSubscriptions
from subscriptions.services.results import WrongOwner
from subscriptions.services.targets import DifferentProduct, NotWhilePaused

_DESCRIPTION = (
    "Subscribes, or changes by the product's change policy. Asking for what is so already, or is "
    "agreed already, does nothing; asking for the present plan takes back what was agreed."
)
_PROBLEMS = (
    *TURN,
    *SALE,
    CustomerNotFound,
    ProductNotFound,
    DifferentProduct,
    SeveralSubscriptions,
    WrongOwner,
    DateRequired,
    NotWhilePaused,
)
_EXAMPLE = {"plan": "pro", "interval": "month"}


class OfCustomer(ApiView):
    scopes = {"PUT": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        PutIn,
        SubscriptionOut,
        status=(200, 201),
        tag="subscriptions",
        summary="Say what a customer shall have of a product",
        description=_DESCRIPTION,
        problems=_PROBLEMS,
        request_example=_EXAMPLE,
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def put(
        self, request: ApiRequest, data: dict[str, Any], customer: str, product: str
    ) -> Changed:
        found = find_customer(customer, request.principal)
        return _put(data, request.principal, product, customer_id=found.id, subject_id=None)


class OfSubject(ApiView):
    scopes = {"PUT": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        PutIn,
        SubscriptionOut,
        status=(200, 201),
        tag="subscriptions",
        summary="Say what a subject shall have of a product",
        description=_DESCRIPTION,
        problems=(*_PROBLEMS, SubjectNotFound, SubjectEnded),
        request_example=_EXAMPLE,
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def put(
        self,
        request: ApiRequest,
        data: dict[str, Any],
        customer: str,
        subject: str,
        product: str,
    ) -> Changed:
        found = find_customer(customer, request.principal)
        subject_id = find_subject(found, subject, request.principal).id
        return _put(data, request.principal, product, customer_id=found.id, subject_id=subject_id)


def _put(
    data: dict[str, Any],
    principal: Principal,
    product: str,
    *,
    customer_id: str,
    subject_id: str | None,
) -> Changed:
    result = services.put(
        customer_id=customer_id,
        subject_id=subject_id,
        product_id=catalog.find_product(product).id,
        wanted=wanted(data),
        override=principal.may(Scope.SUBSCRIPTIONS_OVERRIDE),
    )
    return answer(result, status=201 if result.created else 200)
