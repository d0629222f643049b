"""Whoever keeps sending wrong secrets is told to wait; a right one is never refused for it."""

from typing import Any

import pytest
from django.test import Client as Browser

from identity import throttle
from identity.api import views
from identity.services import NewClientSecret
from identity.throttle import WrongSecrets
from tests.identity.callers import make_client
from tests.identity.test_token_endpoint import fields_of, refusal, revoke

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    made = Seconds()
    monkeypatch.setattr(views, "wrong_secrets", WrongSecrets(made))
    return made


def ask(client: str, secret: str, *, address: str = "192.0.2.1") -> Any:
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    body = "&".join(f"{name}={value}" for name, value in form.items())
    return Browser(REMOTE_ADDR=address).post(
        "/oauth/token", body, content_type="application/x-www-form-urlencoded"
    )


def wrong(made: NewClientSecret, times: int, **more: str) -> list[int]:
    return [ask(made.client.id, "sk_wrong", **more).status_code for _ in range(times)]


def test_after_twenty_wrong_secrets_in_a_minute_the_client_is_told_to_wait(
    seconds: Seconds,
) -> None:
    made = make_client()
    seconds.now = 45
    assert wrong(made, 20) == [401] * 20
    answer = ask(made.client.id, "sk_wrong")
    assert refusal(answer) == (429, "invalid_client")
    assert answer["Retry-After"] == "15"
    assert "WWW-Authenticate" not in answer
    seconds.now = 59.5
    assert ask(made.client.id, "sk_wrong")["Retry-After"] == "1"
    seconds.now = 60
    assert wrong(made, 21) == [401] * 20 + [429]


def test_wrong_secrets_lock_nobody_out(seconds: Seconds) -> None:
    made, other = make_client(), make_client()
    wrong(made, 30)
    assert ask(made.client.id, made.text).status_code == 200
    assert ask(other.client.id, other.text).status_code == 200
    assert ask(made.client.id, made.text, address="192.0.2.2").status_code == 200
    assert wrong(other, 1) == [401]  # it is counted by itself


def test_changing_the_address_does_not_help_who_tries_one_client(seconds: Seconds) -> None:
    made = make_client()
    for last in range(20):
        assert wrong(made, 1, address=f"192.0.2.{last}") == [401]
    assert wrong(made, 1, address="198.51.100.1") == [429]


def test_changing_the_client_does_not_help_who_tries_from_one_address(seconds: Seconds) -> None:
    answers = [ask(f"client-{each}", "sk_wrong").status_code for each in range(101)]
    assert answers == [401] * 100 + [429]
    assert ask("client-0", "sk_wrong", address="198.51.100.1").status_code == 401


def test_an_unknown_client_is_counted_like_a_known_one(seconds: Seconds) -> None:
    made = make_client()
    wrong(made, 20)
    for _ in range(20):
        ask("nobody", "sk_wrong")
    known, unknown = ask(made.client.id, "sk_wrong"), ask("nobody", "sk_wrong")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert known["Retry-After"] == unknown["Retry-After"] == "60"


def test_taking_tokens_back_counts_too(seconds: Seconds) -> None:
    made = make_client()
    wrong(made, 20, address="127.0.0.1")
    forged = NewClientSecret(made.client, made.secret, "sk_wrong")
    assert refusal(revoke(forged, token="x")) == (429, "invalid_client")
    assert fields_of(forged)["client_secret"] == "sk_wrong"
    assert revoke(made, token="x").status_code == 200


def test_no_number_of_names_takes_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_NAMES", 50)
    counted = WrongSecrets(Seconds())
    for each in range(500):
        counted.seconds_to_wait(client="x" * 10_000 + str(each), address=str(each))
        counted.seconds_to_wait(client=str(each), address="")
        assert len(counted) <= 51
