"""What one start tells the next: ports, passwords and keys made on this machine."""

import json
import os
from collections.abc import Callable
from pathlib import Path


class Remembered:
    """A small JSON file that only its owner may read. Every change is written at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def put(self, *, name: str, value: str) -> None:
        self._values[name] = value
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._values, file, indent=1)
        fresh.replace(self._path)

    def get_or_make(self, *, name: str, make: Callable[[], str]) -> str:
        value = self._values.get(name)
        if value is None:
            value = make()
            self.put(name=name, value=value)
        return value
