"""What answers mean."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.outcomes import (
    Applied,
    Gone,
    LockedOut,
    Outcome,
    Refused,
    Retry,
    Stale,
    of_answer,
    of_failure,
    retry_after,
    shown,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HASH = "sha256:" + "a" * 64


def classified(status: int, form: Any = None, **headers: str) -> Outcome:
    body = form if isinstance(form, bytes) else json.dumps(form).encode()
    return of_answer(status=status, headers=headers, body=body, generation=5, hash=HASH, now=NOW)


@pytest.mark.parametrize(
    ("status", "form", "outcome"),
    [
        (200, {"generation": 5, "hash": HASH}, Applied()),
        (200, {"generation": 5, "hash": HASH, "levels": {"rules": "3"}}, Applied()),
        (409, {"generation": 6}, Stale(6)),
        (409, {"generation": 5}, Stale(5)),  # another document of the same generation
        (409, {"generation": 2**52}, Stale(2**52)),
        (401, None, LockedOut("answer_401")),
        (403, None, LockedOut("answer_403")),
        (410, None, Gone("answer_410")),
        (
            422,
            {"title": "No", "detail": "no such feature"},
            Refused("answer_422", "No: no such feature"),
        ),
        (422, b"\xff\xfe", Refused("answer_422", "")),
        (301, None, Refused("answer_301", "")),
        (404, None, Refused("answer_404", "")),
        (418, None, Refused("answer_418", "")),
        (408, None, Retry("answer_408")),
        (425, None, Retry("answer_425")),
        (429, None, Retry("answer_429")),
        (500, None, Retry("answer_500")),
        (599, None, Retry("answer_599")),
        (202, {"generation": 5, "retry_after": 3}, Retry("answer_202")),
        (204, b"", Retry("answer_204")),
    ],
)
def test_answers_and_what_they_mean(status: int, form: Any, outcome: Outcome) -> None:
    assert classified(status, form) == outcome


@pytest.mark.parametrize(
    "form",
    [
        {"generation": 4, "hash": HASH},
        {"generation": 6, "hash": HASH},
        {"generation": "5", "hash": HASH},
        {"generation": 5.0, "hash": HASH},
        {"generation": True, "hash": HASH},
        {"generation": 5},
        {"hash": HASH},
        {"generation": 5, "hash": HASH.upper()},
        [5, HASH],
        None,
        b"",
        b"{",
        b"[" * 100_000,
    ],
)
def test_a_200_without_the_exact_echo_means_nothing(form: Any) -> None:
    outcome = classified(200, form)
    assert isinstance(outcome, Retry)
    assert outcome.problem == "not_echoed"


@pytest.mark.parametrize("held", [4, 0, -1, "6", 6.5, True, None, 2**53, 10**400])
def test_a_conflict_that_names_nothing_newer_is_a_refusal(held: Any) -> None:
    outcome = classified(409, {"generation": held})
    assert isinstance(outcome, Refused)
    assert outcome.problem == "answer_409"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta()),
        ("9" * 400, timedelta.max),
        ("Sun, 01 Mar 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta()),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, now=NOW) == wait
    if header is not None:
        outcome = classified(503, None, **{"retry-after": header})
        assert isinstance(outcome, Retry)
        assert outcome.retry_after == wait


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (None, Retry("timeout", "no answer in time")),
        (200, Retry("timeout", "no answer in time")),
        (409, Retry("timeout", "no answer in time")),
        (410, Gone("answer_410")),
        (401, LockedOut("answer_401")),
        (422, Refused("answer_422")),
        (503, Retry("answer_503")),
    ],
)
def test_a_status_counts_even_if_the_rest_of_the_answer_did_not_come(
    status: int | None, outcome: Outcome
) -> None:
    assert of_failure(code="timeout", detail="no answer in time", status=status) == outcome


@given(st.integers(100, 599), st.binary(max_size=200), st.text(max_size=20))
def test_no_answer_is_ever_too_odd_and_none_but_the_echo_means_applied(
    status: int, body: bytes, header: str
) -> None:
    outcome = of_answer(
        status=status,
        headers={"retry-after": header},
        body=body,
        generation=5,
        hash=HASH,
        now=NOW,
    )
    assert not isinstance(outcome, Applied)


@given(st.binary(max_size=9000))
def test_kept_answers_are_printable_and_bounded(body: bytes) -> None:
    text = shown(body)
    assert len(text) <= 2001
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    text.encode()
