"""The lines that the demo prints, pasted into a shell as a visitor does."""

import base64
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from core import acting, relay
from entitlements import connections
from examples.product_service.server import ProductService
from examples.product_service.store import Store
from tests.world import EXAMPLES

SECRET = "whsec_" + base64.b64encode(b"p" * 32).decode()


@pytest.fixture
def edge() -> Iterator[str]:
    """The sample product service, where it answers."""
    server = ProductService(("127.0.0.1", 0), store=Store(None), secrets=[SECRET])
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def lines(
    live_server: Any, loopback: None, edge: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    assert shutil.which("curl"), "this test needs curl: apt-get install curl"
    monkeypatch.setenv("DEMO_SERVICE_SECRETS", f"edge={SECRET}")
    call_command("catalog", "apply", str(EXAMPLES / "catalog.yaml"), stdout=StringIO())
    out = StringIO()
    call_command("demo", f"--base-url={live_server.url}", f"--service-url=edge={edge}", stdout=out)
    yield json.loads(out.getvalue())["curl"]
    connections.close()


def paste(line: str) -> Any:
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, ""), (line, done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_each_line_works_alone_and_again(lines: list[str]) -> None:
    customers, new_zone, shop, upgrade, blog, held = lines
    assert {each["key"] for each in paste(customers)["data"]} == {"demo", "time-traveler"}
    assert paste(new_zone)["resource"]["id"] != paste(new_zone)["resource"]["id"]
    assert paste(shop)["value"] == "20"
    assert paste(blog)["value"] == "5"
    assert paste(upgrade)["resource"]["plan"] == "pro"
    assert paste(blog)["value"] == "20"
    assert paste(upgrade)["changes"] == []
    with acting.acting_as("system:relay"):
        relay.drain()
    documents = paste(held)["data"]
    rules = {
        each["subject"]["key"]: each["entitlements"]["waf_custom_rules"]["value"]
        for each in documents
        if each["subject"]["key"]
    }
    assert rules == {"shop.example": 20, "blog.example": 20, "travel.example": 100}
