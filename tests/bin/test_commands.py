"""The parts of bin/run, bin/test and bin/check that decide something."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from deploy.local import binaries, check, demo, run, testing
from deploy.local.environment import PROJECT
from deploy.local.errors import LaunchError

ANSWER: dict[str, Any] = {
    "staff": [{"username": "ada", "password": "p"}],
    "clients": [{"client_id": "cli", "client_secret": "s", "scopes": ["a:read", "b:write"]}],
    "curl": ["curl http://127.0.0.1:8000/readyz"],
}


def test_what_the_demo_made_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    demo.show(demo=demo.read(json.dumps(ANSWER)), base_url="http://127.0.0.1:8000")

    shown = capsys.readouterr().out.splitlines()
    assert "  API docs   http://127.0.0.1:8000/docs" in shown
    assert "  Admin      http://127.0.0.1:8000/admin/" in shown
    assert "  ada                  p" in shown
    assert "  scopes         a:read b:write" in shown
    assert "curl http://127.0.0.1:8000/readyz" in shown


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Created 3 customers",
        "[]",
        json.dumps({**ANSWER, "clients": [{"client_id": "cli"}]}),
        json.dumps({**ANSWER, "curl": ["http GET /readyz"]}),
        json.dumps({**ANSWER, "curl": ["curl a \\\n b"]}),
    ],
    ids=["nothing", "prose", "a list", "no secret", "not curl", "two lines"],
)
def test_a_demo_that_prints_something_else_is_quoted(output: str) -> None:
    with pytest.raises(LaunchError, match="did not print what was expected") as caught:
        demo.read(output)

    assert str(caught.value).endswith(output)


@pytest.mark.parametrize("port", ["0", "65536", "-5", "80x", ""])
def test_what_is_not_a_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main([f"--port={port}"])

    assert f"argument --port: {port} is not a port from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), False),
        (("-n", "2"), False),
        (("-k", "ports"), False),
        (("tests/bin",), True),
        (("-x", "tests/bin/test_commands.py::test_x"), True),
    ],
)
def test_the_browser_is_needed_unless_tests_are_named(
    arguments: tuple[str, ...], named: bool
) -> None:
    assert testing.names_tests(arguments) is named


def test_the_newest_postgresql_of_debian_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for version in ("9.6", "14", "15", "17", "18"):
        (tmp_path / version / "bin").mkdir(parents=True)
    for version in ("9.6", "14", "15", "17"):  # 18 lost its server
        (tmp_path / version / "bin" / "postgres").touch()

    assert binaries.newest_debian_postgresql(tmp_path) == tmp_path / "17" / "bin"


def test_a_machine_without_a_new_enough_postgresql_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "14" / "bin").mkdir(parents=True)
    (tmp_path / "14" / "bin" / "postgres").touch()

    with pytest.raises(LaunchError, match="apt-get install postgresql redis-server"):
        binaries.newest_debian_postgresql(tmp_path)


def test_the_version_of_a_postgresql_is_read_from_itself(tmp_path: Path) -> None:
    postgres = tmp_path / "postgres"
    postgres.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'\n")
    postgres.chmod(0o755)

    assert binaries.major_version(postgres) == 15


def test_every_check_is_shown_with_its_verdict_and_all_of_them_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = [
        check.Check(title="types", run=lambda: "a.py:1: wrong"),
        check.Check(title="lint", run=lambda: ""),
    ]

    assert check.all_clean(checks) is False
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown[0][:2] == ["FAILED", "types"]
    assert shown[1] == ["a.py:1:", "wrong"]
    assert shown[2][:2] == ["ok", "lint"]
    assert check.all_clean(checks[1:]) is True


def test_a_schema_that_differs_from_the_code_is_shown_as_a_difference() -> None:
    shown = check.difference(committed="a: 1\nb: 2\n", generated="a: 1\nb: 3\n")

    assert "-b: 2" in shown
    assert "+b: 3" in shown
    assert check.difference(committed="a: 1\n", generated="a: 1\n") == ""


@pytest.mark.slow
def test_bin_test_starts_servers_of_its_own_and_ends_as_pytest_does(tmp_path: Path) -> None:
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL", "ENVIRONMENT")
        and not name.startswith(("PYTEST", "COV_"))
    }
    before = set(Path(tempfile.gettempdir()).glob("billing-test-*"))

    ran = subprocess.run(
        [PROJECT / "bin" / "test", "tests/bin/test_ports.py", "-k", "no_test_has_this_name"],
        cwd=tmp_path,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, ran.stdout + ran.stderr
    assert "Starting PostgreSQL on port" in ran.stdout
    assert "Starting Valkey on port" in ran.stdout
    left = set(Path(tempfile.gettempdir()).glob("billing-test-*")) - before
    assert not left
