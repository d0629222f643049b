"""Sockets that keep to a policy and to the limits of the call they work for.

httpcore2 does HTTP and the pooling; below it, this module opens the connections and moves the
bytes. A name is looked up once for a connection, every address is judged, and the connection is
made to one of the judged addresses, so a name that changes its mind in between changes nothing.
"""

import ipaddress
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import httpcore2

from core.outbound.destinations import Address, Destination, Policy
from core.outbound.errors import AnswerTooLarge, ConnectFailed, TimedOut, TlsFailed

Resolver = Callable[[str], Sequence[Address]]

_ADDRESSES_TRIED: Final = 4
_SEND_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class Call:
    """One request under way. Instants are those of ``time.monotonic``.

    ``connected`` tells that it has opened a connection, ``heard`` that a byte came back.
    """

    destination: Destination
    policy: Policy
    connect_seconds: float
    read_seconds: float
    ends_at: float
    bytes_left: int
    connected: bool = False
    heard: bool = False

    def seconds_left(self, *, until: float | None = None) -> float:
        """Return the seconds to the end of the call, or to an earlier instant.

        :raises TimedOut: if there are none left
        """
        ends_at = self.ends_at if until is None else min(self.ends_at, until)
        seconds = ends_at - time.monotonic()
        if seconds <= 0:
            raise TimedOut("the time for this call is over")
        return seconds

    def hear(self, count: int) -> None:
        """Count received bytes.

        :raises AnswerTooLarge: beyond the limit for the whole answer, head and framing included
        """
        self.heard = self.heard or count > 0
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise AnswerTooLarge("the answer, with its head, is too long")


# Sync httpcore2 does all the work of a request in the thread that asked for it.
current_call: ContextVar[Call] = ContextVar("outbound_call")


def look_up(name: str) -> list[Address]:
    """Ask the system's resolver, in its order of preference.

    :raises OSError: if the name has no address
    """
    # As bytes: Python's own IDNA codec has no say in what is looked up.
    found = socket.getaddrinfo(name.encode("ascii"), None, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(entry[4][0])) for entry in found]


class CheckedBackend(httpcore2.NetworkBackend):
    """Opens connections, to addresses that the policy of the current call allows."""

    def __init__(self, *, resolve: Resolver, max_lookups: int) -> None:
        self._resolve = resolve
        self._lookups = threading.BoundedSemaphore(max_lookups)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect for the current call; the limits are the call's, not ``timeout``."""
        call = current_call.get()
        call.connected = True
        connect_by = time.monotonic() + call.connect_seconds
        addresses = self._judged_addresses(call, connect_by)[:_ADDRESSES_TRIED]
        for position, address in enumerate(addresses):
            # A silent first address must leave time for the others.
            seconds = call.seconds_left(until=connect_by) / (len(addresses) - position)
            try:
                return CheckedStream(_connect(address, port, seconds), connect_by)
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise TimedOut("no connection in time") from failure
        raise ConnectFailed(f"no connection: {failure.strerror or 'failed'}") from failure

    def _judged_addresses(self, call: Call, connect_by: float) -> Sequence[Address]:
        written = call.destination.address
        addresses = [written] if written is not None else self._look_up(call, connect_by)
        if not addresses:
            raise ConnectFailed("the name has no address")
        # One bad address refuses them all: what is called must not depend on which one answers.
        for address in addresses:
            call.policy.check_address(call.destination, address)
        return addresses

    def _look_up(self, call: Call, connect_by: float) -> Sequence[Address]:
        """Resolve in a thread of its own: the system's resolver knows no time limit.

        A thread that is no longer waited for ends with its lookup; there are never more of them
        than ``max_lookups``.
        """
        name = call.destination.host
        found: queue.SimpleQueue[Sequence[Address] | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                found.put(self._resolve(name))
            except Exception as error:
                found.put(error)
            finally:
                self._lookups.release()

        if not self._lookups.acquire(timeout=call.seconds_left(until=connect_by)):
            raise TimedOut("too many names are being looked up")
        thread = threading.Thread(target=work, name="outbound-lookup", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._lookups.release()
            raise
        try:
            outcome = found.get(timeout=call.seconds_left(until=connect_by))
        except queue.Empty:
            raise TimedOut("the name was not resolved in time") from None
        if isinstance(outcome, Exception):
            raise ConnectFailed("the name does not resolve") from outcome
        return outcome


class CheckedStream(httpcore2.NetworkStream):
    """A connected socket whose waits never outlast the call that uses it."""

    def __init__(self, connection: socket.socket, connect_by: float) -> None:
        self._socket = connection
        self._connect_by = connect_by

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = current_call.get()
        self._socket.settimeout(min(call.read_seconds, call.seconds_left()))
        try:
            data = self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise TimedOut("no answer in time") from error
        except OSError as error:
            raise httpcore2.ReadError("the connection broke") from error
        call.hear(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        call = current_call.get()
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(min(call.read_seconds, call.seconds_left()))
            try:
                sent = self._socket.send(rest[:_SEND_BYTES])
            except TimeoutError as error:
                raise TimedOut("the request was not taken in time") from error
            except OSError as error:
                raise httpcore2.WriteError("the connection broke") from error
            rest = rest[sent:]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        call = current_call.get()
        try:
            self._socket.settimeout(call.seconds_left(until=self._connect_by))
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except (TimeoutError, TimedOut) as error:
            self.close()
            raise TimedOut("no TLS connection in time") from error
        except (OSError, ValueError) as error:  # ValueError: a name that no certificate can have
            self.close()
            raise TlsFailed(_tls_detail(error)) from error
        return CheckedStream(secured, self._connect_by)

    def get_extra_info(self, info: str) -> Any:
        """Answer the one question that the pool asks: is this idle connection readable (over)?"""
        if info != "is_readable":
            return None
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))


def _connect(address: Address, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((str(address), port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        connection.close()
        raise
    return connection


def _tls_detail(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {error.verify_message}"
    return "the TLS handshake failed"
