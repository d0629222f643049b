"""Signed requests, as Standard Webhooks has them (https://www.standardwebhooks.com). Pure."""

import base64
import binascii
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

from core.errors import BadRequest

PREFIX = "whsec_"
SECRET_BYTES = 32
_FEWEST_BYTES, _MOST_BYTES = 24, 64  # what the specification recommends


class MalformedSecret(BadRequest):
    """A signing secret is whsec_ and 24 to 64 bytes in base64."""

    code = "malformed_secret"


def new_secret() -> str:
    """Return a fresh signing secret with 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check_secret(text: str) -> str:
    """Return a signing secret, if it may be one.

    :raises MalformedSecret: if it may not
    """
    try:
        plain = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        plain = b""
    if not text.startswith(PREFIX) or not _FEWEST_BYTES <= len(plain) <= _MOST_BYTES:
        raise MalformedSecret("a signing secret is whsec_ and 24 to 64 bytes in base64")
    return text


def headers(
    *, message_id: str, body: bytes, secrets: Sequence[str], at: datetime
) -> dict[str, str]:
    """Return the headers that prove who sent a body, one signature for each live secret.

    ``message_id`` stays the same when the same message is sent again; ``at`` is the machine's time
    of this try, because receivers refuse what is older than five minutes.
    """
    text = body.decode()
    signatures = [Webhook(secret).sign(message_id, at, text) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
