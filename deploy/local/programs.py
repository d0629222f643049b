"""The processes of the platform, as they run on one machine."""

import sys
from collections.abc import Mapping

from deploy.local.environment import PROJECT
from deploy.local.places import Places
from deploy.local.ports import HOST
from deploy.local.processes import Program

# The product services that examples/product_service plays, by the keys the demo registers.
SERVICES = ("edge", "developer")


def platform(*, places: Places, environment: Mapping[str, str], web_port: int) -> list[Program]:
    """Web, worker, beat and relay."""
    # Only the web process pools its connections: a prefork worker closes a pool at every task.
    pooled = {**environment, "DATABASE_POOL": "1"}
    serve = ("--interface", "wsgi", "--host", HOST, "--port", str(web_port))
    threads = ("--workers", "1", "--blocking-threads", "8", "billing.wsgi:application")
    celery = ("-m", "celery", "-A", "billing")
    return [
        _python(places, pooled, "web", "-m", "granian", *serve, *threads),
        _python(
            places,
            environment,
            "worker",
            *celery,
            "worker",
            "--loglevel",
            "info",
            "--concurrency",
            "2",
        ),
        _python(
            places,
            environment,
            "beat",
            *celery,
            "beat",
            *("-S", "redbeat.RedBeatScheduler"),
            "--pidfile=",
        ),
        _python(places, environment, "relay", "manage.py", "relay"),
    ]


def product_service(
    *, places: Places, environment: Mapping[str, str], key: str, port: int, secret: str
) -> Program:
    """One sample product service. It knows nothing of the platform but the signing secret."""
    state = places.data / "services"
    state.mkdir(mode=0o700, exist_ok=True)
    own = {name: value for name, value in environment.items() if name not in PLATFORM_ONLY}
    return _python(
        places,
        {**own, "PRODUCT_SERVICE_SECRETS": secret},
        f"service-{key}",
        *("-m", "examples.product_service", "--host", HOST, "--port", str(port)),
        *("--state", str(state / f"{key}.json")),
    )


PLATFORM_ONLY = frozenset({"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEMO_SERVICE_SECRETS"})


def _python(places: Places, environment: Mapping[str, str], name: str, *arguments: str) -> Program:
    return Program(
        name=name,
        command=(sys.executable, *arguments),
        environment=environment,
        directory=PROJECT,
        log=places.logs / f"{name}.log",
    )


def manage(*arguments: str) -> tuple[str, ...]:
    """The command line of a management command."""
    return (sys.executable, "manage.py", *arguments)
