"""The page that explains entitlements: its examples are run, its lists are complete."""

import doctest
from pathlib import Path

from entitlements.decisions import Reason
from plans.resets import ResetKind
from plans.values import Combine

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "entitlements.md"


def test_the_examples_on_the_page_are_true() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    # A fence would be read as expected output; a blank line ends it and keeps the line numbers.
    text = "\n".join("" if line.startswith("```") else line for line in lines)
    examples = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, PAGE.name, 0)
    problems: list[str] = []
    doctest.DocTestRunner(verbose=False).run(examples, out=problems.append)
    assert not problems, "".join(problems)
    assert len(examples.examples) >= 15


def test_the_page_names_every_reason_combination_and_reset() -> None:
    text = PAGE.read_text(encoding="utf-8")
    words = [*Reason, *Combine, *ResetKind]
    assert [word for word in words if f"`{word}`" not in text and f'{{"{word}"' not in text] == []
