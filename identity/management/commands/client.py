"""``manage.py client``: who may call the API."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.db.models import Prefetch

from core import clock
from core.principals import Scope
from identity import queries, services
from identity.management.base import OperatorCommand, add_reason
from identity.models import Client, ClientSecret
from identity.scopes import SERVICE_SCOPES
from identity.services import NewClientSecret


class Command(OperatorCommand):
    help = "Create, list, change, disable and enable clients, and give or take their secrets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a client and show its secret, once")
        create.add_argument("name")
        create.add_argument(
            "--scope", action="append", required=True, choices=sorted(Scope), help="repeat it"
        )
        create.add_argument("--key", help="your own name for it, usable instead of its id")
        create.add_argument("--customer", help="limit it to this customer's id")
        create.add_argument(
            "--product-service",
            help=f"limit it to this service; only with the scopes {', '.join(SERVICE_SCOPES)}",
        )
        actions.add_parser("list", help="list clients and the beginnings of their secrets")
        secret = actions.add_parser("secret", help="give a second secret and show it, once")
        secret.add_argument("client")
        secret.add_argument("--expires-at", type=_instant, help="RFC 3339, with offset")
        revoke = actions.add_parser("revoke-secret", help="end a secret at once")
        revoke.add_argument("secret", help="its id, as shown by list")
        scopes = actions.add_parser("scopes", help="say anew what a client may do")
        scopes.add_argument("client")
        scopes.add_argument("--scope", action="append", required=True, choices=sorted(Scope))
        disable = actions.add_parser("disable", help="refuse a client and all its tokens")
        disable.add_argument("client")
        enable = actions.add_parser("enable", help="let a client in again")
        enable.add_argument("client")
        add_reason(create, secret, revoke, scopes, disable, enable)

    def run(self, options: dict[str, Any]) -> None:
        actions = {
            "create": self._create,
            "list": self._list,
            "secret": self._secret,
            "revoke-secret": self._revoke_secret,
            "scopes": self._scopes,
            "disable": self._disable,
            "enable": self._enable,
        }
        actions[options["action"]](options)

    def _create(self, options: dict[str, Any]) -> None:
        self._show(
            services.create_client(
                name=options["name"],
                scopes=options["scope"],
                key=options["key"],
                customer_id=options["customer"],
                product_service=options["product_service"],
                now=clock.system_now(),
            )
        )

    def _list(self, options: dict[str, Any]) -> None:
        live = ClientSecret.objects.live(at=clock.system_now()).order_by("id")
        clients = Client.objects.prefetch_related(Prefetch("secrets", live, "live_secrets"))
        for client in clients.order_by("id"):
            state = "enabled" if client.disabled_at is None else "disabled"
            limits = [
                f"{name}={value}"
                for name, value in (
                    ("key", client.key),
                    ("customer", client.customer_id),
                    ("product_service", client.product_service),
                )
                if value is not None
            ]
            self.stdout.write(" ".join([client.id, state, *limits, repr(client.name)]))
            self.stdout.write(f"  scopes {' '.join(client.scopes)}")
            for secret in client.live_secrets:
                until = "" if secret.expires_at is None else f" until {secret.expires_at:%FT%TZ}"
                self.stdout.write(f"  secret {secret.id} {secret.prefix}…{until}")

    def _secret(self, options: dict[str, Any]) -> None:
        client = queries.find_client(options["client"])
        self._show(
            services.add_secret(
                client_id=client.id, now=clock.system_now(), expires_at=options["expires_at"]
            )
        )

    def _revoke_secret(self, options: dict[str, Any]) -> None:
        secret = services.revoke_secret(secret_id=options["secret"], now=clock.system_now())
        self.stdout.write(f"{secret.id} {secret.prefix}… is revoked")

    def _scopes(self, options: dict[str, Any]) -> None:
        client = queries.find_client(options["client"])
        changed = services.change_scopes(client_id=client.id, scopes=options["scope"])
        self.stdout.write(f"{changed.id} may {' '.join(changed.scopes)}")

    def _disable(self, options: dict[str, Any]) -> None:
        client = queries.find_client(options["client"])
        services.disable_client(client_id=client.id, now=clock.system_now())
        self.stdout.write(f"{client.id} is disabled")

    def _enable(self, options: dict[str, Any]) -> None:
        client = queries.find_client(options["client"])
        services.enable_client(client_id=client.id, now=clock.system_now())
        self.stdout.write(f"{client.id} is enabled")

    def _show(self, made: NewClientSecret) -> None:
        self.stdout.write(f"client_id {made.client.id}")
        self.stdout.write(f"client_secret {made.text}")
        self.stderr.write("The secret is not kept: store it now.")


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("not an RFC 3339 instant") from error
    if at.tzinfo is None:
        raise ArgumentTypeError("the offset is missing; Z is UTC")
    return at
