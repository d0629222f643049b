"""The tutorial, run as a reader would: bin/run, then every command of the page in one shell."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.docs.pages import PROJECT, Block, blocks
from tests.running import Launched, running_platform, told

PAGE = PROJECT / "docs" / "tutorial.md"
END = "=== end of block ==="


@pytest.fixture
def platform() -> Iterator[Launched]:
    with running_platform() as launched:
        yield launched


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
