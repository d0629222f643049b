"""Who may tell us what to do: whoever signs with a secret that we share (Standard Webhooks)."""

from collections.abc import Sequence
from email.message import Message

from standardwebhooks import Webhook, WebhookVerificationError

_SHORTEST = len("whsec_") + 32  # characters of base64 for 24 bytes


class NotSigned(Exception):
    """No signature of a shared secret, or one that is more than five minutes old or ahead."""


def check_secrets(secrets: Sequence[str]) -> None:
    """:raises ValueError: if there is none, or one that cannot be a secret"""
    if not secrets:
        raise ValueError("no secret is given")
    for secret in secrets:
        if not secret.startswith("whsec_") or len(secret) < _SHORTEST:
            raise ValueError("a secret is whsec_ and at least 24 bytes in base64")
        Webhook(secret)


def verify(body: bytes, headers: Message, secrets: Sequence[str]) -> None:
    """Check the signature and the time of a request against every secret: while secrets are
    exchanged, the sender and we may know different ones.

    :raises NotSigned:
    """
    named = {name: headers.get(name, "") for name in _HEADERS}
    if not any(_is_signed(body, named, secret) for secret in secrets):
        raise NotSigned("the signature does not fit, or is too old")


_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def _is_signed(body: bytes, headers: dict[str, str], secret: str) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: what is no signature at all
        return False
    return True
