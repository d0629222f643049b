"""The Markdown of the project, and the parts of it that the tests of the docs look at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_OURS = {".venv", ".local", ".git", "node_modules", "staticfiles"}


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    language: str
    text: str


def pages() -> list[Path]:
    """Return every Markdown page of the project."""
    return sorted(
        path
        for path in PROJECT.rglob("*.md")
        if not _NOT_OURS & set(path.relative_to(PROJECT).parts)
        and not any(part.startswith(".") for part in path.relative_to(PROJECT).parts[:-1])
    )


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    return [Block(name_of(path), *found.groups()) for found in _FENCE.finditer(text)]


def prose(path: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def rows(path: Path) -> Iterator[list[str]]:
    """Yield the cells of every line of a page's tables, heads left out."""
    head = True
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            head = True
        elif set(line) <= set("|-: "):
            head = False
        elif not head:
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            yield [cell.strip() for cell in cells]
