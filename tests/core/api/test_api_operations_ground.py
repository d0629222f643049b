"""What carries the API: logs without secrets, staff who act, health, the list of problems."""

import io
import json
import logging
import logging.config
from pathlib import Path

import pytest
import redis
import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from core import acting
from core.api import health, problem_catalogue
from core.api.logs import HIDDEN, configure
from core.api.middleware import request_id, staff_acts
from core.errors import DomainError
from core.management.commands import problem_reference

DOOR = pytest.mark.urls("api_front_door")


@pytest.fixture
def lines():
    """The log as it would be written, one dictionary a line."""
    config = configure("production")
    stream = io.StringIO()
    config["handlers"]["stderr"]["stream"] = stream
    before = logging.getLogger().handlers[:]
    logging.config.dictConfig({**config, "loggers": {}})
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().handlers = before


@DOOR
@override_settings(ALLOWED_HOSTS=["api.example"])
def test_a_wrong_host_is_one_line_and_a_defect_keeps_its_traceback(lines, as_caller):
    answer = as_caller().get("/v1/clocks?name=private", Host="evil.example")
    assert answer.status_code == 400
    [refusal] = [line for line in lines() if "security" in line["logger"]]
    assert refusal["event"].startswith("Invalid HTTP_HOST header: 'evil.example'.")
    assert (refusal["logger"], refusal["path"]) == ("django.security.DisallowedHost", "/v1/clocks")
    assert refusal["request_id"] == answer["X-Request-Id"]
    assert "exception" not in refusal
    assert "Traceback" not in json.dumps(lines())
    as_caller().get("/broken", Host="api.example")
    [defect] = [line for line in lines() if line["event"] == "a request failed"]
    assert "Traceback" in defect["exception"]


def through(middleware, request):
    """Send a request through a middleware; return who acted inside, and the answer."""
    seen = []

    def view(request):
        try:
            seen.append(acting.current())
        except acting.NobodyActs:
            seen.append(None)
        logging.getLogger("view").info("inside")
        return HttpResponse()

    return middleware(view)(request), seen[0]


def test_lines_are_json_with_the_request_id_and_the_trace(lines):
    request = RequestFactory().get(
        "/",
        headers={
            "X-Request-Id": "req-1",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )
    through(request_id, request)
    logging.getLogger("later").info("outside")
    inside, outside = lines()
    assert (inside["event"], inside["level"], inside["logger"]) == ("inside", "info", "view")
    assert inside["request_id"] == "req-1"
    assert inside["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "request_id" not in outside


def test_what_django_logs_of_a_request_names_it_without_its_query(lines):
    request = RequestFactory().get("/v1/clocks?name=private")
    through(request_id, request)
    logging.getLogger("django.request").error("Not good", extra={"request": request})
    late = lines()[-1]
    assert (late["path"], late["request_id"]) == ("/v1/clocks", request.request_id)
    assert "private" not in json.dumps(late)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nx",
        "nonsense",
    ],
)
def test_a_trace_that_is_none_is_not_logged(lines, header):
    through(request_id, RequestFactory().get("/", headers={"traceparent": header}))
    assert "trace_id" not in lines()[0]


def test_secrets_are_never_logged(lines):
    log = logging.getLogger("secrets")
    log.info("sent Authorization: Bearer abc.def-123 to it")
    log.info("at postgresql://app:hunter2@db/billing")
    log.info("got %s", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln")
    log.info("call", extra={"headers": {"Authorization": "x", "Cookie": "y", "Host": "z"}})
    log.info("call", extra={"client_secret": "x", "passwords": ["x"], "list": [{"token": "x"}]})
    structlog.get_logger("secrets").info("call", api_key="x", customer="cus_1")
    try:
        raise RuntimeError("with Bearer abc.def-123")
    except RuntimeError:
        log.exception("failed")
    written = lines()
    text = json.dumps(written)
    for secret in ("abc.def-123", "hunter2", "eyJ", '"x"', '"y"'):
        assert secret not in text
    assert written[3]["headers"] == {"Authorization": HIDDEN, "Cookie": HIDDEN, "Host": "z"}
    assert written[5]["customer"] == "cus_1"
    assert "RuntimeError" in written[6]["exception"]


@pytest.mark.django_db
def test_staff_act_in_the_admin_for_their_reason():
    user = get_user_model()(pk=7, is_staff=True, is_active=True)
    request = RequestFactory().post("/admin/x/", {"reason": "a refund\x00"})
    request.user, request.request_id = user, "req-1"
    _, who = through(staff_acts, request)
    assert who == acting.Acting("staff:7", "a refund", "req-1")


@pytest.mark.parametrize(
    ("path", "staff"), [("/admin/x/", False), ("/v1/clocks", True), ("/administration", True)]
)
def test_nobody_else_acts_there(path, staff):
    request = RequestFactory().get(path)
    request.user = get_user_model()(pk=7, is_staff=staff)
    with acting.acting_as("outer"):
        assert through(staff_acts, request)[1] == acting.Acting("outer")


@DOOR
@pytest.mark.django_db
def test_a_live_process_says_so_without_asking_anybody(as_caller, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = as_caller(None).get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


@DOOR
@pytest.mark.django_db
def test_ready_means_a_database_with_every_migration(as_caller, settings):
    settings.REDIS_URL = ""
    answer = as_caller(None).get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "broker": "none"})


@DOOR
@pytest.mark.django_db
def test_a_broker_that_is_away_is_told_but_not_needed(as_caller, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = as_caller(None).get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (200, "unreachable")


@DOOR
@pytest.mark.django_db
def test_a_broker_that_answers_is_reachable(as_caller, settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(redis.Redis, "ping", lambda self: True)
    assert as_caller(None).get("/readyz").json()["broker"] == "reachable"


@DOOR
@pytest.mark.django_db
def test_a_missing_migration_is_a_reason(as_caller, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    answer = as_caller(None).get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert answer.json()["reasons"] == ["1 migrations are not applied"]
    assert answer["Retry-After"] == "1"


@DOOR
@pytest.mark.django_db
def test_a_lost_database_is_a_reason_without_details(as_caller, monkeypatch):
    def lost(self, connection):
        raise OperationalError("no route to db.internal")

    monkeypatch.setattr(health.MigrationExecutor, "__init__", lost)
    answer = as_caller(None).get("/readyz")
    assert answer.json()["reasons"] == ["the database does not answer"]
    assert b"db.internal" not in answer.content


def test_every_problem_has_a_code_of_its_own():
    assert problem_catalogue.clashes() == []


def test_every_problem_is_listed_with_its_meaning():
    listed = problem_catalogue.problems()
    assert all(each.meaning for each in listed)
    assert ("idempotency_key_reused", 422) in {(each.code, each.status) for each in listed}
    assert "clock_stopped" not in {each.code for each in listed}, "a test's error"


def test_a_shared_code_is_found(monkeypatch):
    class One(DomainError):
        """One."""

        code = "shared"

    class Two(DomainError):
        """Two."""

        code = "shared"

    class Three(Two):
        pass

    monkeypatch.setattr(problem_catalogue, "_errors", lambda: [One, Two, Three])
    first, second = problem_catalogue.clashes()
    assert first.endswith("are shared")
    assert second.endswith("needs a code and a docstring of its own")


def test_the_page_of_problems_is_what_the_code_says():
    kept = (Path(settings.BASE_DIR) / problem_reference.PAGE).read_text(encoding="utf-8")
    assert kept == problem_catalogue.page(), "run: manage.py problem_reference"


def test_the_command_writes_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(problem_reference, "PAGE", tmp_path / "reference" / "problems.md")
    call_command("problem_reference", stdout=io.StringIO())
    written = (tmp_path / "reference" / "problems.md").read_text(encoding="utf-8")
    assert (
        "`idempotency_key_reused` | The Idempotency-Key was used for another request. |" in written
    )
    assert "| `malformed_instant` |" in written


@DOOR
def test_the_type_of_a_problem_leads_to_its_explanation(as_caller):
    place = as_caller(None).get("/v1/nothing").json()["type"]
    path, _, code = place.removeprefix(settings.BASE_URL).partition("#")
    page = as_caller(None).get(path)
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert f'id="{code}"' in page.content.decode()
