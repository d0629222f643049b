"""One process of the benchmark of change sets.

python -m benchmarks.change_sets_worker create 2000    makes a change set, prints its identifier
python -m benchmarks.change_sets_worker apply ID       approves it and lets workers apply it
python -m benchmarks.change_sets_worker work [BATCH]   works until there is nothing left to do
"""

import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")
django.setup()

from changes import services, working  # noqa: E402 - Django must be set up first
from changes.models import ChangeSet  # noqa: E402
from changes.services import Asked, Selector  # noqa: E402
from core import acting  # noqa: E402
from plans import queries as catalog  # noqa: E402
from subscriptions.models import Subscription  # noqa: E402

PAUSE = 0.5  # seconds, while another worker holds what is left


def create(items: int) -> None:
    """Make a change set of this many subscriptions."""
    left_out = Subscription.objects.order_by("id").values_list("id", flat=True)[items:]
    filters = {
        "plan": catalog.find_plan("workers_paid").id,
        "exclude": {"subscriptions": list(left_out)},
    }
    asked = Asked([{"change": {"plan": "workers_free", "timing": "now"}}], may_override=True)
    with acting.acting_as("system:benchmark"):
        print(services.create_selected(selector=Selector(filters), asked=asked).id, flush=True)


def apply(change_set_id: str) -> None:
    with acting.acting_as("system:benchmark"):
        services.approve(change_set_id=change_set_id)
        services.apply(change_set_id=change_set_id)


def work() -> None:
    """What a killed worker held is free again when its lease has run out."""
    while ChangeSet.objects.worked_on().exists():
        if not working.work():
            time.sleep(PAUSE)


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "create":
        create(int(rest[0]))
    elif verb == "apply":
        apply(rest[0])
    else:
        working.BATCH = int(rest[0]) if rest else working.BATCH
        work()
