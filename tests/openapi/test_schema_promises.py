"""Every operation answers as its description promises, whatever is thrown at it.

What is thrown is made by the test of its operation, as ``schema.parametrize`` makes it. That would
make it when tests are collected: for all operations, in every process that runs any test.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
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
operations = {each.ok().label: each.ok() for each in schema.get_all_operations()}


@pytest.fixture
def token(transactional_db: Any) -> Iterator[str]:
    world = World(Client())

    def sell() -> None:
        world.open()
        world.zone(world.customer("ada"), "shop.example")

    kept.written_once("promises", sell)
    yield world.token_for(list(Scope))
    connections.close()


@pytest.mark.parametrize("label", operations)
def test_an_operation_keeps_its_promises(label: str, token: str) -> None:
    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    def keeps_its_promises(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=PROMISES)

    build_operation_test(
        config=schema.config,
        operation=operations[label],
        test_func=keeps_its_promises,
        given_kwargs={},
        feedback=FeedbackSources(constants_value_source=make_constants_value_source(schema)),
    )()
