"""Client secrets: how they are made, kept and compared."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

SECRET_BYTES = 32
SHOWN_CHARACTERS = 9  # "sk_" and 36 of the 256 bits: enough to tell secrets apart, no more


@dataclass(frozen=True, slots=True)
class NewSecret:
    """``text`` is shown once; ``digest`` and ``prefix`` are kept."""

    text: str
    digest: bytes
    prefix: str


def new_secret() -> NewSecret:
    """Make a secret of 256 random bits, written ``sk_`` and 43 characters of base64url."""
    random = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    text = f"sk_{random}"
    return NewSecret(text=text, digest=digest_of(text), prefix=text[:SHOWN_CHARACTERS])


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_one_of(text: str, digests: Iterable[bytes]) -> bool:
    """Compare with every digest, each in constant time, however many match."""
    wanted = digest_of(text)
    found = False
    for digest in digests:
        found |= hmac.compare_digest(wanted, digest)
    return found
