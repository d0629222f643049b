"""The little Markdown that the pages are made of. Pure."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    return [_row(head), f"|{'---|' * len(head)}", *(_row(row) for row in rows)]


def page(lines: Iterable[str]) -> str:
    """Return a page that ends with one newline."""
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
