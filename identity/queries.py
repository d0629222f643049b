"""Finding clients and keys."""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from core import ids
from core.errors import NotFound, Unavailable
from identity import credentials, keys, sealing
from identity.models import Client, ClientSecret, SigningKey


class ClientNotFound(NotFound):
    """There is no such client."""

    code = "client_not_found"


class KeyUnreadable(Unavailable):
    """The signing key was sealed under another SECRET_KEY."""

    code = "signing_key_unreadable"


def find_client(reference: str) -> Client:
    """Return the client with that identifier or key.

    :raises ClientNotFound: if there is none
    """
    client = Client.objects.filter(**_named(reference)).first()
    if client is None:
        raise ClientNotFound(f"no client {reference}")
    return client


def authenticated_client(reference: str, secret: str, *, at: datetime) -> Client | None:
    """Return the enabled client that the secret belongs to, or None whatever the reason."""
    named = {f"client__{field}": value for field, value in _named(reference).items()}
    live = list(
        ClientSecret.objects.live(at=at)
        .filter(client__disabled_at=None, **named)
        .select_related("client")
    )
    if not credentials.is_one_of(secret, [bytes(each.digest) for each in live]):
        return None
    return live[0].client


def signing_key(*, at: datetime) -> SigningKey | None:
    """Return the key that signs at that instant; None before the first was made."""
    return SigningKey.objects.signing(at=at).first()


def published_keys(*, at: datetime) -> list[dict[str, str]]:
    """Return the JWK set's members: all keys but those whose last token has expired."""
    published = SigningKey.objects.exclude(id__in=SigningKey.objects.removed(at=at).values("id"))
    return [keys.public_jwk(bytes(key.public_key), key_id=key.id) for key in published]


def private_half(key: SigningKey) -> bytes:
    """Unseal the private half of a key that signs.

    :raises KeyUnreadable: if neither SECRET_KEY nor its fallbacks open it
    """
    candidates = [str(each) for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    try:
        return sealing.unseal(
            bytes(key.sealed_private_key or b""), name=key.id, secret_candidates=candidates
        )
    except sealing.Unreadable as error:
        raise KeyUnreadable(
            "the signing key cannot be read with this SECRET_KEY", retry_after_seconds=60
        ) from error


def _named(reference: str) -> dict[str, str]:
    """Text that cannot name a client, a NUL included, is looked up as no client's identifier."""
    if ids.is_type_id(reference, prefix="cli"):
        return {"id": reference}
    try:
        return {"key": ids.check_key(reference)}
    except ids.MalformedKey:
        return {"id": ids.encode("cli", UUID(int=0))}
