"""A platform with the price list of the lives, where nothing that a life wrote stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.test import Client

from core import clock
from core.principals import Scope
from core.transactions import unit_of_work
from plans.models import ProductService
from plans.services import apply_catalog
from provisioning.models import ServiceConfiguration
from tests.scenarios.life import prices
from tests.scenarios.life.watch import Desk
from tests.world import World

OWN = [Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE, Scope.CUSTOMERS_READ]


@dataclass(frozen=True)
class Beginning:
    """A customer by key, and what its life is about. A subject is on its default plan; without one
    the customer subscribes to ``plan`` itself."""

    key: str
    product: str
    plan: str | None
    start: str
    zone: str


def opened() -> World:
    """Whoever uses it gets a token first."""
    made = World(Client())
    apply_catalog(tree=prices.document())
    unit_of_work(_told)
    return made


@contextmanager
def taken_back() -> Iterator[None]:
    """All that is written meanwhile is taken back, so that each life begins in an empty world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def begin(world: World, life: Beginning) -> Desk:
    """Return what asks about a new customer's one subscription, on a test clock of its own."""
    world.token = world.token_for([*Scope])
    world.starts_on(life.start)
    owner = customer = world.customer(life.key, zone=life.zone)
    if life.plan is not None:
        made = world.post("subscriptions", status=201, customer=customer, plan=life.plan)
        subscription = made["resource"]["id"]
    else:
        path = f"customers/{customer}/subjects"
        made = world.post(path, status=201, key=f"of-{life.key}", kind=life.product)
        owner = made["resource"]["id"]
        subscription = world.subscription(owner)["id"]
    own = world.token_for(OWN, customer_id=customer)
    return Desk(world, customer, owner, subscription, life.product, own)


def _told() -> None:
    """Services without a secret are planned for, and not called."""
    for service in ProductService.objects.all():
        ServiceConfiguration.objects.create(
            service=service, url="https://edge.example", sandbox=True, created_at=clock.system_now()
        )
