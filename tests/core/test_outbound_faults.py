"""The outbound client against servers that hang, drip, never end or do not speak HTTP."""

import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.outbound import OutboundError
from tests.core.outbound_server import (
    LOOPBACK,
    OK,
    Visit,
    answering,
    get,
    lasting,
    outcome,
    quick,
    serving,
    wait_until,
)


def failure(behave: Callable[[Visit], object], method: str = "GET") -> tuple[str, int | None, int]:
    """Return the code, the status if there was one, and how many connections were made."""
    with serving(behave) as server, quick() as client:
        with pytest.raises(OutboundError) as caught:
            client.request(method, f"http://127.0.0.1:{server.port}/")
        return caught.value.code, caught.value.answer_status, server.connections


# --- time


def hang(visit: Visit) -> None:
    visit.receive()
    visit.stopped.wait(5)


def drip(*starts: bytes) -> Callable[[Visit], None]:
    def behave(visit: Visit) -> None:
        visit.receive()
        for start in starts:
            visit.send(start)
        while not visit.stopped.wait(0.05):
            visit.send(b"1")

    return behave


def test_a_server_that_hangs_is_given_up_after_the_read_limit() -> None:
    with serving(hang) as server, quick(wall_seconds=5) as client, lasting(0.3, 4):
        assert outcome(client, "GET", f"http://127.0.0.1:{server.port}/") == "timeout"


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n384\r\n", 200),
        (b"HTTP/1.1 503 X\r\n\r\n", 503),
    ],
)
def test_a_server_that_drips_for_ever_is_cut_at_the_wall(start: bytes, status: int | None) -> None:
    with lasting(0.85, 4):
        assert failure(drip(start)) == ("timeout", status, 1)


def test_a_server_that_does_not_read_is_given_up() -> None:
    with serving(lambda visit: visit.stopped.wait(9)) as server, quick(wall_seconds=5) as client:
        url = f"http://127.0.0.1:{server.port}/"
        with lasting(0.3, 4):
            assert outcome(client, "POST", url, bytes(30_000_000)) == "timeout"


def test_no_time_at_all_is_a_timeout() -> None:
    with serving(answering(OK)) as server, quick(wall_seconds=0) as client:
        assert outcome(client, "GET", f"http://127.0.0.1:{server.port}/") == "timeout"
        assert server.connections == 0


@contextmanager
def swallowing(address: tuple[str, int]) -> Iterator[int]:
    """Listen with a full queue: the kernel drops what comes after. Yield the port."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(address)
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize(("connect_seconds", "wall_seconds"), [(0.6, 5), (5, 0.6)])
def test_a_host_that_swallows_connections_is_given_up(
    connect_seconds: float, wall_seconds: float
) -> None:
    with (
        swallowing(("127.0.0.1", 0)) as port,
        quick(connect_seconds=connect_seconds, wall_seconds=wall_seconds) as client,
        lasting(0.55, 4),
    ):
        assert outcome(client, "GET", f"http://127.0.0.1:{port}/") == "timeout"


def test_an_address_that_swallows_connections_leaves_time_for_the_next() -> None:
    found = [ip_address("127.0.0.5"), *LOOPBACK]
    with (
        serving(answering(OK)) as server,
        swallowing(("127.0.0.5", server.port)),
        quick(wall_seconds=5, resolve=lambda name: found) as client,
        lasting(0.25, 4),
    ):
        assert outcome(client, "GET", f"http://localhost:{server.port}/") == 200


def test_a_lookup_that_hangs_is_given_up_and_lookups_do_not_pile_up() -> None:
    release, asked = threading.Event(), []

    def resolve(name: str) -> list[IPv4Address | IPv6Address]:
        asked.append(name)
        release.wait(30)
        return LOOPBACK

    before = threading.active_count()
    with quick(resolve=resolve, max_connections=2, connect_seconds=0.1, wall_seconds=5) as client:
        for _ in range(4):
            with lasting(0.1, 4):
                assert outcome(client, "GET", "http://localhost:9/") == "timeout"
        assert (len(asked), threading.active_count() - before) == (2, 2)
        release.set()
        wait_until(lambda: threading.active_count() == before)


def test_waiting_for_a_free_connection_counts_against_the_wall() -> None:
    with serving(hang) as server, quick(max_connections=1, read_seconds=2) as client:
        with ThreadPoolExecutor(2) as pool, lasting(0.85, 4):
            calls = [pool.submit(get, server, client) for _ in range(2)]
            codes = [getattr(call.exception(), "code", None) for call in calls]
        assert codes == ["timeout", "timeout"]


# --- size


def endless(start: bytes, again: bytes) -> Callable[[Visit], None]:
    def behave(visit: Visit) -> None:
        visit.receive()
        visit.send(start)
        while not visit.stopped.is_set():
            visit.send(again)

    return behave


@pytest.mark.parametrize(
    ("start", "again", "status"),
    [
        (b"HTTP/1.1 410 Gone\r\n\r\n", b"x" * 1000, 410),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", b"x", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", b"x", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 50, 200),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n", b"X-Many: 1\r\n" * 50, None),
    ],
)
def test_an_endless_answer_is_cut(start: bytes, again: bytes, status: int | None) -> None:
    assert failure(endless(start, again)) == ("answer_too_large", status, 1)


def test_an_answer_that_is_announced_too_large_is_not_waited_for() -> None:
    def announce(visit: Visit) -> None:
        visit.receive()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
        visit.stopped.wait(5)

    assert failure(announce) == ("answer_too_large", 200, 1)


@pytest.mark.parametrize("framing", ["length", "chunks", "close"])
def test_an_answer_may_have_exactly_the_allowed_size(framing: str) -> None:
    def answer(visit: Visit) -> None:
        visit.receive()
        size = int(visit.server.requests[-1].split(b"/")[1].split()[0])
        head = b"HTTP/1.1 200 OK\r\n"
        if framing == "length":
            visit.send(head + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
        elif framing == "chunks":
            head += b"Transfer-Encoding: chunked\r\n\r\n"
            visit.send(head + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n")
        else:
            visit.send(head + b"\r\n" + b"x" * size)

    with serving(answer) as server, quick() as client:
        url = f"http://127.0.0.1:{server.port}/"
        assert client.request("GET", f"{url}1000").body == b"x" * 1000
        with pytest.raises(OutboundError) as caught:
            client.request("GET", f"{url}1001")
        assert (caught.value.code, caught.value.answer_status) == ("answer_too_large", 200)


def test_a_compressed_answer_is_never_unpacked() -> None:
    bomb = gzip.compress(bytes(500_000))
    assert len(bomb) < 1000
    head = b"HTTP/1.1 401 X\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    assert failure(answering(head + bomb)) == ("protocol_error", 401, 1)


# --- what is not HTTP


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", None),
        (b"SSH-2.0-OpenSSH_9.9\r\n", None),
        (b"\x15\x03\x01\x00\x02\x02\x46", None),
        (b"HTTP/1.1 abc OK\r\n\r\n", None),
        (b"HTTP/1.1 099 OK\r\n\r\n", None),
        (b"HTTP/1.1 700 OK\r\nContent-Length: 0\r\n\r\n", 700),
        (b"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", None),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", 200),
    ],
)
def test_what_is_not_one_whole_answer_is_a_protocol_error(
    answer: bytes, status: int | None
) -> None:
    def behave(visit: Visit) -> None:
        visit.receive()
        visit.send(answer)

    assert failure(behave) == ("protocol_error", status, 1)


def reset(visit: Visit) -> None:
    visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.connection.close()


def test_a_reset_is_a_protocol_error_and_a_fresh_connection_is_not_tried_again() -> None:
    def behave(visit: Visit) -> None:
        visit.receive()
        reset(visit)

    assert failure(behave, "PUT") == ("protocol_error", None, 1)


def test_a_reset_while_sending_is_a_protocol_error() -> None:
    def behave(visit: Visit) -> None:
        visit.connection.recv(100)
        reset(visit)

    with serving(behave) as server, quick() as client:
        url = f"http://127.0.0.1:{server.port}/"
        assert outcome(client, "PUT", url, bytes(30_000_000)) == "protocol_error"


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=80), st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", OK]))
def test_any_bytes_are_an_answer_or_an_outbound_error(noise: bytes, start: bytes) -> None:
    def behave(visit: Visit) -> None:
        visit.receive()
        visit.send(start + noise)

    with serving(behave) as server, quick() as client:
        met = outcome(client, "GET", f"http://127.0.0.1:{server.port}/")
    assert met in {*range(200, 600), "protocol_error"}
