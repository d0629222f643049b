"""Commands that pages show exist, and take the arguments that are shown."""

import importlib.util
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from tests.docs.pages import PROJECT, blocks, name_of, pages

_SHELL = {"", "sh", "bash", "console"}
_ENDS = {"|", "||", "&&", "&", ";", ">", ">>", "2>"}
_EVERY_PAGE = [pytest.param(path, id=name_of(path)) for path in pages()]


@pytest.mark.parametrize("page", _EVERY_PAGE)
def test_scripts_that_are_named_exist_and_can_be_run(page: Path) -> None:
    named = set(re.findall(r"(?<![\w./])bin/[a-z_.]+[a-z]", page.read_text(encoding="utf-8")))
    scripts = {name for name in named if not name.endswith(".sh")}
    assert {name for name in scripts if not os.access(PROJECT / name, os.X_OK)} == set()


@pytest.mark.parametrize("page", _EVERY_PAGE)
def test_management_commands_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text(encoding="utf-8")))
    assert named - get_commands().keys() == set()


@pytest.mark.parametrize("page", _EVERY_PAGE)
def test_management_commands_take_what_is_shown(page: Path) -> None:
    refused = []
    for words in commands(page):
        if "manage.py" in words:
            name, *arguments = words[words.index("manage.py") + 1 :]
            command = load_command_class(get_commands()[name], name)
            try:
                command.create_parser("manage.py", name).parse_args(arguments)
            except CommandError as error:
                refused.append(f"{shlex.join(words)}: {error}")
    assert refused == []


@pytest.mark.parametrize("page", _EVERY_PAGE)
def test_python_modules_that_are_run_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"python3? -m ([A-Za-z_.]+[A-Za-z_])", text))
    assert {name for name in named if importlib.util.find_spec(name) is None} == set()


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every command in the shell blocks of a page."""
    for block in blocks(page):
        if block.language not in _SHELL or "manage.py" not in block.text:
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            if "manage.py" not in line:
                continue
            words: list[str] = []
            for word in shlex.split(line, comments=True):
                if word in _ENDS:
                    yield words
                    words = []
                else:
                    words.append(word)
            yield words
