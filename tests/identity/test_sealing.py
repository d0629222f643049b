import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import sealing

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(plain=st.binary(max_size=64), name=texts, secret=texts, others=st.lists(texts, max_size=2))
def test_what_is_sealed_opens_with_its_secret_and_name(
    plain: bytes, name: str, secret: str, others: list[str]
) -> None:
    sealed = sealing.seal(plain, name=name, secret=secret)
    assert sealing.unseal(sealed, name=name, secret_candidates=[*others, secret]) == plain
    wrong = [other for other in others if other != secret]
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed, name=name, secret_candidates=wrong)
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed, name=name + "x", secret_candidates=[secret])


@given(st.data())
def test_a_changed_byte_opens_nothing(data: st.DataObject) -> None:
    sealed = bytearray(sealing.seal(b"a private key", name="key_1", secret="s"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(bytes(sealed), name="key_1", secret_candidates=["s"])


@given(st.binary(max_size=40))
def test_what_was_never_sealed_opens_nothing(junk: bytes) -> None:
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(junk, name="key_1", secret_candidates=["s"])


def test_sealing_twice_gives_two_texts() -> None:
    assert sealing.seal(b"x", name="n", secret="s") != sealing.seal(b"x", name="n", secret="s")
