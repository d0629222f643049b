from collections.abc import Iterator

import pytest

from core import acting
from identity.api import views
from identity.models import Client
from identity.throttle import WrongSecrets
from tests.identity.callers import make_client


@pytest.fixture(autouse=True)
def _somebody_acts() -> Iterator[None]:
    with acting.acting_as("system:test"):
        yield


@pytest.fixture(autouse=True)
def _nobody_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "wrong_secrets", WrongSecrets())


@pytest.fixture
def client_row(db: None) -> Client:
    """A client that may read and check entitlements."""
    return make_client("entitlements:read", "entitlements:check").client
