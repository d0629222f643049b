"""The client: one request in, one bounded answer or one ``OutboundError`` out.

It stands on httpcore2, the connection pool below httpx2, and not on ``httpx2.Client``: cookies,
redirects, proxies from the environment, netrc and decompression are not switched off, they are not
there, and the URL is read once, by the reader that judged it.
"""

import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Final, Self

import httpcore2

from core.outbound.destinations import Policy, check_url
from core.outbound.errors import AnswerTooLarge, OutboundError, ProtocolFailed, TimedOut
from core.outbound.wire import Call, CheckedBackend, Resolver, current_call, look_up

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})
_REPEATABLE: Final = frozenset({"DELETE", "GET", "HEAD", "PUT"})  # RFC 9110, section 9.2.2
_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})
_OURS: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding", "upgrade"}
)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_HEADER_VALUE: Final = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?", re.ASCII)
_IDLE_SECONDS: Final = 15.0  # below what most servers keep an idle connection for
_HEAD_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: untrusted, whatever its status. Header names are lower case; a header that
    came several times is joined with commas. A redirect is an answer like any other."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: int


class OutboundClient:
    """A pool of kept-alive connections under one policy, for many threads of one process.

    ``connect_seconds`` covers the lookup, TCP and TLS; ``read_seconds`` each wait for the other
    side; ``wall_seconds`` everything, waiting for a free connection included. ``ssl_context`` is
    for private certificate authorities; the default trusts the system's (or ``SSL_CERT_FILE``).

    :raises ValueError: if the TLS context does not verify certificates and names
    """

    def __init__(
        self,
        policy: Policy,
        *,
        connect_seconds: float = 3,
        read_seconds: float = 5,
        wall_seconds: float = 15,
        max_answer_bytes: int = 65_536,
        max_connections: int = 20,
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolver = look_up,
    ) -> None:
        context = httpcore2.default_ssl_context() if ssl_context is None else ssl_context
        if not context.check_hostname or context.verify_mode is not ssl.CERT_REQUIRED:
            raise ValueError("the TLS context must verify certificates and host names")
        self._policy = policy
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._wall_seconds = wall_seconds
        self._max_answer_bytes = max_answer_bytes
        self._closed = False
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=max_connections,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=CheckedBackend(resolve=resolve, max_lookups=max_connections),
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send one request. Redirects are not followed, cookies not kept, bodies not decoded.

        It is sent again only where that is safe: a method that may be repeated, on a kept-alive
        connection that turned out to be closed, before any byte of an answer.

        :raises OutboundError: for every way in which the outside fails, refusal included
        :raises ValueError: for a method or header that cannot be sent
        :raises RuntimeError: after ``close``
        """
        if self._closed:
            raise RuntimeError("this client is closed")
        if method not in _METHODS:
            raise ValueError(f"method {method!r}: expected one of {', '.join(sorted(_METHODS))}")
        destination = check_url(url, self._policy)
        started_at = time.monotonic()
        call = Call(
            destination=destination,
            policy=self._policy,
            connect_seconds=self._connect_seconds,
            read_seconds=self._read_seconds,
            ends_at=started_at + self._wall_seconds,
            bytes_left=2 * self._max_answer_bytes + _HEAD_BYTES,
        )
        request = httpcore2.Request(
            method=method,
            url=httpcore2.URL(
                scheme=destination.scheme,
                host=destination.host,
                port=destination.port,
                target=destination.target,
            ),
            headers=_request_headers(method, destination.authority, headers or {}, body),
            content=body,
        )
        token = current_call.set(call)
        try:
            with _outbound_errors():
                status, answer_headers, content = self._exchange(method, request, call)
        finally:
            current_call.reset(token)
        elapsed_ms = round((time.monotonic() - started_at) * 1000)
        return Answer(status, answer_headers, content, elapsed_ms)

    def close(self) -> None:
        """Close every connection; calls under way fail."""
        self._closed = True
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _exchange(
        self, method: str, request: httpcore2.Request, call: Call
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            response = self._send(request, call)
        except (httpcore2.RemoteProtocolError, httpcore2.NetworkError):
            if call.connected or call.heard or method not in _REPEATABLE:
                raise
            response = self._send(request, call)
        try:
            answer_headers = _answer_headers(response.headers)
            return response.status, answer_headers, self._body(method, response, answer_headers)
        except OutboundError as error:
            error.answer_status = response.status
            raise
        finally:
            response.close()

    def _send(self, request: httpcore2.Request, call: Call) -> httpcore2.Response:
        request.extensions = {"timeout": {"pool": call.seconds_left()}}
        return self._pool.handle_request(request)

    def _body(self, method: str, response: httpcore2.Response, headers: Mapping[str, str]) -> bytes:
        if response.status > 599:
            raise ProtocolFailed("the status is not one of HTTP")
        announced = headers.get("content-length", "0")
        if method != "HEAD" and announced.isdecimal() and int(announced) > self._max_answer_bytes:
            raise AnswerTooLarge(f"the answer has more than {self._max_answer_bytes} bytes")
        content = bytearray()
        with _outbound_errors():
            for chunk in response.iter_stream():
                content += chunk
                if len(content) > self._max_answer_bytes:
                    raise AnswerTooLarge(f"the answer has more than {self._max_answer_bytes} bytes")
        if content and headers.get("content-encoding", "identity").lower() != "identity":
            raise ProtocolFailed("the answer is compressed, although that was not accepted")
        return bytes(content)


@contextmanager
def _outbound_errors() -> Iterator[None]:
    """Turn what httpcore2 raises into our errors."""
    try:
        yield
    except httpcore2.TimeoutException as error:  # only the pool's own; the sockets raise ours
        raise TimedOut("no connection became free in time") from error
    except (httpcore2.ProtocolError, httpcore2.NetworkError) as error:
        raise ProtocolFailed("the other side did not send one whole HTTP answer") from error


def _request_headers(
    method: str, authority: str, headers: Mapping[str, str], body: bytes
) -> list[tuple[bytes, bytes]]:
    sent = {"Host": authority, "Accept-Encoding": "identity"}
    if body or method in _WITH_BODY:
        sent["Content-Length"] = str(len(body))
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"the header {name!r} cannot be set")
        if not _HEADER_VALUE.fullmatch(value):  # values may be secrets: never repeated
            raise ValueError(f"the header {name!r} has a value that cannot be sent")
        sent[name] = value
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in sent.items()]


def _answer_headers(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return MappingProxyType(joined)
