"""What only a real server shows: bytes on a socket, as the server in production reads them."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from core.models import AuditEntry
from core.principals import Scope
from tests.world import World

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 20.0
CLOCK = b'{"frozen_at": "2026-01-31T00:00:00Z"}'


class Server:
    """Granian on a port of its own, over the test's database."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = b""

    def send(self, request: bytes, *, half: bool = False) -> tuple[int, bytes]:
        """Send bytes; return the status and all that was answered until the server is done."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as link:
            link.sendall(request)
            if half:
                link.shutdown(socket.SHUT_WR)
            answer = b""
            while not _is_whole(answer):
                part = link.recv(65536)
                if not part:
                    break
                answer += part
        assert answer.startswith(b"HTTP/1.1 "), answer
        status = int(answer[9:12])
        assert status < 500, answer
        assert b"Traceback" not in answer
        return status, answer

    def post(self, headers: bytes, body: bytes = CLOCK, **how: Any) -> tuple[int, bytes]:
        """Create a test clock, with these headers besides the ordinary ones."""
        request = (
            b"POST /v1/test-clocks HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Authorization: Bearer %s\r\nContent-Type: application/json\r\n%s\r\n%s"
        )
        return self.send(request % (self.token, headers, body), **how)

    def get(self, path: bytes, headers: bytes = b"Host: 127.0.0.1\r\n") -> tuple[int, bytes]:
        request = b"GET %s HTTP/1.1\r\n%sAuthorization: Bearer %s\r\n\r\n"
        return self.send(request % (path, headers, self.token))


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = re.search(rb"(?i)content-length: (\d+)", head)
    if length is None:
        return body.endswith(b"0\r\n\r\n") or b"chunked" not in head
    return len(body) >= int(length[1])


@pytest.fixture(scope="module")
def running(django_db_setup: None) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = connections["default"].settings_dict
    where = f"{database['HOST']}:{database['PORT']}/{database['NAME']}"
    who = f"{database['USER']}:{database['PASSWORD']}"
    environment = {**os.environ, "DATABASE_URL": f"postgresql://{who}@{where}"}
    options = ("--interface", "wsgi", "--port", str(port), "--blocking-threads", "4")
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "billing.wsgi:application"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(port)
        yield Server(port)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.1)


@pytest.fixture
def server(running: Server, transactional_db: Any) -> Server:
    """The server, once it knows this test's client; each second it looks for new ones."""
    running.token = World(Client()).token_for(list(Scope)).encode()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while running.get(b"/v1/customers")[0] != 200:
        assert time.monotonic() < deadline, "the token is not accepted"
        time.sleep(0.2)
    return running


def test_a_length_that_is_no_number_is_refused(server: Server) -> None:
    for length in (b"-1", b"+37", b"abc", b"0x25", b"9" * 23, b"37, 37", "٣٧".encode()):
        assert server.post(b"Content-Length: %s\r\n" % length)[0] == 400, length
    assert server.post(b"Content-Length: 37\r\nContent-Length: 2\r\n")[0] == 400
    assert server.post(b"Content-Length: 37\r\n")[0] == 201


def test_a_body_that_is_not_all_there_is_refused(server: Server) -> None:
    status, answer = server.post(b"Content-Length: 10\r\nConnection: close\r\n")
    assert (status, b'"malformed_json"' in answer) == (400, True)
    status, answer = server.post(b"Content-Length: 100\r\n", half=True)
    assert (status, b"ends before its declared length" in answer) == (400, True)


def test_a_body_is_never_lost_silently(server: Server) -> None:
    chunked = b"25\r\n%s\r\n0\r\n\r\n" % CLOCK
    for header in (b"chunked", b"gzip, chunked"):
        status, answer = server.post(b"Transfer-Encoding: %s\r\n" % header, chunked)
        assert (status, b'"length_required"' in answer) == (400, True)
    both = b"Transfer-Encoding: chunked\r\nContent-Length: 37\r\n"
    assert server.post(both, chunked)[0] == 400
    assert server.post(b"Transfer-Encoding: xchunked\r\n", chunked)[0] == 400
    assert server.post(b"Content-Encoding: gzip\r\nContent-Length: 37\r\n")[0] == 415


def test_a_large_body_is_refused_before_it_is_sent(server: Server) -> None:
    for length in (b"300000", b"10000000000"):
        status, answer = server.post(b"Content-Length: %s\r\n" % length, b"")
        assert (status, b'"body_too_large"' in answer) == (413, True)


def test_a_content_type_that_cannot_be_read_is_refused(server: Server) -> None:
    request = (
        b"POST /v1/test-clocks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
        b"Content-Length: 37\r\n%s\r\n%s"
    )
    for kind, status in [
        (b"Content-Type: application/json; charset*=nonsense''%ff\r\n", 400),
        (b"Content-Type: application/json; charset*=utf-8'x\r\n", 415),
        (b'Content-Type: application/json; charset="\\\r\n', 415),
        (b"Content-Type: \xff\xfe\r\n", 415),
        (b"Content-Type: ;\r\n", 415),
        (b"Content-Type: a/b;%s\r\n" % (b"x=y;" * 2000), 415),
        (b"", 415),
        (b"Content-Type: APPLICATION/JSON\r\n", 201),
    ]:
        assert server.send(request % (server.token, kind, CLOCK))[0] == status, kind


def test_headers_that_django_cannot_read_are_a_problem_like_any_other(server: Server) -> None:
    charset = b"Content-Type: application/json; charset*=nonsense''%ff\r\nContent-Length: 37\r\n"
    request = b"POST /v1/test-clocks HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n%s"
    _, answer = server.send(request % (charset, CLOCK))
    head, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert b"content-type: application/problem+json" in head.lower()
    assert f"x-request-id: {problem['request_id']}".encode() in head.lower()
    assert {**problem, "request_id": "", "type": ""} == {
        "type": "",
        "title": "Bad request",
        "status": 400,
        "detail": "the headers cannot be read",
        "code": "bad_request",
        "request_id": "",
    }


def test_a_reason_that_the_server_cannot_hand_over_is_refused_and_not_lost(server: Server) -> None:
    for reason in ("größer".encode(), b"gr\xf6\xdfer", b"\xff", b"", b"  "):
        status, answer = server.post(b"Content-Length: 37\r\nX-Reason: %s\r\n" % reason)
        assert (status, b'"malformed_reason"' in answer) == (400, True), reason
    assert server.post(b"Content-Length: 37\r\nX-Reason: bigger\r\n")[0] == 201
    assert AuditEntry.objects.get(table_name="customers_testclock").reason == "bigger"


def test_two_authorizations_are_none(server: Server) -> None:
    host = b"Host: 127.0.0.1\r\n"
    for other in (b"Bearer x", b"Bearer %s" % server.token, b"Basic eDp5"):
        status, _ = server.get(b"/v1/customers", host + b"Authorization: %s\r\n" % other)
        assert status == 401, other


def test_headers_have_limits(server: Server) -> None:
    host = b"Host: 127.0.0.1\r\n"
    assert server.get(b"/v1/customers", host + b"X-Odd: a\x00b\r\n")[0] == 400
    assert server.get(b"/v1/customers", host + b"X-Odd: a\r\n folded\r\n")[0] == 400
    assert server.get(b"/v1/customers", host + b"X-Odd: a\r\n" * 1000)[0] == 431
    started = time.monotonic()
    assert server.get(b"/v1/customers", host + b"X-Odd: %s\r\n" % (b"a" * 300_000))[0] == 200
    assert time.monotonic() - started < 2


def test_a_path_is_read_once_and_literally(server: Server) -> None:
    for path in [
        b"/v1/customers/../customers",
        b"/v1/customers/%2e%2e/customers",
        b"/v1/customers/..%2f..%2fadmin",
        b"//v1/customers",
        b"/v1/customers/",
        b"/v1/customers;x=1",
        b"/static/%2e%2e/%2e%2e/manage.py",
        b"/static/%00",
        b"/%",
        b"/" + b"a/" * 4000,
        b"*",
    ]:
        assert server.get(path)[0] == 404, path
    for path in [b"/v1/customers/\xff", b"/v1/customers?key=\xff", b"v1/customers"]:
        assert server.get(path)[0] == 400, path
    for query in [b"key=%FF", b"key=\xc3\xa9", b"key=%ED%A0%80", b"key=a%00", b"x=%00"]:
        assert server.get(b"/v1/customers?" + query)[0] == 400, query


def test_a_host_is_a_host(server: Server) -> None:
    for host in [b"", b"Host: \r\n", b"Host: a b\r\n", b"Host: \xff\r\n", b"Host: [::1\r\n"]:
        for path in [b"/v1/customers", b"/docs", b"/admin/login/", b"/openapi.yaml"]:
            assert server.get(path, host)[0] == 400, (host, path)
    _, answer = server.get(
        b"/.well-known/oauth-authorization-server",
        b"Host: evil.example\r\nX-Forwarded-Host: evil.example\r\n",
    )
    assert b"evil" not in answer


def test_other_protocols_are_refused(server: Server) -> None:
    for request in [
        b"\x16\x03\x01\x02\x00\x01\x00" * 20,
        b"GET /healthz HTTP/0.9\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\n\r\n",
        b"G\x00T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    ]:
        assert server.send(request)[0] == 400, request
