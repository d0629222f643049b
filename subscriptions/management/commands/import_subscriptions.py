"""``manage.py import_subscriptions``: bring subscriptions of another system, however many.

A file that was stopped half-way is simply given again: what was imported by its ``external_id`` is
left alone.
"""

import csv
import json
import logging
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from rest_framework.exceptions import ValidationError

from core import acting
from core.api.parsing import strict_json
from core.api.serializers import invalid
from core.clock import written
from core.errors import DomainError, FieldProblem
from subscriptions import services
from subscriptions.api.imports import ImportItemIn, as_item
from subscriptions.services.import_items import Item, Taken
from subscriptions.services.importing import MOST_AT_ONCE, Outcome

logger = logging.getLogger(__name__)

_COLUMNS = frozenset(ImportItemIn().fields) - {"anchor", "metadata"} | {
    "anchor_at",
    "anchor_day_of_month",
}
_METADATA = "metadata."
_NUMBERS = frozenset({"quantity", "anchor_day_of_month"})
_TRUTHS: Mapping[str, bool] = {"true": True, "false": False}
_NOBODYS_FAULT = (OperationalError, InterfaceError)

Line = dict[str, Any]


class Command(BaseCommand):
    help = "Import live subscriptions from a file of JSON lines, or a CSV file with a header."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", help="path of the file, .csv for CSV; - for JSON lines on stdin"
        )
        parser.add_argument("--dry-run", action="store_true", help="tell, but change nothing")
        parser.add_argument("--actor", default="system:import", help="who is kept as the author")
        parser.add_argument("--reason", default="", help="why, kept in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        work = _Work(taken=Taken() if options["dry_run"] else None)
        with (
            acting.acting_as(options["actor"], reason=options["reason"]),
            _opened(options["file"]) as file,
        ):
            is_csv = options["file"].lower().endswith(".csv")
            lines = _csv_lines(file) if is_csv else _json_lines(file)
            while batch := list(islice(lines, MOST_AT_ONCE)):
                for told in work.imported(batch):
                    counts[told["status"]] += 1
                    self.stdout.write(json.dumps(told))
        would = " (dry run: nothing was changed)" if options["dry_run"] else ""
        summary = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        self.stderr.write(f"{summary or 'no lines'}{would}")
        if counts["refused"]:
            raise CommandError(f"{counts['refused']} lines were refused")


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as opened:
            yield opened
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error


def _json_lines(file: BinaryIO) -> Iterator[tuple[int, Line | DomainError]]:
    """Yield the number and the content of each line that has some, or what is wrong with it."""
    for number, line in enumerate(file, start=1):
        text = line.removeprefix(BOM_UTF8).strip() if number == 1 else line.strip()
        if text:
            try:
                yield number, strict_json(text)
            except DomainError as error:
                yield number, error


def _csv_lines(file: BinaryIO) -> Iterator[tuple[int, Line | DomainError]]:
    """Yield the number and the content of each row, in the shape that JSON lines have."""
    rows = csv.DictReader(TextIOWrapper(file, encoding="utf-8-sig", newline=""), strict=True)
    try:
        names = rows.fieldnames or ()
        wrong = [name for name in names if name not in _COLUMNS and not name.startswith(_METADATA)]
        if wrong:
            raise CommandError(f"no such columns: {', '.join(wrong)}")
        if len(set(names)) < len(names):
            raise CommandError("a column is there twice")
        for row in rows:
            yield rows.line_num, _from_cells({name: cell for name, cell in row.items() if cell})
    except (csv.Error, UnicodeDecodeError) as error:
        raise CommandError(f"no CSV in UTF-8 after line {rows.line_num}: {error}") from error


def _from_cells(cells: Mapping[str, Any]) -> Line:
    line: Line = {}
    for name, cell in cells.items():
        if name is None:
            line["more_cells_than_columns"] = cell
        elif name.startswith(_METADATA):
            line.setdefault("metadata", {})[name.removeprefix(_METADATA)] = cell
        elif name.startswith("anchor_"):
            line.setdefault("anchor", {})[name.removeprefix("anchor_")] = _value(name, cell)
        else:
            line[name] = _value(name, cell)
    return line


def _value(name: str, cell: str) -> Any:
    if name == "add_ons":
        pairs = (each.partition("=") for each in cell.split())
        return {key: _number(count) for key, _, count in pairs}
    if name == "add_on_versions":
        return {key: version for key, _, version in (each.partition("=") for each in cell.split())}
    if name in _NUMBERS:
        return _number(cell)
    return _TRUTHS.get(cell, cell) if name == "trial_spent" else cell


def _number(text: str) -> int | str:
    """What is no number stays as it is, for the check to find."""
    return int(text) if text.isascii() and text.isdigit() else text


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with lines. ``taken`` is kept in a dry run only, from one batch to the next;
    ``shape`` is made once, because that costs as much as to check a line."""

    taken: Taken | None
    shape: ImportItemIn = field(default_factory=ImportItemIn)

    def imported(self, batch: Sequence[tuple[int, Line | DomainError]]) -> list[Line]:
        """Import what can be of some lines, and tell of each, in their order."""
        told: dict[int, Line] = {}
        items: dict[int, Item] = {}
        for number, line in batch:
            if isinstance(line, DomainError):
                told[number] = _refused(number, None, line)
                continue
            try:
                items[number] = as_item(self.shape.run_validation(line))
            except ValidationError as error:
                told[number] = _refused(number, line.get("external_id"), invalid(error.detail))
        told.update(self._together(items))
        return [told[number] for number, _ in batch]

    def _together(self, items: Mapping[int, Item]) -> dict[int, Line]:
        """Import at once; if one customer is in the way, or anything else, find it by halving."""
        if not items:
            return {}
        dry_run = self.taken is not None
        try:
            outcomes = services.import_each(
                items=list(items.values()), dry_run=dry_run, taken=self.taken
            )
        except _NOBODYS_FAULT:
            raise
        except Exception as error:
            if len(items) > 1:
                numbers, middle = list(items), len(items) // 2
                halves = (numbers[:middle], numbers[middle:])
                alone = [self._together({each: items[each] for each in half}) for half in halves]
                return alone[0] | alone[1]
            [(number, item)] = items.items()
            if not isinstance(error, DomainError):
                logger.exception("import failed", extra={"line": number})
            return {number: _refused(number, item.external_id, error)}
        return {
            number: _told(number, outcome, dry_run=dry_run)
            for number, outcome in zip(items, outcomes, strict=True)
        }


def _told(number: int, outcome: Outcome, *, dry_run: bool) -> Line:
    row, first = outcome.row, outcome.first_charge
    if row is None or outcome.problem is not None:
        problems = [outcome.problem] if outcome.problem else []
        return _line(number, outcome.item.external_id, problems)
    return {
        "line": number,
        "external_id": outcome.item.external_id,
        "status": "already_imported" if outcome.was_there else "imported",
        "subscription": None if dry_run and outcome.is_new else row.id,
        "period_end": written(row.period_end),
        "first_charge": first and {"at": written(first.at), "amount": asdict(first.amount)},
    }


def _refused(number: int, external_id: Any, error: Exception) -> Line:
    if not isinstance(error, DomainError):
        return _line(number, external_id, [FieldProblem("", "internal_error", "see the log")])
    whole = [FieldProblem("", error.code, error.detail)]
    return _line(number, external_id, list(error.errors) or whole)


def _line(number: int, external_id: Any, problems: list[FieldProblem]) -> Line:
    return {
        "line": number,
        "external_id": external_id,
        "status": "refused",
        "errors": [
            {"pointer": each.pointer, "code": each.code, "detail": each.detail} for each in problems
        ],
    }
