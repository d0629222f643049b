"""bin/test: the tests, on database servers of their own that are thrown away afterwards."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local import environment, places, servers
from deploy.local.console import say
from deploy.local.environment import PROJECT
from deploy.local.ports import HeldPort
from deploy.local.processes import die_with_parent
from deploy.local.remembered import Remembered
from deploy.local.run import start_servers, supervised

WHOLE_SUITE = ("-n", "2")


def main(arguments: Sequence[str]) -> int:
    """Runs pytest with the arguments; its exit code is the result.

    Raises:
        LaunchError: the environment or the servers could not be made.
    """
    environment.refuse_production()
    environment.install_for_development()
    with throw_away_servers() as variables:
        return run_pytest(arguments or WHOLE_SUITE, variables=variables)


@contextmanager
def throw_away_servers() -> Iterator[dict[str, str]]:
    """The environment of a process that may use them."""
    data = Path(tempfile.mkdtemp(prefix="billing-test-"))
    data.chmod(0o711)
    here = places.open_places(data)
    with supervised(remove=(here.data, here.servers)) as supervisor:
        database_url, redis_url = start_servers(
            supervisor=supervisor,
            here=here,
            remembered=Remembered(here.data / "remembered.json"),
            chosen={"postgresql": HeldPort(), "valkey": HeldPort()},
            durability=servers.THROW_AWAY,
        )
        yield {
            **os.environ,
            "ENVIRONMENT": "test",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "BASE_URL": "http://testserver",
        }


def run_pytest(arguments: Sequence[str], *, variables: Mapping[str, str]) -> int:
    """In the foreground, so that a debugger works; Ctrl-C reaches pytest itself."""
    if not names_tests(arguments) and not _browser_is_there():
        say("Going on without: the tests that need the browser will fail.")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=PROJECT,
        env=dict(variables),
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # pytest got it as well, and ends in its own way


def _browser_is_there() -> bool:
    """Installs it where that is possible; says how where it is not."""
    return subprocess.run([PROJECT / "bin" / "browser"], stdin=subprocess.DEVNULL).returncode == 0


def names_tests(arguments: Sequence[str]) -> bool:
    """Whether some argument is a file or folder of tests, so that not the whole suite runs."""
    return any((PROJECT / argument.split("::")[0]).exists() for argument in arguments)
