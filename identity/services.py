"""The only writers of clients, secrets, keys and revocations.

Every command also makes this process look at its directory again; the others notice within about
a second.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from core import clock, ids
from core.errors import BadRequest, Conflict, NotFound
from core.transactions import command
from customers.models import Customer
from customers.turns import CustomerNotFound
from identity import credentials, directory, keys, queries, sealing
from identity.claims import TokenClaims
from identity.lifetimes import PUBLICATION_DELAY
from identity.models import Client, ClientSecret, RevokedToken, SigningKey
from identity.queries import ClientNotFound
from identity.scopes import checked

SECRET_SLOTS = (1, 2)


class ClientKeyTaken(Conflict):
    """Another client has this key."""

    code = "client_key_taken"


class ClientDisabled(Conflict):
    """The client is disabled; enable it first."""

    code = "client_disabled"


class TooManySecrets(Conflict):
    """The client has two live secrets; revoke one first."""

    code = "too_many_secrets"


class SecretNotFound(NotFound):
    """The client has no such secret."""

    code = "secret_not_found"


class SecretExpiresInPast(BadRequest):
    """A secret cannot expire before it exists."""

    code = "secret_expires_in_past"


@dataclass(frozen=True, slots=True)
class NewClientSecret:
    """``text`` is the secret itself. It is kept nowhere: show it now."""

    client: Client
    secret: ClientSecret
    text: str


@command
def create_client(
    *,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    key: str | None = None,
    customer_id: str | None = None,
    product_service: str | None = None,
) -> NewClientSecret:
    """Make a client with its first secret.

    ``customer_id`` limits it to one customer, ``product_service`` to one service's features and
    targets.

    :raises UnknownScope, NoScope, ScopeBeyondService: for the scopes
    :raises MalformedKey: if a key cannot be one
    :raises ClientKeyTaken: if another client has it
    :raises CustomerNotFound: if there is no such customer
    """
    names = checked(scopes, product_service=product_service)
    for each in (key, product_service):
        if each is not None:
            ids.check_key(each)
    if customer_id is not None and not Customer.objects.filter(id=customer_id).exists():
        raise CustomerNotFound(f"no customer {customer_id}")
    if key is not None:
        _lock_name(f"identity.client_key.{key}")
        if Client.objects.filter(key=key).exists():
            raise ClientKeyTaken(f"the key {key} belongs to another client")
    client = Client.objects.create(
        name=name,
        key=key,
        scopes=names,
        customer_id=customer_id,
        product_service=product_service,
        created_at=now,
    )
    _changed()
    return add_secret(client_id=client.id, now=now)


@command
def add_secret(
    *, client_id: str, now: datetime, expires_at: datetime | None = None
) -> NewClientSecret:
    """Give a client another secret, beside the one it has.

    :raises ClientNotFound: if there is no such client
    :raises ClientDisabled: if the client is disabled
    :raises TooManySecrets: if it has two live ones
    :raises SecretExpiresInPast: if it would never have been live
    """
    client = _locked(client_id)
    if client.disabled_at is not None:
        raise ClientDisabled(f"{client.id} is disabled")
    if expires_at is not None and expires_at <= now:
        raise SecretExpiresInPast("the secret would have expired already")
    unrevoked = ClientSecret.objects.unrevoked().filter(client=client)
    unrevoked.filter(expires_at__lte=now).update(revoked_at=now)  # their slots are free again
    free = set(SECRET_SLOTS) - set(unrevoked.values_list("slot", flat=True))
    if not free:
        raise TooManySecrets(f"{client.id} has two live secrets; revoke one first")
    fresh = credentials.new_secret()
    secret = ClientSecret.objects.create(
        client=client,
        slot=min(free),
        prefix=fresh.prefix,
        digest=fresh.digest,
        created_at=now,
        expires_at=expires_at,
    )
    return NewClientSecret(client=client, secret=secret, text=fresh.text)


@command
def revoke_secret(*, secret_id: str, now: datetime) -> ClientSecret:
    """End a secret at once. Tokens it got stay valid until they expire or are taken back.

    Repeating it changes nothing.

    :raises SecretNotFound: if there is no such secret
    """
    secret = ClientSecret.objects.select_for_update(no_key=True).filter(id=secret_id).first()
    if secret is None:
        raise SecretNotFound(f"no secret {secret_id}")
    if secret.revoked_at is None:
        secret.revoked_at = now
        secret.save(update_fields=["revoked_at"])
    return secret


@command
def change_scopes(*, client_id: str, scopes: Iterable[str]) -> Client:
    """Say anew what a client may do. It holds at once, for the tokens that it has, too: they lose
    what it loses, and only new ones get what it gains.

    :raises ClientNotFound: if there is no such client
    :raises UnknownScope, NoScope, ScopeBeyondService: for the scopes
    """
    client = _locked(client_id)
    names = checked(scopes, product_service=client.product_service)
    if client.scopes != names:
        client.scopes = names
        client.save(update_fields=["scopes"])
        _changed()
    return client


@command
def disable_client(*, client_id: str, now: datetime) -> Client:
    """Refuse a client everything: it gets no token, and every token it has is refused.

    :raises ClientNotFound: if there is no such client
    """
    client = _locked(client_id)
    if client.disabled_at is None:
        client.disabled_at = now
        _take_back_tokens(client, now)
        client.save(update_fields=["disabled_at", "tokens_from"])
        _changed()
    return client


@command
def enable_client(*, client_id: str, now: datetime) -> Client:
    """Let a disabled client in again. Its secrets work again, tokens from before do not.

    :raises ClientNotFound: if there is no such client
    """
    client = _locked(client_id)
    if client.disabled_at is not None:
        client.disabled_at = None
        _take_back_tokens(client, now)
        client.save(update_fields=["disabled_at", "tokens_from"])
        _changed()
    return client


@command
def revoke_token(*, claims: TokenClaims, now: datetime) -> None:
    """Take one verified token back. Repeating it changes nothing."""
    RevokedToken.objects.bulk_create(
        [
            RevokedToken(
                id=claims.token_id,
                client_id=claims.client_id,
                revoked_at=now,
                expires_at=claims.expires_at,
            )
        ],
        ignore_conflicts=True,
    )
    _changed()


@command
def revoke_all_tokens(*, client_id: str, now: datetime) -> Client:
    """Take back all tokens that a client has been given so far.

    :raises ClientNotFound: if there is no such client
    """
    client = _locked(client_id)
    _take_back_tokens(client, now)
    client.save(update_fields=["tokens_from"])
    _changed()
    return client


@command
def ensure_signing_key(*, now: datetime) -> SigningKey:
    """Return the key that signs, making the first one if there is none yet.

    The first key signs at once: nobody can have a key set from before it. A machine whose clock is
    behind the one that made it uses it as well.
    """
    _lock_name("identity.signing_keys")
    key = queries.signing_key(at=now) or SigningKey.objects.first()
    return key or _make_key(not_before=now, now=now)


@command
def rotate_signing_key(*, now: datetime) -> SigningKey:
    """Publish a key that follows the signing one after the publication delay; return it.

    While such a key waits, it is returned and nothing changes. The instants do the rest: at its
    ``not_before`` it signs, and the old key is only published on until its tokens have expired.
    """
    _lock_name("identity.signing_keys")
    newest = SigningKey.objects.order_by("not_before").last()
    if newest is None:
        return ensure_signing_key(now=now)
    if newest.not_before > now:
        return newest
    newest.not_after = now + PUBLICATION_DELAY
    newest.save(update_fields=["not_after"])
    return _make_key(not_before=newest.not_after, now=now)


@command
def replace_signing_keys(*, now: datetime) -> SigningKey:
    """Forget every key and make a new one that signs at once: somebody may have had the old ones.

    Every token so far becomes invalid, here within about a second.
    """
    _lock_name("identity.signing_keys")
    SigningKey.objects.all().delete()
    return _make_key(not_before=now, now=now)


@command
def clean_up(*, now: datetime) -> int:
    """Forget what no longer matters; return how many rows that concerned.

    Expired revocations and removed keys go. A retired key's private half goes at once.
    """
    erased = (
        SigningKey.objects.filter(not_after__lte=now)
        .exclude(sealed_private_key=None)
        .update(sealed_private_key=None)
    )
    removed, _ = SigningKey.objects.removed(at=now).delete()
    expired, _ = RevokedToken.objects.filter(expires_at__lte=now).delete()
    return erased + removed + expired


def _locked(client_id: str) -> Client:
    client = Client.objects.select_for_update(no_key=True).filter(id=client_id).first()
    if client is None:
        raise ClientNotFound(f"no client {client_id}")
    return client


def _make_key(*, not_before: datetime, now: datetime) -> SigningKey:
    fresh = keys.new_key()
    key_id = ids.new_id("key")
    key = SigningKey.objects.create(
        id=key_id,
        public_key=fresh.public,
        sealed_private_key=sealing.seal(
            fresh.private, name=key_id, secret=str(settings.SECRET_KEY)
        ),
        not_before=not_before,
        created_at=now,
    )
    _changed()
    return key


def _take_back_tokens(client: Client, now: datetime) -> None:
    """Tokens carry whole seconds; those of the current one are taken back with the rest."""
    following = clock.whole_second(now) + timedelta(seconds=1)
    client.tokens_from = max(following, client.tokens_from or following)


def _lock_name(name: str) -> None:
    """Let one transaction at a time do what no row's lock can order: making the first row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _changed() -> None:
    """Look again now, for whoever asks inside this transaction, and once it is committed."""
    directory.keeper.expire()
    transaction.on_commit(directory.keeper.expire)
