"""A small shop with two product services, real receivers on loopback, and quick senders."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.core.management import call_command
from django.test import Client

from core import clock
from core.outbound import OutboundClient
from core.principals import Scope
from examples.product_service.server import Handler, ProductService
from examples.product_service.store import Store
from plans.services import apply_catalog
from provisioning import delivery, policy, services
from provisioning.delivery import Senders, deliver_due
from provisioning.models import Attempt, Target
from provisioning.models import ServiceConfiguration as Configuration
from tests import kept
from tests.racing import wait_until
from tests.world import World

SECRET = "whsec_" + base64.b64encode(b"the first secret of 32 bytes ...").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"the other secret of 32 bytes ...").decode()


def catalog() -> dict[str, Any]:
    def plan(product: str, rank: int, amount: str | None, **features: Any) -> dict[str, Any]:
        base = {"model": "flat", "amount": amount}
        return {
            "name": f"{product} {rank}",
            "product": product,
            "rank": rank,
            "prices": {"month": {"USD": {"base": base}} if amount else {}},
            "billing_zone": "UTC",
            "publish": True,
            "features": features,
        }

    return {
        "currencies": ["USD"],
        "product_services": {"edge": {"name": "Edge"}, "desk": {"name": "Desk"}},
        "features": {
            "rules": {
                "name": "rules",
                "type": "limit",
                "unit": "rule",
                "scope": "subject",
                "product_service": "edge",
            },
            "seats": {
                "name": "seats",
                "type": "limit",
                "scope": "customer",
                "product_service": "desk",
            },
        },
        "products": {
            "zone": {
                "name": "Zone",
                "scope": "subject",
                "subject_kind": "zone",
                "exclusive": True,
                "co_terms": False,
                "features": ["rules"],
                "default_plan": "free",
            },
            "packs": {
                "name": "Packs",
                "scope": "customer",
                "exclusive": True,
                "co_terms": False,
                "features": ["seats"],
                "fallback_plan": "none",
            },
        },
        "plans": {
            "free": plan("zone", 0, None, rules=5),
            "pro": plan("zone", 1, "25.00", rules=20),
            "business": plan("zone", 2, "250.00", rules=100),
            "pack": plan("packs", 0, "5.00", seats=10),
        },
    }


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample service's log would stand between the dots."""
    monkeypatch.setattr(Handler, "log_message", lambda *_: None)


@pytest.fixture
def world(transactional_db: Any, settings: Any) -> Iterator[World]:
    """The shop in real time; what a test leaves behind must be sound."""
    settings.PRODUCT_SERVICE_NETWORKS = ["127.0.0.1/32"]
    settings.PRODUCT_SERVICE_HOSTS = ["edge.example", "desk.example"]
    policy.operator_policy.cache_clear()
    made = World(Client())
    kept.written_once("provisioning", lambda: apply_catalog(tree=catalog()))
    made.token = made.token_for(list(Scope))
    yield made
    call_command("check_invariants", verbosity=0)
    policy.operator_policy.cache_clear()


class MachineTime:
    """The machine's time, which runs on by itself and can be put forward a little.

    Receivers live by the real one: signatures are good for five minutes.
    """

    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._real() + self._ahead

    def passes(self, **how_long: float) -> None:
        self._ahead += timedelta(**how_long)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> MachineTime:
    made = MachineTime(clock.system_now)
    monkeypatch.setattr(clock, "system_now", made)
    return made


@dataclass(frozen=True)
class Given:
    """A request that a scripted receiver got."""

    path: str
    headers: dict[str, str]
    document: dict[str, Any]


Behaviour = Callable[["ScriptedHandler", Given], None]


class ScriptedReceiver(ThreadingHTTPServer):
    """A product service that does what the test says, and remembers what it was sent."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.given: list[Given] = []
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", 0), ScriptedHandler)

    @property
    def generations(self) -> list[int]:
        return [each.document["generation"] for each in self.given]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that lose patience are part of the tests."""


class ScriptedHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ScriptedReceiver

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        given = Given(self.path, headers, json.loads(body))
        self.server.given.append(given)
        self.server.behave(self, given)

    def reply(self, status: int, form: Any = None, **headers: str) -> None:
        body = form if isinstance(form, bytes) else json.dumps(form).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def apply(self, given: Given) -> None:
        """Answer as a sound service does."""
        document = given.document
        self.reply(200, {"generation": document["generation"], "hash": document["hash"]})

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests quiet."""


def answers(status: int, form: Any = None, **headers: str) -> Behaviour:
    return lambda handler, given: handler.reply(status, form, **headers)


def applies(handler: ScriptedHandler, given: Given) -> None:
    handler.apply(given)


class SampleProcess:
    """The sample product service as it is run, to be killed and started again."""

    def __init__(self, state: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.server_address = free.getsockname()
        self._state = state
        self.start()

    def start(self) -> None:
        port = str(self.server_address[1])
        command = [sys.executable, "-m", "examples.product_service", "--port", port]
        self._process = subprocess.Popen(
            [*command, "--state", str(self._state)],
            env={**os.environ, "PRODUCT_SERVICE_SECRETS": SECRET},
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def held(self) -> list[dict[str, Any]]:
        with urlopen(f"http://127.0.0.1:{self.server_address[1]}/held", timeout=5) as answer:
            held: list[dict[str, Any]] = json.load(answer)["data"]
            return held

    def _answers(self) -> bool:
        try:
            self.held()
        except URLError:
            return False
        return True


@dataclass
class Provisioning:
    """The two sides of provisioning, as the tests speak of them."""

    world: World
    cleanup: ExitStack
    service_ids: dict[str, str] = field(default_factory=dict)
    senders: dict[str, Senders] = field(default_factory=dict)
    read_seconds: float = 5
    wall_seconds: float = 5

    def sample(self, *, state: Path | None = None, secrets: tuple[str, ...] = (SECRET,)) -> Any:
        """Start the sample product service."""
        return self._started(ProductService(("127.0.0.1", 0), store=Store(state), secrets=secrets))

    def scripted(self, behave: Behaviour = applies) -> ScriptedReceiver:
        """Start a product service that does what the test says."""
        server = self._started(ScriptedReceiver(behave))
        self.cleanup.callback(server.stopped.set)
        return server

    def configure(self, server: Any, key: str = "edge", **more: Any) -> str:
        """Let a product service of the catalog be the given server, with a secret."""
        url = f"http://127.0.0.1:{server.server_address[1]}"
        answer = self.world.put(f"product-services/{key}", url=url, **more)
        self.service_ids[key] = answer["resource"]["id"]
        if not answer["resource"]["secrets"]:
            self.world.post(f"product-services/{key}/secrets", status=201, secret=SECRET)
        services.replan_service([])
        return self.service_ids[key]

    def deliver(self, key: str | None = None, limit: int | None = None) -> int:
        """Send what is due, impatiently."""
        service_id = None if key is None else self.service_ids[key]
        return deliver_due(service_id=service_id, limit=limit, senders_of=self.senders_of)

    def senders_of(self, service_id: str) -> Senders:
        if service_id not in self.senders:
            made = Senders(
                OutboundClient(
                    policy.operator_policy(),
                    connect_seconds=5,
                    read_seconds=self.read_seconds,
                    wall_seconds=self.wall_seconds,
                    max_connections=delivery.SENDERS,
                )
            )
            self.senders[service_id] = made
            self.cleanup.callback(made.close)
        return self.senders[service_id]

    def target(self, owner: str, key: str = "edge") -> Target:
        rows = Target.objects.filter(service__key=key)
        if owner.startswith("sbj_"):
            return rows.get(subject_id=owner)
        return rows.get(customer_id=owner, subject=None)

    def attempts(self, target: Target) -> list[Attempt]:
        """Return a target's attempts, oldest first."""
        return list(Attempt.objects.filter(target=target).order_by("id"))

    def configuration(self, key: str = "edge") -> Configuration:
        return Configuration.objects.get(service__key=key)

    def _started(self, server: Any) -> Any:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.cleanup.callback(server.server_close)
        self.cleanup.callback(server.shutdown)
        return server


@pytest.fixture
def provisioning(world: World) -> Iterator[Provisioning]:
    with ExitStack() as cleanup:
        yield Provisioning(world, cleanup)
