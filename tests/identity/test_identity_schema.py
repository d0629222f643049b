"""OAuth's endpoints are in the API's description, complete and valid."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    schema = SchemaGenerator(urlconf="identity.api.urls").get_schema(request=None, public=True)
    validate_schema(schema)
    return schema


def test_every_endpoint_is_described_with_its_answers(document: dict[str, Any]) -> None:
    found = {
        (path, method): sorted(operation["responses"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert found == {
        ("/.well-known/jwks.json", "get"): ["200", "503"],
        ("/.well-known/oauth-authorization-server", "get"): ["200"],
        ("/oauth/revoke", "post"): ["200", "400", "401", "413", "415", "429", "503"],
        ("/oauth/token", "post"): ["200", "400", "401", "413", "415", "429", "503"],
    }


def test_every_endpoint_has_words_and_examples(document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["tags"] == ["authentication"]
            assert operation["summary"]
            assert operation["description"]
            assert "example" in str(operation)


def test_the_token_request_is_a_form(document: dict[str, Any]) -> None:
    body = document["paths"]["/oauth/token"]["post"]["requestBody"]["content"]
    assert list(body) == ["application/x-www-form-urlencoded"]
