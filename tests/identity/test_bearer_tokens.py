"""The Authorization header of an API request: one good token, or 401."""

import time
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from identity import services
from identity.models import Client
from tests.identity.callers import ask, make_client, make_customer, parts_of, token_for

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.callers")]


def refused(response: HttpResponse) -> bool:
    """Tell whether the answer is our one refusal of a token, whatever the token was."""
    if response.status_code != 401:
        return False
    body = response.json()
    assert (body["status"], body["code"]) == (401, "invalid_token")
    assert response["WWW-Authenticate"].startswith("Bearer ")
    assert 'error="invalid_token"' in response["WWW-Authenticate"]
    return True


def test_a_good_token_opens_whatever_the_case_of_its_scheme(client_row: Client) -> None:
    token = token_for(client_row)
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {token}"}
        assert Browser().get("/v1/probe", headers=headers).status_code == 200


def test_without_the_header_nobody_is_known() -> None:
    response = Browser().get("/v1/probe")
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_every_other_header_is_refused(client_row: Client) -> None:
    token = token_for(client_row)
    for header in (
        "",
        " ",
        "Bearer",
        "Bearer ",
        token,
        f"Basic {token}",
        f"Token {token}",
        f"Bearer  {token}",
        f"Bearer\t{token}",
        f"Bearer {token} ",
        f"Bearer {token} {token}",
        f"Bearer {token}, Bearer {token}",  # how servers join two headers
        f"Bearer {token},Bearer {token}",
        f"Bearer {token}=",
        "Bearer " + "a" * 10_000_000,
        "B" * 10_000_000,
        f"Bearer {token}\n",
        f"Bearer {token}\x00",
        f"Bearer \ufeff{token}",
        "Bearer " + token.replace(".", "\u3002"),
    ):
        assert refused(Browser().get("/v1/probe", headers={"Authorization": header})), header


def test_a_token_elsewhere_is_not_looked_at(client_row: Client) -> None:
    token = token_for(client_row)
    for place in (f"?access_token={token}", f"?token={token}"):
        assert Browser().get(f"/v1/probe{place}").status_code == 401
    browser = Browser()
    browser.cookies["access_token"] = token
    assert browser.get("/v1/probe").status_code == 401
    body = f"access_token={token}"
    response = Browser().post("/v1/probe", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 401


def test_the_client_decides_what_its_token_may_do_now() -> None:
    client = make_client("entitlements:check", "entitlements:read").client
    token = token_for(client)
    assert ask(token).json()["scopes"] == ["entitlements:check", "entitlements:read"]
    services.change_scopes(client_id=client.id, scopes=["entitlements:check", "customers:write"])
    assert ask(token).json()["scopes"] == ["entitlements:check"]
    services.change_scopes(client_id=client.id, scopes=["customers:write"])
    assert ask(token).json()["code"] == "scope_missing"


def test_limits_come_from_the_client_not_from_the_token() -> None:
    customer = make_customer()
    made = make_client(customer_id=customer.id, product_service="edge")
    answer = ask(token_for(made.client)).json()
    assert (answer["customer"], answer["product_service"]) == (customer.id, "edge")


def test_a_token_ends_at_its_very_second(client_row: Client) -> None:
    assert ask(token_for(client_row, ago=timedelta(minutes=14, seconds=50))).status_code == 200
    assert refused(ask(token_for(client_row, ago=timedelta(minutes=15))))


def test_a_remembered_token_still_ends(client_row: Client) -> None:
    token = token_for(client_row, ago=timedelta(minutes=14, seconds=58))
    assert ask(token).status_code == 200
    expires = int(parts_of(token)[1]["exp"])
    while time.time() < expires:
        time.sleep(0.05)
    assert refused(ask(token))
