"""bin/check: what CI does. Cheap checks first; the tests only when all of those are clean."""

import difflib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local import environment
from deploy.local.console import say
from deploy.local.environment import PROJECT
from deploy.local.programs import manage
from deploy.local.testing import WHOLE_SUITE, run_pytest, throw_away_servers

TOOLS = Path(sys.executable).parent
SCHEMA = PROJECT / "openapi.yaml"
SCHEMA_DIFF_LINES = 80
COVERAGE = ("--cov", "--cov-report=term:skip-covered")


@dataclass(frozen=True, kw_only=True)
class Check:
    """`run` returns what is wrong, or nothing."""

    title: str
    run: Callable[[], str]


def main(arguments: Sequence[str]) -> int:
    """Returns 0 when everything is clean.

    Raises:
        LaunchError: the environment or the servers could not be made.
    """
    environment.refuse_production()
    environment.install_for_development()
    started = time.monotonic()
    if not all_clean(static_checks()):
        return _tell("Not clean. The checks that need a database, and the tests, were not run.")
    with throw_away_servers() as variables:
        if not all_clean(django_checks(variables)):
            return _tell("Not clean. The tests were not run.")
        result = run_pytest([*WHOLE_SUITE, *COVERAGE, *arguments], variables=variables)
    say(f"bin/check took {time.monotonic() - started:.0f} s")
    return result


def static_checks() -> list[Check]:
    """Those that only read the files."""
    scripts = [path for path in sorted((PROJECT / "bin").iterdir()) if _is_shell(path)]
    shell = [str(path) for path in (*scripts, PROJECT / ".ci" / "run")]
    return [
        _command("shell scripts", TOOLS / "shellcheck", "-x", *shell),
        _command("Dockerfile", TOOLS / "hadolint", "--failure-threshold", "info", "Dockerfile"),
        _command("format", TOOLS / "ruff", "format", "--check", "."),
        _command("lint", TOOLS / "ruff", "check", "."),
        _command("import contracts", TOOLS / "lint-imports"),
        _command("types", TOOLS / "mypy", ".", env=typing_environment()),
    ]


def typing_environment() -> dict[str, str]:
    """mypy's Django plugin loads the settings; it never connects."""
    return {
        **os.environ,
        "ENVIRONMENT": "test",
        "SECRET_KEY": "only for reading the settings",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "BASE_URL": "http://testserver",
    }


def django_checks(variables: Mapping[str, str]) -> list[Check]:
    """Those that run the project."""
    production = {
        **variables,
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "BASE_URL": "https://billing.example.com",
        "ALLOWED_HOSTS": "billing.example.com",
    }
    return [
        _command(
            "migrations are complete",
            *manage("makemigrations", "--check", "--dry-run"),
            env=variables,
        ),
        _command(
            "settings of production",
            *manage("check", "--deploy", "--fail-level", "WARNING"),
            env=production,
        ),
        Check(title="openapi.yaml is current", run=lambda: schema_drift(variables)),
    ]


def schema_drift(variables: Mapping[str, str]) -> str:
    """How the committed schema differs from what the code says."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / SCHEMA.name
        trouble = _run(
            manage("spectacular", "--validate", "--fail-on-warn", "--file", str(fresh)), variables
        )
        if trouble:
            return trouble
        generated = fresh.read_text()
    return difference(committed=SCHEMA.read_text() if SCHEMA.exists() else "", generated=generated)


def difference(*, committed: str, generated: str) -> str:
    """The lines that differ, the first eighty of them, and how to make the file again."""
    lines = list(
        difflib.unified_diff(
            committed.splitlines(), generated.splitlines(), "committed", "generated", lineterm=""
        )
    )
    if not lines:
        return ""
    make = "Make it again: manage.py spectacular --validate --fail-on-warn --file openapi.yaml"
    return "\n".join([*lines[:SCHEMA_DIFF_LINES], make])


def _command(title: str, *command: str | Path, env: Mapping[str, str] | None = None) -> Check:
    return Check(title=title, run=lambda: _run(command, env))


def _run(command: Sequence[str | Path], env: Mapping[str, str] | None) -> str:
    ran = subprocess.run(
        command,
        cwd=PROJECT,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if ran.returncode == 0:
        return ""
    return ran.stdout.strip() or f"{command[0]} failed with exit code {ran.returncode}"


def all_clean(checks: Sequence[Check]) -> bool:
    """Runs all of them, so that one look shows all that is wrong."""
    clean = True
    for check in checks:
        started = time.monotonic()
        trouble = check.run()
        verdict = "FAILED" if trouble else "ok"
        say(f"{verdict:<8}{check.title:<28}{time.monotonic() - started:6.1f} s")
        if trouble:
            clean = False
            say("\n".join(f"    {line}" for line in trouble.splitlines()))
    return clean


def _is_shell(path: Path) -> bool:
    return path.suffix == ".sh" or path.read_bytes().startswith(b"#!/usr/bin/env bash")


def _tell(verdict: str) -> int:
    say(verdict)
    return 1
