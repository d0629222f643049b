"""A taken port is stepped around."""

import socket
from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.errors import LaunchError


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_free_port_is_taken_as_wanted() -> None:
    wanted = ports.any_free()

    assert ports.step_to_free(wanted=wanted) == wanted


def test_a_port_that_somebody_listens_on_is_stepped_around(taken_port: int) -> None:
    found = ports.step_to_free(wanted=taken_port)

    assert taken_port < found <= taken_port + ports.STEPS
    assert ports.is_free(found)


def test_a_port_that_is_taken_on_every_interface_counts_as_taken() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", 0))
        server.listen()

        assert not ports.is_free(server.getsockname()[1])


def test_a_port_that_was_just_given_back_is_free(taken_port: int) -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((ports.HOST, 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection((ports.HOST, port)):
            server.accept()[0].close()  # leaves the server's side waiting in the kernel

    assert ports.is_free(port)


def test_two_programs_never_get_the_same_port() -> None:
    first = ports.any_free()

    assert ports.step_to_free(wanted=first, avoid=[first]) > first


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)

    with pytest.raises(LaunchError, match="No port is free from 8000 to 8200"):
        ports.step_to_free(wanted=8000)


def test_the_search_ends_at_the_last_port() -> None:
    assert ports.step_to_free(wanted=65_400) <= 65_535
