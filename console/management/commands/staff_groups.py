from typing import Any

from django.core.management.base import BaseCommand

from console.staff import MAY_CHANGE, make_groups


class Command(BaseCommand):
    help = "Makes the groups that staff belong to, with their permissions. Repeating it is safe."

    def handle(self, *_: Any, **__: Any) -> None:
        make_groups()
        self.stdout.write(f"groups: {', '.join(MAY_CHANGE)}")
