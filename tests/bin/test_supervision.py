"""Children are restarted when they die, stopped in order, and never outlive the launcher."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import guard, processes
from deploy.local.environment import PROJECT
from deploy.local.errors import LaunchError
from deploy.local.processes import Program, Supervisor, backoff_seconds, start_guard
from tests.bin.processes import is_alive, wait_for

# Says when it is there, and when it is told to go.
POLITE = """
import os, signal, sys, time
def leave(*_):
    print("left", sys.argv[1], file=open(sys.argv[2], "a"))
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print(os.getpid(), file=open(sys.argv[2], "a"))
time.sleep(60)
"""
# Ignores every signal that can be ignored, and has a child that does so too.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print(os.getpid(), file=open(sys.argv[2], "a"))
time.sleep(60)
"""
# Starts a child of its own, as Celery's worker and the web server do.
WITH_CHILD = """
import os, sys, time
os.fork()
print(os.getpid(), file=open(sys.argv[2], "a"))
time.sleep(60)
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    watcher = start_guard()
    assert watcher.stdin is not None
    supervisor = Supervisor(guard=watcher.stdin)
    yield supervisor
    supervisor.stop()
    watcher.stdin.close()
    assert watcher.wait(5) == 0


def program(code: str, *, notes: Path, name: str = "child", stage: int = 1) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-c", code, name, str(notes)),
        environment=dict(os.environ),
        directory=notes.parent,
        log=notes.with_name(f"{name}.log"),
        stage=stage,
    )


def noted(notes: Path) -> list[str]:
    return notes.read_text().splitlines() if notes.exists() else []


def test_a_dead_child_is_started_again(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes"
    supervisor.start(program(POLITE, notes=notes))
    wait_for(lambda: len(noted(notes)) == 1)
    first = int(noted(notes)[0])

    os.kill(first, signal.SIGKILL)

    def is_back() -> bool:
        supervisor.tend()
        return len(noted(notes)) == 2

    wait_for(is_back)
    assert is_alive(int(noted(notes)[1]))
    said = capsys.readouterr().out
    assert said.startswith("child ended (SIGKILL); starting it again in 0.5 s.")
    assert str(tmp_path / "child.log") in said


def test_the_pauses_between_restarts_double_up_to_fifteen_seconds() -> None:
    assert [backoff_seconds(deaths=n) for n in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_what_a_dead_leader_leaves_of_its_group_is_ended(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    supervisor.start(program(WITH_CHILD, notes=notes))
    wait_for(lambda: len(noted(notes)) == 2)
    leader, child = sorted(map(int, noted(notes)), key=lambda pid: os.getpgid(pid) != pid)

    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: not is_alive(leader))
    supervisor.tend()

    wait_for(lambda: not is_alive(child), seconds=2)


def test_those_that_depend_on_others_are_stopped_first(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    supervisor.start(program(POLITE, notes=notes, name="database", stage=0))
    wait_for(lambda: len(noted(notes)) == 1)
    supervisor.start(program(POLITE, notes=notes, name="web", stage=1))
    wait_for(lambda: len(noted(notes)) == 2)

    supervisor.stop()

    assert noted(notes)[2:] == ["left web", "left database"]


def test_a_child_that_will_not_stop_is_killed_with_all_its_children(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.3)
    notes = tmp_path / "notes"
    supervisor.start(program(STUBBORN, notes=notes))
    wait_for(lambda: len(noted(notes)) == 2)

    supervisor.stop()

    wait_for(lambda: not any(is_alive(int(pid)) for pid in noted(notes)), seconds=2)


def test_waiting_for_a_child_that_keeps_dying_shows_its_log(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "FIRST_BACKOFF_SECONDS", 0.01)
    supervisor.start(program("print('no such port'); raise SystemExit(3)", notes=tmp_path / "n"))

    with pytest.raises(LaunchError, match=r"(?s)child does not come up.*no such port"):
        supervisor.wait_until(lambda: False, name="child", seconds=30)


def test_a_log_that_has_grown_is_put_aside(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES", 3)
    (tmp_path / "child.log").write_text("old log")

    supervisor.start(program(POLITE, notes=tmp_path / "notes"))

    assert (tmp_path / "child.log.1").read_text() == "old log"
    assert (tmp_path / "child.log").read_text() == ""


def test_killing_the_launcher_leaves_no_orphan(tmp_path: Path) -> None:
    """A launcher of its own starts a program with a child, and is killed in the hardest way."""
    notes = tmp_path / "notes"
    folder = tmp_path / "thrown away"
    folder.mkdir()
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(notes), str(folder), WITH_CHILD], cwd=PROJECT
    )
    wait_for(lambda: len(noted(notes)) == 2)
    children = [int(pid) for pid in noted(notes)]
    assert all(is_alive(pid) for pid in children)

    launcher.kill()
    launcher.wait()

    wait_for(lambda: not any(is_alive(pid) for pid in children), seconds=5)
    wait_for(lambda: not folder.exists(), seconds=15)


LAUNCHER = """
import sys, time
from pathlib import Path
from deploy.local.run import supervised
from tests.bin.test_supervision import program
notes, folder, code = sys.argv[1:]
with supervised(remove=(Path(folder),)) as supervisor:
    supervisor.start(program(code, notes=Path(notes)))
    time.sleep(60)
"""


def test_the_guard_kills_what_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    child = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, "stubborn", str(notes)], start_new_session=True
    )
    wait_for(lambda: len(noted(notes)) == 2)
    monkeypatch.setattr(guard, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"start {child.pid} {int(signal.SIGTERM)}\n"))
    monkeypatch.setattr(sys, "argv", ["guard"])

    guard.main()

    assert child.wait(5) == -signal.SIGKILL
    wait_for(lambda: not any(is_alive(int(pid)) for pid in noted(notes)), seconds=2)


def test_the_guard_leaves_alone_what_has_ended() -> None:
    lines = ["start 10 15\n", "start 11 2\n", "end 10\n", "start 12 15\n", "nonsense\n"]

    assert guard.read(lines) == {11: 2, 12: 15}


def test_a_child_whose_launcher_died_before_it_could_ask_for_a_signal_ends_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare = processes.die_with_parent(signal.SIGTERM)
    started = time.monotonic()

    # In the grandchild the parent is not the process that `prepare` was made in.
    middle = os.fork()
    if middle == 0:
        inner = os.fork()
        if inner == 0:
            prepare()
            os._exit(0)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))

    assert os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1]) == 1
    assert time.monotonic() - started < 5
