"""Ports on the loopback interface."""

import contextlib
import fcntl
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.local.errors import LaunchError

HOST = "127.0.0.1"
STEPS = 200
_LOCK = Path(tempfile.gettempdir()) / "billing-platform-ports.lock"


class HeldPort:
    """A port that nobody else gets until it is released to the program that it is for.

    Between the choice and the start lie a new database cluster and a migration: time enough for
    another launcher to choose the same.
    """

    def __init__(self, port: int = 0) -> None:
        """Raises OSError: somebody listens there. 0 lets the kernel choose."""
        self._socket = socket.socket()
        # A connection that was just closed does not make a port taken.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, port))
            self._socket.listen()  # bound alone, it would still look free to others
        except OSError:
            self._socket.close()
            raise
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> int:
        """The port, free from now on."""
        self._socket.close()
        return self.number


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Have other launchers wait: while ports are chosen, and between a port's release and the
    moment at which the program that it is for listens there."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # another account's: it takes its chances
            fcntl.flock(held.enter_context(_LOCK.open("a")), fcntl.LOCK_EX)
        yield


def hold_free(*, wanted: int) -> HeldPort:
    """`wanted`, or the next higher port that is free.

    Raises:
        LaunchError: none of the 200 ports from there on is free.
    """
    for port in range(wanted, min(wanted + STEPS, 65536)):
        try:
            return HeldPort(port)
        except OSError:
            continue
    raise LaunchError(f"No port is free from {wanted} to {wanted + STEPS}. Choose one: --port")


def any_free() -> int:
    """A port that the kernel chooses."""
    return HeldPort().release()
