"""What this service holds: the newest document of each target, on disk before it is confirmed.

The file has one line of JSON for each document that was applied, the last one of a target counts.
It is written anew, whole and beside the old one, at the start and when most of its lines are old.
"""

import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from examples.product_service.documents import Document, parse

OLD_LINES = 10_000  # that may stand in the file beside those that count


class Stale(Exception):
    """A document that is not newer than what is held; ``generation`` is the one held."""

    def __init__(self, generation: int) -> None:
        super().__init__(f"generation {generation} is held")
        self.generation = generation


@dataclass(frozen=True, slots=True)
class Held:
    """A document, as it came, and when it was applied. Tombstones are held too: they are what
    refuses older documents that arrive late."""

    form: Mapping[str, Any]
    document: Document
    applied_at: datetime


class Store:
    """Targets by identifier; without a path only in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._lines = 0
        self._held: dict[str, Held] = {}
        if path is not None:
            self._held = _read(path)
            self._file = self._rewritten(path)

    def apply(self, form: Mapping[str, Any], document: Document, *, at: datetime) -> Held:
        """Take a document once: a repeat changes nothing and is confirmed like the first time.

        Everything happens under one lock, and it is on disk before it is in memory.

        :raises Stale: if a newer generation is held, or another document of the same one
        :raises OSError: if it could not be kept; then it is not applied
        """
        with self._lock:
            held = self._held.get(document.target)
            if held is not None:
                known = held.document
                if (known.generation, known.hash) == (document.generation, document.hash):
                    return held
                if known.generation >= document.generation:
                    raise Stale(known.generation)
            taken = Held(form, document, at)
            self._keep(taken)
            self._held[document.target] = taken
            return taken

    def get(self, target: str) -> Held | None:
        return self._held.get(target)

    def page(self, *, after: str, limit: int) -> list[Held]:
        """Return targets in the order of their identifiers, those behind ``after``."""
        with self._lock:
            behind = sorted(target for target in self._held if target > after)
            return [self._held[target] for target in behind[:limit]]

    def all(self) -> list[Held]:
        with self._lock:
            return [held for _, held in sorted(self._held.items())]

    def _keep(self, taken: Held) -> None:
        if self._path is None:
            return
        if self._file is None or self._lines > len(self._held) + OLD_LINES:
            self._file = self._rewritten(self._path)
        try:
            self._file.write(_line(taken))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            # Half a line may stand there now: the next document finds the file written anew.
            self._file = None
            raise
        self._lines += 1

    def _rewritten(self, path: Path) -> BinaryIO:
        """Write the file anew from memory, so that it is whole at any moment, and open it."""
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("wb") as file:
            file.writelines(_line(each) for each in self._held.values())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._lines = len(self._held)
        return path.open("ab")


def _line(held: Held) -> bytes:
    entry = {"document": held.form, "applied_at": held.applied_at.isoformat()}
    return json.dumps(entry).encode() + b"\n"


def _read(path: Path) -> dict[str, Held]:
    if not path.exists():
        return {}
    with path.open("rb") as file:
        # A last line without an end was never confirmed: we died while it was written.
        return _by_target(line for line in file if line.endswith(b"\n"))


def _by_target(lines: Iterable[bytes]) -> dict[str, Held]:
    held = {}
    for line in lines:
        entry = json.loads(line)
        document = parse(entry["document"])
        applied_at = datetime.fromisoformat(entry["applied_at"])
        held[document.target] = Held(entry["document"], document, applied_at)
    return held
