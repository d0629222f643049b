"""Each field takes exactly what it documents; its JSON Schema takes the same."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.serializers import ValidationError

from core.api import fields
from core.api.field_patterns import SHARED_SCHEMAS
from core.api.rendering import dumps
from core.money import Money

ID = "clk_01jd0000000000000000000000"


def code_of(error: ValidationError) -> str:
    return error.value.get_codes()[0]


TAKEN = [
    (fields.Text(max_length=3), "añ\U0001f600", "añ\U0001f600"),
    (fields.Text(max_length=3), " a ", " a "),
    (fields.Text(max_length=3, allow_blank=True), "", ""),
    (fields.Text(max_length=9), "e\u0301", "e\u0301"),
    (fields.Key(), "a.b_c:d@e-9", "a.b_c:d@e-9"),
    (fields.Key(), "x" * 128, "x" * 128),
    (fields.Id("clk"), ID, ID),
    (fields.Reference("cus"), "shop", "shop"),
    (fields.Reference("cus"), ID, ID),
    (fields.Integer(), 0, 0),
    (fields.Integer(min_value=-5), -5, -5),
    (fields.Integer(), 2**31 - 1, 2**31 - 1),
    (fields.DecimalText(), "-12.50", Decimal("-12.50")),
    (fields.DecimalText(), "9" * 20 + "." + "9" * 12, Decimal("9" * 20 + "." + "9" * 12)),
    (fields.Quantity(), "0", Decimal(0)),
    (fields.Quantity(), "007", Decimal(7)),
    (fields.CurrencyCode(), "EUR", "EUR"),
    (fields.MoneyField(), {"amount": 4900, "currency": "EUR"}, Money(4900, "EUR")),
    (fields.MoneyField(min_value=-1), {"amount": -1, "currency": "JPY"}, Money(-1, "JPY")),
    (fields.Zone(), "America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
    (fields.StrictBoolean(), False, False),
    (fields.Choice(["a", "b"]), "b", "b"),
    (fields.JsonObject(), {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
    (fields.Instant(), "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    (fields.Instant(), "2026-01-31T12:00:00.000Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    (fields.Instant(), "2026-01-31T14:00:00+02:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    (fields.Instant(), "2024-02-29T00:00:00-00:30", datetime(2024, 2, 29, 0, 30, tzinfo=UTC)),
    (fields.Instant(), "2026-02-01T11:59:00+23:59", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    (fields.Instant(), "1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    (fields.Instant(), "2200-12-31T23:59:59Z", datetime(2200, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (
        fields.Instant(whole=False),
        "2026-01-31T12:00:00.25Z",
        datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC),
    ),
]


@pytest.mark.parametrize(("field", "given_", "value"), TAKEN, ids=repr)
def test_what_is_documented_is_taken(field, given_, value):
    assert field.run_validation(given_) == value


def test_an_instant_is_kept_in_utc():
    assert fields.Instant().run_validation("2026-02-01T11:59:00+23:59").tzinfo is UTC


NOT_INTEGERS = [True, False, "1", "1_0", "\u0661", 1.0, 1e3, " 1", "", [], {}]
NOT_DECIMALS = (
    *("1_0", "\u0661", "1e3", " 1", "1 ", "1\n", "+1", ".5", "5.", "", "--1", "1.5.5", "NaN"),
    *("Infinity", "0x1", "1,5", "9" * 21, "1." + "1" * 13, "\uff11"),
)
NOT_INSTANTS = (
    *("2026-01-31T12:00:00", "2026-01-31", "2026-01-31 12:00:00Z", "2026-01-31T12:00Z", "", "now"),
    *("2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "1 2"),
    *("2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:60Z"),
    *("1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *("2026-01-31t12:00:00z", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+0200"),
    *("2026-01-31T12:00:00.1234567Z", "\uff12026-01-31T12:00:00Z", " 2026-01-31T12:00:00Z"),
    *("2026-01-31T12:00:00Z\n", "2026-W05-6T12:00:00Z", "20260131T120000Z", "1769860800"),
)
REFUSED = [
    *[(fields.Integer(), each, "not_an_integer") for each in NOT_INTEGERS],
    (fields.Integer(), -1, "too_small"),
    (fields.Integer(), 2**31, "too_large"),
    *[(fields.DecimalText(), each, "malformed_decimal") for each in NOT_DECIMALS],
    *[(fields.DecimalText(), each, "not_text") for each in (1, 1.5, True, [], {})],
    (fields.Quantity(), "-1", "negative"),
    *[(fields.Instant(), each, "malformed_instant") for each in NOT_INSTANTS],
    *[(fields.Instant(), each, "not_text") for each in (0, 1.5, True, [])],
    (fields.Instant(), "2026-01-31T12:00:00.5Z", "whole_seconds_only"),
    (fields.Text(max_length=3), "abcd", "too_long"),
    (fields.Text(max_length=3), "", "blank"),
    (fields.Text(max_length=3), " \u3000 ", "blank"),
    *[
        (fields.Text(max_length=3), f"a{each}", "control_character")
        for each in "\n\r\t\x00\x1b\x7f\x85\x9f"
    ],
    *[(fields.Text(max_length=3), each, "not_text") for each in (1, True, 1.5, [], {}, ["a"])],
    *[
        (fields.Key(), each, "malformed_key")
        for each in ("", " a", "a b", "-a", "ä", "x" * 129, "a\n", "a/b", ID)
    ],
    *[
        (fields.Id("clk"), each, "malformed_id")
        for each in (ID.upper(), "cus" + ID[3:], ID + "0", ID[:-1], "clk_8" + ID[5:], ID + "\n", "")
    ],
    *[(fields.Reference("cus"), each, "malformed_reference") for each in ("", "a b", "\u0661")],
    *[(fields.CurrencyCode(), each, "unknown_currency") for each in ("eur", "EURO", "XXX", "QQQ")],
    *[
        (fields.Zone(), each, "malformed_zone")
        for each in ("", "../etc", "Europe/Berl\xedn", "/UTC")
    ],
    *[(fields.StrictBoolean(), each, "not_a_boolean") for each in ("true", 1, 0, "on", [])],
    *[(fields.Choice(["1"]), each, "unknown_choice") for each in ("2", "1 ", "")],
    (fields.Choice(["1"]), 1, "not_text"),
    *[(fields.JsonObject(), each, "not_an_object") for each in ("{}", [], 1)],
    (fields.JsonObject(max_bytes=10), {"a": "xxxxxxxxxx"}, "too_large"),
    (fields.MoneyField(), "4900 EUR", "not_an_object"),
]


@pytest.mark.parametrize(("field", "given_", "code"), REFUSED, ids=repr)
def test_everything_else_is_refused(field, given_, code):
    with pytest.raises(ValidationError) as refused:
        field.run_validation(given_)
    assert code_of(refused) == code


def test_money_names_each_part_that_is_wrong():
    with pytest.raises(ValidationError) as refused:
        fields.MoneyField().run_validation({"amount": 1.5, "currency": "eur", "scale": 2})
    assert refused.value.get_codes() == {
        "amount": ["not_an_integer"],
        "currency": ["unknown_currency"],
        "scale": ["unknown_field"],
    }


@pytest.mark.parametrize(
    ("field", "value", "written"),
    [
        (fields.DecimalText(), Decimal("12.500000000000"), "12.5"),
        (fields.DecimalText(), Decimal("1E+3"), "1000"),
        (fields.DecimalText(), Decimal("-0.00"), "0"),
        (fields.DecimalText(), Decimal("9" * 20 + "." + "9" * 12), "9" * 20 + "." + "9" * 12),
        (fields.Quantity(), 3, "3"),
        (fields.Instant(), datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00Z"),
        (
            fields.Instant(),
            datetime(2026, 1, 31, 12, 0, 0, 120_000, tzinfo=UTC),
            "2026-01-31T12:00:00.120000Z",
        ),
        (fields.MoneyField(), Money(4900, "EUR"), {"amount": 4900, "currency": "EUR"}),
    ],
)
def test_values_are_written_in_one_way(field, value, written):
    assert field.to_representation(value) == written


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes"])
def test_what_has_no_place_in_json_is_never_written(value):
    with pytest.raises(TypeError, match="not JSON serializable"):
        dumps({"a": value})


def test_decimals_are_written_as_texts_and_only_finite_ones():
    at = datetime(2026, 1, 31, tzinfo=UTC)
    written = b'{"a":"1.5","b":"2026-01-31T00:00:00Z"}'
    assert dumps({"a": Decimal("1.50"), "b": at}) == written
    with pytest.raises((TypeError, ValueError)):
        dumps({"a": Decimal("NaN")})


def test_a_naive_instant_is_never_written():
    with pytest.raises(ValueError, match="offset"):
        fields.Instant().to_representation(datetime(2026, 1, 31))  # noqa: DTZ001


def schema_of(field: fields.Strict) -> dict:
    schema = field.json_schema()
    return SHARED_SCHEMAS[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def schema_takes(field: fields.Strict, text: str) -> bool:
    schema = schema_of(field)
    return (
        re.search(schema.get("pattern", ""), text) is not None
        and not text.endswith("\n")  # where Python's $ differs from that of JSON Schema
        and schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
        and text in schema.get("enum", [text])
    )


TEXT_FIELDS = [
    fields.Text(max_length=5),
    fields.Text(max_length=5, allow_blank=True),
    fields.Id("clk"),
    fields.Reference("cus"),
    fields.Instant(),
    fields.Instant(whole=False),
    fields.DecimalText(),
    fields.Quantity(),
    fields.CurrencyCode(),
    fields.Zone(),
    fields.Choice(["day", "night"]),
]


@pytest.mark.parametrize("field", TEXT_FIELDS, ids=repr)
@given(data=st.data())
def test_a_text_is_taken_exactly_if_its_schema_takes_it(field, data):
    near = [each for _, each, *_ in (*TAKEN, *REFUSED) if isinstance(each, str)]
    pattern = schema_of(field).get("pattern", "day")
    text = data.draw(
        st.text(max_size=7)
        | st.sampled_from(near)
        | st.from_regex(pattern)
        | st.datetimes(datetime(1960, 1, 1), datetime(2210, 1, 1)).map(  # noqa: DTZ001
            lambda at: f"{at.isoformat()}Z"
        )
    )
    try:
        field.run_validation(text)
    except ValidationError:
        assert not schema_takes(field, text)
    else:
        assert schema_takes(field, text)


@pytest.mark.urls("api_front_door")
@pytest.mark.django_db
def test_all_errors_are_told_at_once_with_their_places(api):
    answer = api.post(
        "/v1/clocks",
        {
            "name": "x" * 21,
            "id": "clk_1",
            "a/b~c": 1,
            "count": True,
            "price": {"amount": "1", "currency": "EUR"},
            "parts": [{"size": 1}, {"size": 11, "note": "toolong", "extra": None}, 5],
            "tags": ["ok", "long!"],
            "metadata": {"a": "x" * 200},
        },
    )
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "invalid_input")
    assert {(each["pointer"], each["code"]) for each in problem["errors"]} == {
        ("/name", "too_long"),
        ("/frozen_at", "required"),
        ("/id", "unknown_field"),
        ("/a~1b~0c", "unknown_field"),
        ("/count", "not_an_integer"),
        ("/price/amount", "not_an_integer"),
        ("/parts/1/size", "too_large"),
        ("/parts/1/note", "too_long"),
        ("/parts/1/extra", "unknown_field"),
        ("/parts/2", "invalid"),
        ("/tags/1", "too_long"),
        ("/metadata", "too_large"),
    }


@pytest.mark.urls("api_front_door")
@pytest.mark.django_db
def test_unknown_fields_alone_have_a_code_of_their_own(api):
    body = {"name": "noon", "frozen_at": "2026-01-31T12:00:00Z", "nmae": 1}
    problem = api.post("/v1/clocks", body).json()
    assert problem["code"] == "unknown_field"
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        ("/nmae", "unknown_field")
    ]


@pytest.mark.urls("api_front_door")
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"name": None}, "/name", "null"),
        ({"parts": {}}, "/parts", "not_a_list"),
        ({"parts": "x"}, "/parts", "not_a_list"),
        ({"parts": [None]}, "/parts/0", "null"),
        ({"parts": [[]]}, "/parts/0", "invalid"),
        ({"tags": "abc"}, "/tags", "not_a_list"),
        ({"tags": ["a", "b", "c", "d"]}, "/tags", "max_length"),
        ({"reason": 5}, "/reason", "not_text"),
        ({"reason": "x" * 501}, "/reason", "too_long"),
    ],
)
def test_each_place_has_its_pointer(api, body, pointer, code):
    whole = {"name": "noon", "frozen_at": "2026-01-31T12:00:00Z", **body}
    errors = api.post("/v1/clocks", whole).json()["errors"]
    assert [(each["pointer"], each["code"]) for each in errors] == [(pointer, code)]
