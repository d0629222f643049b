"""From text to a tree: YAML without surprises, JSON without doubt."""

import pytest

from plans.document import text
from plans.document.text import MalformedDocument, load


def test_yaml_means_what_it_looks_like() -> None:
    content = b"""
    quoted: "25.00"
    number: 20
    negative: -3
    yes_is_text: yes
    no_is_text: no
    date_is_text: 2026-01-31
    clock_is_text: 12:30:00
    grouped_is_text: 1_000
    octal_is_text: 010
    "true": true
    false: False
    list: [1, {a: b}, ]
    empty:
    null: ~
    block: |
      two
      lines
    1: one
    """
    assert load(content) == {
        "quoted": "25.00",
        "number": 20,
        "negative": -3,
        "yes_is_text": "yes",
        "no_is_text": "no",
        "date_is_text": "2026-01-31",
        "clock_is_text": "12:30:00",
        "grouped_is_text": "1_000",
        "octal_is_text": "010",
        "true": True,
        "false": "False",
        "list": [1, {"a": "b"}],
        "empty": None,
        "null": None,
        "block": "two\nlines\n",
        "1": "one",
    }


@pytest.mark.parametrize("written", [b"25.5", b"1e3", b".5", b"-0.1"])
def test_a_float_stays_one_so_that_it_can_be_refused_where_it_stands(written: bytes) -> None:
    assert isinstance(load(b"amount: " + written)["amount"], float)


def test_json_is_read_as_json() -> None:
    assert load(b'\n{"a":\t[1, "no", null, true]}') == {"a": [1, "no", None, True]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: &x 1", "anchors"),
        (b"a: [*x]", "anchors"),
        (b"a: &x [1]\nb: [*x, *x]", "anchors"),
        (b"a: !!python/object:os.system {}", "tags"),
        (b"a: !!binary aGk=", "tags"),
        (b"? [1, 2]\n: 3", "a key is text"),
        (b"a: 1\n---\nb: 2", "one document"),
        (b"a: [" + b"[" * 40 + b"]" * 40 + b"]", "32 levels"),
        (b"a: [1", "not YAML"),
        (b"\xff\xfe", "UTF-8"),
        (b"a: \x00", "not YAML"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "32 levels"),
        (rb'{"a": ["\u0000"]}', "/a/0: texts hold no U"),
        (rb'{"\ud800": 1}', "a key below / is no text"),
        (rb'a: "\0"', "/a: texts hold no U"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
        (b" " * (text.LARGEST_BYTES + 1), "bytes"),
    ],
)
def test_what_is_no_plain_document_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(MalformedDocument, match=says):
        load(content)


def test_every_key_that_stands_twice_is_named() -> None:
    with pytest.raises(MalformedDocument) as refused:
        load(b"a: {b/c: 1, b/c: 2}\nd: 1\nd: 2\nd: 3")
    assert [(each.pointer, each.code) for each in refused.value.errors] == [
        ("/a/b~1c", "duplicate_key"),
        ("/d", "duplicate_key"),
        ("/d", "duplicate_key"),
    ]


def test_a_merge_key_is_just_a_key() -> None:
    assert load(b"a: {<<: {b: 1}}") == {"a": {"<<": {"b": 1}}}


def test_an_empty_document_has_nothing_in_it() -> None:
    assert load(b"") is None
