"""manage.py client, signing_keys and token, as an operator types them."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from core.models import AuditEntry
from identity.models import Client, ClientSecret, SigningKey
from tests.identity.callers import ask, make_client, parts_of, token_for
from tests.identity.test_token_endpoint import fields_of, post

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]


def manage(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def create(*more: str) -> dict[str, str]:
    shown = manage("client", "create", "Edge", "--scope", "entitlements:check", *more)
    return dict(line.split(" ", 1) for line in shown.splitlines())


def test_create_shows_a_secret_that_works_and_shows_it_once() -> None:
    shown = create("--key", "edge", "--reason", "new service")
    fields = {"grant_type": "client_credentials", **shown}
    assert ask(post(fields).json()["access_token"]).status_code == 200
    listed = manage("client", "list")
    assert shown["client_id"] in listed
    assert "key=edge" in listed
    assert shown["client_secret"] not in listed
    assert shown["client_secret"][:9] + "…" in listed
    entry = AuditEntry.objects.get(table_name="identity_client")
    assert (entry.actor, entry.reason) == ("system:manage", "new service")


def test_secrets_are_given_and_taken() -> None:
    made = make_client(key="edge")
    manage("client", "secret", "edge", "--expires-at", "2999-01-01T00:00:00Z")
    assert "until 2999-01-01T00:00:00Z" in manage("client", "list")
    manage("client", "revoke-secret", made.secret.id)
    assert post(fields_of(made)).status_code == 401
    assert ClientSecret.objects.unrevoked().count() == 1
    for instant in ("tomorrow", "2999-01-01T00:00:00"):
        with pytest.raises(CommandError):
            manage("client", "secret", "edge", "--expires-at", instant)


def test_a_client_is_disabled_enabled_and_given_other_scopes() -> None:
    made = make_client(key="edge")
    manage("client", "disable", "edge")
    assert " disabled key=edge" in manage("client", "list")
    assert post(fields_of(made)).status_code == 401
    manage("client", "enable", made.client.id)
    assert post(fields_of(made)).status_code == 200
    manage("client", "scopes", "edge", "--scope", "events:read", "--scope", "catalog:read")
    assert Client.objects.get().scopes == ["catalog:read", "events:read"]


def test_tokens_are_issued_and_taken_back() -> None:
    make_client("entitlements:check", "events:read", key="edge")
    token = manage("token", "issue", "edge", "--scope", "entitlements:check").strip()
    assert parts_of(token)[1]["scope"] == "entitlements:check"
    assert ask(token).status_code == 200
    manage("token", "revoke", token)
    assert ask(token).status_code == 401
    other = manage("token", "issue", "edge").strip()
    assert parts_of(other)[1]["scope"] == "entitlements:check events:read"
    manage("token", "revoke", "--client", "edge", "--reason", "leaked")
    assert ask(other).status_code == 401


def test_keys_are_rotated_and_listed() -> None:
    token = token_for(make_client().client)
    first = manage("signing_keys", "list")
    assert re.fullmatch(r"key_\w{26} signing from \S+Z\n", first)
    rotated = manage("signing_keys", "rotate").splitlines()
    assert " signing " in rotated[0]
    assert " published from " in rotated[1]
    assert manage("signing_keys", "rotate").splitlines() == rotated
    assert ask(token).status_code == 200
    manage("signing_keys", "rotate", "--compromised", "--reason", "stolen backup")
    assert SigningKey.objects.count() == 1
    assert ask(token).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("client", "disable", "nobody"), "client_not_found"),
        (("client", "create", "x", "--scope", "everything"), "invalid choice"),
        (("client", "create", "x"), "--scope"),
        (
            ("client", "create", "x", "--scope", "catalog:read", "--product-service", "edge"),
            "scope_beyond_service",
        ),
        (("client", "revoke-secret", "sec_x"), "malformed_id"),
        (("token", "revoke", "nonsense"), "invalid_token"),
        (("token", "revoke"), "required"),
        (("token", "issue", "nobody"), "client_not_found"),
        (("signing_keys",), "required"),
    ],
)
def test_mistakes_are_said_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        manage(*arguments)
    assert not Client.objects.exists()
