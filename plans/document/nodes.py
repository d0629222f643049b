"""Walk a tree of JSON types, noting every problem with its JSON pointer instead of stopping."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from core import ids, money
from core.errors import DomainError, FieldProblem
from core.periods import Interval, MalformedInterval
from plans import numbers
from plans.document.text import escape
from plans.numbers import MalformedValue

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)

Reader = Callable[["Node"], Any]
REQUIRED: Any = object()


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the tree. Readers return None where they have noted a problem."""

    value: Any
    pointer: str
    problems: list[FieldProblem]

    def report(self, code: str, detail: str) -> None:
        self.problems.append(FieldProblem(self.pointer, code, detail))

    def at(self, name: str | int, value: Any = None) -> "Node":
        """Return the place of a member."""
        return Node(value, f"{self.pointer}/{escape(str(name))}", self.problems)

    @property
    def is_sound(self) -> bool:
        """Whether no problem was noted here or below. Asked while this place is read: trees are
        read depth first, so the last problem noted would be one of them."""
        last = self.problems[-1].pointer if self.problems else None
        return last is None or not (last == self.pointer or last.startswith(f"{self.pointer}/"))

    def members(self) -> list[tuple[str, "Node"]]:
        """Return an object's members; a member that is null is a problem."""
        if not isinstance(self.value, dict):
            self.report("invalid_type", "an object is expected here")
            return []
        found = []
        for name, value in self.value.items():
            child = self.at(name, value)
            if value is None:
                child.report("invalid_type", "null is not a value; leave it out")
            else:
                found.append((name, child))
        return found

    def fields(self, names: Sequence[str]) -> "Fields":
        """Return an object's members by name; any other name is a problem."""
        members = dict(self.members())
        for name, child in members.items():
            if name not in names:
                child.report("unknown_field", f"one of {', '.join(names)} is expected here")
        return Fields(self, members, is_object=isinstance(self.value, dict))

    def items(self) -> list["Node"]:
        if not isinstance(self.value, list):
            self.report("invalid_type", "a list is expected here")
            return []
        return [self.at(place, value) for place, value in enumerate(self.value)]


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of an object, to be read one by one."""

    node: Node
    values: dict[str, Node]
    is_object: bool

    def read(self, name: str, how: Reader, default: Any = REQUIRED) -> Any:
        """Read a member; absent, it is the default or a problem."""
        if name in self.values:
            return how(self.values[name])
        if default is not REQUIRED:
            return default
        if self.is_object and not self._was_null(name):
            self.node.at(name).report("required", f"{name} is required")
        return None

    def _was_null(self, name: str) -> bool:
        return name in self.node.value

    def has(self, name: str) -> bool:
        return name in self.values

    def only_one_of(self, *names: str) -> None:
        """Note a problem unless exactly one of the members is there."""
        if self.is_object and sum(name in self.values for name in names) != 1:
            self.node.report("required", f"exactly one of {', '.join(names)} is required")


def text_of(longest: int) -> Reader:
    """Return a reader of text of 1 to ``longest`` characters."""

    def read(node: Node) -> str | None:
        if not isinstance(node.value, str):
            node.report("invalid_type", "text is expected here")
            return None
        if not 1 <= len(node.value) <= longest or not node.value.isprintable():
            node.report("out_of_range", f"1 to {longest} printable characters are expected here")
            return None
        return node.value

    return read


text = text_of(200)
short_text = text_of(64)


def key(node: Node) -> str | None:
    """Read a key, or a reference by key."""
    try:
        return ids.check_key(node.value) if isinstance(node.value, str) else text(node)
    except ids.MalformedKey as error:
        node.report(error.code, error.detail)
        return None


def keys(node: Node) -> list[str]:
    """Read a list of different keys."""
    return unique(node, key)


def unique(node: Node, how: Reader) -> list[Any]:
    """Read a list whose items, texts, are all different."""
    found: dict[str, None] = {}
    for item in node.items():
        read = how(item)
        if read is None:
            continue
        if read in found:
            item.report("duplicate_item", "this stands twice in the list")
        found[read] = None
    return list(found)


def boolean(node: Node) -> bool | None:
    if not isinstance(node.value, bool):
        node.report("invalid_type", "true or false is expected here")
        return None
    return node.value


def integer(lowest: int, highest: int) -> Reader:
    def read(node: Node) -> int | None:
        if isinstance(node.value, bool) or not isinstance(node.value, int):
            node.report("invalid_type", "a whole number is expected here")
            return None
        if not lowest <= node.value <= highest:
            node.report("out_of_range", f"the number is {lowest} to {highest}")
            return None
        return node.value

    return read


def decimal(*, above: Decimal | None = None, lowest: Decimal | None = Decimal(0)) -> Reader:
    """Read an integer or a decimal in quotes; ``above`` is an excluded bound."""

    def read(node: Node) -> Decimal | None:
        try:
            number = numbers.parse(node.value, node.pointer, lowest=lowest)
        except MalformedValue as error:
            node.report("invalid_type" if isinstance(node.value, float) else error.code, str(error))
            return None
        if above is not None and number <= above:
            node.report("out_of_range", f"the number is above {above}")
            return None
        return number

    return read


def choice(values: type[Enum]) -> Reader:
    options = [str(each.value) for each in values]

    def read(node: Node) -> str | None:
        if not isinstance(node.value, str) or node.value not in options:
            node.report("invalid_choice", f"one of {', '.join(options)}")
            return None
        return node.value

    return read


def interval(node: Node) -> str | None:
    """Read an interval into its one spelling."""
    try:
        return str(Interval.parse(node.value)) if isinstance(node.value, str) else text(node)
    except MalformedInterval as error:
        node.report(error.code, error.detail)
        return None


def currency(node: Node) -> str | None:
    """Read the code of a currency that can be billed in."""
    read = text(node)
    try:
        return None if read is None else (money.exponent(read), read)[1]
    except money.UnknownCurrency as error:
        node.report(error.code, error.detail)
        return None


def instant(node: Node) -> str | None:
    """Read an RFC 3339 instant with an offset, whole seconds, into UTC text."""
    try:
        written = isinstance(node.value, str) and _INSTANT.fullmatch(node.value)
        at = datetime.fromisoformat(node.value) if written else None
    except ValueError:
        at = None
    if at is None:
        node.report("invalid_type", "an instant is written like 2026-01-01T00:00:00Z")
        return None
    if not 1970 <= at.year <= 2200:
        node.report("out_of_range", "an instant is in the years 1970 to 2200")
        return None
    return write_instant(at)


def write_instant(at: datetime) -> str:
    """Write an instant the one way documents do."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def reads(node: Node, how: Callable[[Any], Any]) -> Any:
    """Read with a function that raises a domain error, whose pointers are below this place."""
    try:
        return how(node.value)
    except DomainError as error:
        for each in error.errors or (FieldProblem("", error.code, error.detail),):
            node.problems.append(
                FieldProblem(f"{node.pointer}{each.pointer}", each.code, each.detail)
            )
        return None
