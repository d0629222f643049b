"""The OpenAPI document tells the truth: no answer that it does not document."""

import api_front_door
import pytest
import schemathesis
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks

from billing.wsgi import application

pytestmark = [pytest.mark.urls("api_front_door"), pytest.mark.django_db]

# A cursor that we did not give and an ETag that nobody has are well formed, and refused all the
# same; `at` in a query loses its plus sign. Everything else that the document allows is accepted.
UNDECIDABLE = [checks.positive_data_acceptance]


@pytest.fixture
def document():
    reset_generator_stats()
    made = SchemaGenerator(patterns=api_front_door.urlpatterns).get_schema(
        request=None, public=True
    )
    assert not GENERATOR_STATS
    return made


LABELS = [
    f"{method} {path}"
    for path, methods in {
        "/v1/clocks": ("GET", "POST"),
        "/v1/clocks/{clock}": ("GET", "PATCH", "DELETE"),
        "/v1/clocks/{clock}/tick": ("POST",),
        "/v1/secrets": ("POST",),
        "/v1/customers": ("GET", "POST"),
        "/v1/customers/{customer}": ("GET",),
        "/v1/ask": ("GET", "POST"),
    }.items()
    for method in methods
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("label", LABELS)
def test_every_answer_is_documented(label, mode):
    door = schemathesis.openapi.from_wsgi("/schema", application)
    found = door.find_operation_by_label(label)

    @settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=found.as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(headers={"Authorization": "Bearer all"}, excluded_checks=UNDECIDABLE)

    ask()


def test_the_document_is_valid_openapi(document):
    validate_schema(document)
    assert document["openapi"].startswith("3.1")


def operation(document, method, path):
    return document["paths"][path][method]


def codes(document, operation, status):
    """Return the codes that an operation documents for a status, wherever they are kept."""
    response = operation["responses"][status]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    return response["x-problem-codes"]


def names(parameters):
    return [each.get("name") or each["$ref"].rsplit("/", 1)[1] for each in parameters]


def test_a_mutation_documents_all_it_takes_and_answers(document):
    post = operation(document, "post", "/v1/clocks")
    assert post["security"] == [{"oauth2": ["clocks:write"]}]
    assert names(post["parameters"]) == ["RequestId", "IdempotencyKey", "IfMatch", "Reason"]
    assert list(post["responses"]) == (
        ["201", "400", "401", "403", "406", "409", "412", "413", "415", "422", "503"]
    )
    assert codes(document, post, "409") == [
        "clock_stopped",
        "concurrent_write",
        "idempotency_key_in_use",
    ]
    assert "`clock_stopped`: The clock is stopped." in post["responses"]["409"]["description"]
    assert codes(document, post, "401") == ["not_authenticated", "token_refused"]
    assert codes(document, post, "413") == ["body_too_large"]
    assert set(post["responses"]["201"]["headers"]) == {
        "X-Request-Id",
        "Entitlement-Revision",
        "Idempotent-Replayed",
    }


def test_a_list_documents_its_filters_and_its_page(document):
    get = operation(document, "get", "/v1/clocks")
    assert get["operationId"] == "clocks_list"
    assert names(get["parameters"]) == (
        ["name", "frozen_after", "frozen_before", "moving", "limit", "cursor", "RequestId"]
    )
    limit = next(each for each in get["parameters"] if each.get("name") == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    page = document["components"]["schemas"]["ClockPage"]
    assert page["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Clock"}


def test_equal_problems_are_written_once(document):
    kept = document["components"]["responses"]
    inline = [
        response
        for path in document["paths"].values()
        for operation in path.values()
        for response in operation["responses"].values()
        if "x-problem-codes" in response
    ]
    assert len({str(each) for each in (*inline, *kept.values())}) == len(inline) + len(kept)


def test_a_read_documents_its_etag(document):
    get = operation(document, "get", "/v1/clocks/{clock}")
    assert names(get["parameters"]) == ["clock", "RequestId", "IfNoneMatch"]
    assert set(get["responses"]["304"]["headers"]) == {"ETag", "X-Request-Id"}
    assert codes(document, get, "404") == ["clock_missing", "not_found"]


def test_expandable_relations_are_an_enum_and_names_or_objects(document):
    for path in ("/v1/things", "/v1/things/{thing}"):
        get = operation(document, "get", path)
        [expand] = [each for each in get["parameters"] if each.get("name") == "expand"]
        assert (expand["style"], expand["explode"], expand["required"]) == ("form", False, False)
        assert expand["schema"] == {
            "type": "array",
            "items": {"type": "string", "enum": ["account", "customer"]},
            "minItems": 1,
            "uniqueItems": True,
        }
        assert "`account` (`customers:write`)" in expand["description"]
        assert "scope_missing" in codes(document, get, "403")
    schemas = document["components"]["schemas"]
    whole = {"$ref": "#/components/schemas/Customer"}
    members = schemas["ThingWithAccountCustomer"]["properties"]
    assert members["customer"] == {"oneOf": [{"type": "string"}, whole]}
    assert members["account"] == {"oneOf": [{"type": ["string", "null"]}, whole]}
    assert schemas["ThingWithAccountCustomerPage"]["properties"]["data"]["items"] == {
        "$ref": "#/components/schemas/ThingWithAccountCustomer"
    }


def test_inputs_are_closed_and_take_a_reason(document):
    clock = document["components"]["schemas"]["ClockRequest"]
    assert clock["additionalProperties"] is False
    assert clock["required"] == ["frozen_at", "name"]
    assert clock["properties"]["reason"]["maxLength"] == 500
    part = document["components"]["schemas"]["PartIn"]
    assert part["additionalProperties"] is False
    assert "reason" not in part["properties"]
    body = operation(document, "post", "/v1/clocks/{clock}/tick")["requestBody"]
    assert body["required"] is False
    assert body["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ReasonIn"
    }


def test_a_public_operation_needs_no_token(document):
    get = operation(document, "get", "/v1/open")
    assert get["security"] == []
    assert "401" not in get["responses"]


def test_every_scope_is_explained(document):
    flows = document["components"]["securitySchemes"]["oauth2"]["flows"]
    assert flows["clientCredentials"]["scopes"]["clocks:write"] == "May write clocks."
