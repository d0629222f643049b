"""Take targets to send: leased for a minute, and each try counted before it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from core.events import publish
from core.transactions import command
from identity import sealing
from provisioning import documents
from provisioning.models import Attempt, ServiceConfiguration, ServiceSecret, Target
from provisioning.services.stopping import stop

LEASE = timedelta(seconds=60)
SLOTS = 64  # targets of one service that may be under way at once, by all workers together
LOST = "lost"  # the outcome of a try whose worker died or stalled before it could say


@dataclass(frozen=True, slots=True)
class Claim:
    """One document to send, complete: sending it needs no database.

    What comes of it counts while the target's fencing token is still this one.
    """

    target_id: str
    attempt_id: str
    service_id: str
    fencing_token: int
    url: str
    generation: int
    hash: str
    content: Mapping[str, Any]
    body: bytes
    secrets: tuple[str, ...]


def services_with_work(*, now: datetime, service_id: str | None = None) -> list[str]:
    """Return the identifiers of services that can be called and have something due."""
    due = Target.objects.due(now).filter(service_id=OuterRef("service_id"))
    live = ServiceSecret.objects.live().filter(configuration=OuterRef("pk"))
    rows = ServiceConfiguration.objects.called().filter(Exists(live), Exists(due))
    if service_id is not None:
        rows = rows.filter(service_id=service_id)
    return list(rows.order_by("service_id").values_list("service_id", flat=True))


@command
def claim(*, service_id: str, limit: int, now: datetime) -> list[Claim]:
    """Take up to ``limit`` due targets of one service, those that wait longest first.

    Many workers may do this at once: each gets targets that nobody else has. When this
    transaction is committed, the tries are counted, whatever becomes of the worker; those of a
    worker whose lease has run out are recorded as lost. A service whose secrets were sealed under
    another SECRET_KEY is paused.
    """
    configuration = (
        ServiceConfiguration.objects.called()
        .select_related("service")
        .filter(service_id=service_id)
        .select_for_update(no_key=True, of=("self",))
        .first()
    )
    if configuration is None:
        return []
    try:
        secrets = _secrets(configuration)
    except sealing.Unreadable:
        publish([stop(configuration, problem="secret_unreadable", for_good=False, now=now)])
        return []
    of_service = Target.objects.filter(service_id=service_id)
    free = min(limit, SLOTS - of_service.leased(now).count())
    if not secrets or free <= 0:
        return []
    taken = _lease(of_service, free, now)
    attempts = Attempt.objects.bulk_create(
        Attempt(
            target=target,
            generation=target.desired_generation,
            hash=target.desired_hash,
            url=f"{configuration.url}/provisioning/{target.id}",
            fencing_token=target.fencing_token,
            started_at=now,
        )
        for target in taken
    )
    return [
        _claim(target, attempt, configuration, secrets)
        for target, attempt in zip(taken, attempts, strict=True)
    ]


def _lease(of_service: QuerySet[Target], limit: int, now: datetime) -> list[Target]:
    due = (
        of_service.filter(next_attempt_at__lte=now)
        .exclude(lease_until__gt=now)
        .order_by("next_attempt_at")
        .select_for_update(no_key=True, skip_locked=True)
        .values_list("pk", "lease_until")[:limit]
    )
    leased_before = dict(due)
    abandoned = [target_id for target_id, lease_until in leased_before.items() if lease_until]
    if abandoned:  # whoever records gives the lease back
        Attempt.objects.filter(target__in=abandoned, outcome="").update(outcome=LOST)
    chosen = Target.objects.filter(pk__in=leased_before)
    chosen.update(
        lease_until=now + LEASE,
        fencing_token=F("fencing_token") + 1,
        attempts=F("attempts") + 1,
        trying_since=Coalesce("trying_since", now),
    )
    return list(chosen.select_related("customer", "subject").order_by("next_attempt_at", "pk"))


def _claim(
    target: Target,
    attempt: Attempt,
    configuration: ServiceConfiguration,
    secrets: Sequence[str],
) -> Claim:
    document = documents.document(
        target_id=target.id,
        service=configuration.service.key,
        names=target.names,
        desired=target.desired,
    )
    return Claim(
        target_id=target.id,
        attempt_id=attempt.id,
        service_id=target.service_id,
        fencing_token=target.fencing_token,
        url=attempt.url,
        generation=target.desired_generation,
        hash=target.desired_hash,
        content=target.desired_content,
        body=documents.body_of(document),
        secrets=tuple(secrets),
    )


def _secrets(configuration: ServiceConfiguration) -> list[str]:
    candidates = [str(each) for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return [
        sealing.unseal(bytes(row.sealed), name=row.id, secret_candidates=candidates).decode()
        for row in configuration.secrets.live().order_by("-created_at")
    ]
