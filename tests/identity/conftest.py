from collections.abc import Iterator

import pytest

from core import acting
from identity.models import Client
from tests.identity.callers import make_client


@pytest.fixture(autouse=True)
def _somebody_acts() -> Iterator[None]:
    with acting.acting_as("system:test"):
        yield


@pytest.fixture
def client_row(db: None) -> Client:
    """A client that may read and check entitlements."""
    return make_client("entitlements:read", "entitlements:check").client
