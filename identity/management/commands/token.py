"""``manage.py token``: access tokens, without a client's secret."""

from argparse import ArgumentParser
from typing import Any

from core import clock
from core.principals import Scope
from identity import queries, services, tokens
from identity.management.base import OperatorCommand, add_reason


class Command(OperatorCommand):
    help = "Issue an access token for a client, or take tokens back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        issue = actions.add_parser("issue", help="print a token that lives for 15 minutes")
        issue.add_argument("client")
        issue.add_argument("--scope", action="append", choices=sorted(Scope), help="only these")
        revoke = actions.add_parser("revoke", help="take back one token, or all of a client")
        which = revoke.add_mutually_exclusive_group(required=True)
        which.add_argument("token", nargs="?")
        which.add_argument("--client")
        add_reason(revoke)

    def run(self, options: dict[str, Any]) -> None:
        if options["action"] == "issue":
            self._issue(options)
        elif options["client"] is not None:
            client = queries.find_client(options["client"])
            services.revoke_all_tokens(client_id=client.id, now=clock.system_now())
            self.stdout.write(f"all tokens of {client.id} are taken back")
        else:
            claims = tokens.claims_of(options["token"])
            services.revoke_token(claims=claims, now=clock.system_now())
            self.stdout.write(f"{claims.token_id} of {claims.client_id} is taken back")

    def _issue(self, options: dict[str, Any]) -> None:
        scopes = options["scope"] and frozenset(Scope(name) for name in options["scope"])
        token = tokens.issue(
            client=queries.find_client(options["client"]), now=clock.system_now(), scopes=scopes
        )
        self.stdout.write(token.text)
