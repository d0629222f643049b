"""A whole platform in processes of its own, for the tests that use it as its users do."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import ports
from deploy.local.environment import PROJECT
from tests.bin.processes import touching, wait_for

START_SECONDS = 120.0
STOP_SECONDS = 60.0


class Launched:
    """A bin/run that was started, and what it has printed so far."""

    def __init__(self, *, data: Path, port: int) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [PROJECT / "bin" / "run", "--port", str(port)],
            env=environment(data),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def wait_until_ready(self, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not any(line.startswith("Ready after") for line in self.lines):
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)


@contextmanager
def running_platform() -> Iterator[Launched]:
    """A platform with data of its own, ready; nothing is left of it afterwards."""
    # Not below pytest's own folder, where the servers' account could not go.
    folder = Path(tempfile.mkdtemp(prefix="billing-platform-"))
    folder.chmod(0o711)
    launched = Launched(data=folder, port=ports.any_free())
    try:
        launched.wait_until_ready(seconds=START_SECONDS)
        yield launched
    finally:
        launched.process.terminate()
        launched.process.wait(STOP_SECONDS)
        wait_for(lambda: not touching(folder), seconds=20)
        shutil.rmtree(folder)


def environment(data: Path) -> dict[str, str]:
    """Of a newcomer's shell, with a data folder: what a test run is told stays out of it."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL", "ENVIRONMENT")
    }
    return {**variables, "BILLING_DATA_DIR": str(data)}


def told(said: str) -> dict[str, str]:
    """What a reader copies from what bin/run has printed, under the tutorial's names."""
    where = {
        "PLATFORM": r"^  API +(http\S+)/v1$",
        "CLIENT_ID": r"^  client_id +(\S+)$",
        "CLIENT_SECRET": r"^  client_secret +(\S+)$",
        "EDGE": r"^  Sample product service edge +(http\S+)/$",
    }
    found = {name: re.search(line, said, re.MULTILINE) for name, line in where.items()}
    return {name: match[1] for name, match in found.items() if match}
