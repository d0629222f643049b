"""Say where a product service is, whether it is called, and what its requests are signed with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from core import clock, nudges, preconditions
from core.errors import BadRequest, Conflict, NotFound, Unprocessable
from core.events import EventType, Fact, publish
from core.outbound import check_url
from core.transactions import command
from identity import sealing
from plans.models import ProductService
from provisioning import events, queries, signatures
from provisioning.models import (
    DEFAULT_GRACE_DAYS,
    SECRET_SLOTS,
    ServiceConfiguration,
    ServiceSecret,
    Target,
)
from provisioning.policy import operator_policy
from provisioning.services.planning import await_planners

Changes = tuple[tuple[str, Any, Any], ...]


class ServiceNotFound(NotFound):
    """There is no such product service in the catalog."""

    code = "product_service_not_found"


class ServiceNotConfigured(Conflict):
    """Nobody has said yet where this product service is."""

    code = "product_service_not_configured"


class ServiceUrlMissing(Unprocessable):
    """A product service is configured with its address first."""

    code = "product_service_url_missing"


class ServiceUrlNotABase(BadRequest):
    """Paths are appended to the address of a product service, so it must not have a query."""

    code = "product_service_url_not_a_base"


class TooManySecrets(Conflict):
    """Two signing secrets are live already; revoke one first."""

    code = "too_many_signing_secrets"


class SecretNotFound(NotFound):
    """The product service has no such live secret."""

    code = "signing_secret_not_found"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A signing secret and its only appearance in clear."""

    row: ServiceSecret
    secret: str

    @property
    def id(self) -> str:
        return str(self.row.id)

    @property
    def created_at(self) -> datetime:
        return self.row.created_at


@command
def configure_service(
    *,
    service_id: str,
    url: str | None = None,
    sandbox: bool | None = None,
    grace_days: int | None = None,
) -> Changes:
    """Say where a product service is; None leaves a value as it is (at first: no sandbox, 30 days).

    Returns what changed: (field, before, after). A service that is new, or whose sandbox mark
    changed, gets all owners' documents next.

    :raises ServiceNotFound: if the catalog has none
    :raises ServiceUrlMissing: at first, without ``url``
    :raises DestinationRefused, ServiceUrlNotABase: if the operator does not allow the address
    """
    service = _service(service_id)
    preconditions.verify(service)
    row = _locked(service_id) or ServiceConfiguration(
        service=service, grace_days=DEFAULT_GRACE_DAYS, created_at=clock.system_now()
    )
    url = None if url is None else _checked_url(url)
    given = {"url": url, "sandbox": sandbox, "grace_days": grace_days}
    is_new = row._state.adding
    changes = tuple(
        (name, None if is_new else getattr(row, name), value)
        for name, value in given.items()
        if value is not None and (is_new or value != getattr(row, name))
    )
    if is_new and url is None:
        raise ServiceUrlMissing("say where the product service is: url is missing")
    if not changes:
        return ()
    for name, _, value in changes:
        setattr(row, name, value)
    if is_new or any(name == "sandbox" for name, _, _ in changes):
        await_planners()
        row.planning_since, row.planned_through = clock.system_now(), None
    row.save()
    _tell(events.SERVICE_CHANGED, service, fields=sorted(name for name, _, _ in changes))
    nudges.after_commit("deliveries")
    return changes


@command
def pause_service(*, service_id: str) -> None:
    """Send nothing to a product service until it is resumed. Documents are planned all the same.

    :raises ServiceNotFound, ServiceNotConfigured:
    """
    row = _required(service_id)
    if row.paused_at is None:
        _stop(row, paused_at=clock.system_now())
        _tell(events.SERVICE_PAUSED, row.service, problem="")


@command
def disable_service(*, service_id: str) -> None:
    """Send nothing to a product service that takes nothing any more.

    :raises ServiceNotFound, ServiceNotConfigured:
    """
    row = _required(service_id)
    if row.disabled_at is None:
        _stop(row, disabled_at=clock.system_now())
        _tell(events.SERVICE_DISABLED, row.service, problem="")


@command
def resume_service(*, service_id: str) -> None:
    """Send to a product service again, paused or disabled, beginning with everything that waits.

    What waits has all its tries: the time it could not be tried does not count.

    :raises ServiceNotFound, ServiceNotConfigured:
    """
    row = _required(service_id)
    if not row.is_called:
        row.paused_at = row.disabled_at = None
        row.stopped_because = ""
        row.save(update_fields=["paused_at", "disabled_at", "stopped_because"])
        _tell(events.SERVICE_RESUMED, row.service)
        Target.objects.waiting().filter(service_id=service_id).update(
            attempts=0, trying_since=None, next_attempt_at=clock.system_now()
        )
        nudges.after_commit("deliveries")


@command
def add_secret(*, service_id: str, secret: str | None = None) -> NewSecret:
    """Add a signing secret: the given one, or a fresh one. From now on requests carry a signature
    of each live secret, so that the receiver can change from one to the other.

    :raises ServiceNotFound, ServiceNotConfigured:
    :raises MalformedSecret: if the given secret may not be one
    :raises TooManySecrets: if two are live
    """
    row = _required(service_id)
    taken = set(row.secrets.live().values_list("slot", flat=True))
    free = [slot for slot in SECRET_SLOTS if slot not in taken]
    if not free:
        raise TooManySecrets("two secrets are live; revoke the one that is no longer used")
    plain = signatures.new_secret() if secret is None else signatures.check_secret(secret)
    made = ServiceSecret(configuration=row, slot=free[0], created_at=clock.system_now())
    made.sealed = sealing.seal(plain.encode(), name=made.id, secret=str(settings.SECRET_KEY))
    made.save(force_insert=True)
    nudges.after_commit("deliveries")
    return NewSecret(made, plain)


@command
def revoke_secret(*, service_id: str, secret_id: str) -> None:
    """Sign with a secret no more. Without a live one nothing is sent.

    :raises ServiceNotFound, ServiceNotConfigured:
    :raises SecretNotFound: if it is not one of the service's live secrets
    """
    row = _required(service_id)
    live = row.secrets.live().filter(pk=secret_id)
    if not live.update(revoked_at=clock.system_now()):
        raise SecretNotFound("the product service has no such live secret")


def _service(service_id: str) -> ProductService:
    found = queries.services().filter(pk=service_id).first()
    if found is None:
        raise ServiceNotFound("there is no such product service")
    return found


def _locked(service_id: str) -> ServiceConfiguration | None:
    rows = ServiceConfiguration.objects.select_related("service").filter(service_id=service_id)
    return rows.select_for_update(no_key=True, of=("self",)).first()


def _required(service_id: str) -> ServiceConfiguration:
    service = _service(service_id)
    preconditions.verify(service)
    row = _locked(service_id)
    if row is None:
        raise ServiceNotConfigured("say first where the product service is")
    return row


def _checked_url(url: str) -> str:
    destination = check_url(url, operator_policy())
    if "?" in destination.target:
        raise ServiceUrlNotABase("the address must not have a query")
    return url.rstrip("/")


def _stop(row: ServiceConfiguration, **stopped: datetime) -> None:
    for name, value in stopped.items():
        setattr(row, name, value)
    row.stopped_because = "by staff"
    row.save(update_fields=[*stopped, "stopped_because"])


def _tell(type: EventType, service: ProductService, **data: Any) -> None:
    at = clock.whole_second(clock.system_now())
    publish([Fact(type, at=at, data={"service": service.key, **data})])
