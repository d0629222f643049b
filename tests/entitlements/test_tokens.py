"""Revision tokens: what goes in comes out, and nothing else does."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlements import tokens
from entitlements.tokens import MalformedRevisionToken, Revision

KEY = tokens.key_from("a secret")
REVISIONS = st.builds(Revision, st.integers(1, 2**32 - 1), st.integers(0, 2**63 - 1))
ONE = {UUID(int=7): Revision(1, 42)}


@given(st.dictionaries(st.uuids(), REVISIONS, min_size=1, max_size=5))
def test_a_token_says_what_it_was_made_of(revisions: dict[UUID, Revision]) -> None:
    assert tokens.parse(tokens.token(revisions, KEY), KEY) == revisions


@given(place=st.integers(0, 1000), other=st.sampled_from("ABab01-_"))
def test_a_token_with_one_other_character_is_refused(place: int, other: str) -> None:
    text = tokens.token(ONE, KEY)
    place = len(tokens.PREFIX) + place % (len(text) - len(tokens.PREFIX))
    changed = text[:place] + other + text[place + 1 :]
    if changed != text:
        with pytest.raises(MalformedRevisionToken):
            tokens.parse(changed, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rv1_",
        "rv1_AAAA",
        "rv2_" + tokens.token(ONE, KEY)[4:],
        tokens.token(ONE, KEY) + "A",
        tokens.token(ONE, KEY) + "=",
        tokens.token(ONE, KEY)[:-1],
        "rv1_ä",
        "rv1_" + "A" * (tokens.MAX_CHARACTERS + 1),
        tokens.token(ONE, tokens.key_from("another secret")),
    ],
)
def test_what_is_no_token_of_ours_is_refused(text: str) -> None:
    with pytest.raises(MalformedRevisionToken):
        tokens.parse(text, KEY)


def test_a_later_epoch_is_newer_whatever_its_number() -> None:
    assert Revision(2, 1) > Revision(1, 99) > Revision(1, 98)
