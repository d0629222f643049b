"""``manage.py after_restore``: what to run once after a backup has been restored."""

from typing import Any

from django.core.management.base import BaseCommand

from core import acting
from entitlements import services


class Command(BaseCommand):
    help = (
        "Begin a new epoch of entitlement revisions, so that readers who saw later ones of the "
        "lost history accept those of the restored one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with acting.acting_as("system:after_restore"):
            customers = services.begin_epoch()
        self.stdout.write(self.style.SUCCESS(f"a new epoch for {customers} customers"))
