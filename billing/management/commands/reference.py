"""``manage.py reference``: write the reference pages that are made from the code."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand

from billing import wiring
from billing.management.pages import events, states
from core.events import EventType

FOLDER = Path("docs/reference")


def published() -> dict[str, tuple[EventType, ...]]:
    """Return the event types of each app of the project, in the order of the apps."""
    root = Path(settings.BASE_DIR)
    found = {}
    for app in apps.get_app_configs():
        if Path(app.path).parent == root and find_spec(f"{app.name}.events"):
            module = import_module(f"{app.name}.events")
            if hasattr(module, "EVENT_TYPES"):  # core.events has none: it publishes for all
                found[app.name] = module.EVENT_TYPES
    return found


def events_page() -> str:
    """Return the page about events."""
    return events.page(published(), projections=wiring.PROJECTIONS, reactions=wiring.REACTIONS)


PAGES: Mapping[str, Callable[[], str]] = {"events.md": events_page, "states.md": states.page}


class Command(BaseCommand):
    help = f"Write {' and '.join(PAGES)} in {FOLDER} from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, page in PAGES.items():
            (Path(settings.BASE_DIR) / FOLDER / name).write_text(page(), encoding="utf-8")
            self.stdout.write(f"wrote {FOLDER / name}")
