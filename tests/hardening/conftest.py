from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from core.principals import Scope
from entitlements import connections
from provisioning import policy
from tests.hardening.door import Door
from tests.world import World


@pytest.fixture
def door(db: Any) -> Door:
    """The API without a price list: bad input is refused before anything is sold."""
    world = World(Client())
    return Door(world.token_for(list(Scope)), world.client)


@pytest.fixture
def world(transactional_db: Any, settings: Any) -> Iterator[World]:
    """The real price list and two product services that nothing is sent to; sound afterwards."""
    settings.PRODUCT_SERVICE_NETWORKS = ["127.0.0.1/32"]
    policy.operator_policy.cache_clear()
    made = World(Client())
    made.open()
    for key in ("edge", "developer"):
        made.put(f"product-services/{key}", url="http://127.0.0.1:9", sandbox=True)
    yield made
    call_command("check_invariants", verbosity=0)
    connections.close()
    policy.operator_policy.cache_clear()
