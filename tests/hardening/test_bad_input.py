"""Bad input, as the table in SECURITY.md promises: one test for each row, on many endpoints."""

import pytest

from tests.hardening.door import Door

# Endpoints that read a body; what is wrong with the body alone is said before they act.
BODIES = [
    ("POST", "/v1/customers"),
    ("PATCH", "/v1/customers/nobody"),
    ("DELETE", "/v1/customers/nobody"),
    ("POST", "/v1/customers/nobody/subjects"),
    ("POST", "/v1/customers/nobody/subjects/bulk"),
    ("POST", "/v1/subscriptions"),
    ("POST", "/v1/subscriptions/sub_01jd0000000000000000000001/change"),
    ("PUT", "/v1/customers/nobody/products/zone"),
    ("POST", "/v1/entitlements/check"),
    ("POST", "/v1/entitlements/consume"),
    ("PUT", "/v1/entitlements/levels"),
    ("POST", "/v1/entitlements/reservations"),
    ("POST", "/v1/entitlements/reservations/nothing/release"),
    ("POST", "/v1/test-clocks"),
    ("PUT", "/v1/product-services/nothing"),
    ("POST", "/v1/product-services/nothing/pause"),
    ("PUT", "/v1/catalog"),
]
# Lists, each with its filters.
LISTS = [
    "/v1/customers",
    "/v1/subscriptions",
    "/v1/events",
    "/v1/test-clocks",
    "/v1/plans",
    "/v1/features",
    "/v1/product-services",
    "/v1/provisioning/targets",
]
each_body = pytest.mark.parametrize(("method", "path"), BODIES)
each_list = pytest.mark.parametrize("path", LISTS)


@each_body
def test_deep_nesting_is_refused_before_it_is_read(door: Door, method: str, path: str) -> None:
    for deep in (b'{"a":' * 1000 + b"1" + b"}" * 1000, b"[" * 200_000, b'{"a":' + b"[" * 33):
        assert door.refuses(method, path, deep) == (400, "too_deep")


@each_body
def test_a_large_body_is_refused_by_its_length(door: Door, method: str, path: str) -> None:
    limit = 1024 * 1024 if path == "/v1/catalog" else 256 * 1024
    large = b'{"reason":"' + b"x" * limit + b'"}'

    assert door.refuses(method, path, large) == (413, "body_too_large")


@each_body
def test_text_that_no_column_holds_is_refused(door: Door, method: str, path: str) -> None:
    bodies = (
        rb'{"reason": "a\u0000b"}',
        rb'{"a\u0000": 1}',
        rb'{"reason": "\ud800"}',
        rb'{"\udfff": 1}',
        rb'{"reason": {"deeper": ["\udc00\ud800"]}}',
    )

    for body in bodies:
        assert door.refuses(method, path, body) == (400, "unacceptable_text")
    assert door.refuses(method, path, b'{"reason": "a\x00b"}') == (400, "malformed_json")


@each_list
@pytest.mark.parametrize("limit", ["9" * 30, "1000000000", "101", "0", "-1", "1_0", "%D9%A3"])
def test_a_limit_is_a_number_from_1_to_100(door: Door, path: str, limit: str) -> None:
    assert door.refuses("GET", f"{path}?limit={limit}") == (400, "malformed_parameter")


@each_list
def test_a_misspelt_filter_never_answers_everything(door: Door, path: str) -> None:
    assert door.refuses("GET", f"{path}?misspelt=x") == (400, "unknown_parameter")
    assert door.refuses("GET", f"{path}?limit=1&Limit=1") == (400, "unknown_parameter")
    assert door.refuses("GET", f"{path}?limit=1&limit=2") == (400, "duplicate_parameter")


@pytest.mark.parametrize(
    "query",
    [
        "customers?key=",
        "subscriptions?state=",
        "subscriptions?customer",
        "events?type=",
        "provisioning/targets?lagging=",
        "plans?archived=",
        "entitlements/check?feature=waf_rules&customer=",
    ],
)
def test_an_empty_filter_never_answers_everything(door: Door, query: str) -> None:
    assert door.refuses("GET", f"/v1/{query}") == (400, "empty_parameter")


@each_body
def test_fields_that_are_not_taken_are_not_ignored(door: Door, method: str, path: str) -> None:
    answer = door.knock(method, path, {"nope": 1})

    assert answer.status_code == 400
    assert ("/nope", "unknown_field") in [
        (each["pointer"], each["code"]) for each in answer.json()["errors"]
    ]
    assert door.refuses(method, path, b'{"reason": "a", "reason": "b"}') == (400, "duplicate_key")


def test_read_only_fields_are_not_taken(door: Door) -> None:
    body = {"currency": "USD", "id": "cus_01jd0000000000000000000001", "parked": False}

    answer = door.knock("POST", "/v1/customers", body)

    assert answer.status_code == 400
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/id", "unknown_field"),
        ("/parked", "unknown_field"),
    ]


@each_body
@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9" * 5000, b"-" + b"9" * 20]
)
def test_numbers_that_are_none_are_refused(
    door: Door, method: str, path: str, number: bytes
) -> None:
    body = b'{"reason": %s}' % number

    assert door.refuses(method, path, body) == (400, "unacceptable_number")


@pytest.mark.parametrize(
    "quantity", ["-1", "%D9%A1%D9%A2", "1_000", "NaN", "Infinity", "1e400", "1e2", "%201", "0x1"]
)
def test_a_quantity_is_written_in_plain_digits(door: Door, quantity: str) -> None:
    path = f"/v1/entitlements/check?customer=ada&feature=waf_rules&quantity={quantity}"

    assert door.refuses("GET", path) == (400, "malformed_parameter")


@pytest.mark.parametrize("quantity", ["-1", "١٢", "1_000", "NaN", "1e400", 1, 1.5, True, None])
def test_a_quantity_in_a_body_is_a_text_of_plain_digits(door: Door, quantity: object) -> None:
    checks = [{"customer": "ada", "feature": "waf_rules", "quantity": quantity}]

    answer = door.knock("POST", "/v1/entitlements/check", {"checks": checks})

    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/checks/0/quantity"]


@pytest.mark.parametrize(
    "instant",
    [
        "2026-01-31T00:00:00",
        "2026-01-31",
        "2026-02-29T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T00:00:60Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-01-31t00:00:00z",
        "٢٠٢٦-01-31T00:00:00Z",
    ],
)
def test_an_instant_has_an_offset_and_exists(door: Door, instant: str) -> None:
    answer = door.knock("POST", "/v1/test-clocks", {"frozen_at": instant})

    assert answer.status_code == 400
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/frozen_at", "malformed_instant")
    ]
    path = f"/v1/customers?created_after={instant}"
    assert door.refuses("GET", path) == (400, "malformed_parameter")


@pytest.mark.parametrize(
    "segment",
    [
        "1_0",
        "cus_01JD0000000000000000000001",  # an identifier is lower case
        "cus_81jd0000000000000000000001",  # beyond 128 bits
        "sbj_01jd0000000000000000000001",  # of another type
        "%00",
        "a%00b",
        "%FF%FE",
        "%ED%A0%80",
        "%C0%AF",
        "%2E%2E",
        "%0D%0AX:%20y",
        "a" * 129,
        "a" * 9000,
    ],
)
@pytest.mark.parametrize(
    "path", ["customers/{}", "plans/{}", "features/{}", "subscriptions/{}", "test-clocks/{}"]
)
def test_a_path_that_names_nothing_is_not_found(door: Door, path: str, segment: str) -> None:
    status, code = door.refuses("GET", "/v1/" + path.format(segment))

    assert status == 404
    assert code.endswith("not_found")


@each_body
@pytest.mark.parametrize(
    "body",
    [
        *(
            '{"reason": "a"}'.encode(name)
            for name in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")
        ),
        '{"reason": "ü"}'.encode("cp037"),
        b'{"reason": "\xff"}',
        b'{"reason": "\xc0\x80"}',  # U+0000, too long
        b'{"reason": "\xed\xa0\x80"}',  # half of a pair
    ],
)
def test_a_body_is_utf_8(door: Door, method: str, path: str, body: bytes) -> None:
    assert door.refuses(method, path, body) == (415, "unsupported_encoding")


@each_body
@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/json; charset=utf-16", "unsupported_encoding"),
        ("application/json; charset=utf-7", "unsupported_encoding"),
        ("application/json; charset=utf-8; charset=utf-7", "unsupported_encoding"),
        ("application/json; charset=cp037", "unsupported_encoding"),
        ("application/json; boundary=x", "unsupported_media_type"),
        ("application/x-www-form-urlencoded", "unsupported_media_type"),
        ("multipart/form-data; boundary=x", "unsupported_media_type"),
        ("text/plain", "unsupported_media_type"),
        ("application/json, text/plain", "unsupported_media_type"),
        ("", "unsupported_media_type"),
    ],
)
def test_a_body_is_declared_as_json(
    door: Door, method: str, path: str, content_type: str, code: str
) -> None:
    answer = door.refuses(method, path, b'{"reason": "a"}', content_type=content_type)

    assert answer == (415, code)


@pytest.mark.parametrize("path", ["/v1/subscriptions", "/v1/subscriptions/{}/change"])
@pytest.mark.parametrize("version", ["x", "pro", "pln_01jd0000000000000000000001", "plv_", "1"])
def test_a_plan_version_is_named_by_its_identifier(door: Door, path: str, version: str) -> None:
    body = {"plan": "pro", "plan_version": version}
    if path == "/v1/subscriptions":
        body["customer"] = "nobody"

    answer = door.knock("POST", path.format("sub_01jd0000000000000000000001"), body)

    assert answer.status_code == 400
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/plan_version", "malformed_id")
    ]


@pytest.mark.parametrize("name", ["a\x01", "a\nb", "\x7f", "a\x85", "", "a" * 65])
def test_notes_are_named_in_plain_characters(door: Door, name: str) -> None:
    path = "/v1/subscriptions/sub_01jd0000000000000000000001"

    assert door.refuses("PATCH", path, {"metadata": {name: "x"}}) == (400, "invalid_input")


@pytest.mark.parametrize("key", ["", "a b", "a\tb", "é", "x" * 256])
def test_an_idempotency_key_is_visible_ascii(door: Door, key: str) -> None:
    header = {"Idempotency-Key": key.encode().decode("latin-1")}

    refused = door.refuses("POST", "/v1/customers", {"currency": "USD"}, **header)

    assert refused == (400, "malformed_idempotency_key")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO"])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/entitlements/check", "/oauth/token"])
def test_a_method_that_is_not_there_is_told(door: Door, method: str, path: str) -> None:
    assert door.refuses(method, path) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.yaml"])
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "POST", "FOO"])
def test_pages_are_only_read(door: Door, method: str, path: str) -> None:
    answer = door.client.generic(method, path)

    assert (answer.status_code, answer.headers["Allow"], answer.content) == (405, "GET, HEAD", b"")
