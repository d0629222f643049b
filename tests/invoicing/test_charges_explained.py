"""The tables of docs/explanation/charges.md, worked out again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.periods import YEAR, Cycle, day_of_month_anchor
from invoicing.drafts import Draft
from invoicing.settlement import Paid, settle
from plans.change_rules import Proration, Settlement
from tests.docs.pages import rows
from tests.invoicing.given import Books, counted, edge, flat, held, utc

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "charges.md"
JUNE = counted("2025-06-01T00:00:00")


def table(head: str) -> list[list[str]]:
    """Return the rows of the table whose head begins so."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {head} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def first(price: str, interval: str, start: str, cycle: Cycle) -> Draft:
    (draft,) = Books().assess([held(flat(price, interval), start, cycle=cycle)], start)
    return draft


def paused() -> list[Draft]:
    price = flat("1200.00", "year")
    pause, resume = "2025-03-11T00:00:00", "2025-04-20T00:00:00"
    before = held(price, "2025-02-01T00:00:00", pause, cycle=counted("2025-02-01T00:00:00"))
    after = held(price, resume, cycle=counted("2025-04-01T00:00:00"))
    books = Books()
    books.assess([replace(before, end=None)], "2025-02-01T00:00:00")
    return [*books.assess([before], pause), *books.assess([before, after], resume)]


def halves() -> list[Draft]:
    whole = held(flat("9.99"), "2025-06-01T00:00:00", cycle=JUNE)
    cut = replace(whole, end=edge("2025-06-16T00:00:00"))
    books = Books()
    return [
        *books.assess([whole], "2025-06-01T00:00:00", agreed=[cut]),
        *books.assess([whole], "2025-06-10T00:00:00"),
    ]


EXAMPLES: list[Callable[[], Draft]] = [
    lambda: first("25.00", "month", "2025-01-20T00:00:00", counted("2025-01-10T00:00:00")),
    lambda: first(
        "240.00",
        "year",
        "2025-01-20T00:00:00",
        Cycle(
            day_of_month_anchor(day=5, interval=YEAR, zone="UTC", start=utc("2025-01-20T00:00:00"))
        ),
    ),
    lambda: first("240.00", "year", "2025-06-01T00:00:00", counted("2025-02-20T00:00:00")),
    lambda: first("12.35", "month", "2025-06-22T00:00:00", JUNE),
    lambda: paused()[0],
    lambda: paused()[1],
    lambda: halves()[0],
    lambda: halves()[1],
]


def test_the_explanations_are_those_of_the_code() -> None:
    drafts = [example() for example in EXAMPLES]
    said = [[f"{each.amount / 100:.2f}", each.explanation] for each in drafts]
    assert [row[1:] for row in table("what is held")] == said


def test_every_way_to_count_is_on_the_page() -> None:
    assert [row[0] for row in table("proration")] == [f"`{each}`" for each in Proration]


@pytest.mark.parametrize("settlement", list(Settlement))
def test_the_table_of_settlements_is_what_happens(settlement: Settlement) -> None:
    turn = edge("2025-06-16T00:00:00", settlement=settlement)
    whole = held(flat("30.00"), "2025-06-01T00:00:00", cycle=JUNE)
    lower = held(flat("20.00"), turn, cycle=JUNE)
    cut = replace(whole, end=turn)
    cells: list[str] = []
    for after in ([cut, lower], [cut]):
        books = Books()
        books.assess([whole], "2025-06-01T00:00:00")
        before = books.net
        drafts = books.assess(after, "2025-06-16T00:00:00")
        ways = {each.settlement for each in drafts} - {Settlement.NONE}
        amount = f"{(before - books.net) / 100:.2f}"
        where = {Settlement.CREDIT: "to the balance", Settlement.REFUND: "to be refunded"}
        moved = before != books.net
        cells.append(f"{amount} {where[ways.pop()]}" if moved else "nothing moves")
    (row,) = [row for row in table("settlement") if row[0] == f"`{settlement}`"]
    assert row[1:] == cells


def test_the_cancellation_in_june_splits_as_the_page_says() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index("| settlement | off what is open | to the balance | refunded |")
    written = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start + 2 :]]
    paid = Paid(billed=2500, paid=2000, captured=2000, used=1250)
    for settlement, row in zip(
        (Settlement.NONE, Settlement.CREDIT, Settlement.REFUND), written, strict=False
    ):
        split = settle(1250, settlement, paid)
        amounts: list[Any] = [split.off_open, split.to_balance, split.to_refund]
        assert row == [f"`{settlement}`", *(f"{each / 100:.2f}" for each in amounts)]


def test_the_page_has_the_tables_that_are_tested() -> None:
    assert len(list(rows(PAGE))) == sum(
        map(len, (table("what is held"), table("proration"), table("price"), table("settlement")))
    ) + len(Settlement)
