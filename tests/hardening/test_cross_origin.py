"""A dashboard of another origin: it may send and read the headers that the conventions speak of."""

import pytest
from django.test import Client

ORIGIN = "https://dashboard.example"


@pytest.fixture(autouse=True)
def _allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


def ask(origin, **headers):
    return Client().options(
        "/v1/customers",
        headers={"Origin": origin, "Access-Control-Request-Method": "POST", **headers},
    )


def listed(answer, name):
    return {each.strip().lower() for each in answer.headers[name].split(",")}


def test_a_browser_may_send_and_read_the_headers_of_the_api():
    answer = ask(ORIGIN)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert listed(answer, "Access-Control-Allow-Headers") >= {
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "traceparent",
        "x-reason",
        "x-request-id",
    }
    read = Client().get("/v1/customers", headers={"Origin": ORIGIN})
    assert read.status_code == 401
    assert listed(read, "Access-Control-Expose-Headers") == {
        "etag",
        "entitlement-revision",
        "idempotent-replayed",
        "retry-after",
        "x-request-id",
    }


def test_other_origins_are_given_nothing():
    assert "Access-Control-Allow-Origin" not in ask("https://evil.example").headers
