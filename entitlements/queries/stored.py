"""Timelines as they are stored, for those who carry out what they say."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from core import ids
from entitlements import blocks, models, rows
from entitlements.blocks import Block
from entitlements.timelines import Timeline
from plans import queries as plans
from plans.values import Value


def timelines(owner_ids: Iterable[str]) -> dict[str, Timeline]:
    """Return what subjects, or customers themselves, hold; owners that never held anything are
    left out. What a customer holds for all its subjects is in the customer's timeline only.

    Blocks of the owner, and of a subject's customer, are folded in: segments are cut where they
    begin and end, and say what denies them.
    """
    uuids = [
        ids.decode(each, prefix="cus" if ids.is_type_id(each, prefix="cus") else "sbj")
        for each in owner_ids
    ]
    features = plans.features()
    found = list(models.Timeline.objects.filter(pk__in=uuids).order_by("pk"))
    customers = {row.customer_id for row in found if row.subject_id}
    of_customers = _blocked(customers) if customers else {}
    return {row.owner: _folded(rows.timeline_of(row, features), of_customers) for row in found}


def value_at(*, owner_id: str, feature: str, at: datetime) -> Value | None:
    """Return the value that an owner has of its own at an instant, now or later."""
    timeline = timelines([owner_id]).get(owner_id)
    return None if timeline is None else timeline.value_at(feature, at)


def _blocked(customer_ids: Iterable[str]) -> dict[str, tuple[Block, ...]]:
    """Return the blocks of customers as a whole that are stored."""
    rows_of = models.Timeline.objects.filter(customer_id__in=customer_ids, subject=None)
    held = rows_of.exclude(blocks=[]).values_list("customer_id", "blocks")
    return {customer_id: blocks.from_json(forms) for customer_id, forms in held}


def _folded(timeline: Timeline, of_customers: Mapping[str, Iterable[Block]]) -> Timeline:
    of_customer = of_customers.get(timeline.customer_id, ()) if timeline.subject_id else ()
    all_of_them = (*of_customer, *timeline.blocks)
    return replace(timeline, segments=blocks.folded(timeline.segments, all_of_them))
