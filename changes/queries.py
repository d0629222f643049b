"""Reads of change sets."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Prefetch, QuerySet
from django.db.models.functions import JSONObject

from changes.models import ChangeSet, ChangeSetItem


def change_sets() -> QuerySet[ChangeSet]:
    """Return change sets with what is shown of them, in a fixed number of queries: how many items
    are in which state and, of a set of one, its item."""
    only = ChangeSetItem.objects.filter(change_set__customer__isnull=False)
    counted = (
        ChangeSetItem.objects.filter(change_set=OuterRef("pk"))
        .order_by()
        .values("state")
        .annotate(number=Count("pk"))
        .values(found=JSONObject(state="state", number="number"))
    )
    return ChangeSet.objects.annotate(counted=ArraySubquery(counted)).prefetch_related(
        Prefetch("items", only, to_attr="only_items")
    )
