"""``manage.py problem_reference``: write the page that lists every problem."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.api import problem_catalogue

PAGE = Path("docs/reference/problems.md")


class Command(BaseCommand):
    requires_system_checks = ()
    help = f"Write {PAGE} from the errors in the code."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / PAGE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(problem_catalogue.page(), encoding="utf-8")
        self.stdout.write(f"wrote {PAGE}")
