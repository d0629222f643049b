"""The shape of OAuth 2 requests and refusals (RFC 6749, RFC 7009), apart from what they do.

A foreign protocol: unknown parameters are ignored and refusals have OAuth's form. Size, encoding
and repeated parameters are as strict as everywhere.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from django.utils.http import parse_header_parameters

FORM = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 16 * 1024
MAX_FORM_FIELDS = 50


class OAuthError(Exception):
    """A refusal. ``error`` is OAuth's code for it; ``challenged`` asks for HTTP Basic.

    ``retry_after_seconds`` is how long to wait before asking again; 0 says nothing about it.
    """

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: int = 400,
        challenged: bool = False,
        retry_after_seconds: int = 0,
    ) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.challenged = challenged
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client says it is and proves it with."""

    client: str
    secret: str


def invalid_client() -> OAuthError:
    """One answer for every failed proof: it does not tell an unknown client from a wrong secret."""
    return OAuthError("invalid_client", "client authentication failed", status=401, challenged=True)


def too_many_wrong_secrets(retry_after_seconds: int) -> OAuthError:
    """The same failure for who fails all the time: wait before sending another proof."""
    return OAuthError(
        "invalid_client",
        "client authentication failed too often; wait before trying again",
        status=429,
        retry_after_seconds=retry_after_seconds,
    )


def parse_form(body: bytes, content_type: str) -> dict[str, str]:
    """Read a form. A parameter without a value counts as left out (RFC 6749, section 3.2).

    :raises OAuthError: invalid_request; 413 if it is too large, 415 if it is no UTF-8 form
    """
    if len(body) > MAX_FORM_BYTES:
        raise OAuthError("invalid_request", f"the body may have {MAX_FORM_BYTES} bytes", status=413)
    if body and not _is_utf8_form(content_type):
        raise OAuthError("invalid_request", f"send {FORM} in UTF-8", status=415)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError:  # not UTF-8, or too many fields
        raise OAuthError("invalid_request", "the body is not a well-formed form") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise OAuthError("invalid_request", "a parameter is repeated")
    return {name: value for name, value in form.items() if value}


def client_credentials(form: Mapping[str, str], authorization: str | None) -> Credentials:
    """Find the client's proof: HTTP Basic or two parameters, never both.

    :raises OAuthError: invalid_request for both at once, else invalid_client
    """
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise invalid_client()
        return Credentials(form["client_id"], form["client_secret"])
    if "client_secret" in form:
        raise OAuthError("invalid_request", "authenticate in one way, not in two")
    found = _basic(authorization)
    if form.get("client_id", found.client) != found.client:
        raise OAuthError("invalid_request", "client_id is not the client that authenticates")
    return found


def _is_utf8_form(content_type: str) -> bool:
    essence, parameters = parse_header_parameters(content_type)
    return essence == FORM and parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")


def _basic(authorization: str) -> Credentials:
    """Both halves are form-encoded before they are joined (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > MAX_FORM_BYTES:
        raise invalid_client()
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise invalid_client() from None
    client, colon, secret = text.partition(":")
    if not colon or not client or not secret:
        raise invalid_client()
    return Credentials(unquote_plus(client), unquote_plus(secret))
