"""From text to a tree of JSON types. YAML's own surprises are switched off.

``no`` is text, not false; ``1_000`` and ``010`` are text; dates are text; a mapping that names a
key twice, anchors and aliases, and custom tags are refused.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from core.errors import BadRequest, FieldProblem

LARGEST_BYTES = 1024 * 1024
DEEPEST = 32
_UNACCEPTABLE = re.compile("[\x00\ud800-\udfff]")

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = (
    (re.compile(r"null|~|"), lambda _: None),
    (re.compile(r"true|false"), lambda text: text == "true"),
    (re.compile(r"-?(0|[1-9][0-9]{0,30})", re.ASCII), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?", re.ASCII), float),
    (re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+", re.ASCII), float),
)


class MalformedDocument(BadRequest):
    """The text is not a catalog document."""

    code = "malformed_document"


def load(content: bytes) -> Any:
    """Read a YAML or JSON document, UTF-8, of at most 1 MiB and 32 levels.

    :raises MalformedDocument: naming the place
    """
    if len(content) > LARGEST_BYTES:
        raise MalformedDocument(f"a document has at most {LARGEST_BYTES} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise MalformedDocument("the document is not UTF-8") from error
    tree = _load_json(text) if text.lstrip().startswith("{") else _load_yaml(text)
    _check_tree(tree, "", 0)
    return tree


def _load_yaml(text: str) -> Any:
    try:
        _refuse_tricks(text)
        root = yaml.compose(text, Loader=_BASE)
    except yaml.YAMLError as error:
        raise MalformedDocument(f"not YAML: {error}") from error
    problems: list[FieldProblem] = []
    tree = _build(root, "", problems) if root is not None else None
    if problems:
        raise MalformedDocument("the document has keys that stand twice", errors=problems)
    return tree


def _check_tree(value: Any, pointer: str, depth: int) -> None:
    """Refuse what the database cannot keep, and nesting that would take the stack."""
    if depth > DEEPEST:
        raise MalformedDocument(f"{pointer}: at most {DEEPEST} levels deep")
    if isinstance(value, str) and _UNACCEPTABLE.search(value):
        detail = "texts hold no U+0000 and no half of a surrogate pair"
        raise MalformedDocument(
            f"{pointer}: {detail}", errors=[FieldProblem(pointer, "unacceptable_text", detail)]
        )
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for name, child in children:
        where = f"{pointer}/{escape(str(name))}"
        if isinstance(name, str) and _UNACCEPTABLE.search(name):
            raise MalformedDocument(f"a key below {pointer or '/'} is no text of Unicode")
        _check_tree(child, where, depth + 1)


def escape(name: str) -> str:
    """Write a name as one step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _refuse_tricks(text: str) -> None:
    """Look at the stream before anything is built from it."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_BASE):
        where = f"line {_line(event)}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise MalformedDocument(f"{where}: anchors and aliases are not used here")
        if getattr(event, "tag", None) not in (None, "!"):
            raise MalformedDocument(f"{where}: tags are not used here")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST or documents > 1:
            raise MalformedDocument(f"{where}: one document, at most {DEEPEST} levels deep")


def _line(what: Any) -> int:
    return int(what.start_mark.line) + 1


def _build(node: Any, pointer: str, problems: list[FieldProblem]) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(child, f"{pointer}/{place}", problems) for place, child in enumerate(node.value)
        ]
    return dict(_members(node, pointer, problems))


def _members(node: Any, pointer: str, problems: list[FieldProblem]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for name, child in node.value:
        line = _line(name)
        if not isinstance(name, yaml.ScalarNode):
            raise MalformedDocument(f"line {line}: a key is text")
        where = f"{pointer}/{escape(name.value)}"
        if name.value in seen:
            problems.append(FieldProblem(where, "duplicate_key", f"line {line}: stands twice"))
        seen.add(name.value)
        yield name.value, _build(child, where, problems)


def _scalar(node: Any) -> Any:
    if node.style:  # in quotes, or a block of text
        return node.value
    for pattern, read in _PLAIN:
        if pattern.fullmatch(node.value):
            return read(node.value)
    return node.value


def _load_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedDocument(f"not JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedDocument(
            f"the key {twice} stands twice",
            errors=[FieldProblem("", "duplicate_key", f"{twice} stands twice in one object")],
        )
    return found


def _refuse_constant(name: str) -> None:
    raise MalformedDocument(f"{name} is not JSON")
