"""Every problem the project can answer, collected from the code, for the page that lists them."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings

from core.api.field_base import Strict
from core.api.schema_parts import meaning
from core.api.serializers import Input
from core.errors import DomainError

_NOT_LOADED = frozenset({"migrations", "management"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the page."""

    code: str
    status: int
    meaning: str


def problems() -> list[Problem]:
    """Return every problem of this project, by status and code."""
    by_code = {error.code: error for error in _errors()}
    listed = [Problem(code, error.status, meaning(error)) for code, error in by_code.items()]
    return sorted(listed, key=lambda each: (each.status, each.code))


def clashes() -> list[str]:
    """Return what keeps callers from telling errors apart: codes shared, or not explained."""
    found, by_code = [], dict[str, type]()
    for error in _errors():
        if "code" not in vars(error) or not error.__doc__:
            found.append(f"{_name(error)} needs a code and a docstring of its own")
        elif error.code in by_code:
            found.append(f"{_name(error)} and {_name(by_code[error.code])} are {error.code}")
        by_code.setdefault(error.code, error)
    return found


def field_codes() -> dict[str, str]:
    """Return the codes that one place of the body can have, with what they say."""
    messages = {"required": "This field is required.", "null": "This must not be null."}
    for kind in sorted([Input, *_own(Strict)], key=_name):
        messages.update(vars(kind).get("default_error_messages", {}))
    return dict(sorted(messages.items()))


def page() -> str:
    """Return the page as Markdown."""
    lines = [
        "# Problems",
        "",
        "Every error is `application/problem+json` (RFC 9457). `code` is stable: programs may rely",
        "on it. `detail` is for people and may change. `manage.py problem_reference` writes this",
        "page.",
    ]
    status = 0
    for each in problems():
        if each.status != status:
            status = each.status
            lines += ["", f"## {status}", "", "| code | meaning |", "|---|---|"]
        lines.append(f'| <a id="{each.code}"></a>`{each.code}` | {_cell(each.meaning)} |')
    lines += [
        "",
        "## Codes of single fields",
        "",
        "`errors` lists what is wrong with which place of the body; `pointer` is a JSON pointer",
        "(RFC 6901).",
        "",
        "| code | says |",
        "|---|---|",
    ]
    lines += [f"| `{code}` | {_cell(message)} |" for code, message in field_codes().items()]
    return "\n".join(lines) + "\n"


def _errors() -> list[type[DomainError]]:
    return sorted(_own(DomainError), key=_name)


def _own(base: type) -> Iterator[type]:
    """Yield the subclasses that this project defines; tests define errors of their own."""
    roots = {config.name for config in _apps()}
    for config in _apps():
        _load(config)
    waiting: list[type] = list(base.__subclasses__())
    while waiting:
        each = waiting.pop()
        waiting += each.__subclasses__()
        if each.__module__.split(".")[0] in roots:
            yield each


def _apps() -> list[AppConfig]:
    root = Path(settings.BASE_DIR)
    return [each for each in apps.get_app_configs() if Path(each.path).parent == root]


def _load(config: AppConfig) -> None:
    """Import every module of an app: a class that is not loaded cannot be listed."""
    for module in pkgutil.walk_packages([config.path], f"{config.name}."):
        if not _NOT_LOADED & set(module.name.split(".")):
            importlib.import_module(module.name)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|")
