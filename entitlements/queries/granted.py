"""What subscriptions grant, as facts: what is to be true of the stored ones."""

from collections.abc import Iterable

from customers.models import Customer
from entitlements import facts
from entitlements.facts import Fact
from plans import queries as plans
from subscriptions import queries as subscriptions


def granted(customer_ids: Iterable[str]) -> set[Fact]:
    """Return all that these customers and their subjects were, are and will be granted.

    A fixed number of queries, however many customers.
    """
    ids = sorted(customer_ids)
    spans = subscriptions.spans(ids)
    terms = plans.terms_of({span.plan_version_id for span in spans})
    zones = dict(Customer.objects.filter(pk__in=ids).values_list("id", "zone"))
    return set(facts.of_spans(spans, terms, zones))
