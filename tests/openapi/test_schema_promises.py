"""Every operation answers as its description promises, whatever is thrown at it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from billing.wsgi import application
from core.principals import Scope
from entitlements import connections
from tests import kept
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schema = schemathesis.openapi.from_path(str(ROOT / "openapi.yaml"))
schema.app = application


@pytest.fixture
def token(transactional_db: Any) -> Iterator[str]:
    world = World(Client())

    def sell() -> None:
        world.open()
        world.zone(world.customer("ada"), "shop.example")

    kept.written_once("promises", sell)
    yield world.token_for(list(Scope))
    connections.close()


@schema.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_an_operation_keeps_its_promises(case: Any, token: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=PROMISES)
