"""The outbound client: what it sends, which address it calls, how it keeps connections."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from core.outbound import (
    DestinationRefused,
    OutboundClient,
    OutboundError,
    PublicPolicy,
    Refusal,
)
from tests.core.outbound_server import (
    LOOPBACK,
    OK,
    POLICY,
    Visit,
    answering,
    get,
    outcome,
    quick,
    serving,
    wait_until,
)


def test_a_request_arrives_as_it_was_meant_and_its_answer_comes_back() -> None:
    head = b"HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 4"
    with serving(answering(head + b"\r\n\r\n{\xff}\n")) as server, quick() as client:
        got = client.request(
            "PUT",
            f"http://localhost:{server.port}/provisioning/tgt_1?a=%20b",
            headers={"Content-Type": "application/json", "webhook-id": "evt_1"},
            body=b'{"a":1}',
        )
    assert (got.status, got.body) == (202, b"{\xff}\n")
    assert dict(got.headers) == {"retry-after": "7", "x-a": "1, 2", "content-length": "4"}
    assert 0 <= got.elapsed_ms < 900
    assert server.requests == [
        b"PUT /provisioning/tgt_1?a=%20b HTTP/1.1\r\n"
        + f"Host: localhost:{server.port}\r\n".encode()
        + b"Accept-Encoding: identity\r\nContent-Length: 7\r\n"
        b'Content-Type: application/json\r\nwebhook-id: evt_1\r\n\r\n{"a":1}'
    ]


def test_connections_are_kept_and_cookies_are_not() -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\nok"
    with serving(answering(answer)) as server, quick() as client:
        assert [get(server, client).body for _ in range(3)] == [b"ok"] * 3
        assert server.connections == 1
    assert not any(b"ookie" in request for request in server.requests)


def test_ipv6_is_called_with_its_brackets_in_the_host_header() -> None:
    with serving(answering(OK), address="::1") as server, quick() as client:
        assert get(server, client, "[::1]").status == 200
    assert f"Host: [::1]:{server.port}\r\n".encode() in server.requests[0]


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with serving(answering(OK)) as other:
        location = f"http://127.0.0.1:{other.port}/"
        moved = f"HTTP/1.1 307 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        with serving(answering(moved)) as server, quick() as client:
            got = get(server, client)
        assert (got.status, got.headers["location"], other.connections) == (307, location, 0)


def test_a_proxy_in_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(OK)) as proxy, serving(answering(OK)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with quick() as client:
            assert get(server, client).status == 200
        assert (server.connections, proxy.connections) == (1, 0)


# --- connections


def closing_at_the_second(visit: Visit) -> None:
    """Answer one request; close without a word when another has come."""
    if visit.receive():
        visit.send(OK)
    visit.receive()


def closing_idle(visit: Visit) -> None:
    visit.receive()
    visit.send(OK)


def test_a_connection_closed_while_idle_is_replaced() -> None:
    with serving(closing_idle) as server, quick() as client:
        for _ in range(3):
            assert client.request("POST", f"http://127.0.0.1:{server.port}/").status == 200
            time.sleep(0.05)
        assert server.connections == 3


@pytest.mark.parametrize(
    ("method", "expected", "received"), [("PUT", 200, 3), ("POST", "protocol_error", 2)]
)
def test_only_what_may_be_repeated_is_sent_again_when_a_kept_connection_dies(
    method: str, expected: int | str, received: int
) -> None:
    with serving(closing_at_the_second) as server, quick() as client:
        url = f"http://127.0.0.1:{server.port}/"
        assert client.request(method, url).status == 200
        assert outcome(client, method, url) == expected
        assert len(server.requests) == received


def test_nobody_listening_is_connect_failed() -> None:
    with serving(closing_idle) as server:
        pass
    with quick() as client, pytest.raises(OutboundError) as caught:
        get(server, client)
    assert caught.value.code == "connect_failed"


def test_many_threads_share_few_connections() -> None:
    with (
        serving(answering(OK)) as server,
        quick(max_connections=3, read_seconds=9, wall_seconds=9) as client,
    ):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: get(server, client).status, range(80)))
        assert (answers, len(server.requests)) == ([200] * 80, 80)
        assert 1 <= server.connections <= 3


def test_failures_leave_neither_threads_nor_sockets_behind() -> None:
    def misbehave(visit: Visit) -> None:
        visit.receive()
        visit.send(
            (b"", b"garbage", b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n")[
                len(visit.server.requests) % 3
            ]
        )

    def sockets() -> int:
        return len(os.listdir("/proc/self/fd"))

    threads_before, sockets_before = threading.active_count(), sockets()
    with serving(misbehave) as server, quick() as client:
        met = [outcome(client, "GET", f"http://localhost:{server.port}/") for _ in range(30)]
    assert set(met) == {"protocol_error", "answer_too_large"}
    with quick() as client:
        for _ in range(10):
            with pytest.raises(OutboundError):
                get(server, client)
    wait_until(lambda: threading.active_count() == threads_before)
    assert sockets() == sockets_before


# --- addresses


def test_the_address_that_was_checked_is_the_one_that_is_called() -> None:
    """The name answers well once and badly ever after: rebinding. The server listens on 127.0.0.2
    only, so nothing but the first answer can have been used."""
    answers = [[ip_address("127.0.0.2")], [ip_address("169.254.169.254")]]
    asked: list[str] = []

    def resolve(name: str) -> list[IPv4Address | IPv6Address]:
        asked.append(name)
        return answers[min(len(asked), 2) - 1]

    with serving(closing_idle, address="127.0.0.2") as server, quick(resolve=resolve) as client:
        assert get(server, client, "localhost").status == 200
        assert asked == ["localhost"]
        time.sleep(0.05)  # the server has closed: the next call needs a new connection, and asks
        with pytest.raises(DestinationRefused) as refused:
            get(server, client, "localhost")
        assert refused.value.reason is Refusal.ADDRESS_FORBIDDEN
        assert (len(asked), server.connections) == (2, 1)


@pytest.mark.parametrize("bad", ["169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "fe80::1%1"])
@pytest.mark.parametrize("bad_first", [True, False])
def test_one_bad_address_behind_a_name_refuses_the_name(bad: str, bad_first: bool) -> None:
    found = [ip_address(bad), *LOOPBACK] if bad_first else [*LOOPBACK, ip_address(bad)]
    with serving(answering(OK)) as server, quick(resolve=lambda name: found) as client:
        with pytest.raises(DestinationRefused):
            get(server, client, "localhost")
        assert server.connections == 0


@pytest.mark.parametrize("found", ["127.0.0.1", "::1", "10.0.0.1", "192.168.0.1", "fd12::1"])
def test_a_public_name_that_leads_inside_is_refused(found: str) -> None:
    with (
        serving(answering(OK), address="127.0.0.1") as server,
        OutboundClient(PublicPolicy(), resolve=lambda name: [ip_address(found)]) as client,
        pytest.raises(DestinationRefused) as refused,
    ):
        client.request("POST", f"https://hooks.example.com:{server.port}/")
    assert (refused.value.reason, server.connections) == (Refusal.ADDRESS_NOT_PUBLIC, 0)


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    found = [ip_address("::1"), ip_address("127.0.0.9"), *LOOPBACK]
    with serving(answering(OK)) as server, quick(resolve=lambda name: found) as client:
        assert get(server, client, "localhost").status == 200


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("no name"), None])
def test_a_name_without_an_address_is_connect_failed(error: Exception | None) -> None:
    def resolve(name: str) -> list[IPv4Address | IPv6Address]:
        if error is not None:
            raise error
        return []

    with quick(resolve=resolve) as client, pytest.raises(OutboundError) as caught:
        client.request("GET", "http://localhost:9/")
    assert caught.value.code == "connect_failed"


def test_a_lookup_for_which_there_is_no_thread_costs_no_later_lookup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "outbound-lookup":
            raise RuntimeError("can't start new thread")
        start(thread)

    with serving(answering(OK)) as server, quick(max_connections=1) as client:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            for _ in range(2):
                with pytest.raises(RuntimeError, match="thread"):
                    get(server, client, "localhost")
        assert get(server, client, "localhost").status == 200


def test_the_systems_resolver_knows_localhost() -> None:
    with serving(answering(OK)) as server, OutboundClient(POLICY) as client:
        assert get(server, client, "localhost").status == 200


def test_a_refused_url_is_refused_before_anything_is_asked_or_sent() -> None:
    asked: list[str] = []

    def resolve(name: str) -> list[IPv4Address | IPv6Address]:
        asked.append(name)
        return LOOPBACK

    with quick(resolve=resolve) as client, pytest.raises(DestinationRefused):
        client.request("GET", "http://elsewhere.example/")
    assert asked == []


# --- what the caller may not do


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "other.example"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Accept-Encoding", "gzip"),
        ("Connection", "close"),
        ("X-A\r\nX-B", "1"),
        ("X A", "1"),
        ("", "1"),
        ("Authorization", "Bearer s3cret\r\nX-B: 1"),
        ("Authorization", "Bearer s3cret\n"),
        ("Authorization", " s3cret"),
        ("Authorization", "s3cr\u00e9t"),
        ("Authorization", "s3cret\x00"),
    ],
)
def test_a_header_that_would_change_the_request_cannot_be_set(name: str, value: str) -> None:
    with quick() as client, pytest.raises(ValueError, match="header") as caught:
        client.request("GET", "http://127.0.0.1:9/", headers={name: value})
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("method", ["CONNECT", "get", "TRACE", "", "GET / HTTP/1.1\r\n"])
def test_only_known_methods_are_sent(method: str) -> None:
    with quick() as client, pytest.raises(ValueError, match="method"):
        client.request(method, "http://127.0.0.1:9/")


def test_a_closed_client_says_so() -> None:
    client = quick()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.request("GET", "http://127.0.0.1:9/")
