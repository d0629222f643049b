"""Looking at processes from outside, for the tests of the launcher."""

import time
from collections.abc import Callable
from pathlib import Path


def is_alive(pid: int) -> bool:
    """A zombie is dead: only its exit code is left."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def touching(folder: Path) -> list[int]:
    """The live processes that work in a folder, or were told of it."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and is_alive(int(process.name)) and _mentions(process, folder):
            found.append(int(process.name))
    return found


def _mentions(process: Path, folder: Path) -> bool:
    wanted = str(folder)
    try:
        texts = [(process / name).read_bytes() for name in ("cmdline", "environ")]
        return str((process / "cwd").readlink()).startswith(wanted) or any(
            wanted.encode() in text for text in texts
        )
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def wait_for(condition: Callable[[], object], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
