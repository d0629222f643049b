"""The platform for stories, and how long lives are searched for one that breaks a rule.

.venv/bin/pytest tests/scenarios/test_state_machine.py --hypothesis-profile=long
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import settings

from entitlements import connections
from tests.scenarios.shop import open_shop
from tests.world import World

settings.register_profile("long", max_examples=2000, stateful_step_count=80, deadline=None)


@pytest.fixture
def world(transactional_db: Any, request: pytest.FixtureRequest) -> Iterator[World]:
    """The platform with the real price list, or the ``prices`` that its tests are marked with; what
    the story leaves behind must be sound."""
    marked = request.node.get_closest_marker("prices")
    made = World(Client())
    made.open(str(marked.args[0]) if marked else "catalog.yaml")
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)
    connections.close()


@pytest.fixture
def shop(db: Any) -> Iterator[World]:
    """The platform with a small price list, on a test clock; what is left must be sound."""
    made = open_shop()
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)
