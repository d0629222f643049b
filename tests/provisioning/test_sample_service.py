"""The sample product service: the receiving side of the contract, over HTTP, with nothing of ours
but its documents."""

import copy
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.product_service import store
from examples.product_service.server import MOST_BYTES, ProductService
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


def test_a_document_is_applied_and_echoed(service: Service) -> None:
    form = document()
    assert service.put(form) == (200, {"generation": 1, "hash": form["hash"]})
    assert service.get(f"/provisioning/{TARGET}") == (
        200,
        {"generation": 1, "hash": form["hash"]},
    )
    (held,) = service.held()
    assert held["customer"] == {"id": CUSTOMER, "key": "ada"}
    assert held["allowed"] == {"rules": 5}
    assert held["generation"] == 1


def test_a_repeat_is_confirmed_and_changes_nothing(service: Service) -> None:
    form = document()
    first = service.put(form)
    applied_at = service.held()[0]["applied_at"]
    assert [service.put(form) for _ in range(3)] == [first] * 3
    assert service.held()[0]["applied_at"] == applied_at


def test_older_documents_and_others_of_the_same_generation_are_refused(service: Service) -> None:
    service.put(document(5))
    assert service.put(document(4)) == (409, {"generation": 5})
    another = document(5, entitlements={"rules": entry(6)})
    assert service.put(another) == (409, {"generation": 5})
    assert service.held()[0]["allowed"] == {"rules": 5}
    assert service.put(document(9))[0] == 200


def test_a_tombstone_still_refuses_what_is_older(service: Service) -> None:
    service.put(document(1))
    service.put(document(2, state="deleted", entitlements={}))
    assert service.put(document(1)) == (409, {"generation": 2})
    assert service.held()[0]["allowed"] == {}


def test_documents_that_arrive_in_any_order_at_once_end_with_the_newest(service: Service) -> None:
    """Thirty generations and their repeats, over many connections at the same time."""
    forms = [document(number, entitlements={"rules": entry(number)}) for number in range(1, 31)] * 2

    def put(form: Any) -> int:
        return Service(service.server).put(form)[0]

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(put, reversed(forms)))
    assert set(statuses) <= {200, 409}
    assert service.held()[0]["allowed"] == {"rules": 30}


def test_what_is_held_survives_a_restart(service: Service, state: Path) -> None:
    service.put(document(3))
    again = Store(state)
    assert [each.document.generation for each in again.all()] == [3]
    assert again.all()[0].form == document(3)
    assert list(state.parent.iterdir()) == [state]


def test_a_line_that_was_cut_by_a_crash_is_forgotten(service: Service, state: Path) -> None:
    service.put(document(3))
    with state.open("ab") as file:
        file.write(b'{"document": {"target": "tg')
    assert [each.document.generation for each in Store(state).all()] == [3]
    assert state.read_bytes().count(b"\n") == 1


def test_the_file_does_not_grow_for_ever(
    service: Service, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "OLD_LINES", 5)
    for number in range(1, 30):
        service.put(document(number, entitlements={"rules": entry(number)}))
    assert state.read_bytes().count(b"\n") <= 7
    assert [each.document.generation for each in Store(state).all()] == [29]


def test_what_cannot_be_kept_is_not_confirmed(
    service: Service, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.put(document(1))

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, problem = service.put(document(2))
    assert (status, problem["code"]) == (503, "not_kept")
    assert service.held()[0]["generation"] == 1
    monkeypatch.undo()
    assert service.put(document(2))[0] == 200


def test_a_value_stops_at_its_until_by_itself(service: Service) -> None:
    now = datetime.now(UTC)
    soon = (now + timedelta(seconds=1)).isoformat()
    service.put(
        document(
            entitlements={
                "over": entry(1, until=(now - timedelta(hours=1)).isoformat()),
                "soon over": entry(2, until=soon),
                "lasting": entry(3),
            }
        )
    )
    assert service.held()[0]["allowed"] == {"soon over": 2, "lasting": 3}
    time.sleep(1.1)
    assert service.held()[0]["allowed"] == {"lasting": 3}
    assert set(service.held()[0]["entitlements"]) == {"over", "soon over", "lasting"}


@pytest.mark.parametrize("state_", ["suspended", "deleted"])
def test_nothing_is_allowed_unless_active(service: Service, state_: str) -> None:
    service.put(document(state=state_))
    assert service.held()[0]["allowed"] == {}


def test_a_block_denies_everything(service: Service) -> None:
    service.put({**document(), "blocks": ["overdue"]})
    assert service.held()[0]["allowed"] == {}


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_both_secrets_are_trusted_while_they_are_exchanged(service: Service, secret: str) -> None:
    assert service.put(document(), secret=secret)[0] == 200


FOREIGN = "whsec_" + "Zm9yZWlnbg" * 5


@pytest.mark.parametrize(
    "differently",
    [
        {"secret": FOREIGN},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"at": datetime(2100, 1, 1, tzinfo=UTC)},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v2,abc v1a,abc"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "x"},
        {"webhook-id": "another"},
    ],
)
def test_what_is_not_signed_now_by_somebody_we_know_changes_nothing(
    service: Service, differently: dict[str, Any]
) -> None:
    status, problem = service.put(document(), **differently)
    assert (status, problem["code"]) == (401, "not_signed")
    assert service.held() == []


def changed(**differently: Any) -> dict[str, Any]:
    return {**copy.deepcopy(document()), **differently}


@pytest.mark.parametrize(
    "form",
    [
        {name: member for name, member in document().items() if name != "blocks"},
        changed(extra=1),
        changed(generation=0),
        changed(generation="1"),
        changed(generation=True),
        changed(generation=2**53),
        changed(hash="sha256:abc"),
        changed(state="gone"),
        changed(state=["active"]),
        changed(customer=None),
        changed(customer={"id": 5, "key": None}),
        changed(subject={"id": SUBJECT}),
        changed(delete_after="tomorrow"),
        changed(delete_after="2026-01-01T00:00:00"),
        changed(delete_after=5),
        changed(blocks="overdue"),
        changed(blocks=[1]),
        changed(entitlements=[]),
        changed(entitlements={"rules": {"type": "limit", "value": 5}}),
        changed(entitlements={"rules": entry(5, type="colour")}),
        changed(entitlements={"rules": entry("many")}),
        changed(entitlements={"rules": entry(True)}),
        changed(entitlements={"rules": entry(None)}),
        changed(entitlements={"rules": entry(5, type="boolean")}),
        changed(entitlements={"rules": entry([True], type="number_set")}),
        changed(entitlements={"rules": entry({"min": 1}, type="range")}),
        changed(entitlements={"rules": entry(5, until="never")}),
        changed(entitlements={"rules": {**entry(5), "trim": 1}}),
        changed(service="desk"),
    ],
)
def test_a_document_that_is_not_understood_is_not_applied(service: Service, form: Any) -> None:
    status, problem = service.put(form)
    assert status == 422
    assert problem["code"] in ("malformed_document", "wrong_service")
    assert service.held() == []


def test_a_document_of_another_target_is_not_applied(service: Service) -> None:
    other = "tgt_01jd3vq6n0e6rt1c7h9a2b4c5g"
    status, problem = service.put(document(), target=other)
    assert (status, problem["code"]) == (422, "wrong_target")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"a": NaN}',
        b'{"a": 1.5}',
        b'{"a": 1, "a": 2}',
        b"[" * 200_000,
    ],
)
def test_what_is_no_json_object_is_refused(service: Service, body: bytes) -> None:
    status, problem = service.put(body)
    assert (status, problem["code"]) == (400, "not_json")


def test_a_body_that_is_no_text_is_signed_by_nobody(service: Service) -> None:
    headers = {
        "content-type": "application/json",
        **signatures.headers(
            message_id="msg_1", body=b"{}", secrets=(SECRET,), at=datetime.now(UTC)
        ),
    }
    assert service.call("PUT", f"/provisioning/{TARGET}", b"\xff\xfe", headers)[0] == 401


def test_bodies_are_bounded_and_of_a_known_kind(service: Service) -> None:
    path = f"/provisioning/{TARGET}"
    too_long = {"content-length": str(MOST_BYTES + 1), "content-type": "application/json"}
    assert service.call("PUT", path, b"", too_long)[0] == 413
    assert service.call("PUT", path, b"{}", {"content-type": "text/plain"})[0] == 415
    chunked = {"transfer-encoding": "chunked", "content-type": "application/json"}
    assert service.call("PUT", path, b"0\r\n\r\n", chunked)[0] == 411
    assert service.put(document())[0] == 200  # and it goes on


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/provisioning/{TARGET}", 404),
        ("GET", "/provisioning/another", 404),
        ("GET", "/../etc/passwd", 404),
        ("PUT", "/provisioning", 404),
        ("POST", "/provisioning", 405),
        ("DELETE", f"/provisioning/{TARGET}", 405),
        ("PATCH", f"/provisioning/{TARGET}", 405),
        ("GET", "/provisioning?limit=0", 400),
        ("GET", "/provisioning?limit=201", 400),
        ("GET", "/provisioning?limit=%D9%A3", 400),
    ],
)
def test_other_paths_and_methods_are_refused(
    service: Service, method: str, path: str, status: int
) -> None:
    found, problem = service.call(method, path)
    assert (found, problem["status"]) == (status, status)


def test_all_targets_can_be_listed_page_by_page(service: Service) -> None:
    targets = [f"tgt_01jd3vq6n0e6rt1c7h9a2b4c{number:02d}" for number in range(5)]
    for target in targets:
        service.put(document(target=target))
    seen: list[str] = []
    after = ""
    while after is not None:
        _, page = service.get(f"/provisioning?limit=2&after={after}")
        seen += [row["target"] for row in page["data"]]
        assert page["data"][0].keys() == {"target", "generation", "hash"}
        after = page["next_after"]
    assert seen == targets


def test_people_see_what_is_held_and_nothing_runs_in_their_browser(service: Service) -> None:
    form = document(entitlements={"<b>rules": entry("<script>alert(1)</script>", type="string")})
    form["customer"]["key"] = "<i>ada"
    service.put(form)
    status, page = service.get("/")
    assert status == 200
    assert "&lt;i&gt;ada" in page
    assert "&lt;b&gt;rules" in page
    assert "<script>" not in page
    assert SECRET not in page


@pytest.mark.parametrize("secrets", ["", "secret", "whsec_"])
def test_it_does_not_start_without_a_secret(secrets: str) -> None:
    started = subprocess.run(
        [sys.executable, "-m", "examples.product_service", "--port", "0"],
        env={**os.environ, "PRODUCT_SERVICE_SECRETS": secrets},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert started.returncode == 2
    assert "it cannot start" in started.stderr
