"""The processes of a platform on this machine, to be hit from outside."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from tests.bin.processes import touching, wait_for
from tests.running import Launched

BACK_SECONDS = 45.0  # the longest pause before a restart is 15 s
# What the command line of each process has, as its words follow each other.
WORDS = {
    "web": ("granian",),
    "worker": ("celery", "-A", "billing", "worker"),
    "beat": ("celery", "-A", "billing", "beat"),
    "relay": ("manage.py", "relay"),
    "postgresql": ("postgres", "-D"),
    "service-edge": ("examples.product_service",),
}


class Machine:
    def __init__(self, launched: Launched) -> None:
        self._launched = launched
        kept = json.loads((launched.data / "environment.json").read_text())
        self._database_url: str = kept["DATABASE_URL"]
        self._redis_url: str = kept["REDIS_URL"]

    def kill(self, name: str) -> None:
        """Hit it with SIGKILL and wait until it is started again."""
        before = self._deaths(name)
        self._signal(name, signal.SIGKILL)
        wait_for(lambda: self._deaths(name) > before)
        wait_for(lambda: self._pids(name), seconds=BACK_SECONDS)
        if name == "postgresql":
            wait_for(self._database_answers, seconds=BACK_SECONDS)

    def freeze(self, name: str) -> None:
        """Whoever connects is neither answered nor refused."""
        self._signal(name, signal.SIGSTOP)

    def flush_broker(self) -> None:
        with redis.Redis.from_url(self._redis_url) as broker:
            broker.flushall()

    def _signal(self, name: str, number: signal.Signals) -> None:
        pids = self._pids(name)
        assert pids, f"there is no {name}"
        for pid in pids:
            os.kill(pid, number)

    def _deaths(self, name: str) -> int:
        return sum(line.startswith(f"{name} ended (SIGKILL)") for line in self._launched.lines)

    def _pids(self, name: str) -> list[int]:
        wanted = self._is(name)
        return [pid for pid in touching(self._launched.data) if wanted(_command(pid))]

    def _is(self, name: str) -> Callable[[str], bool]:
        words = " ".join(WORDS[name])
        if name == "service-edge":
            return lambda command: words in command and command.endswith("/edge.json")
        return lambda command: words in command

    def _database_answers(self) -> bool:
        try:
            psycopg.connect(self._database_url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


def _command(pid: int) -> str:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return raw.replace(b"\0", b" ").decode().strip()
