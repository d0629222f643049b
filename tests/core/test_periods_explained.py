"""The pages that explain money and periods: every example on them is run."""

import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "explanation"


@pytest.mark.parametrize(("page", "fewest"), [("money.md", 10), ("periods.md", 40)])
def test_the_examples_on_the_page_are_true(page: str, fewest: int) -> None:
    lines = (PAGES / page).read_text(encoding="utf-8").splitlines()
    # A fence would be read as expected output; a blank line ends it and keeps the line numbers.
    text = "\n".join("" if line.startswith("```") else line for line in lines)
    examples = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    problems: list[str] = []
    doctest.DocTestRunner(verbose=False).run(examples, out=problems.append)
    assert not problems, "".join(problems)
    assert len(examples.examples) >= fewest
