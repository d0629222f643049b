"""The stored catalog as plain values, in the normal forms of documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class VersionState:
    """A stored version of a plan or add-on; ``customers`` is for private versions."""

    id: str
    number: int
    effective_from: str | None
    terms: dict[str, Any]
    customers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """The versions of one line that matter: the open draft, and the latest published one.

    ``since_always``: some published version without a contract has no instant that it begins at.
    """

    draft: VersionState | None = None
    published: VersionState | None = None
    since_always: bool = False

    @property
    def latest(self) -> VersionState | None:
        return self.draft or self.published


@dataclass(frozen=True, slots=True)
class Catalog:
    """``objects``: section → key → definition; ``lines``: (section, key) → line key → line, the
    public one under ""; ``fixed``: (section, key) of features and meters in use by something
    published."""

    objects: Mapping[str, Mapping[str, dict[str, Any]]]
    lines: Mapping[tuple[str, str], Mapping[str, Line]]
    fixed: frozenset[tuple[str, str]]

    def line(self, section: str, key: str, name: str) -> Line:
        return self.lines.get((section, key), {}).get(name, Line())
