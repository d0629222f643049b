"""Is the process alive, and can it do its work? Asked by load balancers and by operators."""

from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response

from core.api.describing import documented
from core.api.serializers import Output
from core.api.views import ApiRequest, ApiView
from core.errors import Unavailable

BROKER_TIMEOUT_SECONDS = 0.3


class NotReady(Unavailable):
    """The service cannot do its work yet, or not at the moment; ``reasons`` says why."""

    code = "not_ready"


class AliveOut(Output):
    status = serializers.ChoiceField(choices=["alive"])


class ReadyOut(Output):
    status = serializers.ChoiceField(choices=["ready"])
    broker = serializers.ChoiceField(
        choices=["reachable", "unreachable", "none"],
        help_text="Work is done without a broker too, only later.",
    )


class Alive(ApiView):
    public = True

    @documented(
        AliveOut,
        tag="operations",
        summary="Tell whether the process answers",
        description="Asks nothing else: a database that is away is no reason to restart.",
        response_example={"status": "alive"},
    )
    def get(self, request: ApiRequest) -> Response:
        return Response({"status": "alive"})


class Ready(ApiView):
    public = True

    @documented(
        ReadyOut,
        tag="operations",
        summary="Tell whether requests can be served",
        description="The database must answer and have every migration; the broker may be away.",
        problems=(NotReady,),
        response_example={"status": "ready", "broker": "reachable"},
    )
    def get(self, request: ApiRequest) -> Response:
        """:raises NotReady: 503, with the reasons"""
        broker = broker_state()
        reasons = problems_of_the_database()
        if reasons:
            raise NotReady("not ready", reasons=reasons, broker=broker)
        return Response({"status": "ready", "broker": broker})


def problems_of_the_database() -> list[str]:
    """Return what keeps the database from being used, in words without any of its details."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError):
        return ["the database does not answer"]
    return [f"{len(missing)} migrations are not applied"] if missing else []


def broker_state() -> str:
    """Return ``reachable``, ``unreachable``, or ``none`` where no broker is configured."""
    if not settings.REDIS_URL:
        return "none"
    client: Any = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=BROKER_TIMEOUT_SECONDS,
        socket_timeout=BROKER_TIMEOUT_SECONDS,
    )
    try:
        client.ping()
    except redis.RedisError:
        return "unreachable"
    finally:
        client.close()
    return "reachable"


urlpatterns = [path("healthz", Alive.as_view()), path("readyz", Ready.as_view())]
