"""POST /oauth/token as clients of any make send it (RFC 6749)."""

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser

from core import clock
from core.models import AuditEntry
from identity import services
from tests.identity.callers import ask, decoded, locked_table, make_client, parts_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]

FORM = "application/x-www-form-urlencoded"
Fields = dict[str, str] | list[tuple[str, str]] | bytes


def post(fields: Fields, *, to: str = "/oauth/token", **headers: str) -> HttpResponse:
    body = fields if isinstance(fields, bytes) else urlencode(fields)
    return Browser().post(to, body, content_type=headers.pop("content_type", FORM), headers=headers)


def basic(client: str, secret: str) -> str:
    pair = f"{quote_plus(client)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def fields_of(made: services.NewClientSecret, **more: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": made.client.id,
        "client_secret": made.text,
        **more,
    }


def refusal(response: HttpResponse) -> tuple[int, str]:
    assert response["Cache-Control"] == "no-store"
    assert set(response.json()) == {"error", "error_description"}
    return response.status_code, response.json()["error"]


def test_a_client_gets_a_token_that_opens_the_api() -> None:
    made = make_client("entitlements:check", "entitlements:read")
    response = post(fields_of(made))
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"] == "application/json"
    answer = response.json()
    token = answer.pop("access_token")
    assert answer == {
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "entitlements:check entitlements:read",
    }
    assert ask(token).json() == {
        "actor": f"client:{made.client.id}",
        "scopes": ["entitlements:check", "entitlements:read"],
        "customer": None,
        "product_service": None,
    }


def test_the_token_is_an_access_token_of_rfc_9068() -> None:
    made = make_client()
    before = int(clock.system_now().timestamp())
    header, claims = parts_of(post(fields_of(made)).json()["access_token"])
    after = int(clock.system_now().timestamp())
    assert header.keys() == {"alg", "typ", "kid"}
    assert (header["alg"], header["typ"]) == ("EdDSA", "at+jwt")
    assert before <= claims["iat"] <= after
    assert claims == {
        "iss": settings.BASE_URL,
        "aud": f"{settings.BASE_URL}/v1",
        "sub": made.client.id,
        "client_id": made.client.id,
        "iat": claims["iat"],
        "exp": claims["iat"] + 900,
        "jti": claims["jti"],
        "scope": "entitlements:check",
    }


def test_another_library_verifies_it_with_the_published_key_alone() -> None:
    token = post(fields_of(make_client())).json()["access_token"]
    answer = Browser().get("/.well-known/jwks.json")
    assert answer["Cache-Control"] == "public, max-age=300"
    (jwk,) = answer.json()["keys"]
    assert jwk.keys() == {"kty", "crv", "use", "alg", "kid", "x"}  # no private "d"
    signed, _, signature = token.rpartition(".")
    assert parts_of(token)[0]["kid"] == jwk["kid"]
    Ed25519PublicKey.from_public_bytes(decoded(jwk["x"])).verify(
        decoded(signature), signed.encode()
    )


def test_the_metadata_names_these_endpoints() -> None:
    metadata = Browser().get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == settings.BASE_URL
    for name in ("token_endpoint", "revocation_endpoint", "jwks_uri"):
        assert metadata[name].startswith(f"{settings.BASE_URL}/")
        path = metadata[name].removeprefix(settings.BASE_URL)
        assert Browser().get(path).status_code in (200, 405)
    assert metadata["grant_types_supported"] == ["client_credentials"]
    assert "entitlements:check" in metadata["scopes_supported"]


def test_http_basic_proves_a_client_by_id_or_key() -> None:
    made = make_client(key="zone-edge:eu")
    for name in (made.client.id, "zone-edge:eu"):
        response = post({"grant_type": "client_credentials"}, Authorization=basic(name, made.text))
        assert response.status_code == 200


def test_basic_with_a_matching_client_id_in_the_form_is_one_proof() -> None:
    made = make_client()
    fields = {"grant_type": "client_credentials", "client_id": made.client.id}
    assert post(fields, Authorization=basic(made.client.id, made.text)).status_code == 200


def test_scope_narrows_the_token() -> None:
    made = make_client("entitlements:check", "entitlements:read")
    answer = post(fields_of(made, scope="entitlements:check")).json()
    assert answer["scope"] == "entitlements:check"
    assert ask(answer["access_token"]).json()["scopes"] == ["entitlements:check"]


@pytest.mark.parametrize("scope", ["customers:write", "nothing", "entitlements:check  x", "é"])
def test_scope_beyond_the_client_is_refused(scope: str) -> None:
    assert refusal(post(fields_of(make_client(), scope=scope))) == (400, "invalid_scope")


def test_unknown_and_empty_parameters_are_ignored() -> None:
    response = post(fields_of(make_client(), audience="x", resource="", scope=""))
    assert response.status_code == 200
    assert response.json()["scope"] == "entitlements:check"


def test_another_grant_type_is_refused() -> None:
    made = make_client()
    for grant_type in ("password", "authorization_code", "CLIENT_CREDENTIALS"):
        response = post(fields_of(made, grant_type=grant_type))
        assert refusal(response) == (400, "unsupported_grant_type")
    assert refusal(post(fields_of(made, grant_type=""))) == (400, "invalid_request")


def test_every_failed_proof_gets_the_same_answer() -> None:
    made, now = make_client(key="known"), clock.system_now()
    other, disabled = make_client(), make_client()
    services.disable_client(client_id=disabled.client.id, now=now)
    revoked = services.add_secret(client_id=made.client.id, now=now)
    services.revoke_secret(secret_id=revoked.secret.id, now=now)
    expired = services.add_secret(
        client_id=made.client.id, now=now - timedelta(2), expires_at=now - timedelta(1)
    )
    pairs = [
        (made.client.id, "sk_wrong"),
        (made.client.id, other.text),
        (made.client.id, revoked.text),
        (made.client.id, expired.text),
        (made.client.id, made.text + " "),
        (disabled.client.id, disabled.text),
        ("cli_01jd3vq6n0e6rt1c7h9a2b4c5d", made.text),
        ("unknown", made.text),
        ("known\x00", made.text),
        ("cus" + made.client.id[3:], made.text),
        ("é" * 200, "é" * 200),
    ]
    answers = {
        (response.status_code, response.content, response["WWW-Authenticate"])
        for client_id, secret in pairs
        for response in (
            post(
                {
                    "grant_type": "client_credentials",
                    "client_id": client_id,
                    "client_secret": secret,
                }
            ),
            post({"grant_type": "client_credentials"}, Authorization=basic(client_id, secret)),
        )
    }
    assert len(answers) == 1
    assert answers.pop()[0] == 401


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + "A" * 100_000,
        "Bearer abc",
        "Digest abc",
    ],
)
def test_a_malformed_authorization_header_is_a_failed_proof(header: str) -> None:
    response = post({"grant_type": "client_credentials"}, Authorization=header)
    assert refusal(response) == (401, "invalid_client")
    assert response["WWW-Authenticate"].startswith("Basic ")


def test_two_proofs_at_once_are_refused() -> None:
    made = make_client()
    authorization = basic(made.client.id, made.text)
    response = post(fields_of(made), Authorization=authorization)
    assert refusal(response) == (400, "invalid_request")
    other = {"grant_type": "client_credentials", "client_id": make_client().client.id}
    response = post(other, Authorization=authorization)
    assert refusal(response) == (400, "invalid_request")


def test_a_repeated_parameter_is_refused() -> None:
    fields = list(fields_of(make_client()).items())
    for name in ("grant_type", "client_id", "client_secret", "whatever"):
        repeated = [*fields, (name, "client_credentials"), (name, "client_credentials")]
        assert refusal(post(repeated)) == (400, "invalid_request")


def test_a_proof_in_the_query_is_no_proof() -> None:
    query = urlencode(fields_of(make_client()))
    assert refusal(post(b"", to=f"/oauth/token?{query}")) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"grant_type": "client_credentials"}', "application/json", 415),
        (b"--x--", "multipart/form-data; boundary=x", 415),
        (b"grant_type=client_credentials", "", 415),
        (b"grant_type=client_credentials", FORM + "; charset=utf-16", 415),
        (b"grant_type=%ff%fe", FORM, 400),
        (b"grant_type=\xc3\xa9", FORM, 400),
        (b"&".join(b"a%d=1" % each for each in range(51)), FORM, 400),
        (b"a=" + b"x" * 16_384, FORM, 413),
        (b"a=" + b"x" * 2_000_000, FORM, 413),
    ],
)
def test_a_body_that_is_no_small_utf8_form_is_refused(
    body: bytes, content_type: str, status: int
) -> None:
    assert refusal(post(body, content_type=content_type)) == (status, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"&&&", b"%", b"=", b"\x00=\x00", b"client_id=%00"])
def test_a_strange_form_proves_nothing(body: bytes) -> None:
    assert refusal(post(body)) == (401, "invalid_client")


def test_only_post_issues_tokens() -> None:
    for method in ("get", "put", "delete", "patch"):
        response = getattr(Browser(), method)("/oauth/token")
        assert response.status_code == 405
        assert "POST" in response["Allow"]


def revoke(made: services.NewClientSecret, **fields: str) -> HttpResponse:
    return post(fields_of(made, **fields), to="/oauth/revoke")


def test_a_client_takes_its_own_token_back() -> None:
    made = make_client()
    token, other = (post(fields_of(made)).json()["access_token"] for _ in range(2))
    assert ask(token).status_code == 200
    assert revoke(made, token=token).status_code == 200
    assert ask(token).status_code == 401
    assert ask(other).status_code == 200
    assert revoke(made, token=token).status_code == 200
    entry = AuditEntry.objects.get(table_name="identity_revokedtoken")
    assert (entry.operation, entry.actor) == ("insert", f"client:{made.client.id}")


def test_a_client_cannot_take_back_the_token_of_another() -> None:
    made = make_client()
    token = post(fields_of(made)).json()["access_token"]
    assert refusal(revoke(make_client(), token=token)) == (400, "unauthorized_client")
    assert ask(token).status_code == 200


def test_taking_back_what_is_no_token_succeeds() -> None:
    for token in ("nonsense", "a.b.c", "é"):
        assert revoke(make_client(), token=token).status_code == 200
    assert refusal(revoke(make_client())) == (400, "invalid_request")


def test_a_token_costs_two_queries(django_assert_num_queries: Any) -> None:
    made = make_client()
    post(fields_of(made))
    with django_assert_num_queries(2):  # the client with its secrets, the signing key
        assert post(fields_of(made)).json().keys() == {
            "access_token",
            "token_type",
            "expires_in",
            "scope",
        }


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_said_in_oauths_words() -> None:
    made = make_client()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 50")
    try:
        with locked_table("identity_clientsecret"):
            response = post(fields_of(made))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
    assert refusal(response) == (503, "temporarily_unavailable")
    assert response["Retry-After"] == "1"
