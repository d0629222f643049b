"""What the API's description says about OAuth's endpoints."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from identity.api import protocol
from identity.api.serializers import (
    JwkSetOut,
    OAuthErrorOut,
    RevocationForm,
    ServerMetadataOut,
    TokenOut,
    TokenRequestForm,
)

_TAGS = ["authentication"]
_CLIENT = "cli_01jd3vq6n0e6rt1c7h9a2b4c5d"
_SECRET = "sk_Zk3uQ0bG9aXv7mB1tYc5rJ2nWq8eLs4dHfPi6oKzNxU"  # noqa: S105 - an invented example


def _refusal(description: str, error: str, text: str) -> OpenApiResponse:
    return OpenApiResponse(
        OAuthErrorOut,
        description=description,
        examples=[
            OpenApiExample(
                error, value={"error": error, "error_description": text}, response_only=True
            )
        ],
    )


_UNAVAILABLE = {
    503: _refusal(
        "The database is out of reach; try again.",
        "temporarily_unavailable",
        "try again in a moment",
    )
}
_REFUSALS = {
    400: _refusal(
        "A parameter is missing, repeated or not possible.",
        "invalid_request",
        "a parameter is repeated",
    ),
    401: _refusal(
        "The client is unknown or disabled, or the secret is wrong, expired or revoked.",
        "invalid_client",
        "client authentication failed",
    ),
    413: _refusal("The body is too large.", "invalid_request", "the body may have 16384 bytes"),
    415: _refusal(
        "The body is not a form in UTF-8.",
        "invalid_request",
        f"send {protocol.FORM} in UTF-8",
    ),
    429: _refusal(
        "Too many wrong secrets within a minute; `Retry-After` says how many seconds to wait. A "
        "right secret is accepted all the same.",
        "invalid_client",
        "client authentication failed too often; wait before trying again",
    ),
    **_UNAVAILABLE,
}

TOKEN: dict[str, Any] = {
    "operation_id": "issue_token",
    "tags": _TAGS,
    "auth": [{}],
    "summary": "Get an access token",
    "description": (
        "OAuth 2 client credentials (RFC 6749). The client proves itself by HTTP Basic or by "
        "`client_id` and `client_secret` in the form, not by both. The token lives for 15 minutes; "
        "ask for another one when it has expired. `scope` narrows what it allows. Unknown "
        "parameters are ignored, repeated ones are refused."
    ),
    "request": {protocol.FORM: TokenRequestForm},
    "responses": {
        200: OpenApiResponse(TokenOut, description="The token. It is shown once and not kept."),
        **_REFUSALS,
    },
    "examples": [
        OpenApiExample(
            "narrowed",
            value={
                "grant_type": "client_credentials",
                "scope": "entitlements:check",
                "client_id": _CLIENT,
                "client_secret": _SECRET,
            },
            media_type=protocol.FORM,
            request_only=True,
        ),
        OpenApiExample(
            "token",
            value={
                "access_token": "eyJhbGciOiJFZERTQSIsImtpZCI6ImtleV8wMWpkM3ZxNm4wIn0.e30.c2ln",
                "token_type": "Bearer",
                "expires_in": 900,
                "scope": "entitlements:check",
            },
            response_only=True,
            status_codes=["200"],
        ),
    ],
}

REVOCATION: dict[str, Any] = {
    "operation_id": "revoke_token",
    "tags": _TAGS,
    "auth": [{}],
    "summary": "Take an access token back",
    "description": (
        "OAuth 2 token revocation (RFC 7009), for the client's own tokens. Every process refuses "
        "the token within five seconds. A token that is not valid anyway is answered with 200."
    ),
    "request": {protocol.FORM: RevocationForm},
    "responses": {
        200: OpenApiResponse(description="The token is not valid, or will not be in a moment."),
        **_REFUSALS,
    },
    "examples": [
        OpenApiExample(
            "take one back",
            value={
                "token": "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
                "client_id": _CLIENT,
                "client_secret": _SECRET,
            },
            media_type=protocol.FORM,
            request_only=True,
        )
    ],
}

KEY_SET: dict[str, Any] = {
    "operation_id": "get_key_set",
    "tags": _TAGS,
    "auth": [{}],
    "summary": "The keys that verify access tokens",
    "description": (
        "A JWK set (RFC 7517). It may be kept for five minutes: a new key is published for ten "
        "minutes before it signs, and stays until the last token it signed has expired."
    ),
    "responses": {200: OpenApiResponse(JwkSetOut, description="The keys."), **_UNAVAILABLE},
    "examples": [
        OpenApiExample(
            "one key",
            value={
                "keys": [
                    {
                        "kty": "OKP",
                        "crv": "Ed25519",
                        "use": "sig",
                        "alg": "EdDSA",
                        "kid": "key_01jd3vq6n0e6rt1c7h9a2b4c5d",
                        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                    }
                ]
            },
            response_only=True,
        )
    ],
}

SERVER_METADATA: dict[str, Any] = {
    "operation_id": "get_server_metadata",
    "tags": _TAGS,
    "auth": [{}],
    "summary": "What this authorization server can do",
    "description": "OAuth 2 authorization server metadata (RFC 8414).",
    "responses": {200: OpenApiResponse(ServerMetadataOut, description="The metadata.")},
    "examples": [
        OpenApiExample(
            "metadata",
            value={
                "issuer": "https://billing.example.com",
                "token_endpoint": "https://billing.example.com/oauth/token",
                "revocation_endpoint": "https://billing.example.com/oauth/revoke",
                "jwks_uri": "https://billing.example.com/.well-known/jwks.json",
                "service_documentation": "https://billing.example.com/docs",
                "scopes_supported": ["entitlements:check"],
                "response_types_supported": [],
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                ],
                "revocation_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                ],
            },
            response_only=True,
        )
    ],
}
