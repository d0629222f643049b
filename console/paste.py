"""Lines for a shell, each of which works alone, again, and at any later time."""

import json
import shlex
from collections.abc import Sequence
from typing import Any


def lines(
    *, base_url: str, client_id: str, client_secret: str, service_urls: Sequence[str]
) -> list[str]:
    """Return a first tour of the API; every line gets a token of its own."""
    api = _Api(base_url, client_id, client_secret)
    question = "/entitlements/check?customer=demo&feature=waf_custom_rules&subject="
    return [
        api.line("GET", "/customers"),
        api.line("POST", "/customers/demo/subjects", {"kind": "zone"}),
        api.line("GET", f"{question}shop.example"),
        api.line("PUT", "/customers/demo/subjects/blog.example/products/zone", {"plan": "pro"}),
        api.line("GET", f"{question}blog.example"),
        *(f"curl -sS --fail-with-body {shlex.quote(f'{url}/held')}" for url in service_urls[:1]),
    ]


class _Api:
    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        self.base_url = base_url.rstrip("/")
        credentials = shlex.quote(f"{client_id}:{client_secret}")
        address = shlex.quote(f"{self.base_url}/oauth/token")
        self.token = (
            f"$(curl -sS -u {credentials} -d grant_type=client_credentials {address}"
            """ | sed -E 's/.*"access_token": ?"([^"]+)".*/\\1/')"""
        )

    def line(self, method: str, path: str, body: Any = None) -> str:
        words = ["curl -sS --fail-with-body", f'-H "Authorization: Bearer {self.token}"']
        if method not in ("GET", "POST"):
            words.append(f"-X {method}")
        if body is not None:
            words.append(f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}")
        return " ".join([*words, shlex.quote(f"{self.base_url}/v1{path}")])
