"""Keys come, sign and go on their instants; tokens that are alive stay alive."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client as Browser

from core import acting, clock
from core.models import AuditEntry
from core.transactions import unit_of_work
from identity import queries, services
from identity.invariants import INVARIANTS
from identity.models import Client, KeyState, SigningKey
from tests.identity.callers import ask, make_client, our_key, parts_of, signed, token_for

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]

MINUTE = timedelta(minutes=1)


def minutes_ago(minutes: float) -> datetime:
    return clock.system_now() - minutes * MINUTE


def published() -> set[str]:
    return {key["kid"] for key in Browser().get("/.well-known/jwks.json").json()["keys"]}


def signer_of(token: str) -> str:
    return str(parts_of(token)[0]["kid"])


def states() -> list[str]:
    now = clock.system_now()
    return [key.state(at=now) for key in SigningKey.objects.all()]


def test_the_first_key_is_made_when_it_is_needed_and_signs_at_once(client_row: Client) -> None:
    assert published() == set()
    token = token_for(client_row)
    assert published() == {signer_of(token)}
    assert ask(token).status_code == 200
    assert signer_of(token_for(client_row)) == signer_of(token)
    assert AuditEntry.objects.get(table_name="identity_signingkey").actor == "system:identity"


def test_a_new_key_is_published_ten_minutes_before_it_signs(client_row: Client) -> None:
    old = services.ensure_signing_key(now=minutes_ago(30))
    new = services.rotate_signing_key(now=minutes_ago(9.9))
    assert states() == [KeyState.SIGNING, KeyState.PUBLISHED]
    assert published() == {old.id, new.id}
    assert signer_of(token_for(client_row)) == old.id


def test_rotation_keeps_tokens_that_are_alive(client_row: Client) -> None:
    old = services.ensure_signing_key(now=minutes_ago(30))
    new = services.rotate_signing_key(now=minutes_ago(10.1))  # signs since six seconds ago
    before = token_for(client_row, ago=5 * MINUTE)
    after = token_for(client_row)
    assert (signer_of(before), signer_of(after)) == (old.id, new.id)
    assert states() == [KeyState.RETIRED, KeyState.SIGNING]
    assert published() == {old.id, new.id}
    assert ask(before).status_code == 200
    assert ask(after).status_code == 200
    services.clean_up(now=clock.system_now())  # takes the private half of the old key
    assert ask(before).status_code == 200


def test_a_key_goes_after_its_last_token(client_row: Client) -> None:
    services.ensure_signing_key(now=minutes_ago(60))
    new = services.rotate_signing_key(now=minutes_ago(26.1))  # the old one ended 16.1 minutes ago
    assert states() == [KeyState.REMOVED, KeyState.SIGNING]
    assert published() == {new.id}
    assert services.clean_up(now=clock.system_now()) == 2  # its private half, then the row
    assert [key.id for key in SigningKey.objects.all()] == [new.id]
    assert services.clean_up(now=clock.system_now()) == 0


def test_a_removed_key_verifies_nothing_even_before_it_is_cleaned_up(client_row: Client) -> None:
    services.ensure_signing_key(now=minutes_ago(60))
    services.rotate_signing_key(now=minutes_ago(26.1))
    header, claims = parts_of(token_for(client_row, ago=17 * MINUTE))
    now = int(clock.system_now().timestamp())
    forged = signed(header, claims | {"iat": now, "exp": now + 900}, our_key(ago=17 * MINUTE))
    assert ask(forged).status_code == 401


def test_rotating_again_and_again_is_one_rotation(client_row: Client) -> None:
    start = minutes_ago(60)
    services.ensure_signing_key(now=start)
    first = services.rotate_signing_key(now=start + MINUTE)
    again = services.rotate_signing_key(now=start + 10.9 * MINUTE)
    assert again.id == first.id
    assert SigningKey.objects.count() == 2
    next_one = services.rotate_signing_key(now=start + 11 * MINUTE)
    assert next_one.id != first.id
    assert SigningKey.objects.count() == 3


def test_rotating_before_there_is_a_key_makes_the_first() -> None:
    key = services.rotate_signing_key(now=clock.system_now())
    assert states() == [KeyState.SIGNING]
    assert published() == {key.id}


def test_after_a_theft_every_token_is_worthless_at_once(client_row: Client) -> None:
    services.ensure_signing_key(now=minutes_ago(60))
    services.rotate_signing_key(now=minutes_ago(5))
    stolen = token_for(client_row)
    assert ask(stolen).status_code == 200
    key = services.replace_signing_keys(now=clock.system_now())
    assert ask(stolen).status_code == 401
    assert published() == {key.id}
    assert ask(token_for(client_row)).status_code == 200


def test_a_machine_whose_clock_is_behind_signs_with_the_first_key(client_row: Client) -> None:
    key = services.ensure_signing_key(now=clock.system_now() + timedelta(seconds=2))
    token = token_for(client_row)
    assert signer_of(token) == key.id
    assert ask(token).status_code == 200


def test_two_keys_never_sign_at_one_instant() -> None:
    now = clock.system_now()
    key = services.ensure_signing_key(now=now)

    def second() -> None:
        SigningKey.objects.create(
            public_key=bytes(32),
            sealed_private_key=b"x",
            not_before=now + timedelta(days=1),
            created_at=now,
        )

    with pytest.raises(IntegrityError, match="signing_key_one_at_a_time"), transaction.atomic():
        unit_of_work(second)
    assert [each.id for each in SigningKey.objects.all()] == [key.id]


def test_private_keys_are_sealed_in_the_database(client_row: Client) -> None:
    token_for(client_row)
    key = SigningKey.objects.get()
    private = our_key().private_bytes_raw()
    assert private not in bytes(key.sealed_private_key)
    assert len(bytes(key.sealed_private_key)) == 12 + 32 + 16


def test_another_secret_opens_no_key_and_a_fallback_does(client_row: Client, settings: Any) -> None:
    token_for(client_row)
    original = settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    with pytest.raises(queries.KeyUnreadable):
        token_for(client_row)
    settings.SECRET_KEY_FALLBACKS = ["older", original]
    assert ask(token_for(client_row)).status_code == 200


def test_a_sealed_key_cannot_be_moved_to_another_row(client_row: Client) -> None:
    services.ensure_signing_key(now=minutes_ago(30))
    services.rotate_signing_key(now=minutes_ago(10.1))
    old, new = SigningKey.objects.all()
    new.sealed_private_key = old.sealed_private_key
    unit_of_work(new.save)
    with pytest.raises(queries.KeyUnreadable):
        token_for(client_row)


def test_the_audit_log_holds_no_key_material(client_row: Client) -> None:
    token_for(client_row)
    services.replace_signing_keys(now=clock.system_now())
    entries = AuditEntry.objects.filter(table_name="identity_signingkey")
    assert [entry.operation for entry in entries.order_by("id")] == ["insert", "delete", "insert"]
    for entry in entries:
        assert set(entry.changes.values()) == {True}


def test_the_invariant_finds_a_gap_between_keys() -> None:
    services.ensure_signing_key(now=minutes_ago(60))
    services.rotate_signing_key(now=minutes_ago(30))
    (succession,) = INVARIANTS
    assert list(succession.find()) == []
    old = SigningKey.objects.first()
    assert old is not None
    old.not_after -= MINUTE
    unit_of_work(old.save)
    assert len(list(succession.find())) == 1


@pytest.mark.django_db(transaction=True)
def test_many_first_requests_make_one_key() -> None:
    client = make_client().client
    start = threading.Barrier(8)

    def issue() -> str:
        with acting.acting_as("system:test"):
            start.wait()
            try:
                return signer_of(token_for(client))
            finally:
                connection.close()

    with ThreadPoolExecutor(8) as pool:
        signers = [each.result(timeout=10) for each in [pool.submit(issue) for _ in range(8)]]
    assert len(set(signers)) == 1
    assert SigningKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_rotations_at_once_are_one() -> None:
    services.ensure_signing_key(now=minutes_ago(60))
    start = threading.Barrier(6)

    def rotate() -> str:
        with acting.acting_as("system:test"):
            start.wait()
            try:
                return services.rotate_signing_key(now=clock.system_now()).id
            finally:
                connection.close()

    with ThreadPoolExecutor(6) as pool:
        made = [each.result(timeout=10) for each in [pool.submit(rotate) for _ in range(6)]]
    assert len(set(made)) == 1
    assert SigningKey.objects.count() == 2
