"""The guide to imports, followed: its line is written to a file, and its commands are run."""

import json
import re
import shlex
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from core.api.problem_catalogue import problems
from entitlements import connections
from tests.docs.pages import PROJECT, blocks, rows
from tests.world import World

PAGE = PROJECT / "docs/how-to/import-subscriptions.md"


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    made = World(Client())
    made.open()
    made.starts_on("2026-02-14")
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)
    connections.close()


def shown(language: str) -> list[str]:
    return [block.text for block in blocks(PAGE) if block.language == language]


def printed(command: str) -> str:
    """Run a command of the page, as it is shown there, and return what it prints."""
    script, name, *arguments = shlex.split(command)
    assert script == "bin/manage"
    out = StringIO()
    with pytest.raises(CommandError, match="1 lines were refused"):
        call_command(name, *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_commands_do_what_the_page_says(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = world.zone(world.customer("shop-gmbh"))
    line, answer = shown("json")
    unknown = {**json.loads(line), "external_id": "old-4712", "customer": "nobody"}
    (tmp_path / "old.jsonl").write_text(f"{line}{json.dumps(unknown)}\n")
    monkeypatch.chdir(tmp_path)
    expected = ".*".join(re.escape(part) for part in answer.split("…"))

    dry_run, run = shown("bash")
    assert re.fullmatch(expected, printed(dry_run))
    assert world.subscription(shop)["plan"] == "free"

    assert re.fullmatch(expected, printed(run))
    again = [json.loads(each)["status"] for each in printed(run).splitlines()]
    assert again == ["already_imported", "refused"]
    assert world.subscription(shop)["plan"] == "pro"


def test_every_code_that_it_names_is_one() -> None:
    named = [
        code
        for cells in rows(PAGE)
        if len(cells) == 2 and cells[0].startswith("`")
        for code in re.findall(r"`([a-z_]+)`", cells[0])
    ]
    refusals = named[named.index("customer_not_found") :]
    assert len(refusals) > 15
    assert set(refusals) - {each.code for each in problems()} == set()
