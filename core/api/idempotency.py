"""Idempotency-Key: the same POST twice has one effect and one answer.

Only the answer of a committed effect is kept, in the transaction of that effect, for 30 days. It
holds no personal data: the operation names such members, and a replay reads them anew.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
from django.db import connection

from core import clock
from core.api.rendering import dumps
from core.errors import BadRequest, Conflict, Unprocessable
from core.models import IdempotencyKey

KEPT = timedelta(days=30)
KEY_PATTERN = r"^[!-~]{1,255}$"
_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)


class MalformedIdempotencyKey(BadRequest):
    """The Idempotency-Key does not have 1 to 255 visible ASCII characters."""

    code = "malformed_idempotency_key"


class IdempotencyKeyNotAllowed(BadRequest):
    """The operation answers a secret, which is never kept, so its answer cannot be replayed."""

    code = "idempotency_key_not_allowed"


class IdempotencyKeyInUse(Conflict):
    """A request with this Idempotency-Key is still being handled."""

    code = "idempotency_key_in_use"


class IdempotencyKeyReused(Unprocessable):
    """The Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with; ``body`` is None where there is none."""

    status: int
    body: dict[str, Any] | None
    headers: Mapping[str, str]
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request with its key. ``sent`` is everything that decides its effect."""

    principal: str
    route: str
    key: str
    sent: Any

    @property
    def fingerprint(self) -> bytes:
        return sha256(dumps(self.sent, sorted_keys=True)).digest()

    @property
    def lock(self) -> int:
        name = "\x00".join(("core.api.idempotency", self.principal, self.route, self.key))
        return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


def checked_key(header: str | None) -> str | None:
    """Return the key a request carries, if any.

    :raises MalformedIdempotencyKey: 400
    """
    if header is not None and _KEY.fullmatch(header) is None:
        raise MalformedIdempotencyKey("a key has 1 to 255 visible ASCII characters")
    return header


def once(
    attempt: Attempt, work: Callable[[], Answer], *, personal: tuple[str, ...] = ()
) -> tuple[Answer, bool]:
    """Do the work, or return the answer it was given before; call it inside a unit of work.

    The second value tells whether the answer is a replay; its ``resource`` then lacks the
    ``personal`` members.

    :raises IdempotencyKeyInUse: 409, at once, while the same key is at work elsewhere
    :raises IdempotencyKeyReused: 422
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [attempt.lock])
        if not cursor.fetchone()[0]:
            raise IdempotencyKeyInUse("a request with this key is being handled; ask again")
    name = {"principal": attempt.principal, "route": attempt.route, "key": attempt.key}
    known = IdempotencyKey.objects.filter(**name).first()
    if known is not None:
        if bytes(known.fingerprint) != attempt.fingerprint:
            raise IdempotencyKeyReused("this key was used for another request")
        return Answer(known.status, known.body or None, known.headers, known.customer_id), True
    answer = work()
    if 200 <= answer.status < 300:
        IdempotencyKey.objects.create(
            **name,
            fingerprint=attempt.fingerprint,
            customer_id=answer.customer_id,
            status=answer.status,
            headers=dict(answer.headers),
            body=_impersonal(answer.body, personal),
            created_at=clock.system_now(),
        )
    return answer, False


def clean_up(now: datetime, limit: int = 10_000) -> int:
    """Forget up to ``limit`` answers older than 30 days; return how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=now - KEPT).order_by("created_at")
    deleted, _ = IdempotencyKey.objects.filter(pk__in=old.values("pk")[:limit]).delete()
    return deleted


def _impersonal(body: dict[str, Any] | None, personal: tuple[str, ...]) -> dict[str, Any]:
    """Return the body as JSON has it, without a resource's personal members."""
    plain: dict[str, Any] = orjson.loads(dumps(body or {}))
    resource = plain.get("resource")
    if isinstance(resource, dict):
        for member in personal:
            resource.pop(member, None)
    return plain
