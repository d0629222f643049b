"""Clients and their secrets: two at most, shown once, kept as digests, audited without them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core import acting, clock, ids
from core.models import AuditEntry
from core.principals import Scope
from core.transactions import unit_of_work
from customers.turns import CustomerNotFound
from identity import queries, scopes, services
from identity.models import Client, ClientSecret, RevokedToken
from identity.services import NewClientSecret
from tests.identity.callers import ask, make_client, make_customer, token_for

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]

DAY = timedelta(days=1)


def opens(made: NewClientSecret, *, in_days: int = 0) -> bool:
    at = clock.system_now() + in_days * DAY
    return queries.authenticated_client(made.client.id, made.text, at=at) is not None


def add_secret(client: Client, *, days: int | None = None) -> NewClientSecret:
    now = clock.system_now()
    expires_at = None if days is None else now + days * DAY
    return services.add_secret(client_id=client.id, now=now, expires_at=expires_at)


def test_a_secret_has_256_random_bits_and_is_kept_as_a_digest() -> None:
    made = make_client()
    assert made.text.startswith("sk_")
    assert len(made.text) == 3 + 43
    row = ClientSecret.objects.get()
    assert len(bytes(row.digest)) == 32
    assert row.prefix == made.text[:9]
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(s::text, '') FROM identity_clientsecret s")
        assert made.text[9:] not in cursor.fetchone()[0]


def test_secrets_are_rotated_without_a_gap() -> None:
    old = make_client()
    new = add_secret(old.client)
    assert opens(old)
    assert opens(new)
    services.revoke_secret(secret_id=old.secret.id, now=clock.system_now())
    assert not opens(old)
    assert opens(new)
    assert opens(add_secret(old.client))


def test_a_third_live_secret_is_refused() -> None:
    made = make_client()
    add_secret(made.client)
    with pytest.raises(services.TooManySecrets):
        add_secret(made.client)
    assert ClientSecret.objects.count() == 2


def test_an_expired_secret_opens_nothing_and_frees_its_place() -> None:
    made = make_client()
    brief = add_secret(made.client, days=1)
    assert opens(brief)
    assert not opens(brief, in_days=1)
    later = clock.system_now() + 2 * DAY
    services.add_secret(client_id=made.client.id, now=later)
    assert ClientSecret.objects.live(at=later).count() == 2
    with pytest.raises(services.TooManySecrets):
        services.add_secret(client_id=made.client.id, now=later)


def test_a_secret_that_would_have_expired_is_refused() -> None:
    with pytest.raises(services.SecretExpiresInPast):
        add_secret(make_client().client, days=0)


def test_revoking_twice_keeps_the_first_instant() -> None:
    made, now = make_client(), clock.system_now()
    services.revoke_secret(secret_id=made.secret.id, now=now)
    services.revoke_secret(secret_id=made.secret.id, now=now + DAY)
    assert ClientSecret.objects.get().revoked_at == now
    with pytest.raises(services.SecretNotFound):
        services.revoke_secret(secret_id=ids.new_id("sec"), now=now)


def test_the_database_itself_allows_two_slots() -> None:
    made = make_client()

    def squeeze(slot: int) -> None:
        now = clock.system_now()
        ClientSecret.objects.create(
            client=made.client, slot=slot, prefix="sk_", digest=bytes(32), created_at=now
        )

    for slot, constraint in ((1, "client_secret_slot"), (3, "client_secret_two_slots")):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            unit_of_work(lambda slot=slot: squeeze(slot))


def test_a_disabled_client_is_shut_out_and_its_old_tokens_never_come_back() -> None:
    made = make_client()
    token = token_for(made.client)
    assert ask(token).status_code == 200
    services.disable_client(client_id=made.client.id, now=clock.system_now())
    assert ask(token).status_code == 401
    assert not opens(made)
    with pytest.raises(services.ClientDisabled):
        add_secret(made.client)
    services.enable_client(client_id=made.client.id, now=clock.system_now())
    assert opens(made)
    assert ask(token).status_code == 401
    assert ask(token_for(Client.objects.get())).status_code == 200


def test_taking_back_all_tokens_takes_those_of_the_same_second_and_no_later_one() -> None:
    made, other = make_client(), make_client()
    token, kept = token_for(made.client), token_for(other.client)
    services.revoke_all_tokens(client_id=made.client.id, now=clock.system_now())
    assert ask(token).status_code == 401
    assert ask(kept).status_code == 200
    assert ask(token_for(queries.find_client(made.client.id))).status_code == 200


def test_clients_are_found_by_id_or_key() -> None:
    made = make_client(key="edge")
    assert queries.find_client("edge") == queries.find_client(made.client.id) == made.client
    for reference in ("core", ids.new_id("cli"), ids.new_id("cus"), "", "a b", "\x00", "é"):
        with pytest.raises(queries.ClientNotFound):
            queries.find_client(reference)


def test_what_a_client_cannot_be_is_refused() -> None:
    make_client(key="edge")
    with pytest.raises(services.ClientKeyTaken):
        make_client(key="edge")
    with pytest.raises(scopes.UnknownScope):
        make_client("everything")
    with pytest.raises(scopes.NoScope):
        services.create_client(name="x", scopes=[], now=clock.system_now())
    with pytest.raises(ids.MalformedKey):
        make_client(key=ids.new_id("cli"))
    with pytest.raises(ids.MalformedKey):
        make_client(product_service="no key")
    with pytest.raises(CustomerNotFound):
        make_client(customer_id=ids.new_id("cus"))
    assert Client.objects.count() == 1


def test_a_client_of_a_product_service_has_only_scopes_that_keep_to_it() -> None:
    made = make_client(*scopes.SERVICE_SCOPES, product_service="edge")
    assert made.client.scopes == sorted(scopes.SERVICE_SCOPES)
    for scope in sorted(set(Scope) - set(scopes.SERVICE_SCOPES)):
        with pytest.raises(scopes.ScopeBeyondService, match=scope):
            make_client("entitlements:check", scope, product_service="edge")
        with pytest.raises(scopes.ScopeBeyondService, match=scope):
            services.change_scopes(client_id=made.client.id, scopes=[scope])
    assert Client.objects.get().scopes == sorted(scopes.SERVICE_SCOPES)
    wide = make_client(*Scope).client
    for change in ({"product_service": "edge"}, {"scopes": ["events:read"]}):
        row = wide if "product_service" in change else made.client
        with pytest.raises(IntegrityError, match="keeps_to_its_service"), transaction.atomic():
            unit_of_work(lambda row=row, change=change: rewrite(row, change))


def rewrite(row: Client, change: dict[str, Any]) -> None:
    Client.objects.filter(pk=row.pk).update(**change)


def test_every_write_is_audited_with_its_actor_and_without_secrets() -> None:
    customer = make_customer()
    with acting.acting_as("staff:7", reason="new edge service"):
        made = make_client(customer_id=customer.id)
        services.change_scopes(client_id=made.client.id, scopes=["events:read"])
        services.revoke_secret(secret_id=made.secret.id, now=clock.system_now())
    entries = AuditEntry.objects.filter(table_name__startswith="identity_").order_by("id")
    assert [(each.operation, each.table_name) for each in entries] == [
        ("insert", "identity_client"),
        ("insert", "identity_clientsecret"),
        ("update", "identity_client"),
        ("update", "identity_clientsecret"),
    ]
    assert {(each.actor, each.reason) for each in entries} == {("staff:7", "new edge service")}
    assert [each.customer_id for each in entries][::2] == [customer.id] * 2
    assert entries[2].changes == {"scopes": [["entitlements:check"], ["events:read"]]}
    assert entries[3].changes == {"revoked_at": True}
    assert set(entries[1].changes.values()) == {True}


def test_expired_revocations_are_forgotten() -> None:
    made = make_client()
    ask(token_for(made.client))
    now = clock.system_now()
    RevokedToken.objects.bulk_create(
        RevokedToken(
            id=ids.new_id("tok"), client=made.client, revoked_at=now, expires_at=now + seconds
        )
        for seconds in (timedelta(0), timedelta(seconds=1))
    )
    assert services.clean_up(now=now) == 1
    assert RevokedToken.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_requests_for_a_second_secret_give_one() -> None:
    client = make_client().client
    start = threading.Barrier(6)

    def add() -> bool:
        with acting.acting_as("system:test"):
            start.wait()
            try:
                add_secret(client)
            except services.TooManySecrets:
                return False
            finally:
                connection.close()
            return True

    with ThreadPoolExecutor(6) as pool:
        added = [each.result(timeout=10) for each in [pool.submit(add) for _ in range(6)]]
    assert added.count(True) == 1
    assert ClientSecret.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_many_clients_with_one_key_become_one() -> None:
    start = threading.Barrier(6)

    def create() -> bool:
        with acting.acting_as("system:test"):
            start.wait()
            try:
                make_client(key="edge")
            except services.ClientKeyTaken:
                return False
            finally:
                connection.close()
            return True

    with ThreadPoolExecutor(6) as pool:
        made = [each.result(timeout=10) for each in [pool.submit(create) for _ in range(6)]]
    assert made.count(True) == 1
    assert Client.objects.count() == 1
