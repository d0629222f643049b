"""The customer and the subject that objects name, for ``expand=``; higher apps use them too."""

from core.api.operations import Expansion
from core.principals import Scope
from customers.api.serializers import CustomerOut, SubjectOut
from customers.models import Customer, Subject

CUSTOMER = Expansion(
    CustomerOut,
    rows=lambda: Customer.objects.select_related("profile"),
    scope=Scope.CUSTOMERS_READ,
)
SUBJECT = Expansion(SubjectOut, rows=Subject.objects.all, scope=Scope.CUSTOMERS_READ)
