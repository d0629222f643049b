"""What operators do about targets: send again, try again, and keep the history short."""

from datetime import datetime, timedelta

from core import clock, nudges, preconditions
from core.errors import NotFound
from core.transactions import command
from provisioning import queries
from provisioning.models import Attempt, Target, TargetQuerySet

ATTEMPTS_KEPT = timedelta(days=30)
ATTEMPTS_PER_BATCH = 10_000


class TargetNotFound(NotFound):
    """There is no such target."""

    code = "target_not_found"


@command
def resync(*, target_id: str) -> Target:
    """Send a target's newest document again, whatever the service is thought to hold.

    :raises TargetNotFound: if there is none
    """
    target = Target.objects.select_for_update(no_key=True).filter(pk=target_id).first()
    if target is None:
        raise TargetNotFound("there is no such target")
    preconditions.verify(target)
    _due_again(Target.objects.filter(pk=target_id))
    target.refresh_from_db()
    return target


@command
def resync_service(*, service_id: str) -> int:
    """Send all of a product service's targets again, as after it was restored from a backup;
    return how many."""
    _verify(service_id)
    return _due_again(Target.objects.filter(service_id=service_id))


@command
def retry_dead_letters(*, service_id: str) -> int:
    """Try again what was given up at a product service; return how many targets."""
    _verify(service_id)
    return _due_again(Target.objects.dead().filter(service_id=service_id))


@command
def clean_up(*, now: datetime) -> int:
    """Forget attempts older than 30 days, a bounded number at a time; return how many."""
    old = Attempt.objects.filter(started_at__lt=now - ATTEMPTS_KEPT).order_by("started_at")
    gone, _ = Attempt.objects.filter(pk__in=old.values("pk")[:ATTEMPTS_PER_BATCH]).delete()
    return gone


def _verify(service_id: str) -> None:
    """Check the caller's precondition against the product service, if there is one."""
    for service in queries.services().filter(pk=service_id):
        preconditions.verify(service)


def _due_again(targets: TargetQuerySet) -> int:
    found = targets.update(
        attempts=0,
        refusals=0,
        trying_since=None,
        next_attempt_at=clock.system_now(),
        dead_lettered_at=None,
        problem="",
        problem_detail="",
    )
    nudges.after_commit("deliveries")
    return found
