"""Timelines as they are stored, for those who carry out what they say."""

from collections.abc import Iterable
from datetime import datetime

from core import ids
from entitlements import models, rows
from entitlements.timelines import Timeline
from plans import queries as plans
from plans.values import Value


def timelines(owner_ids: Iterable[str]) -> dict[str, Timeline]:
    """Return what subjects, or customers themselves, hold; owners that never held anything are
    left out. What a customer holds for all its subjects is in the customer's timeline only."""
    uuids = [
        ids.decode(each, prefix="cus" if ids.is_type_id(each, prefix="cus") else "sbj")
        for each in owner_ids
    ]
    features = plans.features()
    found = models.Timeline.objects.filter(pk__in=uuids).order_by("pk")
    return {row.owner: rows.timeline_of(row, features) for row in found}


def value_at(*, owner_id: str, feature: str, at: datetime) -> Value | None:
    """Return the value that an owner has of its own at an instant, now or later."""
    timeline = timelines([owner_id]).get(owner_id)
    return None if timeline is None else timeline.value_at(feature, at)
