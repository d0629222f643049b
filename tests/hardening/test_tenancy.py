"""Callers limited to one customer, or to one product service, see nothing of anybody else."""

from dataclasses import dataclass
from typing import Any

import pytest

from core.principals import Scope
from identity.scopes import SERVICE_SCOPES
from plans.models import Feature, ProductService
from provisioning.models import Target
from tests.hardening.door import Door
from tests.world import World
from usage.models import UsageEvent

NO_CUSTOMER = "cus_01jd0000000000000000000001"
NO_SUBJECT = "sbj_01jd0000000000000000000001"
NO_SUBSCRIPTION = "sub_01jd0000000000000000000001"


@dataclass
class Neighbours:
    """Two customers with a zone each, and a caller who is limited to the first."""

    door: Door
    mine: str
    my_zone: str
    theirs: str
    their_zone: str
    their_subscription: str

    def alike(self, method: str, path: str, missing: str, body: Any = None) -> int:
        """Require that what is another's answers exactly as what does not exist."""
        theirs = self.door.knock(method, path, body)
        nothing = self.door.knock(method, missing, body)
        assert _said(theirs) == _said(nothing), path
        assert theirs.status_code == 404, path
        return theirs.status_code


def _said(answer: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    return answer.status_code, body, headers


@pytest.fixture
def neighbours(world: World) -> Neighbours:
    mine, theirs = world.customer("ada"), world.customer("bob")
    my_zone, their_zone = world.zone(mine, "shop"), world.zone(theirs, "shop")
    return Neighbours(
        door=Door(world.token_for(list(Scope), customer_id=mine), world.client),
        mine=mine,
        my_zone=my_zone,
        theirs=theirs,
        their_zone=their_zone,
        their_subscription=world.subscription(their_zone)["id"],
    )


@pytest.mark.parametrize("name", ["theirs", "key"])
def test_another_customer_is_like_none(neighbours: Neighbours, name: str) -> None:
    theirs, nobody = (neighbours.theirs, NO_CUSTOMER) if name == "theirs" else ("bob", "nobody")
    zone = neighbours.their_zone
    for method, place, body in [
        ("GET", "", None),
        ("PATCH", "", {"profile": {"name": "x"}}),
        ("DELETE", "", None),
        ("GET", "/timeline", None),
        ("GET", "/provisioning", None),
        ("GET", "/entitlements", None),
        ("GET", "/entitlements?subject=shop", None),
        ("GET", "/entitlements/token", None),
        ("GET", "/entitlements/explain?feature=waf_custom_rules&subject=shop", None),
        ("GET", "/subjects", None),
        ("POST", "/subjects", {"kind": "zone"}),
        ("POST", "/subjects/bulk", {"subjects": [{"kind": "zone"}]}),
        ("GET", "/subjects/shop", None),
        ("GET", f"/subjects/{zone}", None),
        ("DELETE", f"/subjects/{zone}", None),
        ("PUT", f"/subjects/{zone}/products/zone", {"plan": "pro"}),
        ("PUT", "/products/workers", {"plan": "workers_paid"}),
    ]:
        neighbours.alike(
            method, f"/v1/customers/{theirs}{place}", f"/v1/customers/{nobody}{place}", body
        )


def test_another_customers_subject_is_like_none_under_my_own(neighbours: Neighbours) -> None:
    for method, place, body in [
        ("GET", "/subjects/{}", None),
        ("DELETE", "/subjects/{}", None),
        ("PUT", "/subjects/{}/products/zone", {"plan": "pro"}),
        ("GET", "/entitlements?subject={}", None),
        ("GET", "/entitlements/explain?feature=waf_custom_rules&subject={}", None),
    ]:
        path = f"/v1/customers/{neighbours.mine}{place}"
        neighbours.alike(method, path.format(neighbours.their_zone), path.format(NO_SUBJECT), body)


def test_another_customers_subscription_is_like_none(neighbours: Neighbours) -> None:
    for method, place, body in [
        ("GET", "", None),
        ("PATCH", "", {"metadata": {"a": "b"}}),
        ("POST", "/change", {"plan": "pro"}),
        ("POST", "/cancel", {"when": "period_end"}),
        ("POST", "/uncancel", None),
        ("GET", "/schedule", None),
        ("DELETE", "/schedule/pch_01jd0000000000000000000001", None),
    ]:
        neighbours.alike(
            method,
            f"/v1/subscriptions/{neighbours.their_subscription}{place}",
            f"/v1/subscriptions/{NO_SUBSCRIPTION}{place}",
            body,
        )


def test_a_body_cannot_name_another_customer(neighbours: Neighbours) -> None:
    for theirs, nobody in [
        ({"customer": neighbours.theirs}, {"customer": NO_CUSTOMER}),
        ({"customer": "bob"}, {"customer": "nobody"}),
        (
            {"customer": neighbours.mine, "subject": neighbours.their_zone},
            {"customer": neighbours.mine, "subject": NO_SUBJECT},
        ),
    ]:
        one = neighbours.door.knock("POST", "/v1/subscriptions", {**theirs, "plan": "pro"})
        other = neighbours.door.knock("POST", "/v1/subscriptions", {**nobody, "plan": "pro"})
        assert _said(one) == _said(other)
        assert one.status_code == 404


def test_a_check_cannot_ask_about_another_customer(neighbours: Neighbours) -> None:
    asked = "/v1/entitlements/check?feature=waf_custom_rules&"
    zone = neighbours.their_zone
    for theirs, nobody in [
        (f"subject={zone}", f"subject={NO_SUBJECT}"),
        (f"customer={neighbours.theirs}", f"customer={NO_CUSTOMER}"),
        ("customer=bob", "customer=nobody"),
        ("customer=bob&subject=shop", "customer=nobody&subject=shop"),
        ("customer=bob&subject=none", "customer=nobody&subject=none"),
        (
            f"customer={neighbours.mine}&subject={zone}",
            f"customer={neighbours.mine}&subject={NO_SUBJECT}",
        ),
    ]:
        neighbours.alike("GET", asked + theirs, asked + nobody)


def test_nobody_uses_what_is_anothers(neighbours: Neighbours) -> None:
    use = {"id": "a", "feature": "waf_custom_rules", "quantity": "1"}
    pairs = [
        ({"subject": neighbours.their_zone}, {"subject": NO_SUBJECT}),
        ({"customer": "bob", "subject": "shop"}, {"customer": "eve", "subject": "shop"}),
        ({"customer": neighbours.theirs}, {"customer": NO_CUSTOMER}),
    ]
    for path, more in (("consume", {}), ("reservations", {"expires_in_seconds": 60})):
        for theirs, nobody in pairs:
            answers = [
                neighbours.door.knock("POST", f"/v1/entitlements/{path}", {**use, **more, **owner})
                for owner in (theirs, nobody)
            ]
            assert _said(answers[0]) == _said(answers[1])
            assert answers[0].status_code == 404
    assert not UsageEvent.objects.exists()
    used = neighbours.door.knock(
        "POST", "/v1/entitlements/consume", {**use, "subject": neighbours.my_zone}
    )
    assert (used.status_code, used.json()["result"]) == (200, "recorded")


def test_many_checks_mix_no_customers(neighbours: Neighbours) -> None:
    feature = {"feature": "waf_custom_rules"}
    asked = [
        {"subject": neighbours.my_zone, **feature},
        {"subject": neighbours.their_zone, **feature},
        {"customer": "bob", "subject": "shop", **feature},
        {"customer": neighbours.mine, "subject": neighbours.their_zone, **feature},
    ]

    answer = neighbours.door.knock("POST", "/v1/entitlements/check", {"checks": asked}).json()

    mine, *theirs = answer["results"]
    assert mine["check"]["customer"] == neighbours.mine
    assert [each["check"] for each in theirs] == [None, None, None]
    assert [each["problem"]["code"] for each in theirs] == [
        "subject_not_found",
        "customer_not_found",
        "subject_not_found",
    ]


def test_another_customers_revision_token_is_refused(world: World, neighbours: Neighbours) -> None:
    token = world.get(f"customers/{neighbours.theirs}/entitlements/token")["token"]
    path = f"/v1/entitlements/check?feature=waf_custom_rules&subject={neighbours.my_zone}"

    refused = neighbours.door.refuses("GET", f"{path}&at_least={token}")

    assert refused == (400, "revision_token_of_another_customer")


def test_lists_and_filters_show_only_mine(neighbours: Neighbours) -> None:
    theirs, zone = neighbours.theirs, neighbours.their_zone
    for path in [
        "/v1/customers",
        "/v1/subscriptions",
        "/v1/events?limit=100",
        f"/v1/customers/{neighbours.mine}/timeline",
    ]:
        answer = neighbours.door.knock("GET", path)
        assert answer.json()["data"], path
        assert theirs.encode() not in answer.content, path
        assert zone.encode() not in answer.content, path
    for path in [
        "/v1/customers?key=bob",
        f"/v1/subscriptions?customer={theirs}",
        "/v1/subscriptions?customer=bob",
        f"/v1/subscriptions?subject={zone}",
        f"/v1/events?customer={theirs}",
        "/v1/events?customer=bob",
        f"/v1/events?subject={zone}",
        f"/v1/customers/{neighbours.mine}/timeline?subject={zone}",
        f"/v1/customers/{neighbours.mine}/provisioning?subject={zone}",
        f"/v1/provisioning/targets?customer={theirs}",
        "/v1/provisioning/targets",
        "/v1/product-services",
    ]:
        assert neighbours.door.gets(path)["data"] == [], path


def test_what_staff_wrote_is_not_for_the_customer(world: World, neighbours: Neighbours) -> None:
    said = "fraud suspected"
    path = f"customers/{neighbours.mine}/subjects/{neighbours.my_zone}/products/zone"
    world.put(path, plan="pro", reason=said)

    for path in ["/v1/events?limit=100", f"/v1/customers/{neighbours.mine}/timeline?limit=100"]:
        answer = neighbours.door.knock("GET", path)
        assert said.encode() not in answer.content
        told = {(each["actor"], each["reason"]) for each in answer.json()["data"]}
        assert told == {(None, None)}
        ours = world.get(path.removeprefix("/v1/").partition("?")[0])["data"]
        assert said in {each["reason"] for each in ours}


def test_a_cursor_is_for_who_got_it(world: World, neighbours: Neighbours) -> None:
    world.zone(neighbours.mine, "blog")
    theirs = Door(world.token_for(list(Scope), customer_id=neighbours.theirs), world.client)
    of_all = world.get("events", limit=1)["next_cursor"]
    of_mine = neighbours.door.gets("/v1/events?limit=1")["next_cursor"]

    assert neighbours.door.knock("GET", f"/v1/events?cursor={of_mine}").status_code == 200
    for door, path in [
        (neighbours.door, f"/v1/events?cursor={of_all}"),
        (theirs, f"/v1/events?cursor={of_mine}"),
        (neighbours.door, f"/v1/subscriptions?cursor={of_mine}"),
        (neighbours.door, f"/v1/events?type=subject.created&cursor={of_mine}"),
        (neighbours.door, f"/v1/events?cursor={of_mine[:-1]}"),
    ]:
        assert door.refuses("GET", path) == (400, "malformed_cursor"), path


def test_an_idempotency_key_belongs_to_its_caller(world: World, neighbours: Neighbours) -> None:
    body = {"kind": "zone", "key": "new"}
    path = f"/v1/customers/{neighbours.mine}/subjects"
    header = {"Idempotency-Key": "one"}
    theirs = Door(world.token_for(list(Scope), customer_id=neighbours.theirs), world.client)
    first = neighbours.door.knock("POST", path, body, **header)

    assert first.status_code == 201
    assert theirs.refuses("POST", path, body, **header) == (404, "customer_not_found")
    again = neighbours.door.knock("POST", path, body, **header)
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())


def test_what_concerns_all_customers_is_not_for_one(world: World, neighbours: Neighbours) -> None:
    world.starts_on("2026-01-31")
    clock = f"/v1/test-clocks/{world.clock_id}"
    target = Target.objects.filter(customer_id=neighbours.mine).first()
    assert target is not None
    for method, path, body in [
        ("POST", "/v1/customers", {"currency": "USD"}),
        ("GET", "/v1/test-clocks", None),
        ("POST", "/v1/test-clocks", {"frozen_at": "2026-01-31T00:00:00Z"}),
        ("GET", clock, None),
        ("POST", f"{clock}/advance", {"to": "2026-02-28T00:00:00Z"}),
        ("GET", "/v1/catalog", None),
        ("PUT", "/v1/catalog", {}),
        ("PUT", "/v1/product-services/edge", {"url": "http://127.0.0.1:9"}),
        ("POST", "/v1/product-services/edge/pause", None),
        ("POST", "/v1/product-services/edge/secrets", None),
        ("POST", f"/v1/provisioning/targets/{target.id}/resync", None),
    ]:
        assert neighbours.door.refuses(method, path, body) == (403, "limited_caller"), path
    for path, code in [
        ("/v1/product-services/edge", "product_service_not_found"),
        (f"/v1/provisioning/targets/{target.id}", "target_not_found"),
        (f"/v1/provisioning/targets/{target.id}/attempts", "target_not_found"),
    ]:
        assert neighbours.door.refuses("GET", path) == (404, code), path


def test_a_product_service_sees_its_own_features_and_targets(
    world: World, neighbours: Neighbours
) -> None:
    mine = neighbours.mine
    door = Door(world.token_for(list(SERVICE_SCOPES), product_service="edge"), world.client)
    features = set(
        Feature.objects.filter(product_service__key="edge").values_list("key", flat=True)
    )
    held = {each["feature"] for each in door.gets(f"/v1/customers/{mine}/entitlements")["data"]}
    edge = ProductService.objects.get(key="edge")

    assert features
    assert "workers_requests" not in features
    assert held <= features
    check = f"/v1/entitlements/check?customer={mine}&feature="
    explain = f"/v1/customers/{mine}/entitlements/explain?feature="
    for path, code in [
        (f"{check}workers_requests", "feature_not_found"),
        (f"{explain}workers_requests", "feature_not_found"),
        ("/v1/product-services/developer", "product_service_not_found"),
    ]:
        assert door.refuses("GET", path) == (404, code), path
    for path in ("features", "plans", "customers", f"customers/{mine}", "subscriptions", "events"):
        assert door.refuses("GET", f"/v1/{path}") == (403, "scope_missing"), path
    services = door.gets("/v1/product-services")["data"]
    assert [each["key"] for each in services] == ["edge"]
    targets = door.gets("/v1/provisioning/targets?limit=100")["data"]
    assert {each["service"] for each in targets} == {"edge"}
    assert door.gets("/v1/provisioning/targets?service=developer")["data"] == []
    other = Target.objects.exclude(service=edge).first()
    assert other is not None
    for method, place in [("GET", ""), ("GET", "/attempts"), ("POST", "/resync")]:
        path = f"/v1/provisioning/targets/{other.id}{place}"
        assert door.refuses(method, path) == (404, "target_not_found"), path
    for place in ["pause", "resume", "disable", "resync", "retry", "secrets"]:
        path = f"/v1/product-services/developer/{place}"
        assert door.refuses("POST", path) == (404, "product_service_not_found"), path
