"""The page that explains balances: its examples are run, its tables are true."""

import doctest
from decimal import Decimal
from pathlib import Path

from tests.docs.pages import rows
from usage.grants import Rollover

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "balances.md"


def test_the_examples_on_the_page_are_true() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    # A fence would be read as expected output; a blank line ends it and keeps the line numbers.
    text = "\n".join("" if line.startswith("```") else line for line in lines)
    examples = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, PAGE.name, 0)
    problems: list[str] = []
    doctest.DocTestRunner(verbose=False).run(examples, out=problems.append)
    assert not problems, "".join(problems)
    assert len(examples.examples) >= 45


def test_the_table_of_rollovers_is_true() -> None:
    rules = [Rollover(Decimal(50)), *(Rollover(Decimal(n), Decimal(20)) for n in (50, 20))]
    told = [[int(cell) for cell in row] for row in rows(PAGE)]
    assert [row[0] for row in told] == [70, 40, 10, 0]
    for left, *over in told:
        assert over == [rule.of(Decimal(left)) for rule in rules]
