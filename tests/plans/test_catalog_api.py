"""The catalog over HTTP: object by object, as one document, and who may see what."""

from typing import Any

import pytest
from django.test import Client

from core.models import Event
from core.principals import Principal, Scope
from customers.models import Customer
from plans.api import views
from plans.models import Plan, PlanVersion
from plans.services import apply_catalog
from tests.plans.catalogs import BASE, REMOVED, small
from tests.world import World

pytestmark = pytest.mark.django_db

Json = dict[str, Any]


@pytest.fixture
def world(client: Client) -> World:
    """The small catalog, and a caller who may read and write it."""
    world = World(client)
    world.token = world.token_for([Scope.CATALOG_READ, Scope.CATALOG_WRITE, Scope.CUSTOMERS_WRITE])
    apply_catalog(tree=small())
    Event.objects.all().delete()
    return world


def version(plan: str, number: int = 1) -> str:
    return PlanVersion.objects.get(plan__key=plan, number=number).id


def keys(answer: Json) -> list[str]:
    return sorted(row["key"] for row in answer["data"])


def test_every_kind_of_object_is_listed_and_found_by_key_and_by_identifier(world: World) -> None:
    found = {
        "features": ["hits", "rules"],
        "meters": ["hits"],
        "products": ["site"],
        "plans": ["free", "pro"],
        "add-ons": ["more"],
        "coupons": ["ten"],
    }
    for path, expected in found.items():
        listed = world.get(path)
        assert keys(listed) == expected
        assert listed["next_cursor"] is None
        for row in listed["data"]:
            assert world.get(f"{path}/{row['key']}") == row
            assert world.get(f"{path}/{row['id']}") == row


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("features/nope", "feature_not_found"),
        ("meters/nope", "meter_not_found"),
        ("products/nope", "product_not_found"),
        ("plans/nope", "plan_not_found"),
        ("plans/nope/versions", "plan_not_found"),
        ("plans/pro/versions/plv_01jd0000000000000000000000", "plan_version_not_found"),
        ("plans/pro/versions/1", "plan_version_not_found"),
        ("plans/prd_01jd0000000000000000000000", "plan_not_found"),
        ("add-ons/nope", "add_on_not_found"),
        ("coupons/nope", "coupon_not_found"),
    ],
)
def test_what_is_not_there_says_what_it_would_be(world: World, path: str, code: str) -> None:
    assert world.get(path, status=404)["code"] == code


def test_a_version_shows_its_terms(world: World) -> None:
    shown = world.get(f"plans/pro/versions/{version('pro')}")
    assert shown["features"] == {
        "hits": {"included": 1000, "overage": "allow", "reset": "price_period"},
        "rules": 20,
    }
    assert shown["sold"] == {"month": ["EUR"]}
    assert [(each["key"], each["due"], each["terms"]) for each in shown["prices"]] == [
        ("base", "advance", {"amount": "20.00"}),
        ("hits", "arrears", {"amount": "0.01"}),
    ]
    assert (shown["status"], shown["number"], shown["private"]) == ("published", 1, False)
    assert shown["trial"] is None
    assert (shown["pause"], shown["access_while_paused"]) == ("credit", False)
    assert shown["quantity"] == {"min": 1, "max": 1, "default": 1}
    [add_on] = world.get("add-ons")["data"]
    assert add_on["versions"][0]["quantity"] == {"min": 1, "max": 1, "default": 1}
    assert world.get("products/site")["cancel"] == {
        "access_end": "period_end",
        "billing_end": "period_end",
        "settlement": "none",
    }


def test_lists_are_filtered_by_documented_names_only(world: World) -> None:
    assert keys(world.get("features", type="limit")) == ["rules"]
    assert keys(world.get("features", product_service="edge", scope="subject")) == ["hits", "rules"]
    assert keys(world.get("features", scope="customer")) == []
    assert keys(world.get("plans", product="site", archived="false")) == ["free", "pro"]
    assert keys(world.get("plans", archived="true")) == []
    first = world.get("plans", limit=1)
    assert keys(first) == ["free"]
    assert keys(world.get("plans", limit=1, cursor=first["next_cursor"])) == ["pro"]
    assert world.get("plans", colour="red", status=400)["code"] == "unknown_parameter"
    assert world.get("features", type="number", status=400)["code"] == "malformed_parameter"


def test_a_client_of_one_product_service_sees_the_features_of_that_service(world: World) -> None:
    apply_catalog(
        tree={
            "product_services": {"mail": {}},
            "features": {
                "letters": {"product_service": "mail", "type": "limit", "scope": "customer"}
            },
        }
    )
    caller = Principal("1", "client", frozenset({Scope.CATALOG_READ}), product_service="mail")
    assert [row.key for row in views.visible_features(caller)] == ["letters"]
    assert keys(world.get("features")) == ["hits", "letters", "rules"]


def test_reading_and_writing_need_their_scopes(world: World) -> None:
    reader = world.token_for([Scope.CATALOG_READ])
    other = world.token_for([Scope.CUSTOMERS_READ])
    path = f"plans/pro/versions/{version('pro')}"
    assert world.call("GET", "plans", status=403, token=other)["code"] == "scope_missing"
    world.call("GET", "plans", status=200, token=reader)
    for method, refused in (
        ("PUT", "catalog"),
        ("GET", "catalog"),
        ("POST", f"{path}/publish"),
        ("POST", f"{path}/archive"),
    ):
        answer = world.call(method, refused, status=403, token=reader, body={})
        assert answer["code"] == "scope_missing"


def test_a_draft_is_seen_by_writers_and_published_by_them(world: World) -> None:
    apply_catalog(tree=small({f"{BASE}/amount": "25.00", "/plans/pro/publish": False}))
    reader = world.token_for([Scope.CATALOG_READ])
    draft = version("pro", 2)
    path = f"plans/pro/versions/{draft}"
    assert world.call("GET", path, status=404, token=reader)["code"] == "plan_version_not_found"
    seen = world.call("GET", "plans/pro/versions", status=200, token=reader)["data"]
    assert [row["number"] for row in seen] == [1]
    numbers = [row["number"] for row in world.get("plans/pro/versions")["data"]]
    assert numbers == [2, 1]

    answer = world.post(f"{path}/publish", reason="autumn")
    assert answer["changes"] == [{"field": "status", "before": "draft", "after": "published"}]
    assert (answer["resource"]["status"], answer["revision"]) == ("published", None)
    assert world.post(f"{path}/publish", status=409)["code"] == "version_not_draft"
    world.call("GET", path, status=200, token=reader)


def test_a_version_is_archived_unless_subscriptions_land_on_it(world: World) -> None:
    answer = world.post(f"plans/pro/versions/{version('pro')}/archive")
    assert answer["changes"] == [{"field": "status", "before": "published", "after": "archived"}]
    again = world.post(f"plans/pro/versions/{version('pro')}/archive", status=409)
    assert again["code"] == "version_not_published"
    refused = world.post(f"plans/free/versions/{version('free')}/archive", status=409)
    assert refused["code"] == "version_in_use"


def test_publishing_a_draft_that_does_not_fit_names_the_reasons(world: World) -> None:
    half = {"/plans/pro/features/rules": REMOVED, "/plans/pro/publish": False}
    apply_catalog(tree=small(half))
    answer = world.post(f"plans/pro/versions/{version('pro', 2)}/publish", status=422)
    assert answer["code"] == "version_not_publishable"
    assert [(each["pointer"], each["code"]) for each in answer["errors"]] == [
        ("/features", "value_missing")
    ]


def test_private_versions_are_seen_by_writers_and_by_their_customers(world: World) -> None:
    ada, bob = (
        world.post("customers", status=201, key=key, currency="EUR")["resource"]["id"]
        for key in ("ada", "bob")
    )
    own = {**small()["plans"]["pro"], "customers": [ada]}
    del own["product"], own["rank"]
    apply_catalog(tree=small({"/plans/pro/private_versions": {"acme": own}}))
    path = f"plans/pro/versions/{version('pro', 2)}"
    assert world.get(path)["customers"] == [ada]

    def seen(**limits: str) -> tuple[list[int], int]:
        token = world.token_for([Scope.CATALOG_READ], **limits)
        listed = world.call("GET", "plans/pro/versions", status=200, token=token)["data"]
        numbers = [row["number"] for row in listed]
        status = 200 if 2 in numbers else 404
        answer = world.call("GET", path, status=status, token=token)
        assert answer.get("customers", []) == []
        return numbers, status

    assert seen() == ([1], 404)
    assert seen(customer_id=bob) == ([1], 404)
    assert seen(customer_id=ada) == ([2, 1], 200)
    assert Customer.objects.count() == 2


def test_the_document_is_exported_changed_and_applied(world: World) -> None:
    document = world.get("catalog")
    assert world.put("catalog", **document)["resource"] == {
        "create": [],
        "update": [],
        "new_version": [],
        "unchanged": [
            "/currencies/EUR",
            "/product_services/edge",
            "/meters/hits",
            "/features/hits",
            "/features/rules",
            "/products/site",
            "/plans/free",
            "/plans/pro",
            "/add_ons/more",
            "/coupons/ten",
        ],
        "unmanaged": [],
        "errors": [],
    }
    document["plans"]["pro"]["rank"] = 5
    document["plans"]["pro"]["prices"]["month"]["EUR"]["base"]["amount"] = "21.00"
    expected = {
        "create": [],
        "update": [{"pointer": "/plans/pro", "field": "rank", "before": 1, "after": 5}],
        "new_version": [{"pointer": "/plans/pro", "publish": True}],
    }
    dry = world.call("PUT", "catalog", status=200, body=document, query={"dry_run": "true"})
    assert {name: dry["resource"][name] for name in expected} == expected
    assert Plan.objects.get(key="pro").rank == 1
    done = world.put("catalog", **document, reason="dearer")
    assert {name: done["resource"][name] for name in expected} == expected
    assert world.get("plans/pro")["rank"] == 5
    events = list(Event.objects.order_by("ordinal").values_list("type", "reason"))
    assert events == [("plan_version.published", "dearer"), ("catalog.applied", "dearer")]


def test_all_errors_come_in_one_answer_and_nothing_is_changed(world: World) -> None:
    tree = small({f"{BASE}/amount": 21.5, "/plans/pro/colour": "red", "/plans/free/rank": 7})
    expected = {(f"{BASE}/amount", "invalid_type"), ("/plans/pro/colour", "unknown_field")}
    answer = world.put("catalog", status=422, **tree)
    assert answer["code"] == "catalog_invalid"
    assert {(each["pointer"], each["code"]) for each in answer["errors"]} == expected
    dry = world.call("PUT", "catalog", status=200, body=tree, query={"dry_run": "true"})
    assert {(each["pointer"], each["code"]) for each in dry["resource"]["errors"]} == expected
    assert Plan.objects.get(key="free").rank == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"plan": {}}, "unknown_field"),
        ({"plans": []}, "invalid_input"),
        ({"currencies": "EUR"}, "invalid_input"),
    ],
)
def test_a_body_that_is_no_document_is_refused(world: World, body: Json, code: str) -> None:
    assert world.call("PUT", "catalog", status=400, body=body)["code"] == code


def test_a_stale_document_is_not_applied(world: World) -> None:
    first = world.client.get("/v1/catalog", headers={"Authorization": f"Bearer {world.token}"})
    tag = first.headers["ETag"]
    document = first.json()
    document["coupons"]["ten"]["priority"] = 1
    world.call("PUT", "catalog", status=200, body=document, **{"If-Match": tag})
    document["coupons"]["ten"]["priority"] = 2
    stale = world.call("PUT", "catalog", status=412, body=document, **{"If-Match": tag})
    assert stale["code"] == "precondition_failed"
