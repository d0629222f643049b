"""What applying a document would do, and nothing else: a pure comparison of two states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.errors import FieldProblem
from plans.document.sections import SECTIONS, Document
from plans.document.state import Catalog, Line, VersionState
from plans.document.text import escape


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What an update changes; both sides in normal form."""

    field: str
    before: Any
    after: Any


class LineAction(StrEnum):
    """``new``: another version; ``rewrite``: the open draft gets other terms."""

    NONE = "none"
    NEW = "new"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True)
class LineChange:
    """What happens to one line of versions. ``draft`` is the one rewritten or published."""

    section: str
    key: str
    line: str
    action: LineAction
    publish: bool
    wanted: Mapping[str, Any]
    draft: VersionState | None


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """A definition that is new (no ``changes``) or changes."""

    section: str
    key: str
    wanted: Mapping[str, Any]
    changes: tuple[FieldChange, ...] = ()

    @property
    def pointer(self) -> str:
        return pointer_of(self.section, self.key)


@dataclass(frozen=True, slots=True)
class CatalogPlan:
    """The outcome of laying a document over the catalog. With ``errors`` nothing can be applied."""

    create: tuple[ObjectChange, ...] = ()
    update: tuple[ObjectChange, ...] = ()
    lines: tuple[LineChange, ...] = ()
    unchanged: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()
    errors: tuple[FieldProblem, ...] = field(default=())

    @property
    def changes_nothing(self) -> bool:
        return not (self.create or self.update or self.lines)

    @property
    def new_versions(self) -> tuple[LineChange, ...]:
        return tuple(line for line in self.lines if line.action == LineAction.NEW)

    @property
    def updates(self) -> tuple[tuple[str, FieldChange], ...]:
        """Every field that changes, with the pointer of its object; drafts included."""
        found = [(each.pointer, change) for each in self.update for change in each.changes]
        for line in self.lines:
            pointer = pointer_of(line.section, line.key, line.line)
            if line.action == LineAction.REWRITE and line.draft is not None:
                change = FieldChange("draft", line.draft.terms, line.wanted["terms"])
                found.append((pointer, change))
            if line.action != LineAction.NEW and line.publish:
                found.append((pointer, FieldChange("status", "draft", "published")))
        return tuple(found)


def pointer_of(section: str, key: str, line: str = "") -> str:
    """Return the JSON pointer of an object, or of one of its private versions."""
    own = f"/{section}/{escape(key)}"
    return f"{own}/private_versions/{escape(line)}" if line else own


def compare(document: Document, catalog: Catalog) -> CatalogPlan:
    """Say what each object of a sound document does to the catalog."""
    create: list[ObjectChange] = []
    update: list[ObjectChange] = []
    lines: list[LineChange] = []
    unchanged: list[str] = []
    for section in SECTIONS:
        for key, wanted in document.objects[section].items():
            stored = catalog.objects[section].get(key)
            definition = {name: value for name, value in wanted.items() if name != "lines"}
            moved = _line_changes(section, key, wanted.get("lines", {}), catalog)
            lines += moved
            if stored is None:
                create.append(ObjectChange(section, key, definition))
                continue
            changes = _field_changes(definition, stored) + _customer_changes(
                section, key, wanted.get("lines", {}), catalog
            )
            if changes:
                update.append(ObjectChange(section, key, definition, changes))
            elif not moved:
                unchanged.append(pointer_of(section, key))
    unmanaged = [
        pointer_of(section, key)
        for section in SECTIONS
        for key in catalog.objects[section]
        if key not in document.objects[section]
    ]
    return CatalogPlan(
        tuple(create), tuple(update), tuple(lines), tuple(unchanged), tuple(unmanaged)
    )


def _field_changes(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(name, stored[name], value)
        for name, value in wanted.items()
        if stored[name] != value
    )


def _customer_changes(
    section: str, key: str, wanted: Mapping[str, Any], catalog: Catalog
) -> tuple[FieldChange, ...]:
    """Who a private version is for may change without a new version."""
    found = []
    for name, line in wanted.items():
        state = catalog.line(section, key, name).latest
        if name and state is not None and list(state.customers) != line["customers"]:
            found.append(
                FieldChange(
                    f"private_versions/{name}/customers", list(state.customers), line["customers"]
                )
            )
    return tuple(found)


def _line_changes(
    section: str, key: str, wanted: Mapping[str, Any], catalog: Catalog
) -> list[LineChange]:
    found = []
    for name, line in wanted.items():
        state = catalog.line(section, key, name)
        action, publish = _decide(line, state)
        if action != LineAction.NONE or publish:
            found.append(LineChange(section, key, name, action, publish, line, state.draft))
    return found


def _decide(wanted: Mapping[str, Any], state: Line) -> tuple[LineAction, bool]:
    """Return what happens to the terms, and whether something is published."""
    if _is(wanted, state.published):
        return LineAction.NONE, False
    if state.draft is None:
        return LineAction.NEW, wanted["publish"]
    if _is(wanted, state.draft):
        return LineAction.NONE, wanted["publish"]
    return LineAction.REWRITE, wanted["publish"]


def _is(wanted: Mapping[str, Any], state: VersionState | None) -> bool:
    """Tell whether a version already is what is wanted. The first one is effective since always,
    and who names no instant wants none in particular."""
    if state is None or wanted["terms"] != state.terms:
        return False
    since = wanted["effective_from"]
    return state.number == 1 or since is None or since == state.effective_from
