"""bin/run: everything on one machine, with a real price list, until Ctrl-C."""

import argparse
import base64
import functools
import http.client
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from deploy.local import demo, environment, places, ports, programs, servers
from deploy.local.console import say, step
from deploy.local.environment import PROJECT
from deploy.local.errors import LaunchError
from deploy.local.manage import keep
from deploy.local.places import Places
from deploy.local.ports import HeldPort
from deploy.local.processes import Supervisor, die_with_parent, start_guard, tail
from deploy.local.remembered import Remembered

CATALOG = "examples/catalog.yaml"
ANSWER_SECONDS = 60.0
# Set in so many words: a shell starts background jobs with SIGINT ignored.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Where the search for a free port begins on the first start; later ones begin where it ended.
FIRST_PORTS = {"web": 8000, "postgresql": 15432, "valkey": 16379, "edge": 8701, "developer": 8702}


def main(arguments: Sequence[str]) -> int:
    """Runs until it is told to stop.

    Raises:
        LaunchError: something is missing or does not start.
    """
    options = _read(arguments)
    environment.refuse_production()
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    started = time.monotonic()
    environment.install_for_running()
    data = places.data_folder()
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    with places.hold(data) as lock:
        here = places.open_places(data)
        if options.reset:
            _reset(here)
        with supervised(keep_open=lock.fileno()) as supervisor:
            _start(supervisor=supervisor, here=here, wanted_port=options.port)
            say(f"Ready after {time.monotonic() - started:.1f} s. Ctrl-C stops everything.")
            _tend_until_told(supervisor)
            say(f"\nStopping. The data stays in {data}.")
    return 0


@contextmanager
def supervised(
    *, keep_open: int | None = None, remove: tuple[Path, ...] = ()
) -> Iterator[Supervisor]:
    """A supervisor with its guard. At the end all that it started has ended; `remove` is gone."""
    guard = start_guard(keep_open=keep_open, remove=remove)
    assert guard.stdin is not None  # start_guard gives it a pipe
    supervisor = Supervisor(guard=guard.stdin)
    try:
        yield supervisor
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop()
        guard.stdin.close()
        guard.wait()


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/run",
        description="Starts the whole platform on this machine, with a sample price list, demo "
        "customers and two sample product services.",
        epilog="DATABASE_URL and REDIS_URL replace the servers it would start; BILLING_DATA_DIR "
        "replaces .local as the place of its data.",
    )
    parser.add_argument("--port", type=_port, help="where the web server listens (8000 at first)")
    parser.add_argument("--reset", action="store_true", help="delete the data and start over")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65535")
    return int(text)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _reset(here: Places) -> None:
    if any(servers.given()):
        raise LaunchError(
            "--reset deletes what this command made. It does not touch the server that "
            "DATABASE_URL or REDIS_URL names: empty that yourself, or unset the variable."
        )
    with step("Deleting the data of earlier starts"):
        places.reset(here)


def _start(*, supervisor: Supervisor, here: Places, wanted_port: int | None) -> None:
    remembered = Remembered(here.data / "remembered.json")
    with ports.alone():
        chosen = _choose_ports(remembered=remembered, wanted_web=wanted_port)
    base_url = f"http://{ports.HOST}:{chosen['web'].number}"
    database_url, redis_url = start_servers(
        supervisor=supervisor,
        here=here,
        remembered=remembered,
        chosen=chosen,
        durability=servers.KEEP,
    )
    variables = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "ENVIRONMENT": "development",
        "SECRET_KEY": remembered.get_or_make(name="secret key", make=_make_secret_key),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BASE_URL": base_url,
        "PRODUCT_SERVICE_NETWORKS": f"{ports.HOST}/32",
    }
    keep(here.data, variables)
    shown = _prepare(here=here, remembered=remembered, variables=variables, chosen=chosen)
    with step("Starting web, worker, beat, relay and two sample product services"), ports.alone():
        for key in programs.SERVICES:
            supervisor.start(
                programs.product_service(
                    places=here,
                    environment=variables,
                    key=key,
                    port=chosen[key].release(),
                    secret=_service_secret(remembered, key),
                )
            )
        for program in programs.platform(
            places=here, environment=variables, web_port=chosen["web"].release()
        ):
            supervisor.start(program)
        asked = {"web": "/readyz", **{key: "/held" for key in programs.SERVICES}}
        for key, path in asked.items():
            answers = functools.partial(_answers, chosen[key], path)
            name = key if key == "web" else f"service-{key}"
            supervisor.wait_until(answers, name=name, seconds=ANSWER_SECONDS)
    say()
    demo.show(demo=shown, base_url=base_url)
    for key in programs.SERVICES:
        say(f"  Sample product service {key:<10} {_url(chosen[key])}/")
    say(f"  Logs                              {here.logs}\n")


def start_servers(
    *,
    supervisor: Supervisor,
    here: Places,
    remembered: Remembered,
    chosen: Mapping[str, HeldPort],
    durability: servers.Durability,
) -> tuple[str, str]:
    """DATABASE_URL and REDIS_URL: those given, or of servers started here.

    Raises:
        LaunchError: one that was given does not answer, or there is no server to start.
    """
    database_url, redis_url = servers.given()
    if database_url is None:
        with step(f"Starting PostgreSQL on port {chosen['postgresql'].number}"):
            database_url = servers.start_postgresql(
                places=here,
                remembered=remembered,
                supervisor=supervisor,
                port=chosen["postgresql"],
                durability=durability,
            )
    else:
        with step("Reaching the PostgreSQL of DATABASE_URL"):
            servers.check_given_database(database_url)
    if redis_url is None:
        with step(f"Starting Valkey on port {chosen['valkey'].number}"):
            redis_url = servers.start_valkey(
                places=here,
                remembered=remembered,
                supervisor=supervisor,
                port=chosen["valkey"],
                durability=durability,
            )
    else:
        with step("Reaching the server of REDIS_URL"):
            servers.check_given_broker(redis_url)
    return database_url, redis_url


def _prepare(
    *,
    here: Places,
    remembered: Remembered,
    variables: Mapping[str, str],
    chosen: Mapping[str, HeldPort],
) -> demo.Demo:
    log = here.logs / "prepare.log"
    with step("Migrating the database"):
        manage("migrate", "--no-input", variables=variables, log=log)
    if servers.sells_something(variables["DATABASE_URL"]):
        say("Keeping the price list that is there.")
    else:
        with step(f"Applying the price list {CATALOG}"):
            manage("catalog", "apply", CATALOG, variables=variables, log=log)
    urls = [f"--service-url={key}={_url(chosen[key])}" for key in programs.SERVICES]
    keys = ",".join(f"{key}={_service_secret(remembered, key)}" for key in programs.SERVICES)
    with step("Creating demo customers, logins and API clients"):
        output = manage(
            "demo",
            f"--base-url={variables['BASE_URL']}",
            *urls,
            variables={**variables, "DEMO_SERVICE_SECRETS": keys},
            log=log,
        )
    return demo.read(output)


def manage(*arguments: str, variables: Mapping[str, str], log: Path) -> str:
    """Runs a management command; returns what it printed. What it reports goes to the log.

    Raises:
        LaunchError: it failed.
    """
    with log.open("wb") as errors:
        ran = subprocess.run(
            programs.manage(*arguments),
            cwd=PROJECT,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    if ran.returncode != 0:
        raise LaunchError(f"`manage.py {' '.join(arguments)}` failed.\n{ran.stdout}{tail(log)}")
    return ran.stdout


def _choose_ports(*, remembered: Remembered, wanted_web: int | None) -> dict[str, HeldPort]:
    chosen: dict[str, HeldPort] = {}
    given = dict(zip(("postgresql", "valkey"), servers.given(), strict=True))
    for name, first in FIRST_PORTS.items():
        if given.get(name) is not None:
            continue
        wanted = int(remembered.get(f"{name} port") or first)
        if name == "web" and wanted_web is not None:
            wanted = wanted_web
        port = ports.hold_free(wanted=wanted)
        if port.number != wanted:
            say(f"Port {wanted} is taken; {name} uses {port.number}.")
        remembered.put(name=f"{name} port", value=str(port.number))
        chosen[name] = port
    return chosen


def _service_secret(remembered: Remembered, key: str) -> str:
    return remembered.get_or_make(name=f"signing secret of {key}", make=_make_signing_secret)


def _make_signing_secret() -> str:
    """As Standard Webhooks writes them: 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _make_secret_key() -> str:
    return secrets.token_urlsafe(50)


def _url(port: HeldPort) -> str:
    return f"http://{ports.HOST}:{port.number}"


def _answers(port: HeldPort, path: str) -> bool:
    connection = http.client.HTTPConnection(ports.HOST, port.number, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tend_until_told(supervisor: Supervisor) -> None:
    try:
        while True:
            supervisor.tend()
            time.sleep(0.2)
    except KeyboardInterrupt:
        return
