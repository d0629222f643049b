"""Find anything: an identifier of any type, a key or an e-mail leads to the page that shows it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.urls import reverse

from core import ids
from customers.models import Customer, Subject
from provisioning.models import Target
from subscriptions.models import PendingChange, Subscription

LONGEST_TERM = 254


def page_of(term: str) -> str | None:
    """Return the address of the one page that ``term`` names; None if there is no one page.

    What stands on a customer's page leads there, to its place; anything else, such as an event or
    a plan, to its own page.
    """
    if not term or len(term) > LONGEST_TERM or "\x00" in term:
        return None
    row = _by_identifier(term) if ids.is_type_id(term) else _by_name(term)
    return None if row is None else _page(row)


def list_of(model: type[Model], query: str = "") -> str:
    """Return the address of a model's list in the admin."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{query}" if query else address


def customer_url(customer_id: str, *, subject_id: str | None = None, place: str = "") -> str:
    """Return the address of a customer's page, of one subject alone, scrolled to one row."""
    address = reverse("admin:customers_customer_change", args=[customer_id])
    query = f"?{urlencode({'subject': subject_id})}" if subject_id else ""
    return f"{address}{query}{f'#{place}' if place else ''}"


def _by_identifier(term: str) -> Model | None:
    for model in admin.site._registry:
        for field in model._meta.fields:
            prefix = getattr(field, "prefix", "") if field.unique else ""
            if prefix and ids.is_type_id(term, prefix=prefix):
                row = model._default_manager.filter(**{field.name: term}).first()
                if row is not None:
                    return row
    return None


def _by_name(term: str) -> Model | None:
    """A customer's key or e-mail, a subject's key, then the catalog's and the clients' keys."""
    for rows in _namesakes(term):
        found: list[Model] = list(rows[:2])
        if len(found) == 1:
            return found[0]
    return None


def _namesakes(term: str) -> Iterator[QuerySet[Any]]:
    yield Customer.objects.filter(key=term)
    yield Customer.objects.filter(profile__email=term)
    yield Subject.objects.filter(key=term)
    for model in admin.site._registry:
        keys = [field for field in model._meta.fields if field.name == "key" and field.unique]
        if keys and model is not Customer:
            yield model._default_manager.filter(key=term)


def _page(row: Model) -> str:
    match row:
        case Customer():
            return customer_url(row.id)
        case Subject():
            return customer_url(row.customer_id, subject_id=row.id)
        case Subscription() | Target():
            return customer_url(row.customer_id, subject_id=row.subject_id, place=row.id)
        case PendingChange():
            subject_id = row.subscription.subject_id
            return customer_url(row.customer_id, subject_id=subject_id, place=row.subscription_id)
        case _:
            options = row._meta
            return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
