"""A caller at the front door."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from core.acting import acting_as
from core.api import mutations


class Caller:
    """Sends JSON as whoever the token says."""

    def __init__(self, token: str | None = "all") -> None:
        self.client = Client(raise_request_exception=False)
        self.token = token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """``body``: bytes as they are, anything else as JSON; ``headers`` in snake case."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            named.setdefault("Authorization", f"Bearer {self.token}")
        content_type = named.pop("Content-Type", "application/json")
        data = body if isinstance(body, bytes) else b"" if body is None else dumps(body)
        return self.client.generic(method, path, data, content_type, headers=named)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("PATCH", path, body, **headers)


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture(autouse=True)
def _no_app_above(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers without what higher apps add to them."""
    monkeypatch.setattr(mutations, "_revision", lambda customer_ids: None)
    monkeypatch.setattr(mutations, "_provisioning", lambda customer_ids: None)


@pytest.fixture
def api() -> Caller:
    return Caller()


@pytest.fixture
def as_caller() -> type[Caller]:
    return Caller


@pytest.fixture
def acting() -> Iterator[None]:
    with acting_as("system:test"):
        yield
