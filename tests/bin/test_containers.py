"""What can be said of the container files without an engine."""

import http.server
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.healthcheck import is_healthy
from deploy.local import ports
from deploy.local.environment import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text()
IGNORED = (PROJECT / ".dockerignore").read_text().splitlines()
COMPOSE_TEXT = (PROJECT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("web", "worker", "beat", "relay", "migrate")
SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD")


def test_every_process_of_the_platform_is_a_service() -> None:
    assert sorted(SERVICES) == sorted([*OURS, "postgres", "valkey"])


def test_the_image_is_built_in_two_stages_and_does_not_run_as_root() -> None:
    assert len(re.findall(r"^FROM \S+:\S+", DOCKERFILE, re.MULTILINE)) == 2
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


def test_the_image_installs_the_hashed_lock_and_is_production_by_itself() -> None:
    assert "--require-hashes --only-binary :all: -r requirements.txt" in DOCKERFILE
    assert re.search(r"ENVIRONMENT=production\nUSER", DOCKERFILE)


def test_nothing_of_this_machine_gets_into_the_image() -> None:
    assert {".git", ".venv", ".local", ".env", "*.env", "deploy/local", "tests"} <= set(IGNORED)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_has_no_default(name: str) -> None:
    uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE_TEXT)

    assert uses
    assert all(use.startswith(":?") for use in uses)


def test_the_example_lists_every_variable_and_fills_in_no_secret() -> None:
    example = (PROJECT / "deploy" / "production.env.example").read_text()
    listed = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))

    assert set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT)) == listed.keys()
    assert {listed[name] for name in (*SECRETS, "BASE_URL", "ALLOWED_HOSTS")} == {""}


@pytest.mark.parametrize("name", OURS)
def test_our_processes_have_no_rights_that_they_do_not_need(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"]["ENVIRONMENT"] == "production"


def test_only_the_web_process_pools_its_connections() -> None:
    pooling = [name for name in OURS if "DATABASE_POOL" in SERVICES[name]["environment"]]

    assert pooling == ["web"]


def test_nothing_starts_before_the_migration_has_ended() -> None:
    for name in set(OURS) - {"migrate"}:
        waits = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert waits == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["restart"] == "no"


def test_the_databases_cannot_be_reached_from_outside() -> None:
    for name in ("postgres", "valkey"):
        assert SERVICES[name]["networks"] == ["data"]
        assert "ports" not in SERVICES[name]
        assert SERVICES[name]["healthcheck"]["test"]
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert SERVICES["web"]["ports"] == ["127.0.0.1:${WEB_PORT:-8000}:8000"]


class OnlyForVisitorsOfBaseUrl(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        wanted = (self.path, self.headers["Host"]) == ("/healthz", "billing.example.com")
        self.send_response(200 if wanted else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """The test output stays clean."""


@pytest.fixture
def web_port() -> Iterator[int]:
    server = http.server.HTTPServer((ports.HOST, 0), OnlyForVisitorsOfBaseUrl)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_health_check_asks_for_the_host_name_that_is_allowed(web_port: int) -> None:
    assert is_healthy(port=web_port, host_header="billing.example.com")
    assert not is_healthy(port=web_port, host_header="127.0.0.1")


def test_a_web_process_that_does_not_answer_is_not_healthy() -> None:
    assert not is_healthy(port=ports.any_free(), host_header="billing.example.com")
