"""Decide what each product service should hold of each owner: the only writer of documents.

The events say "look again". What is written is always what the timeline holds at the owner's now,
so repeats, delays and reordering do no harm.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import Error, connection

from core import clock, nudges
from core.models import Event
from core.transactions import unit_of_work
from customers.models import Customer
from customers.queries import now_of
from entitlements.models import Timeline
from provisioning.differences import Difference, Look, Owned, differences, looks
from provisioning.models import ServiceConfiguration, Target
from provisioning.services.standing import COLUMNS, put_standing, standing_of
from provisioning.services.writing import write
from provisioning.transitions import revived

logger = logging.getLogger(__name__)

OWNERS_PER_BATCH = 200

# Held by every planner, shared, and by whoever changes which services there are: a service that
# appears waits for the planners who have not seen it, so that it misses no owner.
_SERVICES_LOCK = "pg_advisory_xact_lock{}(hashtext('provisioning.services'))"
_WRITTEN = ("state", "desired_content", "desired_hash", "planned_at", *COLUMNS)


def plan_targets(events: Sequence[Event]) -> None:
    """Bring the targets of the owners that the events name in line with what they may use.

    Runs in the publisher's transaction, under the customers' turns; a fixed number of queries,
    however many customers.
    """
    at: dict[Owned, datetime] = {}
    for event in events:
        if event.customer_id is not None:
            owned = (event.customer_id, event.subject_id)
            at[owned] = max(event.occurred_at, at.get(owned, event.occurred_at))
    _lock_services(shared=True)
    services = ServiceConfiguration.objects.select_related("service").order_by("id")
    _plan(looks(at), list(services))


def replan_service(events: Sequence[Event]) -> None:
    """Give all owners their targets at services that are new or have changed.

    A reaction. It works in bounded batches, each in a transaction of its own that also remembers
    how far it came: whoever goes on, goes on there.
    """
    waiting = ServiceConfiguration.objects.being_planned().order_by("id")
    for configuration_id in waiting.values_list("id", flat=True):
        while _plan_batch(configuration_id, OWNERS_PER_BATCH):
            pass


def await_planners() -> None:
    """Wait for planners under way, and let no new one begin before this transaction ends."""
    _lock_services(shared=False)


def _plan_batch(configuration_id: str, size: int) -> int:
    """Plan one batch; return how many owners it had. One that cannot be planned is found by making
    the batch smaller, left out and logged; ``check_invariants`` names it."""
    try:
        return unit_of_work(lambda: _plan_next(configuration_id, size))
    except Error:
        raise  # the database's trouble, not an owner's
    except Exception:
        if size > 1:
            return _plan_batch(configuration_id, size // 2)
        logger.exception("an owner cannot be planned", extra={"configuration": configuration_id})
        return unit_of_work(lambda: _plan_next(configuration_id, 1, leave_out=True))


def _plan_next(configuration_id: str, size: int, *, leave_out: bool = False) -> int:
    rows = ServiceConfiguration.objects.being_planned().select_related("service")
    configuration = (
        rows.filter(pk=configuration_id)
        .select_for_update(no_key=True, of=("self",), skip_locked=True)
        .first()
    )
    if configuration is None:
        return 0
    held = Timeline.objects.order_by("owner_id")
    if configuration.planned_through is not None:
        held = held.filter(owner_id__gt=configuration.planned_through)
    batch = list(held.values_list("owner_id", "customer_id", "subject_id")[:size])
    if batch and not leave_out:
        _plan(_looks_now([(customer, subject) for _, customer, subject in batch]), [configuration])
    if len(batch) == size:
        configuration.planned_through = batch[-1][0]
    else:
        configuration.planning_since = configuration.planned_through = None
    configuration.save(update_fields=["planned_through", "planning_since"])
    return len(batch)


def _looks_now(owned: Sequence[Owned]) -> list[Look]:
    """Look at owners in their own now, with their customers locked: nobody else may plan them
    meanwhile. Parked and moving customers are looked at too: nothing of theirs is changed."""
    locked = (
        Customer.objects.filter(pk__in={customer_id for customer_id, _ in owned})
        .select_related("test_clock")
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    now = {each.id: now_of(each) for each in locked}
    return looks({each: now[each[0]] for each in owned})


def _plan(looked_at: Sequence[Look], services: Sequence[ServiceConfiguration]) -> None:
    if not looked_at or not services:
        return
    now = clock.system_now()
    targets = (
        Target.objects.of_owners([look.owner for look in looked_at])
        .filter(service_id__in=[each.service_id for each in services])
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    found = list(differences(looked_at, services, list(targets)))
    rows = [(each.target, _filled(each, now)) for each in found]
    Target.objects.bulk_create(row for before, row in rows if before is None)
    write([row for before, row in rows if before is not None], _WRITTEN)
    if rows:
        nudges.after_commit("deliveries")


def _filled(difference: Difference, now: datetime) -> Target:
    """Return the target with its new document, due at once and with all its tries."""
    look, desired = difference.look, difference.desired
    target = difference.target or Target(
        service_id=difference.service.service_id,
        customer_id=look.owner.customer_id,
        subject_id=look.owner.subject_id,
        created_at=now,
        planned_at=look.at,
    )
    target.state = desired.content["state"]
    target.desired_content = dict(desired.content)
    target.desired_generation = desired.generation
    target.desired_hash = desired.hash
    target.planned_at = max(look.at, target.planned_at)
    put_standing(target, revived(standing_of(target), now=now))
    return target


def _lock_services(*, shared: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_SERVICES_LOCK.format('_shared' if shared else '')}")
