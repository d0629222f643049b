"""The relay: all waiting work gets done, broker or no broker."""

import os
import signal
from collections.abc import Iterator

import pytest
from django.core.management import call_command

from core import acting, relay
from core.relay import Pump


@pytest.fixture(autouse=True)
def _unwired(unwired: None) -> None:
    pass


@pytest.fixture
def _signals_restored() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


class Backlog:
    """So many pieces of work; each round does two of them at most."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces
        self.actors: set[str] = set()

    def work(self) -> int:
        done = min(2, self.left)
        self.left -= done
        self.actors.add(acting.current().actor)
        return done


def test_draining_does_all_of_every_kind_and_tells_how_much() -> None:
    backlogs = [Backlog(5), Backlog(0), Backlog(3)]
    relay.install([Pump(str(n), each.work, 60) for n, each in enumerate(backlogs)])
    assert relay.drain() == 8
    assert [each.left for each in backlogs] == [0, 0, 0]
    assert relay.drain() == 0


def test_work_that_one_kind_leaves_to_another_is_done_too() -> None:
    first, second = Backlog(1), Backlog(0)

    def hand_over() -> int:
        done = first.work()
        second.left += done
        return done

    relay.install([Pump("second", second.work, 60), Pump("first", hand_over, 60)])
    assert relay.drain() == 2
    assert second.left == 0


def test_work_that_never_ends_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "MAX_ROUNDS", 10)
    relay.install([Pump("endless", lambda: 1, 60)])
    with pytest.raises(RuntimeError, match="never ends"):
        relay.drain()


def test_once_does_what_is_waiting_and_stops() -> None:
    backlog = Backlog(7)
    relay.install([Pump("work", backlog.work, 60)])
    call_command("relay", "--once")
    assert (backlog.left, backlog.actors) == (0, {"system:relay"})


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_signals_restored")
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_goes_on_after_an_error_and_stops_when_told(stop: signal.Signals) -> None:
    rounds: list[str] = []
    other = Backlog(6)

    def fail_at_first() -> int:
        rounds.append("round")
        if len(rounds) == 1:
            raise ValueError("not today")
        if len(rounds) >= 4 and not other.left:
            os.kill(os.getpid(), stop)
            return 0
        return 1

    relay.install([Pump("fails", fail_at_first, 0.01), Pump("other", other.work, 0.01)])
    call_command("relay")
    assert len(rounds) >= 4
    assert (other.left, other.actors) == (0, {"system:relay"})
