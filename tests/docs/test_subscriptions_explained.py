"""The tables of docs/explanation/subscriptions.md, compared with the code and played."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from plans.change_rules import DEFAULT_RULES, Timing
from subscriptions.models import PendingChange
from tests.docs.pages import PROJECT, rows
from tests.world import World

PAGE = PROJECT / "docs/explanation/subscriptions.md"
TIMINGS = {Timing.NOW: "now", Timing.PERIOD_END: "at the period's end"}


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    made = World(Client())
    made.open()
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)


def table(first_cell: str) -> list[list[str]]:
    """Return the rows of the page from the one that begins so, to the end of its table."""
    lines = list(rows(PAGE))
    start = next(number for number, row in enumerate(lines) if row[0] == first_cell)
    width = len(lines[start])
    found = []
    for row in lines[start:]:
        if len(row) != width:
            break
        found.append(row)
    return found


def test_the_rule_table_is_the_one_that_decides() -> None:
    written = table("`free_to_paid`")[: len(DEFAULT_RULES)]
    free = {None: "any", True: "yes", False: "no"}
    assert written == [
        [
            f"`{rule.name}`",
            str(rule.rank or "any"),
            str(rule.interval or "any"),
            free[rule.free_to_paid],
            TIMINGS[rule.timing],
        ]
        for rule in DEFAULT_RULES
    ]


COMMANDS: dict[str, Callable[[World, str, str, dict[str, Any]], object]] = {
    "a change that acts now": lambda world, shop, path, agreed: world.change(
        shop, "pro", interval="year"
    ),
    "a change agreed for later": lambda world, shop, path, agreed: world.change(
        shop, "free", timing="period_end"
    ),
    "cancel": lambda world, shop, path, agreed: world.post(f"{path}/cancel"),
    "cancel now": lambda world, shop, path, agreed: world.post(
        f"{path}/cancel", when="now", reason="tried out"
    ),
    "uncancel": lambda world, shop, path, agreed: world.post(
        f"{path}/uncancel", status=200 if agreed["kind"] == "end" else 409
    ),
    "taken back by its id": lambda world, shop, path, agreed: world.delete(
        f"{path}/schedule/{agreed['id']}"
    ),
    "its instant comes": lambda world, shop, path, agreed: world.advance_to("2026-02-10"),
    "the owner ends": lambda world, shop, path, agreed: world.delete(
        f"customers/ada/subjects/{shop}"
    ),
}


def test_every_way_a_pending_change_can_go_is_played() -> None:
    assert [row[0] for row in table("a change that acts now")] == list(COMMANDS)


@pytest.mark.parametrize("column", [1, 2], ids=["plan", "end"])
@pytest.mark.parametrize("what", COMMANDS)
def test_a_pending_change_becomes_what_the_table_says(world: World, what: str, column: int) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    path = f"subscriptions/{world.change(shop, 'pro')['resource']['id']}"
    if column == 1:
        world.change(shop, "free")
    else:
        world.post(f"{path}/cancel")
    (agreed,) = world.subscription(shop)["pending"]
    assert agreed["kind"] == ("plan" if column == 1 else "end")

    COMMANDS[what](world, shop, path, agreed)

    (said,) = [row[column] for row in table("a change that acts now") if row[0] == what]
    assert PendingChange.objects.get(pk=agreed["id"]).status == said


def test_the_creating_call_may_name_another_plan(world: World) -> None:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"), plans={"zone": "pro"})
    assert world.subscription(shop)["plan"] == "pro"
