"""A door to knock at: any bytes, any headers; every answer is held against the description."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpResponse
from django.test import Client

from core.principals import Scope
from tests.world import World

DESCRIPTION = Path(__file__).resolve().parents[2] / "openapi.yaml"
# What no answer may show: how it was made.
_INSIDES = re.compile(rb"Traceback|psycopg|django|SELECT |INSERT |relation \"|\w+Error\b|\.py\b")


@dataclass
class Door:
    """The API, and one token that may do everything."""

    token: str
    client: Client = field(default_factory=Client)

    def knock(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        token: str | None = "",
        **headers: str,
    ) -> HttpResponse:
        """Send a request; ``body`` is bytes as they are, or becomes JSON. ``token=None``: none."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token}"
        sent = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        answer = self.client.generic(
            method, path, sent, content_type=content_type, headers=headers or None
        )
        _hold_against_description(method, path, answer)
        return answer

    def refuses(self, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, str]:
        """Send a request that must not succeed; return the status and code of the answer."""
        answer = self.knock(method, path, body, **how)
        assert answer.headers["Content-Type"] == "application/problem+json", answer.content
        return answer.status_code, answer.json()["code"]

    def gets(self, path: str, **how: Any) -> Any:
        """Send a request that must succeed; return what is answered."""
        answer = self.knock("GET", path, **how)
        assert answer.status_code == 200, answer.content
        return answer.json()


def door_of(world: World) -> Door:
    """Open a door for a caller who may do everything."""
    return Door(world.token or world.token_for(list(Scope)), world.client)


@cache
def operations() -> dict[str, dict[str, Any]]:
    """Return what is described, by path."""
    described = yaml.load(DESCRIPTION.read_text(), Loader=yaml.CSafeLoader)
    shared = described["components"]["responses"]
    for path in described["paths"].values():
        for operation in path.values():
            operation["responses"] = {
                status: shared[response["$ref"].rpartition("/")[2]]
                if "$ref" in response
                else response
                for status, response in operation["responses"].items()
            }
    paths: dict[str, dict[str, Any]] = described["paths"]
    return paths


def _hold_against_description(method: str, path: str, answer: HttpResponse) -> None:
    assert answer.status_code < 500, answer.content
    assert not _INSIDES.search(answer.content), answer.content
    operation = _operation(method, path.partition("?")[0])
    if operation is None:
        return
    status = str(answer.status_code)
    assert status in operation["responses"], (method, path, status, answer.content)
    if answer.headers.get("Content-Type") == "application/problem+json":
        assert answer.json()["code"] in operation["responses"][status]["x-problem-codes"]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    """Find what is described for a path; names in it beat placeholders."""
    segments = path.split("/")
    fitting = [
        template
        for template in operations()
        if len(template.split("/")) == len(segments)
        and all(
            ours == theirs or ours.startswith("{")
            for ours, theirs in zip(template.split("/"), segments, strict=True)
        )
    ]
    best = min(fitting, key=lambda template: template.count("{"), default=None)
    return None if best is None else operations()[best].get(method.lower())


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()
