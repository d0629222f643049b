"""bin/manage: Django's commands, on what bin/run has started."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import environment, places
from deploy.local.environment import PROJECT
from deploy.local.errors import LaunchError

FILE = "environment.json"
NAMES = (
    "ENVIRONMENT",
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "BASE_URL",
    "PRODUCT_SERVICE_NETWORKS",
)


def keep(data: Path, variables: Mapping[str, str]) -> None:
    """Writes down what the platform's processes were given, for their owner only."""
    chosen = {name: variables[name] for name in NAMES}
    with os.fdopen(os.open(data / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(chosen, file, indent=1)


def main(arguments: Sequence[str]) -> int:
    """Becomes manage.py.

    Raises:
        LaunchError: bin/run has not been started here.
    """
    environment.refuse_production()
    file = places.data_folder() / FILE
    if not file.exists():
        raise LaunchError("Start bin/run first: bin/manage works on what that has started.")
    variables = {**os.environ, **json.loads(file.read_text())}
    command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
    os.execve(command[0], command, variables)
