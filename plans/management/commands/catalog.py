"""``manage.py catalog``: the catalog as one document, for people and pipelines."""

import sys
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import acting
from core.errors import DomainError
from plans.document.difference import CatalogPlan, pointer_of
from plans.document.text import load
from plans.services import apply_catalog, export_catalog, plan_catalog


class Command(BaseCommand):
    help = "Plan or apply a catalog document (YAML or JSON), or export the stored catalog."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        plan = verbs.add_parser("plan", help="show what applying would do; exits 1 on errors")
        plan.add_argument("file", help="path of the document, or - for standard input")
        apply = verbs.add_parser("apply", help="make the catalog what the document says")
        apply.add_argument("file", help="path of the document, or - for standard input")
        apply.add_argument("--dry-run", action="store_true", help="the same as plan")
        apply.add_argument("--actor", default="system:catalog", help="who is kept as the author")
        apply.add_argument("--reason", default="", help="why, kept in the audit log")
        verbs.add_parser("export", help="write the catalog as YAML to standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "export":
            self.stdout.write(yaml.safe_dump(export_catalog(), sort_keys=False, allow_unicode=True))
            return
        try:
            tree = load(_read(options["file"]))
            if options["verb"] == "plan" or options["dry_run"]:
                plan = plan_catalog(tree=tree)
            else:
                with acting.acting_as(options["actor"], reason=options["reason"]):
                    plan = apply_catalog(tree=tree)
        except DomainError as error:
            self._refuse(error.detail, error.errors)
        if plan.errors:
            self._refuse("the document cannot be applied", plan.errors)
        if options["verbosity"]:
            self._show(plan)

    def _refuse(self, detail: str, errors: Any) -> None:
        for each in errors:
            self.stderr.write(f"{each.pointer or '/'}: {each.code}: {each.detail}")
        raise CommandError(detail)

    def _show(self, plan: CatalogPlan) -> None:
        for created in plan.create:
            self.stdout.write(f"create       {created.pointer}")
        for pointer, change in plan.updates:
            where = f"{pointer}/{change.field}"
            self.stdout.write(f"update       {where}: {change.before} -> {change.after}")
        for line in plan.new_versions:
            pointer = pointer_of(line.section, line.key, line.line)
            published = "published" if line.publish else "a draft"
            self.stdout.write(f"new version  {pointer}, {published}")
        for pointer in plan.unmanaged:
            self.stdout.write(f"unmanaged    {pointer}")
        self.stdout.write(f"{len(plan.unchanged)} objects unchanged")


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error
