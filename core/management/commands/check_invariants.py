"""``manage.py check_invariants``: prove that the database holds what must always hold."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from core.invariants import Invariant, installed

SHOWN = 20


class Command(BaseCommand):
    help = "Check every invariant on the live database; exits 1 and names the rows if one fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", help="only these invariants")

    def handle(self, *args: Any, **options: Any) -> None:
        known = {each.name: each for each in installed()}
        unknown = sorted(set(options["names"]) - known.keys())
        if unknown:
            raise CommandError(f"no such invariant: {', '.join(unknown)}")
        chosen = [known[name] for name in options["names"] or known]
        with transaction.atomic():
            with connection.cursor() as cursor:  # one snapshot: writers do not disturb the check
                if not connection.savepoint_ids:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            broken = [each.name for each in chosen if not self._holds(each)]
        if broken:
            raise CommandError(f"{len(broken)} of {len(chosen)} broken: {', '.join(broken)}")
        self.stdout.write(self.style.SUCCESS(f"{len(chosen)} invariants hold"))

    def _holds(self, invariant: Invariant) -> bool:
        offenders = list(invariant.find())
        if offenders:
            shown = ", ".join(offenders[:SHOWN])
            more = f" and {len(offenders) - SHOWN} more" if len(offenders) > SHOWN else ""
            self.stderr.write(f"{invariant.name}: {invariant.meaning}\n  {shown}{more}")
        return not offenders
