"""What subscriptions and overrides grant, as facts, and what blocks take: what is to be true of the
stored."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from customers.queries import held
from entitlements import blocks, facts, models, overrides, rows
from entitlements.blocks import Block
from entitlements.facts import Fact
from plans import queries as plans
from subscriptions import queries as subscriptions
from subscriptions.blocks import Effect
from subscriptions.spans import Span


@dataclass(frozen=True, slots=True)
class Granted:
    """``facts`` are cut where narrow blocks withhold them; ``blocks`` are those of whole owners,
    by the owners' identifiers, past ones included."""

    facts: set[Fact]
    blocks: dict[str, tuple[Block, ...]]


def granted(
    customer_ids: Collection[str],
    *,
    subject_ids: Collection[str] | None = None,
    as_if: Callable[[Sequence[Span]], Sequence[Span]] = lambda spans: spans,
) -> Granted:
    """Return all that these customers were, are and will be granted themselves, and their subjects.

    ``subject_ids`` names the subjects to look at; None: all of them. A fixed number of queries,
    however many owners. ``as_if`` says what else subscriptions might hold, to ask what that would
    make.
    """
    ids = sorted(customer_ids)
    spans = as_if(subscriptions.spans(ids, subject_ids=subject_ids))
    terms = plans.terms_of(
        {each for span in spans for each in (span.plan_version_id, *span.limits_of)}
    )
    zones = {name: customer.zone for name, customer in held(ids).items()}
    given: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts.of_spans(spans, terms, zones):
        given[fact.customer_id].append(fact)
    for fact in _overridden(ids, subject_ids, zones):
        given[fact.customer_id].append(fact)
    placed = subscriptions.blocks(ids, Effect.ACCESS)
    narrow = blocks.narrow(placed)
    found = (
        fact
        for customer_id, own in given.items()
        for fact in blocks.withheld(own, narrow.get(customer_id, ()))
    )
    return Granted(set(found), blocks.of_owners(placed))


def _overridden(
    customer_ids: Sequence[str],
    subject_ids: Collection[str] | None,
    zones: Mapping[str, str],
) -> list[Fact]:
    found = models.Override.objects.counting().filter(customer_id__in=customer_ids)
    if subject_ids is not None:
        found = found.filter(Q(subject=None) | Q(subject_id__in=list(subject_ids)))
    return [
        overrides.fact_of(rows.given_of(row), zone=zones[row.customer_id])
        for row in found.select_related("feature")
    ]
