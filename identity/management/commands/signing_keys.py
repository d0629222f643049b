"""``manage.py signing_keys``: the keys that sign access tokens."""

from argparse import ArgumentParser
from typing import Any

from core import clock
from identity import services
from identity.lifetimes import KEY_REMOVED_AFTER
from identity.management.base import OperatorCommand, add_reason
from identity.models import SigningKey


class Command(OperatorCommand):
    help = "Rotate the keys that sign access tokens, or list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        rotate = actions.add_parser(
            "rotate", help="publish the next key; it signs after ten minutes"
        )
        rotate.add_argument(
            "--compromised",
            action="store_true",
            help="forget every key at once: all tokens become invalid",
        )
        actions.add_parser("list", help="list keys with what each is for")
        add_reason(rotate)

    def run(self, options: dict[str, Any]) -> None:
        now = clock.system_now()
        if options["action"] == "rotate":
            rotate = (
                services.replace_signing_keys
                if options["compromised"]
                else services.rotate_signing_key
            )
            rotate(now=now)
        for key in SigningKey.objects.all():
            line = f"{key.id} {key.state(at=now)} from {key.not_before:%FT%TZ}"
            if key.not_after is not None:
                line += f" until {key.not_after:%FT%TZ}"
                line += f", published until {key.not_after + KEY_REMOVED_AFTER:%FT%TZ}"
            self.stdout.write(line)
