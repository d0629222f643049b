"""A running sample product service, documents for it, and a client that sends them signed."""

import http.client
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examples.product_service.server import ProductService
from examples.product_service.store import Store
from provisioning import documents, signatures
from provisioning.documents import Desired, Names
from tests.provisioning.conftest import OTHER_SECRET, SECRET

CUSTOMER = "cus_01jd3vq6n0e6rt1c7h9a2b4c5d"
SUBJECT = "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e"
TARGET = "tgt_01jd3vq6n0e6rt1c7h9a2b4c5f"


def entry(value: Any, type: str = "limit", until: str | None = None) -> dict[str, Any]:
    return {"type": type, "value": value, "until": until, "trim": False}


def document(
    generation: int = 1,
    *,
    target: str = TARGET,
    state: str = "active",
    entitlements: dict[str, Any] | None = None,
) -> dict[str, Any]:
    content = {
        "customer": CUSTOMER,
        "subject": SUBJECT,
        "state": state,
        "delete_after": None,
        "entitlements": {"rules": entry(5)} if entitlements is None else entitlements,
        "blocks": [],
    }
    return documents.document(
        target_id=target,
        service="edge",
        names=Names("ada", "shop.example", "zone"),
        desired=Desired(generation, content, documents.hash_of(content)),
    )


class Service:
    """A running service and one connection to it."""

    def __init__(self, server: ProductService) -> None:
        self.server = server
        self.connection = http.client.HTTPConnection(*server.server_address[:2], timeout=5)

    def put(
        self,
        form: Any,
        *,
        target: str | None = None,
        secret: str = SECRET,
        at: datetime | None = None,
        **headers: str,
    ) -> tuple[int, Any]:
        body = form if isinstance(form, bytes) else json.dumps(form).encode()
        named = form["target"] if isinstance(form, dict) and "target" in form else TARGET
        signed = signatures.headers(
            message_id="msg_1", body=body, secrets=(secret,), at=at or datetime.now(UTC)
        )
        return self.call(
            "PUT",
            f"/provisioning/{target or named}",
            body,
            {"content-type": "application/json", **signed, **headers},
        )

    def get(self, path: str) -> tuple[int, Any]:
        return self.call("GET", path)

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Any = None
    ) -> tuple[int, Any]:
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        is_json = "json" in answer.headers["content-type"]
        return answer.status, json.loads(text) if is_json else text

    def held(self) -> list[dict[str, Any]]:
        held: list[dict[str, Any]] = self.get("/held")[1]["data"]
        return held


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "edge.json"


@pytest.fixture
def service(state: Path) -> Iterator[Service]:
    server = ProductService(
        ("127.0.0.1", 0), store=Store(state), secrets=(SECRET, OTHER_SECRET), name="edge"
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Service(server)
    server.shutdown()
    server.server_close()
