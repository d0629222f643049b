"""Reads of change sets."""

from collections.abc import Sequence

from django.db.models import Count, Prefetch, QuerySet

from changes.models import ChangeSet, ChangeSetItem
from changes.states import ItemState


def change_sets() -> QuerySet[ChangeSet]:
    """Return change sets with what is shown of them: of a set of one, its item too."""
    only = ChangeSetItem.objects.filter(change_set__customer__isnull=False)
    return ChangeSet.objects.prefetch_related(Prefetch("items", only, to_attr="only_items"))


def progress(change_set_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many items of change sets are in which state, states without items as 0."""
    found = {each: {str(state): 0 for state in ItemState} for each in change_set_ids}
    counted = (
        ChangeSetItem.objects.filter(change_set__in=change_set_ids)
        .values_list("change_set_id", "state")
        .annotate(number=Count("pk"))
    )
    for change_set_id, state, number in counted:
        found[change_set_id][state] = number
    return found
