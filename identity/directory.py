"""What a process must know to judge a token, held in memory: keys, clients, tokens taken back.

Verifying asks the database nothing. One query a second at most looks whether anything changed
since; only then is the directory read again.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import Error, connection

from core.errors import Unavailable
from core.principals import Principal, Scope
from identity import keys
from identity.claims import TokenClaims, Unacceptable, known_scopes
from identity.lifetimes import (
    DIRECTORY_LIMIT,
    DIRECTORY_REFRESH,
    DIRECTORY_STALE,
    KEY_REMOVED_AFTER,
)
from identity.models import Client, DirectoryVersion, RevokedToken, SigningKey

logger = logging.getLogger(__name__)


class DirectoryUnavailable(Unavailable):
    """Nobody can be recognised: the database has been out of reach for too long."""

    code = "identity_unavailable"


class UnknownClient(Unacceptable):
    """A token of ours names a client that this directory does not hold."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that verifies from its publication until its last token has expired."""

    public: Ed25519PublicKey
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client as it is now; ``tokens_from`` refuses all tokens issued before."""

    scopes: frozenset[Scope]
    customer_id: str | None
    product_service: str | None
    tokens_from: datetime | None
    disabled: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """One state of affairs; no other state ever has the same version."""

    version: UUID | None
    keys: Mapping[str, KnownKey]
    clients: Mapping[str, KnownClient]
    revoked: frozenset[str]

    def key(self, key_id: str, *, now: datetime) -> Ed25519PublicKey:
        """Return the key of that name.

        :raises Unacceptable: if there is none, or it has been removed by now
        """
        known = self.keys.get(key_id)
        if known is None or (known.removed_at is not None and known.removed_at <= now):
            raise Unacceptable("unknown key")
        return known.public

    def principal(self, claims: TokenClaims) -> Principal:
        """Return whom verified claims stand for, with what the client may do now.

        :raises Unacceptable: if the token was taken back or its client is disabled
        :raises UnknownClient: if there is no such client
        """
        client = self.clients.get(claims.client_id)
        if client is None:
            raise UnknownClient("unknown client")
        if client.disabled:
            raise Unacceptable("disabled client")
        if client.tokens_from is not None and claims.issued_at < client.tokens_from:
            raise Unacceptable("all tokens of that time were taken back")
        if claims.token_id in self.revoked:
            raise Unacceptable("taken back")
        return Principal(
            id=claims.client_id,
            kind="client",
            scopes=claims.scopes & client.scopes,
            customer_id=client.customer_id,
            product_service=client.product_service,
        )


_REFRESH = DIRECTORY_REFRESH.total_seconds()
_STALE = DIRECTORY_STALE.total_seconds()
_LIMIT = DIRECTORY_LIMIT.total_seconds()
_NEVER = float("-inf")

NOTHING_KNOWN = Directory(version=None, keys={}, clients={}, revoked=frozenset())


class DirectoryKeeper:
    """Keeps one directory fresh for all threads of a process.

    Younger than a second it is simply returned. Up to five seconds one thread looks for changes
    while the others go on; after that they wait for it. If the database is away or hangs, what is
    known goes on to serve, for 15 minutes.
    """

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed  # seconds, of any origin
        self._lock = threading.Lock()
        self._directory = NOTHING_KNOWN
        self._confirmed = _NEVER
        self._expired = _NEVER
        self._quiet_until = _NEVER
        self._looking_since: float | None = None

    def current(self) -> Directory:
        """Return the directory, looking for changes if it is time.

        :raises DirectoryUnavailable: 15 minutes after the database was last reached
        """
        now = self._elapsed()
        # Without any key nothing can be valid, so a first key made elsewhere is looked for at once.
        if self._age(now) < _REFRESH and self._directory.keys:
            return self._directory
        if now >= self._quiet_until:
            self._look(now)
        if self._elapsed() - self._confirmed > _LIMIT:
            raise DirectoryUnavailable("callers cannot be recognised right now")
        return self._directory

    def expire(self) -> None:
        """Have the next call look for changes: this process has just made one, or knows of one."""
        self._expired = self._elapsed()
        self._quiet_until = _NEVER

    def _age(self, now: float) -> float:
        return now - self._confirmed if self._confirmed > self._expired else float("inf")

    def _look(self, now: float) -> None:
        if not self._lock.acquire(timeout=self._patience(now)):
            return
        try:
            if self._confirmed >= now:
                return  # somebody looked while we waited
            self._looking_since = started = self._elapsed()
            self._directory = _newer(self._directory)
            self._confirmed = started
        except Error:
            logger.warning("the directory stays as it was: no database", exc_info=True)
            self._quiet_until = self._elapsed() + _REFRESH
        finally:
            self._looking_since = None
            self._lock.release()

    def _patience(self, now: float) -> float:
        """How many seconds to wait for a thread that is looking; one that hangs keeps nobody."""
        if self._age(now) < _STALE:
            return 0
        since = self._looking_since
        return _STALE if since is None else max(0, since + _STALE - now)


def _newer(known: Directory) -> Directory:
    """Return the same object if nothing has changed since it was read.

    A thread that had no connection gives its one back: outside a request nobody else would.
    """
    had_connection = connection.connection is not None
    try:
        version = DirectoryVersion.objects.values_list("version", flat=True).first()
        unchanged = version is not None and version == known.version
        return known if unchanged else _read(version)
    except Error:
        connection.close_if_unusable_or_obsolete()
        raise
    finally:
        if not had_connection and not connection.in_atomic_block:
            connection.close()


def _read(version: UUID | None) -> Directory:
    """Read everything. The version was read before, so a change in between is seen next time."""
    found_keys = SigningKey.objects.values_list("id", "public_key", "not_after")
    clients = Client.objects.values_list(
        "id", "scopes", "customer_id", "product_service", "tokens_from", "disabled_at"
    )
    return Directory(
        version=version,
        keys={
            key_id: KnownKey(
                public=keys.public_key(bytes(public)),
                removed_at=None if not_after is None else not_after + KEY_REMOVED_AFTER,
            )
            for key_id, public, not_after in found_keys
        },
        clients={
            client_id: KnownClient(
                scopes=known_scopes(scopes),
                customer_id=customer_id,
                product_service=product_service,
                tokens_from=tokens_from,
                disabled=disabled_at is not None,
            )
            for client_id, scopes, customer_id, product_service, tokens_from, disabled_at in clients
        },
        revoked=frozenset(RevokedToken.objects.values_list("id", flat=True)),
    )


keeper = DirectoryKeeper()
