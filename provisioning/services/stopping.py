"""Stop calling a product service because of what was found out about it."""

from datetime import datetime

from core.events import Fact
from provisioning import events
from provisioning.models import ServiceConfiguration


def stop(row: ServiceConfiguration, *, problem: str, for_good: bool, now: datetime) -> Fact:
    """Pause a service that is called, or disable it ``for_good``; return what there is to tell.

    The row must be locked, with its catalog row selected.
    """
    column = "disabled_at" if for_good else "paused_at"
    setattr(row, column, now)
    row.stopped_because = problem
    row.save(update_fields=[column, "stopped_because"])
    told = events.SERVICE_DISABLED if for_good else events.SERVICE_PAUSED
    data = {"service": row.service.key, "problem": problem}
    return Fact(told, at=now.replace(microsecond=0), data=data)
