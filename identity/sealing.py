"""Private keys at rest: AES-256-GCM under a key derived from the application's secret.

Whoever reads the database or a backup without that secret can sign nothing. The name of the key
is authenticated with it, so a sealed key cannot be moved to another row.
"""

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
_PURPOSE = b"identity: signing keys at rest, version 1"


class Unreadable(Exception):
    """None of the secrets opens it."""


def seal(plain: bytes, *, name: str, secret: str) -> bytes:
    """Encrypt under the secret, bound to the name. The result begins with its nonce."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(_derived(secret)).encrypt(nonce, plain, name.encode())


def unseal(sealed: bytes, *, name: str, secret_candidates: Sequence[str]) -> bytes:
    """Decrypt with the first secret that fits.

    :raises Unreadable: if none does, or the bytes or the name were changed
    """
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for secret in secret_candidates:
        try:
            return AESGCM(_derived(secret)).decrypt(nonce, body, name.encode())
        except (InvalidTag, ValueError):
            continue
    raise Unreadable(name)


def _derived(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret.encode())
