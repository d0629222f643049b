"""What the commands of this app share."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import acting
from core.errors import DomainError


class OperatorCommand(BaseCommand, ABC):
    """A command with actions. Who types it acts as ``system:manage`` and may say why.

    Whoever runs it can read the database and its secrets anyway, so nobody is asked for a token.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting.acting_as("system:manage", reason=options.get("reason", "")):
                self.run(options)
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.detail}") from error

    @abstractmethod
    def run(self, options: dict[str, Any]) -> None:
        """Do the action. A DomainError is shown as the command's failure."""


def add_reason(*parsers: ArgumentParser) -> None:
    for parser in parsers:
        parser.add_argument("--reason", default="", help="why; kept in the audit log")
