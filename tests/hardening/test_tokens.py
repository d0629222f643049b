"""Access tokens: whatever is wrong with one, the answer is the same 401, soon, from memory."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test.utils import CaptureQueriesContext

from tests.hardening.door import Door
from tests.identity.callers import encoded, our_key, parts_of, signed

FAR = 95_617_584_000  # in the year 5000
Json = dict[str, Any]
Bend = Callable[[Json, Json], tuple[Json, Json]]

SIGNED_BY_US: dict[str, Bend] = {
    "no exp": lambda head, claims: (head, _without(claims, "exp")),
    "exp as text": lambda head, claims: (head, {**claims, "exp": str(claims["exp"])}),
    "exp in year 5000": lambda head, claims: (head, {**claims, "exp": FAR}),
    "exp beyond all years": lambda head, claims: (head, {**claims, "exp": 10**30}),
    "exp with a fraction": lambda head, claims: (head, {**claims, "exp": claims["exp"] + 0.5}),
    "exp true": lambda head, claims: (head, {**claims, "exp": True}),
    "not yet valid": lambda head, claims: (head, {**claims, "nbf": claims["exp"]}),
    "typ JWT": lambda head, claims: ({**head, "typ": "JWT"}, claims),
    "no typ": lambda head, claims: (_without(head, "typ"), claims),
    "unknown crit": lambda head, claims: ({**head, "crit": ["x"], "x": 1}, claims),
    "jku": lambda head, claims: ({**head, "jku": "http://127.0.0.1:9/keys"}, claims),
    "x5u": lambda head, claims: ({**head, "x5u": "http://127.0.0.1:9/cert"}, claims),
    "another audience": lambda head, claims: (head, {**claims, "aud": "another"}),
    "two audiences": lambda head, claims: (head, {**claims, "aud": [claims["aud"], "x"]}),
    "another issuer": lambda head, claims: (head, {**claims, "iss": "http://evil.example"}),
    "unknown kid": lambda head, claims: ({**head, "kid": "key_nobody"}, claims),
    "kid that is a list": lambda head, claims: ({**head, "kid": ["x"]}, claims),
}


def _without(members: Json, name: str) -> Json:
    return {key: value for key, value in members.items() if key != name}


def refused_at_once(door: Door, token: str) -> None:
    started = time.perf_counter()
    answer = door.knock("GET", "/v1/customers", token=token)
    elapsed = time.perf_counter() - started

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer.json()["detail"] == "the access token is not valid"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
    assert elapsed < 0.1, elapsed
    check = door.refuses("GET", "/v1/entitlements/check?feature=x&customer=y", token=token)
    assert check == (401, "invalid_token")


@pytest.mark.parametrize("bend", SIGNED_BY_US.values(), ids=SIGNED_BY_US.keys())
def test_a_bent_token_is_refused_though_our_key_signed_it(door: Door, bend: Bend) -> None:
    assert door.knock("GET", "/v1/customers").status_code == 200  # the honest one

    refused_at_once(door, signed(*bend(*parts_of(door.token)), our_key()))


def test_a_token_without_our_signature_is_refused(door: Door) -> None:
    head, claims = parts_of(door.token)
    first, second, third = door.token.split(".")

    refused_at_once(door, signed(head, claims, Ed25519PrivateKey.generate()))
    refused_at_once(door, f"{encoded({**head, 'alg': 'none'})}.{second}.")
    refused_at_once(door, f"{encoded({**head, 'alg': 'HS256'})}.{second}.{third}")
    refused_at_once(door, f"{first}.{encoded({**claims, 'scope': 'catalog:write'})}.{third}")
    refused_at_once(door, f"{first}.{second}.")
    refused_at_once(door, door.token + "=")
    refused_at_once(door, f"{encoded(b'[' * 4000)}.{second}.{third}")


def test_ten_megabytes_of_token_cost_nothing(door: Door) -> None:
    refused_at_once(door, "a" * 10_000_000)
    refused_at_once(door, f"{'a' * 5_000_000}.{'b' * 5_000_000}.{'c' * 86}")


def test_no_token_makes_us_ask_the_database(door: Door, django_assert_num_queries: Any) -> None:
    head, claims = parts_of(door.token)
    forged = signed(
        {**head, "kid": "' OR 1=1", "jku": "http://127.0.0.1:9/"},
        claims,
        Ed25519PrivateKey.generate(),
    )
    door.knock("GET", "/v1/customers")

    with django_assert_num_queries(0) as asked:
        refused_at_once(door, forged)

    assert isinstance(asked, CaptureQueriesContext)


def test_two_tokens_are_none(door: Door) -> None:
    """As a server joins two headers of the same name."""
    assert door.refuses("GET", "/v1/customers", token=f"{door.token},{door.token}") == (
        401,
        "invalid_token",
    )
    assert door.refuses("GET", "/v1/customers", token=f"{door.token}, Bearer {door.token}") == (
        401,
        "invalid_token",
    )


def test_the_token_endpoint_takes_a_form_and_nothing_else(door: Door) -> None:
    form = "application/x-www-form-urlencoded"
    wrong = [
        (form, b"grant_type=client_credentials", 401, "invalid_client"),
        (form, b"client_id=%00&client_secret=%00", 401, "invalid_client"),
        (form, b"client_id=a&client_id=b", 400, "invalid_request"),
        (form, b"client_id=%FF", 400, "invalid_request"),
        (form, b"client_id=%ED%A0%80", 400, "invalid_request"),
        (form, b"&".join(b"a%d=1" % n for n in range(60)), 400, "invalid_request"),
        (form, b"a=" + b"x" * 16 * 1024, 413, "invalid_request"),
        (f"{form}; charset=utf-16", b"a=1", 415, "invalid_request"),
        ("application/json", json.dumps({"client_id": "a"}).encode(), 415, "invalid_request"),
        ("multipart/form-data; boundary=x", b"--x--", 415, "invalid_request"),
    ]
    for content_type, body, status, error in wrong:
        answer = door.knock("POST", "/oauth/token", body, content_type=content_type, token=None)
        assert (answer.status_code, answer.json()["error"]) == (status, error), body[:40]
