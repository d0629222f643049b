"""Every way to lie in a JWT that we know of ends in the same 401, in milliseconds."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from identity import tokens
from identity.models import Client, SigningKey
from tests.identity.callers import (
    Json,
    ask,
    decoded,
    encoded,
    our_key,
    parts_of,
    signed,
    token_for,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]

YEAR_5000 = 95_617_584_000


def refused(token: str) -> bool:
    """Tell whether the front door answers our one refusal, and quickly."""
    started = time.perf_counter()
    response = ask(token)
    took = time.perf_counter() - started
    assert took < 5  # milliseconds on a quiet machine; a look-up outside would hang
    return response.status_code == 401 and response.json()["code"] == "invalid_token"


@pytest.fixture
def honest(client_row: Client) -> tuple[Json, Json]:
    """The header and claims of a good token, to be bent."""
    token = token_for(client_row)
    assert ask(token).status_code == 200
    return parts_of(token)


def test_the_forger_of_these_tests_can_make_a_good_token(honest: tuple[Json, Json]) -> None:
    assert ask(signed(*honest, our_key())).status_code == 200


def without(name: str) -> Callable[[Json], Json]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def with_(**changed: Any) -> Callable[[Json], Json]:
    def bend(claims: Json) -> Json:
        now = int(clock.system_now().timestamp())
        return claims | {
            key: value(now) if callable(value) else value for key, value in changed.items()
        }

    return bend


BENT_CLAIMS = {
    **{
        f"no {name}": without(name)
        for name in ("iss", "aud", "sub", "exp", "iat", "jti", "scope", "client_id")
    },
    **{
        f"{name} null": with_(**{name: None})
        for name in ("iss", "aud", "sub", "exp", "iat", "jti", "scope", "client_id")
    },
    "exp in year 5000": with_(exp=YEAR_5000),
    "exp in year 5000 and iat too": with_(exp=YEAR_5000, iat=YEAR_5000 - 900),
    "exp as text": with_(exp=lambda now: str(now + 600)),
    "exp as float": with_(exp=lambda now: now + 600.5),
    "exp as whole float": with_(exp=lambda now: float(now + 600)),
    "exp as bool": with_(exp=True),
    "exp as list": with_(exp=lambda now: [now + 600]),
    "exp negative": with_(exp=-1),
    "exp of 300 digits": with_(exp=10**300),
    "exp passed": with_(exp=lambda now: now - 1, iat=lambda now: now - 600),
    "exp now": with_(exp=lambda now: now, iat=lambda now: now - 600),
    "lives a second too long": with_(iat=lambda now: now - 10, exp=lambda now: now + 891),
    "exp before iat": with_(iat=lambda now: now + 30, exp=lambda now: now + 20),
    "iat in the future": with_(iat=lambda now: now + 120, exp=lambda now: now + 600),
    "iat as text": with_(iat=str),
    "iat as float": with_(iat=lambda now: now - 0.5),
    "iat as bool": with_(iat=False),
    "iat out of range": with_(iat=-(10**18)),
    "nbf in the future": with_(nbf=lambda now: now + 120),
    "nbf as text": with_(nbf=lambda now: str(now - 5)),
    "nbf as bool": with_(nbf=True),
    "nbf null": with_(nbf=None),
    "another issuer": with_(iss="https://evil.example"),
    "issuer with a slash": with_(iss=f"{project.BASE_URL}/"),
    "issuer as list": with_(iss=[project.BASE_URL]),
    "another audience": with_(aud="https://evil.example"),
    "audience of the issuer": with_(aud=project.BASE_URL),
    "two audiences": with_(aud=[f"{project.BASE_URL}/v1", "https://evil.example"]),
    "sub of another client": with_(sub="cli_01jd3vq6n0e6rt1c7h9a2b4c5d"),
    "unknown client": with_(
        sub="cli_01jd3vq6n0e6rt1c7h9a2b4c5d", client_id="cli_01jd3vq6n0e6rt1c7h9a2b4c5d"
    ),
    "client_id with NUL": with_(sub="cli_\x00", client_id="cli_\x00"),
    "client_id with half a surrogate": with_(sub="\ud800", client_id="\ud800"),
    "client_id as number": with_(sub=1, client_id=1),
    "jti as number": with_(jti=7),
    "jti of another shape": with_(jti="x"),
    "scope as list": with_(scope=["entitlements:check"]),
}


@pytest.mark.parametrize("bend", BENT_CLAIMS.values(), ids=BENT_CLAIMS)
def test_bent_claims_are_refused_though_signed_by_us(
    honest: tuple[Json, Json], bend: Callable[[Json], Json]
) -> None:
    header, claims = honest
    assert refused(signed(header, bend(claims), our_key()))


BENT_HEADERS = {
    "no typ": without("typ"),
    "typ JWT": with_(typ="JWT"),
    "typ of an id token": with_(typ="id+jwt"),
    "typ in capitals": with_(typ="AT+JWT"),
    "typ null": with_(typ=None),
    "no kid": without("kid"),
    "kid unknown": with_(kid="key_01jd3vq6n0e6rt1c7h9a2b4c5d"),
    "kid as number": with_(kid=1),
    "kid as list": with_(kid=[]),
    "kid as path": with_(kid="../../../../dev/null"),
    "kid as SQL": with_(kid="' OR 1=1 --"),
    "kid with NUL": with_(kid="\x00"),
    "kid with half a surrogate": with_(kid="\udfff"),
    "kid of 5,000 characters": with_(kid="k" * 5000),
    "no alg": without("alg"),
    "alg none": with_(alg="none"),
    "alg None": with_(alg="None"),
    "alg empty": with_(alg=""),
    "alg null": with_(alg=None),
    "alg HS256": with_(alg="HS256"),
    "alg ES256": with_(alg="ES256"),
    "alg eddsa": with_(alg="eddsa"),
    "alg in full-width letters": with_(alg="\uff25dDSA"),
    "alg as list": with_(alg=["EdDSA"]),
    "unknown crit": with_(crit=["exp"], exp=1),
    "empty crit": with_(crit=[]),
    "b64 false": with_(b64=False, crit=["b64"]),
    "b64 true": with_(b64=True, crit=["b64"]),
    "jku": with_(jku="http://169.254.169.254/keys"),
    "x5u": with_(x5u="http://169.254.169.254/keys"),
    "x5c": with_(x5c=["MIIB"]),
    "x5t": with_(x5t="AAAA"),
    "jwk": with_(jwk={"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg"}),
    "zip": with_(zip="DEF"),
    "cty": with_(cty="JWT"),
}


@pytest.mark.parametrize("bend", BENT_HEADERS.values(), ids=BENT_HEADERS)
def test_bent_headers_are_refused_though_signed_by_us(
    honest: tuple[Json, Json], bend: Callable[[Json], Json]
) -> None:
    header, claims = honest
    assert refused(signed(bend(header), claims, our_key()))


def test_a_signature_by_another_key_is_refused(honest: tuple[Json, Json]) -> None:
    header, claims = honest
    theirs = Ed25519PrivateKey.generate()
    assert refused(signed(header, claims, theirs))
    x = encoded(theirs.public_key().public_bytes_raw())
    own = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": header["kid"]}
    assert refused(signed({**header, "jwk": own}, claims, theirs))


def test_hmac_with_the_public_key_is_refused(honest: tuple[Json, Json]) -> None:
    """Algorithm confusion: the public key, which everybody has, used as a shared secret."""
    header, claims = honest
    public = our_key().public_key()
    for secret in (
        public.public_bytes_raw(),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        encoded(public.public_bytes_raw()).encode(),
        b"",
    ):
        for algorithm in ("HS256", "HS512", "EdDSA"):
            text = f"{encoded({**header, 'alg': algorithm})}.{encoded(claims)}"
            digest = hashlib.sha512 if algorithm == "HS512" else hashlib.sha256
            mac = hmac.new(secret, text.encode(), digest).digest()
            assert refused(f"{text}.{encoded(mac)}")
            assert refused(f"{text}.{encoded(mac.ljust(64, bytes(1)))}")


def test_other_asymmetric_algorithms_are_refused(honest: tuple[Json, Json]) -> None:
    header, claims = honest
    token = jwt.encode(
        claims, generate_private_key(SECP256R1()), "ES256", headers=header | {"alg": "ES256"}
    )
    assert len(token.rpartition(".")[2]) == 86  # as long as ours
    assert refused(token)


def test_unsigned_and_truncated_tokens_are_refused(honest: tuple[Json, Json]) -> None:
    header, claims = honest
    good = signed(header, claims, our_key())
    head, body, signature = good.split(".")
    for token in (
        f"{encoded({**header, 'alg': 'none'})}.{body}.",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}..{signature}",
        f".{body}.{signature}",
        f"{head}.{body}.{'A' * 86}",
        f"{head}.{body}.{signature[:-1]}",
        f"{head}.{body}.{signature}A",
        f"{head}.{body}.{signature}.",
        f"{head}.{body}.{signature}.{signature}",
        f"{head}.{body}.{signature}.{signature}.{signature}",  # a JWE has five parts
        f"{head}.{body}=.{signature}",
        good.replace("_", "/").replace("-", "+") + "==",
        f"{head}.{body}\n.{signature}",
        ".." + "A" * 86,
    ):
        assert refused(token), token


def test_signatures_are_one_and_in_one_form(honest: tuple[Json, Json]) -> None:
    """JWS knows JSON forms with many signatures, and sloppy decoders know many texts of one."""
    good = signed(*honest, our_key())
    head, body, signature = good.split(".")
    one = {"protected": head, "signature": signature}
    raw = decoded(signature)
    order = 2**252 + 27742317777372353535851937790883648493
    larger = int.from_bytes(raw[32:], "little") + order
    texts = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = texts[texts.index(signature[-1]) + 1]
    assert decoded(f"{signature[:-1]}{twin}") == raw  # the same bytes for most decoders
    for token in (
        json.dumps({"payload": body, "signatures": [one]}),
        json.dumps({"payload": body, "signatures": [one] * 1000}),
        json.dumps({"payload": body, **one}),
        encoded(json.dumps({"payload": body, "signatures": [one, one]}).encode()),
        ".".join([head, body, *[signature] * 90]),
        f"{head}.{body}.{signature}," * 20,
        f"{head}.{body}.{signature[:-1]}{twin}",
        f"{head}.{body}.{encoded(raw[:32] + larger.to_bytes(32, 'little'))}",
        f"{head}.{body}.{encoded(bytes(64))}",
    ):
        assert refused(token), token
    assert ask(good).status_code == 200


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        (b"null", b"{}"),
        (b"[]", b"[]"),
        (b"1", b"1"),
        (b"\xff\xfe", b"{}"),
        (b"[" * 2500, b"[" * 2500),
        (b'{"a":' * 800, b'{"a":' * 800),
        (b'{"alg":NaN}', b'{"exp":Infinity}'),
        (b'{"alg":' + b"9" * 4999 + b"}", b"{}"),
        ("{}".encode("utf-16"), "{}".encode("utf-16")),
        (b"\xef\xbb\xbf{}", b"\xef\xbb\xbf{}"),
    ],
)
def test_parts_that_are_no_objects_are_refused(
    honest: tuple[Json, Json], header: bytes, claims: bytes
) -> None:
    assert refused(signed(header, claims, our_key()))
    assert refused(signed(honest[0], claims, our_key()))
    assert refused(signed(header, honest[1], our_key()))


def test_a_good_token_may_not_be_too_long(honest: tuple[Json, Json]) -> None:
    header, claims = honest
    assert ask(signed(header, claims | {"pad": "x" * 5000}, our_key())).status_code == 200
    assert refused(signed(header, claims | {"pad": "x" * 6000}, our_key()))


@pytest.mark.parametrize("unit", ["a", "a.", ".", "\u00e9", "\ud800", "eyJ"])
def test_ten_megabytes_are_refused_in_a_millisecond(client_row: Client, unit: str) -> None:
    token_for(client_row)
    token = unit * (10_000_000 // len(unit))
    quickest = min(_seconds_to_refuse(token) for _ in range(5))
    assert quickest < 0.001


def _seconds_to_refuse(token: str) -> float:
    started = time.perf_counter()
    with pytest.raises(tokens.InvalidToken):
        tokens.verify(token)
    return time.perf_counter() - started


def test_forgeries_ask_the_database_nothing(
    honest: tuple[Json, Json], django_assert_num_queries: Any
) -> None:
    header, claims = honest
    forged = [
        signed({**header, "kid": f"key_{each}"}, claims, Ed25519PrivateKey.generate())
        for each in range(20)
    ]
    tokens.verify(signed(header, claims, our_key()))
    with django_assert_num_queries(0):
        for token in forged:
            with pytest.raises(tokens.InvalidToken):
                tokens.verify(token)


@pytest.fixture
def _a_key(client_row: Client) -> None:
    token_for(client_row)
    assert SigningKey.objects.count() == 1


part = st.one_of(st.text(), st.text("eyJ_-09azAZ="), st.binary().map(encoded))


@pytest.mark.usefixtures("_a_key")
@given(st.one_of(st.text(), st.lists(part, max_size=5).map(".".join)))
def test_any_text_is_refused_and_nothing_else_happens(token: str) -> None:
    with pytest.raises(tokens.InvalidToken):
        tokens.verify(token)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "scope", "client_id"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it is only read
@given(st.dictionaries(names, json_values, min_size=1))
def test_any_claims_signed_by_us_are_accepted_or_refused(
    honest: tuple[Json, Json], changed: Json
) -> None:
    header, claims = honest
    try:
        tokens.verify(signed(header, claims | changed, our_key()))
    except tokens.InvalidToken:
        return
    assert changed.keys() <= {"nbf", "scope"}  # the only ones that have other good values
