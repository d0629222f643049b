"""Revision tokens: "answer at least as new as this", opaque to who carries them. Pure.

A token holds the (epoch, revision) of every customer that a change has touched, and a MAC, so that
nobody can ask for a revision that never was.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core.errors import BadRequest

PREFIX = "rv1_"
MAX_CHARACTERS = 32 * 1024
_MAC_BYTES = 16
_ENTRY_BYTES = 16 + 4 + 8


class MalformedRevisionToken(BadRequest):
    """The text is not a revision token of this installation."""

    code = "malformed_revision_token"


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """A customer's state. Revisions count within an epoch; a restored backup begins another."""

    epoch: int
    number: int


def key_from(secret: str) -> bytes:
    """Derive the MAC key, of no use for anything else, from the installation's secret."""
    return hmac.digest(secret.encode(), b"entitlements.revision_token", "sha256")


def token(revisions: Mapping[UUID, Revision], key: bytes) -> str:
    """Write a token for customers' revisions."""
    body = b"".join(
        customer.bytes + each.epoch.to_bytes(4) + each.number.to_bytes(8)
        for customer, each in sorted(revisions.items())
    )
    return PREFIX + urlsafe_b64encode(_mac(body, key) + body).decode().rstrip("=")


def parse(text: str, key: bytes) -> dict[UUID, Revision]:
    """Read a token.

    :raises MalformedRevisionToken: if it is not one of ours
    """
    data = _decoded(text)
    mac, body = data[:_MAC_BYTES], data[_MAC_BYTES:]
    if not body or len(body) % _ENTRY_BYTES or not hmac.compare_digest(mac, _mac(body, key)):
        raise MalformedRevisionToken("this is not a revision token")
    entries = [body[at : at + _ENTRY_BYTES] for at in range(0, len(body), _ENTRY_BYTES)]
    return {
        UUID(bytes=entry[:16]): Revision(int.from_bytes(entry[16:20]), int.from_bytes(entry[20:]))
        for entry in entries
    }


def _decoded(text: str) -> bytes:
    if not text.startswith(PREFIX) or len(text) > MAX_CHARACTERS or not text.isascii():
        raise MalformedRevisionToken("a revision token begins with rv1_")
    encoded = text.removeprefix(PREFIX)
    try:
        data = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except Base64Error:
        raise MalformedRevisionToken("this is not a revision token") from None
    if urlsafe_b64encode(data).decode().rstrip("=") != encoded:
        raise MalformedRevisionToken("this is not a revision token")
    return data


def _mac(body: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(body, key=key, digest_size=_MAC_BYTES).digest()
