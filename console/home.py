"""The admin's first page: what waits for a person, how the product services do, what is new."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from console.actors import named
from console.finding import list_of
from core.models import Delivery, Event
from customers.models import Customer
from provisioning.models import ServiceConfiguration, Target
from provisioning.queries import with_lag

LATEST_EVENTS = 15


@dataclass(frozen=True, slots=True)
class Tile:
    """How many rows there are, what that means, and the list that shows them. Those that need a
    person are an ``alarm`` from the first one on."""

    title: str
    meaning: str
    count: int
    url: str
    alarm: bool = True


@dataclass(frozen=True, slots=True)
class Latest:
    """A new event, its actor named for people."""

    event: Event
    actor: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the home page shows; each part only for staff who may see the rows behind it."""
    tiles: list[Tile] = []
    services: list[Any] = []
    if _may_view(request, Customer):
        tiles.append(_parked_customers())
    if _may_view(request, Delivery):
        tiles.append(_parked_reactions())
    if _may_view(request, Target):
        rows = ServiceConfiguration.objects.select_related("service").order_by("service__key")
        services = list(with_lag(rows))
        tiles += _provisioning(services)
    events = _latest_events() if _may_view(request, Event) else []
    return context | {"tiles": tiles, "services": services, "events": events}


def _latest_events() -> list[Latest]:
    events = list(Event.objects.order_by("-ordinal")[:LATEST_EVENTS])
    actors = named(event.actor for event in events)
    return [Latest(event, actors[event.actor]) for event in events]


def _parked_customers() -> Tile:
    return Tile(
        "Parked customers",
        "their due work failed; commands on them are refused",
        Customer.objects.filter(parked_at__isnull=False).count(),
        list_of(Customer, "parked_at__isempty=0"),
    )


def _parked_reactions() -> Tile:
    return Tile(
        "Parked reactions",
        "tried for half a day, then put aside",
        Delivery.objects.filter(parked_at__isnull=False).count(),
        list_of(Delivery, "parked_at__isempty=0"),
    )


def _provisioning(services: list[Any]) -> list[Tile]:
    """``services`` are configurations with their lag."""
    return [
        Tile(
            "Dead letters",
            "given up: the product service does not have what was sold",
            sum(each.dead_letters for each in services),
            list_of(Target, "dead_lettered_at__isnull=False"),
        ),
        Tile(
            "Failing services",
            "not called, or with dead letters",
            sum(bool(each.dead_letters) or not each.is_called for each in services),
            list_of(ServiceConfiguration),
        ),
        Tile(
            "Waiting targets",
            "their newest document is on its way",
            sum(each.waiting for each in services),
            list_of(Target, "next_attempt_at__isnull=False"),
            alarm=False,
        ),
    ]


def _may_view(request: HttpRequest, model: type[Model]) -> bool:
    options = model._meta
    return request.user.has_perm(f"{options.app_label}.view_{options.model_name}")
