"""Ports on the loopback interface."""

import socket
from collections.abc import Collection

from deploy.local.errors import LaunchError

HOST = "127.0.0.1"
STEPS = 200


def is_free(port: int) -> bool:
    """Whether nothing listens there. A connection that was just closed does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def step_to_free(*, wanted: int, avoid: Collection[int] = ()) -> int:
    """`wanted`, or the next higher port that is free and not in `avoid`.

    Raises:
        LaunchError: none of the 200 ports from there on is free.
    """
    for port in range(wanted, min(wanted + STEPS, 65536)):
        if port not in avoid and is_free(port):
            return port
    raise LaunchError(f"No port is free from {wanted} to {wanted + STEPS}. Choose one: --port")


def any_free() -> int:
    """A port that the kernel chooses."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
