"""What this service holds: the newest document of each target, on disk before it is confirmed."""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from examples.product_service.documents import Document, parse


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
    """Targets by identifier. All of it is rewritten at every change, so the file is whole at any
    moment; that is plain and safe, and good for some thousand targets."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._held: dict[str, Held] = {}
        if path is not None and path.exists():
            self._held = _read(path)

    def apply(self, form: Mapping[str, Any], document: Document, *, at: datetime) -> Held:
        """Take a document once: a repeat changes nothing and is confirmed like the first time.

        Everything happens under one lock and the file is replaced before the memory is, so a
        document is applied whole or not at all.

        :raises Stale: if a newer generation is held, or another document of the same one
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
            following = {**self._held, document.target: taken}
            if self._path is not None:
                _replace(self._path, following)
            self._held = following
            return taken

    def get(self, target: str) -> Held | None:
        return self._held.get(target)

    def page(self, *, after: str, limit: int) -> list[Held]:
        """Return targets in the order of their identifiers, those behind ``after``."""
        behind = sorted(target for target in self._held if target > after)
        return [self._held[target] for target in behind[:limit]]

    def all(self) -> list[Held]:
        return [held for _, held in sorted(self._held.items())]


def _replace(path: Path, held: Mapping[str, Held]) -> None:
    entries = [
        {"document": each.form, "applied_at": each.applied_at.isoformat()} for each in held.values()
    ]
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(entries, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _read(path: Path) -> dict[str, Held]:
    held = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        document = parse(entry["document"])
        applied_at = datetime.fromisoformat(entry["applied_at"])
        held[document.target] = Held(entry["document"], document, applied_at)
    return held
