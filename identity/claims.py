"""What an access token must say (RFC 9068, RFC 8725), decided on plain values.

Stricter than the standards where they allow what we never issue: a header has exactly our three
members, so nothing that could point a verifier at another key (``jku``, ``x5u``, ``jwk``,
``x5c``) or change how it reads the token (``crit``, ``b64``, ``zip``) gets any further.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core import ids
from core.principals import Scope
from identity.lifetimes import CLOCK_LEEWAY, TOKEN_LIFE

TYPE = "at+jwt"
ALGORITHM = "EdDSA"
REQUIRED = ("iss", "aud", "sub", "exp", "iat", "jti", "client_id", "scope")
MAX_TOKEN_CHARACTERS = 8192

# Three base64url parts. An Ed25519 signature is 64 bytes, which is 86 characters, and the last of
# them holds two bits: with any other character there it would be a second text of one token.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]", re.ASCII)
_KNOWN_SCOPES = {str(scope): scope for scope in Scope}


class Unacceptable(Exception):
    """Why a token is refused, for our log; the caller learns only that it is."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """The claims of a token whose signature is good."""

    token_id: str
    client_id: str
    scopes: frozenset[Scope]
    issued_at: datetime
    expires_at: datetime


def check_shape(token: str) -> None:
    """Refuse what cannot be one of our tokens, before anything is decoded.

    :raises Unacceptable: if it is too long or not three base64url parts
    """
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise Unacceptable("too long")
    if _COMPACT.fullmatch(token) is None:
        raise Unacceptable("not a compact Ed25519 JWS")


def key_id_of(header: Mapping[str, Any]) -> str:
    """Return which key the header names.

    :raises Unacceptable: unless the header says exactly what ours say
    """
    if header.keys() != {"typ", "alg", "kid"}:
        raise Unacceptable("header members")
    if header["typ"] != TYPE or header["alg"] != ALGORITHM:
        raise Unacceptable("typ or alg")
    return str(header["kid"])


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Read names of scopes; one that no longer exists allows nothing."""
    return frozenset(_KNOWN_SCOPES[name] for name in names if name in _KNOWN_SCOPES)


def read(claims: Mapping[str, Any], *, now: datetime) -> TokenClaims:
    """Read the claims of a token whose signature, issuer and audience have been verified.

    :raises Unacceptable: for a wrong type or time; a token lives at most 15 minutes
    """
    issued = _instant(claims, "iat")
    expires = _instant(claims, "exp")
    if issued > now + CLOCK_LEEWAY:
        raise Unacceptable("issued in the future")
    if "nbf" in claims and _instant(claims, "nbf") > now + CLOCK_LEEWAY:
        raise Unacceptable("not valid yet")
    if not issued < expires <= issued + TOKEN_LIFE:
        raise Unacceptable("lives too long")
    client_id, token_id = _text(claims, "client_id"), _text(claims, "jti")
    if client_id != _text(claims, "sub") or not ids.is_type_id(client_id, prefix="cli"):
        raise Unacceptable("client_id")
    if not ids.is_type_id(token_id, prefix="tok"):
        raise Unacceptable("jti")
    claimed = TokenClaims(
        token_id=token_id,
        client_id=client_id,
        scopes=known_scopes(_text(claims, "scope").split(" ")),
        issued_at=issued,
        expires_at=expires,
    )
    check_not_expired(claimed, now=now)
    return claimed


def check_not_expired(claims: TokenClaims, *, now: datetime) -> None:
    """
    :raises Unacceptable: from the very second on that the token says it expires
    """
    if claims.expires_at <= now:
        raise Unacceptable("expired")


def _instant(claims: Mapping[str, Any], name: str) -> datetime:
    """Read whole seconds since 1970. JSON's true, 1.5 and "1" are not: `int()` would take them."""
    value = claims.get(name)
    if type(value) is not int:
        raise Unacceptable(f"{name} is not a whole number")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unacceptable(f"{name} is out of range") from error


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise Unacceptable(f"{name} is not a text")
    return value
