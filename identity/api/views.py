"""OAuth's endpoints: tokens for clients, taking one back, and what verifiers elsewhere need."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import InterfaceError, OperationalError
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import acting, clock
from core.api import parsing
from core.api.rendering import JsonRenderer
from core.errors import DomainError, Unavailable
from core.principals import Scope
from identity import queries, services, tokens
from identity.api import documentation, protocol
from identity.api.protocol import OAuthError
from identity.claims import known_scopes
from identity.lifetimes import KEY_SET_CACHE
from identity.models import Client
from identity.throttle import wrong_secrets

BASIC_CHALLENGE = 'Basic realm="oauth", charset="UTF-8"'
CLIENT_AUTHENTICATION = ["client_secret_basic", "client_secret_post"]
GRANT_TYPE = "client_credentials"
_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CACHED = {"Cache-Control": f"public, max-age={int(KEY_SET_CACHE.total_seconds())}"}


class AlwaysJson(BaseContentNegotiation):
    """OAuth knows one form of answer; what the client would like instead is ignored."""

    def select_parser(self, request: Request, parsers: Any) -> None:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class OAuthView(APIView):
    """An endpoint for clients that have no token yet. Its refusals have OAuth's form."""

    public: ClassVar[bool] = True
    authentication_classes = ()
    permission_classes = ()
    parser_classes = ()
    renderer_classes = (JsonRenderer,)
    content_negotiation_class = AlwaysJson
    metadata_class = None

    def client_and_form(self, request: Request, now: datetime) -> tuple[Client, dict[str, str]]:
        """Return who proved to be which client, and the parameters it sent.

        :raises OAuthError: invalid_request or invalid_client
        :raises DomainError: for a body that cannot be read
        """
        parsing.check_headers(request.headers)
        declared = int(request.headers.get("Content-Length") or 0)
        body = parsing.read(request, max_bytes=protocol.MAX_FORM_BYTES, declared=declared)
        form = protocol.parse_form(body, request.headers.get("Content-Type", ""))
        found = protocol.client_credentials(form, request.headers.get("Authorization"))
        client = queries.authenticated_client(found.client, found.secret, at=now)
        if client is None:
            raise _refused(found.client, request.META.get("REMOTE_ADDR", ""))
        return client, form

    def handle_exception(self, exc: Exception) -> Response:
        refusal = _as_oauth(exc)
        if refusal is None:
            return super().handle_exception(exc)
        headers = dict(_NOT_STORED)
        if refusal.challenged:
            headers["WWW-Authenticate"] = BASIC_CHALLENGE
        if refusal.retry_after_seconds:
            headers["Retry-After"] = str(refusal.retry_after_seconds)
        return Response(
            {"error": refusal.error, "error_description": refusal.description},
            status=refusal.status,
            headers=headers,
        )


def _refused(client: str, address: str) -> OAuthError:
    """Refuse a wrong proof; who keeps sending wrong ones is told to wait, and how long."""
    seconds = wrong_secrets.seconds_to_wait(client=client, address=address)
    return protocol.too_many_wrong_secrets(seconds) if seconds else protocol.invalid_client()


def _as_oauth(exc: Exception) -> OAuthError | None:
    """Say a refusal in OAuth's words; None for what it has none for, defects above all."""
    if isinstance(exc, OAuthError):
        return exc
    if isinstance(exc, OperationalError | InterfaceError | Unavailable):
        return OAuthError(
            "temporarily_unavailable", "try again in a moment", status=503, retry_after_seconds=1
        )
    if isinstance(exc, DomainError):
        return OAuthError("invalid_request", exc.detail, status=exc.status)
    return None


class TokenView(OAuthView):
    @extend_schema(**documentation.TOKEN)
    def post(self, request: Request) -> Response:
        now = clock.system_now()
        client, form = self.client_and_form(request, now)
        if "grant_type" not in form:
            raise OAuthError("invalid_request", "grant_type is missing")
        if form["grant_type"] != GRANT_TYPE:
            raise OAuthError("unsupported_grant_type", f"the only grant type is {GRANT_TYPE}")
        try:
            token = tokens.issue(client=client, now=now, scopes=_wanted(form.get("scope")))
        except tokens.ScopeNotGranted:
            raise OAuthError("invalid_scope", "the client has not been granted this") from None
        return Response(
            {
                "access_token": token.text,
                "token_type": "Bearer",
                "expires_in": token.expires_in_seconds,
                "scope": " ".join(sorted(token.scopes)),
            },
            headers=_NOT_STORED,
        )


class RevocationView(OAuthView):
    @extend_schema(**documentation.REVOCATION)
    def post(self, request: Request) -> Response:
        now = clock.system_now()
        client, form = self.client_and_form(request, now)
        if "token" not in form:
            raise OAuthError("invalid_request", "token is missing")
        try:
            claims = tokens.claims_of(form["token"])
        except tokens.InvalidToken:
            return Response(status=200, headers=_NOT_STORED)  # as good as taken back already
        if claims.client_id != client.id:
            raise OAuthError("unauthorized_client", "the token belongs to another client")
        with acting.acting_as(f"client:{client.id}"):
            services.revoke_token(claims=claims, now=now)
        return Response(status=200, headers=_NOT_STORED)


class KeySetView(OAuthView):
    @extend_schema(**documentation.KEY_SET)
    def get(self, request: Request) -> Response:
        published = queries.published_keys(at=clock.system_now())
        return Response({"keys": published}, headers=_CACHED)


class ServerMetadataView(OAuthView):
    @extend_schema(**documentation.SERVER_METADATA)
    def get(self, request: Request) -> Response:
        return Response(server_metadata(), headers=_CACHED)


def server_metadata() -> dict[str, Any]:
    """Describe this authorization server (RFC 8414)."""
    base = settings.BASE_URL
    return {
        "issuer": tokens.issuer(),
        "token_endpoint": f"{base}/oauth/token",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "service_documentation": f"{base}/docs",
        "scopes_supported": sorted(Scope),
        "response_types_supported": [],
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
    }


def _wanted(scope: str | None) -> frozenset[Scope] | None:
    """Read the scope parameter; left out it means all that the client has.

    :raises OAuthError: invalid_scope
    """
    if scope is None:
        return None
    names = scope.split(" ")
    wanted = known_scopes(names)
    if len(wanted) < len(set(names)):
        raise OAuthError("invalid_scope", "there is no such scope")
    return wanted
