"""Access tokens (RFC 9068): issue them, and find out whom one stands for.

``verify`` is on the path of every request. A token seen before costs a hash and a look into memory;
a new one also the check of its signature. The database is never asked about a token.
"""

import hashlib
import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import jwt
from django.conf import settings

from core import acting, clock, ids
from core.errors import BadRequest, Unauthorized
from core.principals import Principal, Scope
from identity import claims as rules
from identity import directory, keys, queries, services
from identity.claims import TokenClaims, Unacceptable
from identity.directory import Directory, DirectoryKeeper, UnknownClient
from identity.lifetimes import TOKEN_LIFE
from identity.models import Client

logger = logging.getLogger(__name__)

CACHED_TOKENS = 10_000


class InvalidToken(Unauthorized):
    """The access token is not one of ours, has expired or was taken back."""

    code = "invalid_token"


class ScopeNotGranted(BadRequest):
    """A token was asked for with a scope that the client does not have."""

    code = "scope_not_granted"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as it is handed out; ``text`` is kept nowhere."""

    text: str
    token_id: str
    scopes: frozenset[Scope]
    expires_in_seconds: int


def issuer() -> str:
    """Who issues our tokens: the address under which we are reached."""
    return str(settings.BASE_URL)


def audience() -> str:
    """Whom our tokens are for: this API."""
    return f"{settings.BASE_URL}/v1"


def issue(*, client: Client, now: datetime, scopes: frozenset[Scope] | None = None) -> AccessToken:
    """Sign a token for a client that has proven itself, with all its scopes or some of them.

    :raises ScopeNotGranted: if it asks for more than it has
    :raises KeyUnreadable: if the signing key was sealed under another SECRET_KEY
    """
    granted = rules.known_scopes(client.scopes)
    wanted = granted if scopes is None else scopes
    if not wanted <= granted:
        raise ScopeNotGranted(f"not granted: {', '.join(sorted(wanted - granted))}")
    key = queries.signing_key(at=now)
    if key is None:
        with acting.acting_as("system:identity"):
            key = services.ensure_signing_key(now=now)
    issued_at = clock.whole_second(now)
    if client.tokens_from is not None:
        issued_at = max(issued_at, client.tokens_from)
    token_id = ids.new_id("tok")
    text = jwt.encode(
        {
            "iss": issuer(),
            "aud": audience(),
            "sub": client.id,
            "client_id": client.id,
            "iat": int(issued_at.timestamp()),
            "exp": int((issued_at + TOKEN_LIFE).timestamp()),
            "jti": token_id,
            "scope": " ".join(sorted(wanted)),
        },
        keys.private_key(queries.private_half(key)),
        algorithm=rules.ALGORITHM,
        headers={"typ": rules.TYPE, "kid": key.id},
    )
    logger.info("token issued", extra={"client": client.id, "token": token_id, "key": key.id})
    return AccessToken(
        text=text,
        token_id=token_id,
        scopes=wanted,
        expires_in_seconds=int(TOKEN_LIFE.total_seconds()),
    )


@dataclass(frozen=True, slots=True)
class _Verified:
    """A good signature, and whom it stood for in one state of the directory."""

    claims: TokenClaims
    key_id: str
    directory_version: UUID | None
    principal: Principal


class Verifier:
    """Judges tokens by a directory and remembers good signatures, a bounded number of them.

    What it remembers is asked again of every new directory, so a token that was taken back is
    refused as soon as the directory knows, remembered or not.
    """

    def __init__(self, keeper: DirectoryKeeper, *, capacity: int = CACHED_TOKENS) -> None:
        self._keeper = keeper
        self._capacity = capacity
        self._young: dict[bytes, _Verified] = {}
        self._old: dict[bytes, _Verified] = {}
        self._turnover = threading.Lock()

    def __len__(self) -> int:
        """How many tokens are remembered."""
        return len(self._young) + len(self._old)

    def verify(self, token: str) -> Principal:
        """Return whom an access token stands for.

        :raises InvalidToken: for any token that is not a valid one of ours
        :raises DirectoryUnavailable: 15 minutes after the database was last reached
        """
        if len(token) > rules.MAX_TOKEN_CHARACTERS:
            raise InvalidToken("the access token is not valid")
        now = clock.system_now()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        found = self._young.get(digest)
        if (
            found is not None
            and found.directory_version == self._keeper.current().version
            and now < found.claims.expires_at
        ):
            return found.principal
        return self._judge(token, digest, now).principal

    def claims(self, token: str) -> TokenClaims:
        """Return what a valid token says.

        :raises InvalidToken, DirectoryUnavailable: as ``verify``
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        return self._judge(token, digest, clock.system_now()).claims

    def _judge(self, token: str, digest: bytes, now: datetime) -> _Verified:
        try:
            rules.check_shape(token)
            known = self._young.get(digest) or self._old.get(digest)
            try:
                verified = self._against(self._keeper.current(), token, known, now)
            except UnknownClient:
                # Our own signature on a client we do not know: one made a moment ago elsewhere.
                self._keeper.expire()
                verified = self._against(self._keeper.current(), token, known, now)
        except (Unacceptable, jwt.PyJWTError) as error:
            logger.info("token refused: %s", error)
            raise InvalidToken("the access token is not valid") from None
        self._remember(digest, verified)
        return verified

    def _against(
        self, state: Directory, token: str, known: _Verified | None, now: datetime
    ) -> _Verified:
        if known is None:
            key_id = rules.key_id_of(jwt.get_unverified_header(token))
            claims = _signed_claims(token, state, key_id, now)
        else:
            key_id, claims = known.key_id, known.claims
            state.key(key_id, now=now)
            rules.check_not_expired(claims, now=now)
        return _Verified(claims, key_id, state.version, state.principal(claims))

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        """Two halves: when the young one is full it becomes the old one, which is dropped."""
        with self._turnover:
            if len(self._young) >= self._capacity // 2:
                self._young, self._old = {}, self._young
            self._young[digest] = verified


def _signed_claims(token: str, state: Directory, key_id: str, now: datetime) -> TokenClaims:
    """Check the signature with PyJWT, and the times ourselves: PyJWT reads "1", 1.5 and true as
    whole seconds and knows no longest life."""
    payload = jwt.decode(
        token,
        key=state.key(key_id, now=now),
        algorithms=[rules.ALGORITHM],
        issuer=issuer(),
        audience=audience(),
        options={
            "require": list(rules.REQUIRED),
            "strict_aud": True,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        },
    )
    return rules.read(payload, now=now)


_verifier = Verifier(directory.keeper)
verify = _verifier.verify
claims_of = _verifier.claims
