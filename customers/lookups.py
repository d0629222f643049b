"""Find the customer or subject that a path or a body names, among what the caller may see."""

from core.api.lookups import find
from core.principals import Principal
from customers.models import Customer, Subject
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound


def find_customer(reference: str, principal: Principal) -> Customer:
    """:raises CustomerNotFound: if there is none, or it is another tenant's"""
    return find(
        Customer.objects.select_related("profile", "test_clock"),
        reference,
        prefix="cus",
        missing=CustomerNotFound,
        principal=principal,
        customer_field="id",
    )


def find_subject(customer: Customer, reference: str, principal: Principal) -> Subject:
    """:raises SubjectNotFound: if the customer has none by that id or key"""
    return find(
        Subject.objects.filter(customer=customer),
        reference,
        prefix="sbj",
        missing=SubjectNotFound,
        principal=principal,
    )
