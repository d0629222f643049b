"""Signed requests, read by the reference library."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from core import clock
from provisioning import signatures
from tests.provisioning.conftest import OTHER_SECRET, SECRET


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_whoever_knows_one_of_two_secrets_can_verify(secret: str) -> None:
    body = '{"città": 1}'.encode()
    headers = signatures.headers(
        message_id="tgt_1_5", body=body, secrets=(SECRET, OTHER_SECRET), at=clock.system_now()
    )
    assert len(headers["webhook-signature"].split(" ")) == 2
    Webhook(secret).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers, json_parse=False)


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the Standard Webhooks specification's reference implementations."""
    headers = signatures.headers(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        body=b'{"test": 2432232314}',
        secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        at=datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_fresh_secrets_are_good_and_different() -> None:
    first, second = signatures.new_secret(), signatures.new_secret()
    assert first != second
    assert signatures.check_secret(first) == first


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        SECRET.removeprefix("whsec_"),
        "whsec_not base64 at all, not base64 at all",
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        SECRET.upper(),
    ],
)
def test_what_cannot_be_a_secret_is_refused(text: str) -> None:
    with pytest.raises(signatures.MalformedSecret):
        signatures.check_secret(text)
