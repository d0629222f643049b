"""A small language for stories: everything goes through the public API, in the customer's time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.test import Client

from core import acting, clock, relay
from core.models import Event
from core.principals import Scope
from identity import services as identity
from tests import kept

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def instant(text: str) -> str:
    """``2026-01-31`` is midnight UTC of that day; a full timestamp stays what it is."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=at.tzinfo or UTC).isoformat().replace("+00:00", "Z")


@dataclass
class World:
    """The whole platform with the real price list, one caller who may do everything, one clock."""

    client: Client
    token: str = ""
    clock_id: str | None = None
    names: dict[str, str] = field(default_factory=dict)

    def open(self, catalog: str = "catalog.yaml") -> None:
        """Sell what a document says: one of the examples, or any other by its full path."""
        path = EXAMPLES / catalog
        apply = partial(call_command, "catalog", "apply", str(path), verbosity=0)
        kept.written_once(path.read_text(), apply)
        self.token = self.token_for(list(Scope))

    def token_for(self, scopes: list[Scope], **limits: str) -> str:
        """Return an access token, got as a client gets it."""
        with acting.acting_as("test"):
            made = identity.create_client(
                name="test", scopes=scopes, now=clock.system_now(), **limits
            )
        answer = self.client.post(
            "/oauth/token",
            f"grant_type=client_credentials&client_id={made.client.id}&client_secret={made.text}",
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code == 200, answer.content
        token: str = answer.json()["access_token"]
        return token

    def starts_on(self, text: str) -> None:
        clock_made = self.post("test-clocks", status=201, frozen_at=instant(text))
        self.clock_id = clock_made["resource"]["id"]

    def customer(self, key: str = "ada", **more: Any) -> str:
        on_clock = {"test_clock": self.clock_id} if self.clock_id else {}
        body = {"key": key, "currency": "USD", **on_clock, **more}
        return str(self.post("customers", status=201, **body)["resource"]["id"])

    def zone(self, customer: str, key: str = "shop.example", **more: Any) -> str:
        made = self.post(f"customers/{customer}/subjects", status=201, key=key, kind="zone", **more)
        return str(made["resource"]["id"])

    def subscription(self, owner: str) -> dict[str, Any]:
        """Return the one current subscription of a customer itself or of a subject."""
        name = "subject" if owner.startswith("sbj_") else "customer"
        rows = [
            row
            for row in self.get("subscriptions", **{name: owner})["data"]
            if row["state"] != "canceled" and (name == "subject" or row["subject"] is None)
        ]
        assert len(rows) == 1, rows
        return dict(rows[0])

    def change(self, owner: str, plan: str, status: int = 200, **more: Any) -> dict[str, Any]:
        path = f"subscriptions/{self.subscription(owner)['id']}/change"
        return self.post(path, status=status, plan=plan, **more)

    def check(self, feature: str, **query: Any) -> dict[str, Any]:
        return self.get("entitlements/check", feature=feature, **query)

    def advance_to(self, text: str) -> None:
        self.post(f"test-clocks/{self.clock_id}/advance", status=202, to=instant(text))
        self.settle()
        stands = self.get(f"test-clocks/{self.clock_id}")
        assert (stands["status"], stands["frozen_at"]) == ("ready", instant(text))

    def settle(self) -> None:
        """Do all waiting work, as the relay does."""
        with acting.acting_as("system:relay"):
            relay.drain()

    def events(self, customer: str, subject: str | None = None) -> list[str]:
        """Return what happened to a customer, or to one subject of it, oldest first."""
        rows = Event.objects.filter(customer_id=customer).order_by("sequence")
        if subject is not None:
            rows = rows.filter(subject_id=subject)
        return list(rows.values_list("type", flat=True))

    def get(self, path: str, *, status: int = 200, **query: Any) -> dict[str, Any]:
        return self.call("GET", path, status=status, query=query)

    def post(self, path: str, *, status: int = 200, **body: Any) -> dict[str, Any]:
        return self.call("POST", path, status=status, body=body)

    def put(self, path: str, *, status: int = 200, **body: Any) -> dict[str, Any]:
        return self.call("PUT", path, status=status, body=body)

    def delete(self, path: str, *, status: int = 200) -> dict[str, Any]:
        return self.call("DELETE", path, status=status)

    def call(
        self,
        method: str,
        path: str,
        *,
        status: int,
        body: Any = None,
        query: dict[str, Any] | None = None,
        token: str | None = None,
        **headers: str,
    ) -> dict[str, Any]:
        answer = self.client.generic(
            method,
            f"/v1/{path}",
            data=b"" if body is None else _json(body),
            content_type="application/json",
            query_params=query or {},
            headers={"Authorization": f"Bearer {token or self.token}", **headers},
        )
        assert answer.status_code == status, (answer.status_code, answer.content)
        return dict(answer.json()) if answer.content else {}


def _json(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()
