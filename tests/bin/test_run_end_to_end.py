"""bin/run as a newcomer uses it: started, tried, killed in the hardest way, started again."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from deploy.local import places, ports
from deploy.local.environment import PROJECT
from tests.bin.processes import touching, wait_for
from tests.running import START_SECONDS, Launched

SECOND_START_SECONDS = 60.0
KEPT: tuple[LiteralString, ...] = ("customers_customer", "plans_catalogrevision")
# In the shell that runs the pasted lines, an answer that is an error fails the command.
STRICT_CURL = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\n'


@pytest.fixture
def data() -> Iterator[Path]:
    """Not below pytest's own folder, where the servers' account could not go."""
    folder = Path(tempfile.mkdtemp(prefix="billing-run-"))
    folder.chmod(0o711)
    yield folder
    wait_for(lambda: not touching(folder), seconds=20)
    shutil.rmtree(folder)


@pytest.fixture
def port() -> int:
    return ports.any_free()


def count(data: Path, table: LiteralString) -> int:
    remembered = json.loads((data / "remembered.json").read_text())
    url = (
        f"postgresql://billing:{remembered['postgresql password']}@{ports.HOST}:"
        f"{remembered['postgresql port']}/billing"
    )
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    counted: int = row[0]
    return counted


@pytest.mark.slow
def test_a_newcomer_starts_tries_kills_and_starts_again(data: Path, port: int) -> None:
    first = Launched(data=data, port=port)
    try:
        first.wait_until_ready(seconds=START_SECONDS)
        base_url = f"http://127.0.0.1:{port}"
        assert f"  API docs   {base_url}/docs" in first.lines
        assert f"  Admin      {base_url}/admin/" in first.lines

        pasted = [line for line in first.lines if line.startswith("curl ")]
        assert len(pasted) >= 3
        for line in pasted:
            ran = subprocess.run(
                ["bash", "-c", STRICT_CURL + line], capture_output=True, text=True, timeout=30
            )
            assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        made = {table: count(data, table) for table in KEPT}
        assert min(made.values()) > 0

        worker = next(
            pid
            for pid in touching(data)
            if b"celery\0-A\0billing\0worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
        )
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: re.search(r"worker ended \(.*starting it again", first.said))
    finally:
        first.process.kill()
        first.process.wait()
    wait_for(lambda: not touching(data), seconds=20)

    second = Launched(data=data, port=port)
    try:
        second.wait_until_ready(seconds=SECOND_START_SECONDS)
        assert {table: count(data, table) for table in KEPT} == made
        assert "Keeping the price list that is there." in second.lines

        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(30) == 0
    finally:
        second.process.kill()
        second.process.wait()
    assert not touching(data)


def test_two_launchers_do_not_share_a_folder(data: Path, port: int) -> None:
    with places.hold(data):
        second = Launched(data=data, port=port)
        assert second.process.wait(60) == 1
    wait_for(lambda: "Already running" in second.said)


def test_a_production_environment_is_refused(data: Path) -> None:
    ran = subprocess.run(
        [PROJECT / "bin" / "run"],
        env={**os.environ, "ENVIRONMENT": "production", "BILLING_DATA_DIR": str(data)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 1
    assert "for development only" in ran.stderr
    assert list(data.iterdir()) == []
