"""What subscriptions grant, as facts: what is to be true of the stored ones."""

from collections.abc import Collection

from customers.models import Customer
from entitlements import facts
from entitlements.facts import Fact
from plans import queries as plans
from subscriptions import queries as subscriptions


def granted(
    customer_ids: Collection[str], *, subject_ids: Collection[str] | None = None
) -> set[Fact]:
    """Return all that these customers were, are and will be granted themselves, and their subjects.

    ``subject_ids`` names the subjects to look at; None: all of them. A fixed number of queries,
    however many owners.
    """
    ids = sorted(customer_ids)
    spans = [
        each
        for each in subscriptions.spans(ids)
        if each.subject_id is None or subject_ids is None or each.subject_id in subject_ids
    ]
    terms = plans.terms_of({span.plan_version_id for span in spans})
    zones = dict(Customer.objects.filter(pk__in=ids).values_list("id", "zone"))
    return set(facts.of_spans(spans, terms, zones))
