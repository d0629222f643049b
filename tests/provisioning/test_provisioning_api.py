"""Product services, targets and attempts through the API."""

from typing import Any

import pytest
from django.db import connection

from core.principals import Scope
from provisioning.models import ServiceSecret
from tests.provisioning.conftest import SECRET, MachineTime, Provisioning, answers
from tests.world import World

URL = "http://127.0.0.1:9"


def test_a_service_of_the_catalog_is_configured_step_by_step(world: World) -> None:
    (desk, edge) = sorted(world.get("product-services")["data"], key=lambda row: row["key"])
    assert edge == {
        "id": edge["id"],
        "key": "edge",
        "name": "Edge",
        "status": None,
        "url": None,
        "sandbox": None,
        "grace_days": None,
        "paused_at": None,
        "disabled_at": None,
        "stopped_because": None,
        "secrets": [],
    }
    assert desk["key"] == "desk"

    made = world.put("product-services/edge", url=f"{URL}/", sandbox=True)
    assert made["changes"] == [
        {"field": "url", "before": None, "after": URL},
        {"field": "sandbox", "before": None, "after": True},
        {"field": "grace_days", "before": None, "after": 30},
    ]
    assert (made["resource"]["status"], made["resource"]["url"]) == ("live", URL)
    assert world.put("product-services/edge", url=URL, sandbox=True)["changes"] == []

    changed = world.call(
        "PATCH", f"product-services/{edge['id']}", status=200, body={"grace_days": 7}
    )
    assert changed["changes"] == [{"field": "grace_days", "before": 30, "after": 7}]
    assert world.get("product-services/edge")["grace_days"] == 7
    back = world.put("product-services/edge", url=URL)
    assert {each["field"] for each in back["changes"]} == {"sandbox", "grace_days"}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://edge.example/", "destination_refused"),
        ("http://edge.example/", "destination_refused"),
        ("https://other.example/", "destination_refused"),
        ("https://169.254.169.254/", "destination_refused"),
        ("http://2130706433/", "destination_refused"),
        ("https://user@edge.example/", "destination_refused"),
        ("https://edge.example/?a=1", "product_service_url_not_a_base"),
        ("edge", "destination_refused"),
        ("", "invalid_input"),
    ],
)
def test_addresses_that_the_operator_does_not_allow_are_refused(
    world: World, url: str, code: str
) -> None:
    assert world.put("product-services/edge", status=400, url=url)["code"] == code
    assert world.get("product-services/edge")["url"] is None


def test_what_is_not_configured_cannot_be_operated(world: World) -> None:
    for path in ("pause", "resume", "disable", "secrets"):
        problem = world.post(f"product-services/edge/{path}", status=409)
        assert problem["code"] == "product_service_not_configured"
    missing = world.call("PATCH", "product-services/edge", status=422, body={"sandbox": True})
    assert missing["code"] == "product_service_url_missing"
    assert world.get("product-services/none", status=404)["code"] == "product_service_not_found"


def test_a_secret_is_shown_once_and_sealed_in_the_database(world: World) -> None:
    world.put("product-services/edge", url=URL)
    made = world.post("product-services/edge/secrets", status=201)["resource"]
    assert made["secret"].startswith("whsec_")
    given = world.post("product-services/edge/secrets", status=201, secret=SECRET)["resource"]
    assert given["secret"] == SECRET
    full = world.post("product-services/edge/secrets", status=409)
    assert full["code"] == "too_many_signing_secrets"

    seen = world.get("product-services/edge")["secrets"]
    assert [each["id"] for each in seen] == [made["id"], given["id"]]
    assert {*seen[0]} == {"id", "created_at"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(row_to_json(s)::text, '') FROM provisioning_servicesecret s"
            " UNION ALL SELECT string_agg(row_to_json(a)::text, '') FROM core_auditentry a"
        )
        stored = "".join(row[0] for row in cursor.fetchall())
    for secret in (made["secret"], given["secret"]):
        assert secret not in stored
        assert secret.removeprefix("whsec_").encode().hex() not in stored

    world.delete(f"product-services/edge/secrets/{made['id']}", status=204)
    again = world.delete(f"product-services/edge/secrets/{made['id']}", status=404)
    assert again["code"] == "signing_secret_not_found"
    assert ServiceSecret.objects.live().count() == 1
    malformed = world.post("product-services/edge/secrets", status=400, secret="whsec_x")
    assert malformed["code"] == "malformed_secret"


def test_answers_with_secrets_are_not_kept_for_replay(world: World) -> None:
    world.put("product-services/edge", url=URL)
    refused = world.call(
        "POST",
        "product-services/edge/secrets",
        status=400,
        body={},
        **{"Idempotency-Key": "one"},
    )
    assert refused["code"] == "idempotency_key_not_allowed"


def test_a_service_is_paused_disabled_and_resumed(world: World, provisioning: Provisioning) -> None:
    edge = provisioning.sample()
    provisioning.configure(edge)
    paused = world.post("product-services/edge/pause", reason="maintenance")["resource"]
    assert (paused["status"], paused["stopped_because"]) == ("paused", "by staff")
    world.zone(world.customer())
    assert provisioning.deliver() == 0
    disabled = world.post("product-services/edge/disable")["resource"]
    assert disabled["status"] == "disabled"
    resumed = world.post("product-services/edge/resume")["resource"]
    assert (resumed["status"], resumed["paused_at"], resumed["stopped_because"]) == (
        "live",
        None,
        "",
    )
    assert provisioning.deliver() == 1


def test_if_match_protects_a_configuration_from_being_overwritten(world: World) -> None:
    world.put("product-services/edge", url=URL)
    answer = world.client.get(
        "/v1/product-services/edge", headers={"Authorization": f"Bearer {world.token}"}
    )
    etag = answer.headers["ETag"]
    body = {"grace_days": 5}
    world.call("PATCH", "product-services/edge", status=200, body=body, **{"If-Match": etag})
    stale = world.call(
        "PATCH", "product-services/edge", status=412, body=body, **{"If-Match": etag}
    )
    assert stale["code"] == "precondition_failed"


def test_targets_are_listed_by_what_operators_ask_for(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    edge = provisioning.scripted()
    provisioning.configure(edge)
    provisioning.configure(provisioning.sample(), "desk")
    ada, bob = world.customer("ada"), world.customer("bob")
    shop = world.zone(ada)
    world.post("subscriptions", status=201, customer=bob, plan="pack")
    provisioning.deliver()
    edge.behave = answers(503)
    world.change(shop, "pro")
    provisioning.deliver(limit=1)

    def found(**query: Any) -> list[str]:
        return [
            row["subject"] or row["customer"]
            for row in world.get("provisioning/targets", **query)["data"]
        ]

    assert found() == [bob, shop]
    assert found(service="edge") == [shop]
    assert found(service=world.get("product-services/desk")["id"]) == [bob]
    assert found(customer="ada") == found(customer=ada) == [shop]
    assert found(subject=shop) == [shop]
    assert found(state="active") == [bob, shop]
    assert found(state="deleted") == []
    assert found(lagging="true") == [shop]
    assert found(lagging="false") == [bob]
    world.get("provisioning/targets", status=400, lagging="maybe")
    world.get("provisioning/targets", status=400, colour="red")


def test_a_target_shows_desired_beside_applied_and_every_attempt(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    edge = provisioning.scripted()
    provisioning.configure(edge)
    ada = world.customer("ada")
    shop = world.zone(ada, key="shop.example")
    provisioning.deliver()
    edge.behave = answers(503, {"title": "closed"})
    world.change(shop, "pro")
    provisioning.deliver(limit=1)
    target = provisioning.target(shop)

    seen = world.get(f"provisioning/targets/{target.id}")
    assert (seen["status"], seen["generation"], seen["lagging"]) == ("pending", 2, True)
    assert seen["applied"]["generation"] == 1
    assert seen["problem"] == "answer_503"
    assert seen["document"]["entitlements"]["rules"]["value"] == 20
    assert seen["applied_document"]["entitlements"]["rules"]["value"] == 5
    assert seen["applied_document"] == edge.given[0].document
    assert seen["document"] == edge.given[1].document

    second, first = world.get(f"provisioning/targets/{target.id}/attempts")["data"]
    assert (first["generation"], first["outcome"], first["status"]) == (1, "applied", 200)
    assert (second["generation"], second["outcome"], second["status"]) == (2, "retry", 503)
    assert second["answer"] == '{"title": "closed"}'
    assert second["url"].endswith(f"/provisioning/{target.id}")
    (mine,) = world.get("customers/ada/provisioning")["data"]
    assert mine == {
        "id": target.id,
        "service": "edge",
        "subject": shop,
        "status": "pending",
        "message": "A change is on its way.",
        "applied_at": seen["applied"]["at"],
    }


def test_scopes_and_limits_of_callers_hold(world: World, provisioning: Provisioning) -> None:
    provisioning.configure(provisioning.sample())
    ada, bob = world.customer("ada"), world.customer("bob")
    shop = world.zone(ada)
    target = provisioning.target(shop)

    def get(path: str, token: str, status: int) -> dict[str, Any]:
        return world.call("GET", path, status=status, token=token)

    reader = world.token_for([Scope.PROVISIONING_READ])
    get("product-services", reader, 200)
    writes = world.call("POST", "product-services/edge/pause", status=403, token=reader, body={})
    assert writes["code"] == "scope_missing"
    get("product-services", world.token_for([Scope.CUSTOMERS_READ]), 403)

    both = [Scope.PROVISIONING_READ, Scope.PROVISIONING_WRITE]
    of_bob = world.token_for(both, customer_id=bob)
    assert get("product-services", of_bob, 200)["data"] == []
    get("product-services/edge", of_bob, 404)
    assert get("provisioning/targets", of_bob, 200)["data"] == []
    get(f"provisioning/targets/{target.id}", of_bob, 404)
    get(f"provisioning/targets/{target.id}/attempts", of_bob, 404)
    get("customers/ada/provisioning", of_bob, 404)
    assert get("customers/bob/provisioning", of_bob, 200)["data"] == []
    for path in ("product-services/edge/pause", f"provisioning/targets/{target.id}/resync"):
        world.call("POST", path, status=403, token=of_bob, body={})
    of_ada = world.token_for(both, customer_id=ada)
    assert get("customers/ada/provisioning", of_ada, 200)["data"][0]["id"] == target.id

    of_desk = world.token_for(both, product_service="desk")
    assert [row["key"] for row in get("product-services", of_desk, 200)["data"]] == ["desk"]
    get(f"provisioning/targets/{target.id}", of_desk, 404)
    assert get("provisioning/targets", of_desk, 200)["data"] == []
    world.call("POST", "product-services/edge/pause", status=404, token=of_desk, body={})


def test_a_secret_is_added_to_the_service_that_was_seen(world: World) -> None:
    world.put("product-services/edge", url=URL)
    path = "product-services/edge/secrets"

    stale = world.call("POST", path, status=412, body={}, **{"If-Match": '"of-long-ago"'})
    assert stale["code"] == "precondition_failed"
    assert world.get("product-services/edge")["secrets"] == []
    world.call("POST", path, status=201, body={}, **{"If-Match": "*"})
    assert len(world.get("product-services/edge")["secrets"]) == 1
    for verb in ("resync", "retry"):
        again = f"product-services/edge/{verb}"
        assert world.call("POST", again, status=412, body={}, **{"If-Match": '"of-long-ago"'})
        world.call("POST", again, status=200, body={}, **{"If-Match": "*"})
