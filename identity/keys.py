"""Ed25519 keys and the public form in which others get them (RFC 7517, RFC 8037)."""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class NewKey:
    """The raw 32 bytes of each half."""

    private: bytes
    public: bytes


def new_key() -> NewKey:
    key = Ed25519PrivateKey.generate()
    return NewKey(private=key.private_bytes_raw(), public=key.public_key().public_bytes_raw())


def private_key(raw: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(raw)


def public_key(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def public_jwk(raw: bytes, *, key_id: str) -> dict[str, str]:
    """Write a public key as a member of a JWK set."""
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": key_id,
        "x": x,
    }
