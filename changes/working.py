"""Do waiting work on change sets, in bounded batches: preview, apply, close.

Many workers may do this at once. Each takes items that nobody else has; one that dies holding some
leaves them to the others when its lease runs out, and what it had finished stays finished.
"""

from changes import services
from changes.models import ChangeSet
from core import acting, clock

BATCH = 50  # items of one change set at a time, so that a large one does not keep others waiting
ACTOR = "system:changes"


def work() -> int:
    """Do a batch of every change set that is being computed or applied; return how much it was."""
    with acting.acting_as(ACTOR):
        done = _expire()
        for change_set_id in list(ChangeSet.objects.worked_on().values_list("id", flat=True)):
            done += _work_on(change_set_id)
        return done


def _expire() -> int:
    overdue = list(ChangeSet.objects.overdue(clock.system_now()).values_list("id", flat=True))
    for change_set_id in overdue:
        services.expire(change_set_id=change_set_id)
    return len(overdue)


def _work_on(change_set_id: str) -> int:
    items = services.claim(change_set_id=change_set_id, limit=BATCH, now=clock.system_now())
    services.work_on(items)
    services.settle(change_set_id=change_set_id)
    return len(items)
