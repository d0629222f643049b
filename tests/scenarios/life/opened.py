"""A platform with the price list of the lives, where nothing that a life wrote stays."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.test import Client

from core import clock
from core.transactions import unit_of_work
from plans.models import ProductService
from plans.services import apply_catalog
from provisioning.models import ServiceConfiguration
from tests.scenarios.life import prices
from tests.world import World


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


def _told() -> None:
    """Services without a secret are planned for, and not called."""
    for service in ProductService.objects.all():
        ServiceConfiguration.objects.create(
            service=service, url="https://edge.example", sandbox=True, created_at=clock.system_now()
        )
