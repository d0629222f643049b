"""What the tests of this app share: clients, tokens honest and forged, and a door to knock at."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib import admin
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import include, path
from rest_framework.response import Response

from core import clock
from core.api.views import ApiRequest, ApiView
from core.principals import Scope
from core.transactions import unit_of_work
from customers.models import Customer
from identity import queries, services, tokens
from identity.models import Client
from identity.services import NewClientSecret

Json = dict[str, Any]


class ProbeView(ApiView):
    """Tells its caller who they are."""

    scopes: ClassVar = {"GET": Scope.ENTITLEMENTS_CHECK}

    def get(self, request: ApiRequest) -> Response:
        principal = request.principal
        return Response(
            {
                "actor": principal.actor,
                "scopes": sorted(principal.scopes),
                "customer": principal.customer_id,
                "product_service": principal.product_service,
            }
        )


urlpatterns = [
    path("", include("identity.api.urls")),
    path("admin/", admin.site.urls),
    path("v1/probe", ProbeView.as_view()),
]


def make_client(*scopes: str, **limits: str) -> NewClientSecret:
    return services.create_client(
        name="tester",
        scopes=scopes or ("entitlements:check",),
        now=clock.system_now(),
        **limits,
    )


def make_customer() -> Customer:
    now = clock.system_now()
    return unit_of_work(
        lambda: Customer.objects.create(
            currency="EUR", zone="UTC", created_at=now, last_acted_at=now
        )
    )


def token_for(client: Client, *, ago: timedelta = timedelta(0)) -> str:
    """Issue a token as it would have been issued some time ago."""
    return tokens.issue(client=client, now=clock.system_now() - ago).text


@contextmanager
def locked_table(name: str) -> Iterator[None]:
    """Hold a lock that everybody who reads the table waits for."""
    parameters = connection.get_connection_params()
    wanted = {each: parameters.get(each) for each in ("host", "port", "user", "password", "dbname")}
    with psycopg.connect(**wanted) as other:
        other.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


def ask(token: str, **headers: str) -> HttpResponse:
    return Browser().get("/v1/probe", headers={"Authorization": f"Bearer {token}", **headers})


def encoded(value: bytes | Json) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts_of(token: str) -> tuple[Json, Json]:
    header, claims, _ = token.split(".")
    return json.loads(decoded(header)), json.loads(decoded(claims))


def our_key(*, ago: timedelta = timedelta(0)) -> Ed25519PrivateKey:
    """The private key that really signs: what a forger never has, used to sign nonsense."""
    key = queries.signing_key(at=clock.system_now() - ago)
    assert key is not None
    return Ed25519PrivateKey.from_private_bytes(queries.private_half(key))


def signed(header: Json | bytes, claims: Json | bytes, key: Ed25519PrivateKey) -> str:
    """Sign by hand, with a library other than the one that verifies."""
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{encoded(key.sign(text.encode()))}"
