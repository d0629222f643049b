"""A server on loopback that misbehaves on request, and a client with short limits to call it."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from core.outbound import Answer, OperatorPolicy, OutboundClient, OutboundError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Visit:
    """One accepted connection. ``stopped`` is set when the test is over."""

    def __init__(self, connection: socket.socket, server: "EvilServer") -> None:
        self.connection = connection
        self.server = server
        self.stopped = server.stopped

    def receive(self) -> bytes:
        """Read one request, head and body, and keep it; empty if the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.connection.recv(65536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    body += self.connection.recv(65536)
        request = head + b"\r\n\r\n" + body
        self.server.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)


class EvilServer:
    """``behave`` is called with a Visit, in a thread, for every connection."""

    def __init__(
        self,
        behave: Callable[[Visit], object],
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.behave = behave
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopped = threading.Event()
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=self.family)
        self.listener.settimeout(0.02)
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                self.behave(Visit(connection, self))
        except OSError:
            connection.close()  # the client hung up, which is what many tests are about

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(15)
        self.listener.close()


@contextmanager
def serving(
    behave: Callable[[Visit], object],
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[EvilServer]:
    server = EvilServer(behave, address=address, port=port, tls=tls)
    try:
        yield server
    finally:
        server.stop()


def answering(*answers: bytes) -> Callable[[Visit], None]:
    """Give these answers to the requests of one connection, then hold it open until the client
    goes; the last one is repeated."""

    def behave(visit: Visit) -> None:
        given = 0
        while visit.receive():
            visit.send(answers[min(given, len(answers) - 1)])
            given += 1

    return behave


POLICY = OperatorPolicy(
    hosts=frozenset({"localhost"}),
    networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
    allow_http_loopback=True,
)
LOOPBACK = [ip_address("127.0.0.1")]
Resolve = Callable[[str], Sequence[IPv4Address | IPv6Address]]


def quick(
    *,
    connect_seconds: float = 0.6,
    read_seconds: float = 0.3,
    wall_seconds: float = 0.9,
    max_answer_bytes: int = 1000,
    max_connections: int = 4,
    resolve: Resolve = lambda name: LOOPBACK,
) -> OutboundClient:
    return OutboundClient(
        POLICY,
        connect_seconds=connect_seconds,
        read_seconds=read_seconds,
        wall_seconds=wall_seconds,
        max_answer_bytes=max_answer_bytes,
        max_connections=max_connections,
        resolve=resolve,
    )


def get(server: EvilServer, client: OutboundClient, host: str = "127.0.0.1") -> Answer:
    return client.request("GET", f"http://{host}:{server.port}/")


def outcome(client: OutboundClient, method: str, url: str, body: bytes = b"") -> int | str:
    """Return the status of the answer, or the code of the error."""
    try:
        return client.request(method, url, body=body).status
    except OutboundError as error:
        return error.code


@contextmanager
def lasting(at_least: float, below: float) -> Iterator[None]:
    started_at = time.monotonic()
    yield
    assert at_least <= time.monotonic() - started_at < below


def wait_until(true: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 5
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.01)
