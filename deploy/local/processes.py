"""Child processes that are restarted when they die and never outlive the launcher.

Three things see to the last: Linux signals every child when the launcher dies; a guard process
(`guard.py`) ends what these leave behind; and each child leads a process group of its own, so that
its own children can be found.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.local.console import say
from deploy.local.errors import LaunchError
from deploy.local.places import Account

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10.0
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 15.0
STEADY_AFTER_SECONDS = 30.0
LOG_BYTES = 10_000_000

_libc = ctypes.CDLL(None)


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run. Programs of a higher `stage` depend on lower ones and are stopped first."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    log: Path
    stage: int = 1
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(kw_only=True)
class Running:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    restart_at: float | None = field(default=None)


class Supervisor:
    """Starts programs, restarts them when they die, stops them all.

    `guard` is the write end of the guard's pipe. Everything happens in the thread that calls: Linux
    sends the parent-death signal when the *thread* that started a child ends.
    """

    def __init__(self, *, guard: IO[str]) -> None:
        self._guard = guard
        self._running: dict[str, Running] = {}

    def start(self, program: Program) -> None:
        _keep_log_small(program.log)
        process = self._spawn(program)
        self._running[program.name] = Running(
            program=program, process=process, started=time.monotonic()
        )

    def tend(self) -> None:
        """Notices who died, and starts again whoever has waited long enough."""
        now = time.monotonic()
        for running in self._running.values():
            if running.restart_at is None:
                if running.process.poll() is not None:
                    self._note_death(running, now=now)
            elif now >= running.restart_at:
                running.process = self._spawn(running.program)
                running.started, running.restart_at = now, None

    def wait_until(self, ready: Callable[[], bool], *, name: str, seconds: float) -> None:
        """Tends everybody until `ready` says so.

        Raises:
            LaunchError: that took longer than `seconds`, or `name` died three times meanwhile.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            running = self._running[name]
            if time.monotonic() > deadline or running.deaths >= 3:
                raise LaunchError(f"{name} does not come up. {tail(running.program.log)}")
            self.tend()
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends all, those that depend on others first; after ten seconds by force."""
        for stage in sorted({r.program.stage for r in self._running.values()}, reverse=True):
            members = [r for r in self._running.values() if r.program.stage == stage]
            for running in members:
                if running.restart_at is None:
                    running.process.send_signal(running.program.stop_signal)
            deadline = time.monotonic() + STOP_SECONDS
            for running in members:
                self._end(running, deadline=deadline)
        self._running.clear()

    def _end(self, running: Running, *, deadline: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.process.wait(max(0.0, deadline - time.monotonic()))
        self._sweep(running)
        running.process.wait()

    def _note_death(self, running: Running, *, now: float) -> None:
        self._sweep(running)
        if now - running.started > STEADY_AFTER_SECONDS:
            running.deaths = 0
        delay = backoff_seconds(deaths=running.deaths)
        running.deaths += 1
        running.restart_at = now + delay
        say(
            f"{running.program.name} ended ({_how_ended(running.process.returncode)}); starting it "
            f"again in {delay:g} s. Its log: {running.program.log}"
        )

    def _sweep(self, running: Running) -> None:
        """What a dead leader left of its group would keep its port, or work on unseen."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        self._tell_guard(f"end {running.process.pid}")

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with program.log.open("ab") as log:
            process = subprocess.Popen(
                program.command,
                cwd=program.directory,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(program.stop_signal),
                **(program.account.popen_arguments() if program.account else {}),
            )
        self._tell_guard(f"start {process.pid} {int(program.stop_signal)}")
        return process

    def _tell_guard(self, line: str) -> None:
        self._guard.write(f"{line}\n")
        self._guard.flush()


def start_guard(
    *, keep_open: int | None = None, remove: tuple[Path, ...] = ()
) -> subprocess.Popen[str]:
    """The guard, with a pipe to it as `stdin`. When that closes it cleans up: see `guard.py`.

    `keep_open` is a locked file's descriptor, which the guard holds until it has finished.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.local.guard", *map(str, remove)],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        pass_fds=() if keep_open is None else (keep_open,),
    )


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """For Popen's `preexec_fn`, where it acts after the change of account, which would undo it."""
    parent = os.getpid()

    def prepare() -> None:
        if sys.platform == "linux":
            _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return prepare


def backoff_seconds(*, deaths: int) -> float:
    """How long to wait after a death that `deaths` others went before: 0.5 s, doubling to 15 s."""
    return min(FIRST_BACKOFF_SECONDS * 2.0**deaths, LONGEST_BACKOFF_SECONDS)


def tail(log: Path, *, lines: int = 20) -> str:
    """The end of a log, to be shown with an error."""
    text = log.read_text(errors="replace") if log.exists() else ""
    shown = "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
    return f"The end of {log}:\n{shown}"


def _how_ended(returncode: int) -> str:
    if returncode < 0:
        return signal.Signals(-returncode).name
    return f"exit code {returncode}"


def _keep_log_small(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
