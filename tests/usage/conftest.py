"""A build service that counts what its customers use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from entitlements import connections
from tests.usage.using import Shop
from tests.world import World

CATALOG = str(Path(__file__).parent / "shop.yaml")


def opened() -> Shop:
    world = World(Client())
    world.open(CATALOG)
    return Shop(world)


@pytest.fixture
def shop(db: Any) -> Iterator[Shop]:
    """Ada on Starter since noon of 1 January, on a test clock; what a test leaves must be sound."""
    made = opened()
    made.world.starts_on("2025-01-01T12:00:00")
    made.world.customer("ada")
    yield made
    call_command("check_invariants", verbosity=0)


@pytest.fixture
def busy_shop(transactional_db: Any) -> Iterator[Shop]:
    """The same in real time, with commits, so that many can ask at once."""
    made = opened()
    made.world.customer("ada")
    yield made
    connections.close()
    call_command("check_invariants", verbosity=0)
