from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from core.principals import Scope
from tests.world import World

PRICES = Path(__file__).parent / "prices.yaml"


@pytest.fixture
def world(db: Any) -> Iterator[World]:
    """The platform with the prices of the cases, sent as a catalog document."""
    made = World(Client())
    made.token = made.token_for(list(Scope))
    made.put("catalog", **yaml.safe_load(PRICES.read_text()))
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)
