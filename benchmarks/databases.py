"""Databases that a benchmark makes, and the processes it runs on them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.testing import throw_away_servers


@contextmanager
def a_server() -> Iterator["Server"]:
    """Use the server of DATABASE_URL, or start one and throw it away afterwards."""
    if "DATABASE_URL" in os.environ:
        yield Server(dict(os.environ))
        return
    with throw_away_servers() as environment:
        yield Server(environment)


@contextmanager
def subscribed(count: int) -> Iterator[tuple["Server", str]]:
    """Make a database with so many customers whose subscription is due: the server and its name."""
    with a_server() as server, server.database("seed") as seed:
        print(f"making {count:,} subscriptions …", flush=True)
        if server.python(seed, "benchmarks.renewals_seed", str(count)).wait():
            raise SystemExit("the data could not be made")
        yield server, seed


def stream(of_process: Any) -> Any:
    """Return a stream that a process was started with."""
    if of_process is None:
        raise RuntimeError("the process has no such stream")
    return of_process


class Server:
    """The database server, and what is run on its databases."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._url = urlsplit(environment["DATABASE_URL"])

    @contextmanager
    def database(self, name: str, *, like: str = "template1") -> Iterator[str]:
        """Make a database, and drop it afterwards."""
        full = f"benchmark_{name}_{os.getpid()}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(full), sql.Identifier(like)
                )
            )
        try:
            yield full
        finally:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                connection.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(full))
                )

    def url(self, database: str) -> str:
        return urlunsplit(self._url._replace(path=f"/{database}"))

    def python(self, database: str, module: str, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            "SECRET_KEY": "only for this benchmark",
            "BASE_URL": "http://127.0.0.1",
            **self._environment,
            "ENVIRONMENT": "test",
            "DATABASE_URL": self.url(database),
        }
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
