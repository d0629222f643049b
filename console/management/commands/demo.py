"""``manage.py demo``: what ``bin/run`` shows to a first visitor. Prints one JSON object."""

import json
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.demo import Demo, DemoService, make_demo
from core.acting import acting_as
from core.errors import DomainError

SECRETS_VARIABLE = "DEMO_SERVICE_SECRETS"


class Command(BaseCommand):
    help = (
        "Makes demo customers, staff logins and API clients, and prints them as JSON. Refused in "
        f"production. {SECRETS_VARIABLE} holds the signing secrets: KEY=whsec_…,KEY=whsec_…"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base-url", required=True, help="where the web server answers")
        parser.add_argument(
            "--service-url", action="append", default=[], metavar="KEY=URL",
            help="where a product service of the catalog answers; may be repeated",
        )  # fmt: skip

    def handle(self, *_: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("demo logins have no place in production")
        services = _services(options["service_url"], os.environ.get(SECRETS_VARIABLE, ""))
        try:
            with acting_as("system:demo"):
                demo = make_demo(base_url=options["base_url"], services=services)
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(json.dumps(_shown(demo)))


def _services(urls: list[str], secrets: str) -> list[DemoService]:
    known = dict(_pair(each) for each in secrets.split(",") if each)
    services = []
    for key, url in map(_pair, urls):
        if key not in known:
            raise CommandError(f"{SECRETS_VARIABLE} holds no secret for {key}")
        services.append(DemoService(key, url, known[key]))
    return services


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not (key and separator and value):
        raise CommandError(f"expected KEY=VALUE, not {text!r}")
    return key, value


def _shown(demo: Demo) -> dict[str, Any]:
    return {
        "staff": [{"username": each.username, "password": each.password} for each in demo.staff],
        "clients": [
            {
                "client_id": each.client_id,
                "client_secret": each.client_secret,
                "scopes": each.scopes,
            }
            for each in demo.clients
        ],
        "curl": demo.curl,
    }
