"""Every operation of the public API is explained and shown by example."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCUMENT = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "openapi.yaml").read_text(encoding="utf-8")
)
METHODS = {"get", "put", "post", "patch", "delete"}
OPERATIONS = {
    operation["operationId"]: operation
    for path, methods in DOCUMENT["paths"].items()
    if path.startswith("/v1/")
    for method, operation in methods.items()
    if method in METHODS
}


def _lacking(operation: dict[str, Any]) -> Iterator[str]:
    yield from (part for part in ("summary", "description") if not operation.get(part))
    bodies = {
        f"response {status}": response
        for status, response in operation["responses"].items()
        if status.startswith("2")
    }
    if "requestBody" in operation:
        bodies["request"] = operation["requestBody"]
    for name, body in bodies.items():
        for media_type, content in body.get("content", {}).items():
            if "example" not in content:
                yield f"{name} example ({media_type})"


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_is_explained_and_shown_by_example(operation: dict[str, Any]) -> None:
    assert list(_lacking(operation)) == []


def test_every_operation_has_an_id_of_its_own() -> None:
    count = sum(
        len(METHODS & methods.keys())
        for path, methods in DOCUMENT["paths"].items()
        if path.startswith("/v1/")
    )

    assert len(OPERATIONS) == count > 0
