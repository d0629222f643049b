"""The tutorial, run as a reader would: bin/run, then every command of the page in one shell."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import ports
from tests.bin.processes import touching, wait_for
from tests.bin.test_run_end_to_end import START_SECONDS, Launched
from tests.docs.pages import PROJECT, Block, blocks

PAGE = PROJECT / "docs" / "tutorial.md"
END = "=== end of block ==="


@pytest.fixture
def platform() -> Iterator[Launched]:
    """A platform with data of its own, and nothing left of it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="billing-tutorial-"))
    folder.chmod(0o711)
    launched = Launched(data=folder, port=ports.any_free())
    try:
        launched.wait_until_ready(seconds=START_SECONDS)
        yield launched
    finally:
        launched.process.terminate()
        launched.process.wait(60)
        wait_for(lambda: not touching(folder), seconds=20)
        shutil.rmtree(folder)


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(platform: Launched) -> None:
    steps = runnable(blocks(PAGE))
    assert len(steps) > 12
    script = "".join(f"{code}\necho '{END}'\n" for code, _ in steps)

    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **told(platform.said)},
        capture_output=True,
        text=True,
        timeout=120,
    )

    printed = ran.stdout.split(f"{END}\n")
    for (code, expected), said in zip(steps, printed, strict=False):
        assert re.fullmatch(pattern(expected), said), f"{code}\nprinted:\n{said}{ran.stderr}"
    assert ran.returncode == 0, ran.stderr
    assert len(printed) == len(steps) + 1


def test_what_the_reader_fills_in_is_what_the_start_prints() -> None:
    (fill_in,) = [block.text for block in blocks(PAGE) if "export" in block.text]
    named = re.findall(r"^export (\w+)=", fill_in, re.MULTILINE)
    assert named == list(told(SAID))
    assert told(SAID)["CLIENT_SECRET"] == "sk_1"


SAID = """
  API        http://127.0.0.1:8000/v1
  client_id      cli_1
  client_secret  sk_1
  client_id      cli_2
  client_secret  sk_2
  Sample product service edge       http://127.0.0.1:8701/
"""


def told(said: str) -> dict[str, str]:
    """Return what the reader copies from what bin/run has printed."""
    where = {
        "PLATFORM": r"^  API +(http\S+)/v1$",
        "CLIENT_ID": r"^  client_id +(\S+)$",
        "CLIENT_SECRET": r"^  client_secret +(\S+)$",
        "EDGE": r"^  Sample product service edge +(http\S+)/$",
    }
    found = {name: re.search(line, said, re.MULTILINE) for name, line in where.items()}
    return {name: match[1] for name, match in found.items() if match}


def runnable(page: list[Block]) -> list[tuple[str, str]]:
    """Return each ``bash`` block with what stands below it in a ``text`` block, if one does."""
    steps: list[tuple[str, str]] = []
    for block in page:
        if block.language == "bash":
            steps.append((block.text, ""))
        elif block.language == "text":
            code, nothing = steps.pop()
            assert not nothing
            steps.append((code, block.text))
    return steps


def pattern(expected: str) -> str:
    """Return what fits the text: ``…`` stands for anything on a line."""
    return ".*".join(re.escape(part) for part in expected.split("…"))
