from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.world import World

PRICES = Path(__file__).parent / "prices.yaml"


@pytest.fixture
def world(db: Any) -> Iterator[World]:
    """The platform with the prices of the cases."""
    made = World(Client())
    made.open(str(PRICES))
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)
