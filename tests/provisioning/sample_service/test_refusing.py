"""What the sample product service refuses: strangers, and what it does not understand."""

import copy
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from examples.product_service.server import MOST_BYTES
from provisioning import signatures
from tests.provisioning.conftest import OTHER_SECRET, SECRET
from tests.provisioning.sample_service.conftest import SUBJECT, TARGET, Service, document, entry


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
