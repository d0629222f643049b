"""What subscriptions grant, as facts, and what blocks take: what is to be true of the stored."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from customers.models import Customer
from entitlements import blocks, facts
from entitlements.blocks import Block
from entitlements.facts import Fact
from plans import queries as plans
from subscriptions import queries as subscriptions
from subscriptions.blocks import Effect


@dataclass(frozen=True, slots=True)
class Granted:
    """``facts`` are cut where narrow blocks withhold them; ``blocks`` are those of whole owners,
    by the owners' identifiers, past ones included."""

    facts: set[Fact]
    blocks: dict[str, tuple[Block, ...]]


def granted(
    customer_ids: Collection[str], *, subject_ids: Collection[str] | None = None
) -> Granted:
    """Return all that these customers were, are and will be granted themselves, and their subjects.

    ``subject_ids`` names the subjects to look at; None: all of them. A fixed number of queries,
    however many owners.
    """
    ids = sorted(customer_ids)
    spans = subscriptions.spans(ids, subject_ids=subject_ids)
    terms = plans.terms_of(
        {each for span in spans for each in (span.plan_version_id, *span.limits_of)}
    )
    zones = dict(Customer.objects.filter(pk__in=ids).values_list("id", "zone"))
    given: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts.of_spans(spans, terms, zones):
        given[fact.customer_id].append(fact)
    placed = subscriptions.blocks(ids, Effect.ACCESS)
    narrow = blocks.narrow(placed)
    found = (
        fact
        for customer_id, own in given.items()
        for fact in blocks.withheld(own, narrow.get(customer_id, ()))
    )
    return Granted(set(found), blocks.of_owners(placed))
