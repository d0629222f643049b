from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from entitlements import connections
from tests.invoicing.given import price_list
from tests.world import World


@pytest.fixture
def world(transactional_db: Any, tmp_path: Any) -> Iterator[World]:
    """The platform with a price list of its own; what a story leaves behind must be sound."""
    made = World(Client())
    made.open(str(price_list(tmp_path)))
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)
    connections.close()
