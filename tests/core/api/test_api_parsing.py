"""Bodies: what is not plain JSON in UTF-8 is refused with a code, never with a 500."""

import gzip
import io
import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.api.parsing import MAX_BYTES, strict_json
from core.errors import DomainError

pytestmark = [pytest.mark.urls("api_front_door"), pytest.mark.django_db]

CLOCK = {"name": "noon", "frozen_at": "2026-01-31T12:00:00Z"}


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


REFUSED = {
    "nested 33 deep": (nested(33), 400, "too_deep"),
    "nested 100,000 deep": (nested(100_000), 400, "too_deep"),
    "only opening brackets": (b"[" * 100_000, 400, "too_deep"),
    "one byte too large": (b'{"a":"' + b"x" * (MAX_BYTES - 7) + b'"}', 413, "body_too_large"),
    "raw NUL in a text": (b'{"a":"\x00"}', 400, "malformed_json"),
    "escaped NUL in a text": (rb'{"a":"\u0000"}', 400, "unacceptable_text"),
    "escaped NUL in a key": (rb'{"\u0000":1}', 400, "unacceptable_text"),
    "escaped NUL deep in lists": (rb'{"a":[[{"b":"x\u0000"}]]}', 400, "unacceptable_text"),
    "lone high surrogate": (rb'{"a":"\ud800"}', 400, "unacceptable_text"),
    "lone low surrogate": (rb'{"a":"\udc00"}', 400, "unacceptable_text"),
    "lone surrogate in a key": (rb'{"\uD834":1}', 400, "unacceptable_text"),
    "surrogate written raw": (b'{"a":"\xed\xa0\x80"}', 415, "unsupported_encoding"),
    "duplicate keys": (b'{"a":1,"a":1}', 400, "duplicate_key"),
    "duplicate keys, one escaped": (rb'{"a":1,"\u0061":1}', 400, "duplicate_key"),
    "duplicate keys further in": (b'{"a":[{"b":1,"b":2}]}', 400, "duplicate_key"),
    "NaN": (b'{"a":NaN}', 400, "unacceptable_number"),
    "Infinity": (b'{"a":Infinity}', 400, "unacceptable_number"),
    "-Infinity": (b'{"a":-Infinity}', 400, "unacceptable_number"),
    "1e400": (b'{"a":1e400}', 400, "unacceptable_number"),
    "-1e400": (b'{"a":-1e400}', 400, "unacceptable_number"),
    "2^63": (b'{"a":9223372036854775808}', 400, "unacceptable_number"),
    "100,000 digits": (b'{"a":' + b"9" * 100_000 + b"}", 400, "unacceptable_number"),
    "1_000": (b'{"a":1_000}', 400, "malformed_json"),
    "leading zero": (b'{"a":01}', 400, "malformed_json"),
    "plus sign": (b'{"a":+1}', 400, "malformed_json"),
    "Arabic-Indic digits": ('{"a":\u0661}'.encode(), 400, "malformed_json"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), 415, "unsupported_encoding"),
    "UTF-16 without its mark": ('{"a":1}'.encode("utf-16-le"), 415, "unsupported_encoding"),
    "UTF-32": ('{"a":1}'.encode("utf-32-be"), 415, "unsupported_encoding"),
    "cp037": ('{"a":"ä"}'.encode("cp037"), 415, "unsupported_encoding"),
    "UTF-8 with a mark": (b'\xef\xbb\xbf{"a":1}', 415, "unsupported_encoding"),
    "Latin-1": (b'{"a":"\xe4"}', 415, "unsupported_encoding"),
    "a list": (b"[]", 400, "malformed_json"),
    "a text": (b'"a"', 400, "malformed_json"),
    "null": (b"null", 400, "malformed_json"),
    "trailing garbage": (b"{} {}", 400, "malformed_json"),
    "a trailing comma": (b'{"a":1,}', 400, "malformed_json"),
    "an open text": (b'{"a":"', 400, "malformed_json"),
    "a comment": (b'{"a":1} // one', 400, "malformed_json"),
    "single quotes": (b"{'a':1}", 400, "malformed_json"),
    "white space": (b"  ", 400, "malformed_json"),
    "a raw line feed in a text": (b'{"a":"\n"}', 400, "malformed_json"),
    "nothing": (b"", 400, "malformed_json"),
}


@pytest.mark.parametrize(("body", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_body_that_is_unclear_is_refused(body, status, code):
    with pytest.raises(DomainError) as refused:
        strict_json(body)
    assert (refused.value.status, refused.value.code) == (status, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [of for name, of in REFUSED.items() if name != "nothing"],
    ids=[name for name in REFUSED if name != "nothing"],
)
def test_the_front_door_refuses_it_too(api, body, status, code):
    answer = api.post("/v1/clocks", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (nested(32), json.loads(nested(32))),
        (rb'{"a":"\ud83d\ude00"}', {"a": "\U0001f600"}),
        ('{"a":"\U0001f600"}'.encode(), {"a": "\U0001f600"}),
        (b'{"a":9223372036854775807,"b":-9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
        (b'{"a":1.5e3,"b":[true,false,null]}', {"a": 1500.0, "b": [True, False, None]}),
        (b' {"[":"{\\"["} \n', {"[": '{"['}),
        (b'{"a":"' + b"x" * (MAX_BYTES - 8) + b'"}', {"a": "x" * (MAX_BYTES - 8)}),
    ],
)
def test_plain_json_is_read_as_it_is(body, value):
    assert strict_json(body) == value


def test_brackets_in_texts_are_not_depth():
    assert strict_json(b'{"a":"' + b"[" * 1000 + b'\\""}') == {"a": "[" * 1000 + '"'}


def test_a_list_is_read_where_it_is_declared():
    assert strict_json(b"[1]", list_allowed=True) == [1]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MAX_BYTES,
        b'"\\' * (MAX_BYTES // 2),
        b'\\"' * (MAX_BYTES // 2),
        b'{"' * 100_000,
        b"{" * 33 + b'"' * 200_000,
        b"[" * 40 + b"\\" * 200_000,
        b"[" * 40 + b'"\\"' * 80_000,
    ],
)
def test_hostile_bodies_are_refused_in_bounded_time(body):
    began = time.perf_counter()
    with pytest.raises(DomainError):
        strict_json(body)
    assert time.perf_counter() - began < 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)
PIECES = b'{ } [ ] " \\ , : \\u0000 \\ud800 \\u \xff \x00 1e999 NaN - 0 1 true \xef\xbb\xbf a .'
NOISE = st.lists(st.sampled_from([*PIECES.split(b" "), b" "]), max_size=60).map(b"".join)


@given(st.binary(max_size=200) | NOISE | NOISE.map(lambda noise: b'{"a":' + noise + b"}"))
@example(b"\xff\xfe")
@example(b"{\x00")
def test_any_bytes_give_a_value_or_a_refusal(body):
    try:
        value = strict_json(body, max_bytes=100)
    except DomainError as refused:
        assert refused.status in (400, 413, 415)  # noqa: PT017 - a value is as good
    else:
        assert isinstance(value, dict)
        assert json.loads(json.dumps(value).encode().decode("utf-8")) == value


@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_every_acceptable_object_comes_through_unchanged(value):
    texts = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in json.dumps(value):
        with pytest.raises(DomainError):
            strict_json(json.dumps(value).encode())
    else:
        assert strict_json(texts.encode()) == value
        assert strict_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("text/plain", "unsupported_media_type"),
        ("application/x-www-form-urlencoded", "unsupported_media_type"),
        ("multipart/form-data; boundary=x", "unsupported_media_type"),
        ("application/xml", "unsupported_media_type"),
        ("application/merge-patch+json", "unsupported_media_type"),
        ("application/*", "unsupported_media_type"),
        ("*/*", "unsupported_media_type"),
        ("", "unsupported_media_type"),
        ("application/json; version=2", "unsupported_media_type"),
        ("application/json; charset=utf-16", "unsupported_encoding"),
        ("application/json; charset=utf-7", "unsupported_encoding"),
        ("application/json; charset=cp037", "unsupported_encoding"),
        ("application/json; charset=nonsense", "unsupported_encoding"),
    ],
)
def test_only_declared_utf_8_json_is_taken(api, content_type, code):
    answer = api.post("/v1/clocks", CLOCK, Content_Type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, code)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON", 'application/json; charset="UTF-8"'],
)
def test_the_usual_declarations_are_taken(api, content_type):
    assert api.post("/v1/clocks", CLOCK, Content_Type=content_type).status_code == 201


def test_a_form_post_changes_nothing(api):
    answer = api.post(
        "/v1/clocks",
        b"name=noon&frozen_at=2026-01-31T12:00:00Z",
        Content_Type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 415


def test_a_compressed_body_is_refused(api):
    answer = api.post("/v1/clocks", gzip.compress(b"{}"), Content_Encoding="gzip")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_encoding")


@pytest.mark.parametrize("length", ["-5", "abc", "1_0", "\u0661", "9" * 30, "1.5"])
def test_a_content_length_that_is_no_number_is_refused(api, length):
    answer = api.post("/v1/clocks", CLOCK, Content_Length=length)
    assert (answer.status_code, answer.json()["code"]) == (400, "length_required")


def test_a_body_shorter_than_it_claims_is_refused(api):
    answer = api.client.post(
        "/v1/clocks",
        headers={"Authorization": "Bearer all"},
        content_type="application/json",
        **{"CONTENT_LENGTH": "1000", "wsgi.input": io.BytesIO(json.dumps(CLOCK).encode())},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_a_claim_of_a_huge_body_is_refused_without_reading(api):
    answer = api.post("/v1/clocks", CLOCK, Content_Length="999999999999")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_body_longer_than_it_claims_is_cut_and_refused(api):
    answer = api.post("/v1/clocks", CLOCK, Content_Length="10")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_a_chunked_body_is_not_taken_for_none(api):
    answer = api.post("/v1/clocks", CLOCK, Content_Length="", Transfer_Encoding="chunked")
    assert (answer.status_code, answer.json()["code"]) == (400, "length_required")


def test_a_view_may_take_up_to_a_mebibyte(api):
    body = b'{"size":1,"note":"' + b"x" * 300_000 + b'"}'
    assert api.post("/v1/ask", body).status_code == 413
    answer = api.post("/v1/big", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "too_long")
    assert api.post("/v1/big", b'{"size":"' + b"x" * 1_048_576 + b'"}').status_code == 413


def test_no_body_says_as_much_as_an_empty_object(api):
    answer = api.post("/v1/clocks")
    assert answer.status_code == 400
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/name", "required"),
        ("/frozen_at", "required"),
    ]
