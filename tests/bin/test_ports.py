"""A taken port is stepped around, and a chosen one is kept until its program starts."""

import socket
import threading
from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.errors import LaunchError
from deploy.local.ports import HeldPort


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_free_port_is_taken_as_wanted() -> None:
    wanted = ports.any_free()

    assert ports.hold_free(wanted=wanted).release() == wanted


def test_a_port_that_somebody_listens_on_is_stepped_around(taken_port: int) -> None:
    found = ports.hold_free(wanted=taken_port).release()

    assert taken_port < found <= taken_port + ports.STEPS


def test_a_port_that_is_taken_on_every_interface_counts_as_taken() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", 0))
        server.listen()

        with pytest.raises(OSError, match="in use"):
            HeldPort(server.getsockname()[1])


def test_a_port_that_was_just_given_back_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((ports.HOST, 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection((ports.HOST, port)):
            server.accept()[0].close()  # leaves the server's side waiting in the kernel

    assert HeldPort(port).release() == port


def test_two_launchers_that_choose_at_the_same_time_get_different_ports() -> None:
    first = HeldPort()

    second = ports.hold_free(wanted=first.number)

    assert second.release() > first.number
    assert ports.hold_free(wanted=first.release()).release() == first.number


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(port: int) -> HeldPort:
        raise OSError

    monkeypatch.setattr(ports, "HeldPort", taken)

    with pytest.raises(LaunchError, match="No port is free from 8000 to 8200"):
        ports.hold_free(wanted=8000)


def test_the_search_ends_at_the_last_port() -> None:
    assert ports.hold_free(wanted=65_400).release() <= 65_535


def test_launchers_choose_and_start_one_after_the_other() -> None:
    """What one has released, for a program that is still starting, no other one takes."""
    chosen = threading.Event()

    def another() -> None:
        with ports.alone():
            chosen.set()

    other = threading.Thread(target=another)
    with ports.alone():
        other.start()
        assert not chosen.wait(0.3)
    assert chosen.wait(10)
    other.join()
