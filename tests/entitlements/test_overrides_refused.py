"""Who may give and see overrides, and what cannot be given."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from core import ids
from core.models import AuditEntry
from core.principals import Scope
from entitlements.models import Override
from tests.entitlements.overriding import NOBODY, WHY, make
from tests.racing import together
from tests.world import World


def test_a_customer_sees_its_overrides_without_who_why_and_how_much(
    world: World, shop: str
) -> None:
    made = make(world, value=60)
    mine = world.token_for(list(Scope), customer_id=made["customer"])
    [seen] = world.call("GET", "customers/ada/overrides", status=200, token=mine)["data"]
    assert seen == {**made, "reason": None, "value_given": None, "created_by": None}
    asked = {"feature": "rules", "subject": shop}
    told = world.call(
        "GET", "customers/ada/entitlements/explain", status=200, token=mine, query=asked
    )
    assert "because" not in told["in_words"]
    assert told["steps"][1]["because"] == "an override of at least 60"
    assert (told["steps"][1]["actor"], told["steps"][1]["reason"]) == (None, None)
    body = {"feature": "rules", "subject": shop, "value": 99, "reason": "Mine."}
    for path, given in [
        ("customers/ada/overrides", body),
        (f"customers/ada/overrides/{made['id']}/revoke", {}),
        (f"customers/ada/overrides/{made['id']}/approve", {}),
        (f"customers/ada/overrides/{made['id']}/reject", {}),
    ]:
        answer = world.call("POST", path, status=403, body=given, token=mine)
        assert answer["code"] == "limited_caller"


def test_another_customers_override_and_a_missing_one_look_the_same(
    world: World, shop: str
) -> None:
    made = make(world, value=60)
    bob = world.customer("bob")
    theirs = world.token_for(list(Scope), customer_id=bob)
    for customer in ("ada", made["customer"]):
        for place in ("", f"/{made['id']}"):
            path = f"customers/{customer}/overrides{place}"
            assert world.call("GET", path, status=404, token=theirs)["code"] == "customer_not_found"
    for override in (made["id"], NOBODY, "cus_01jd0000000000000000000000", "rules"):
        for answer in (
            world.get(f"customers/bob/overrides/{override}", status=404),
            world.call("GET", f"customers/bob/overrides/{override}", status=404, token=theirs),
            world.post(f"customers/bob/overrides/{override}/revoke", status=404),
            world.post(f"customers/bob/overrides/{override}/approve", status=404),
            world.post(f"customers/bob/overrides/{override}/reject", status=404),
        ):
            assert answer["code"] == "override_not_found"
    body = {"feature": "rules", "subject": shop, "value": 60, "reason": WHY}
    assert world.post("customers/bob/overrides", status=404, **body)["code"] == "subject_not_found"


def test_a_product_service_sees_those_of_its_own_features(world: World, shop: str) -> None:
    rules_, _ = make(world, value=60), make(world, "seats", value=9)
    edge = world.token_for([Scope.ENTITLEMENTS_READ], product_service="edge")
    seen = world.call("GET", "customers/ada/overrides", status=200, token=edge)["data"]
    assert [each["id"] for each in seen] == [rules_["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": ""}, 400, "reason_required"),
        ({"reason": "x" * 501}, 400, "invalid_input"),
        ({"feature": "nothing"}, 404, "feature_not_found"),
        ({"feature": "a feature"}, 400, "invalid_input"),
        ({"subject": "nobody"}, 404, "subject_not_found"),
        ({"feature": "seats"}, 422, "feature_of_customer"),
        ({"mode": "more"}, 400, "invalid_input"),
        ({"feature": "regex", "mode": "add", "value": True}, 422, "mode_not_allowed"),
        ({"feature": "regex", "mode": "at_least", "value": True}, 422, "mode_not_allowed"),
        ({"value": None}, 400, "invalid_input"),
        ({"value": "sixty"}, 400, "malformed_value"),
        ({"value": 60.5}, 400, "malformed_value"),
        ({"value": -1}, 400, "malformed_value"),
        ({"value": True}, 400, "malformed_value"),
        ({"value": 2**53}, 400, "malformed_value"),
        ({"value": {"per_unit": 2}}, 400, "malformed_value"),
        ({"value": 10**400}, 400, "unacceptable_number"),
        ({"value": 2**53 - 1, "expires_at": "2199-12-31T00:00:00Z"}, 400, "amount_out_of_range"),
        ({"starts_at": "2025-01-30T23:59:59Z"}, 422, "override_dates_not_allowed"),
        ({"expires_at": "2025-01-31T00:00:00Z"}, 422, "override_dates_not_allowed"),
        (
            {"starts_at": "2025-02-02T00:00:00Z", "expires_at": "2025-02-01T00:00:00Z"},
            422,
            "override_dates_not_allowed",
        ),
        ({"starts_at": "2025-02-02"}, 400, "invalid_input"),
        ({"starts_at": "2025-02-02T00:00:00.5Z"}, 400, "invalid_input"),
        ({"supersede": "yes"}, 400, "invalid_input"),
        ({"colour": "red"}, 400, "unknown_field"),
        ({"reason": "\x00"}, 400, "unacceptable_text"),
    ],
)
def test_what_cannot_be_given(
    world: World, shop: str, body: dict[str, Any], status: int, code: str
) -> None:
    assert make(world, status=status, **{"subject": shop, "value": 60, **body})["code"] == code
    assert not Override.objects.exists()


def test_a_feature_of_subjects_needs_one_and_use_needs_a_window(world: World) -> None:
    world.customer("ada")
    body = {"feature": "rules", "value": 60, "reason": WHY}
    refused = world.post("customers/ada/overrides", status=422, **body)
    assert refused["code"] == "subject_required"
    refused = make(world, "requests", status=400, value={"included": 5, "reset": "never"})
    assert (refused["code"], refused["errors"][0]["pointer"]) == ("malformed_value", "/value/reset")
    make(world, "requests", value={"included": 5000})
    found = world.check("requests", customer="ada")
    assert (found["value"], found["window"]["reset"]) == ("5000", "calendar")
    for mode, value in [
        ("at_least", {"included": 5}),
        ("add", {"included": 5}),
        ("set", {"included": 5}),
        ("set", {"included": 5, "reset": "price_period"}),
    ]:
        refused = make(world, "uploads", status=422, mode=mode, value=value)
        assert refused["code"] == "window_required"
    make(world, "uploads", mode="set", value={"included": 5, "reset": {"fixed": "7 days"}})
    world.advance_to("2025-02-10")
    found = world.check("uploads", customer="ada")
    assert (found["value"], found["window"]) == (
        "5",
        {"start": "2025-02-07T00:00:00Z", "end": "2025-02-14T00:00:00Z", "reset": "fixed"},
    )


def test_what_was_seen_before_is_not_changed_unseen(world: World, shop: str) -> None:
    made = make(world, value=60)
    path = f"customers/ada/overrides/{made['id']}"
    stale = world.call("POST", f"{path}/revoke", status=412, body={}, **{"If-Match": '"old"'})
    assert stale["code"] == "precondition_failed"
    answer = world.client.get(f"/v1/{path}", headers={"Authorization": f"Bearer {world.token}"})
    tag = {"If-Match": answer.headers["ETag"]}
    world.call("POST", f"{path}/revoke", status=200, body={}, **tag)


def test_a_repeated_request_makes_one_override(world: World, shop: str) -> None:
    body = {"feature": "rules", "subject": shop, "value": 60, "reason": WHY}
    key = {"Idempotency-Key": "one"}
    first, again = (
        world.call("POST", "customers/ada/overrides", status=201, body=body, **key)
        for _ in range(2)
    )
    assert first == again
    assert Override.objects.count() == 1


def test_lists_are_filtered_and_paged(world: World, shop: str) -> None:
    revoked = make(world, value=1)["id"]
    world.post(f"customers/ada/overrides/{revoked}/revoke")
    first = make(world, value=60, expires_at="2025-02-05T00:00:00Z")["id"]
    later = make(world, value=70, starts_at="2025-03-01T00:00:00Z")["id"]
    seats = make(world, "seats", value=9)["id"]

    def ids(**query: Any) -> list[str]:
        return [each["id"] for each in world.get("customers/ada/overrides", **query)["data"]]

    assert ids() == [seats, later, first, revoked]
    assert ids(subject=shop) == ids(subject="shop.example") == [later, first, revoked]
    assert ids(feature="seats") == [seats]
    assert ids(state="active") == [seats, first]
    assert (ids(state="scheduled"), ids(state="revoked")) == ([later], [revoked])
    assert ids(**{"from": "2025-02-01T00:00:00Z"}) == [later]
    assert ids(to="2025-02-01T00:00:00Z", state="active") == [seats, first]
    world.advance_to("2025-02-05")
    assert ids(state="ended") == [first]
    page = world.get("customers/ada/overrides", limit=3)
    rest = world.get("customers/ada/overrides", limit=3, cursor=page["next_cursor"])
    assert [each["id"] for each in (*page["data"], *rest["data"])] == ids()
    for query, code in [
        ({"state": "gone"}, "malformed_parameter"),
        ({"colour": "red"}, "unknown_parameter"),
        ({"subject": "cus_01jd0000000000000000000000"}, "malformed_parameter"),
        ({"from": "yesterday"}, "malformed_parameter"),
    ]:
        assert world.get("customers/ada/overrides", status=400, **query)["code"] == code


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("expires_at = starts_at", "override_lasts"),
        ("starts_at = created_at - interval '1 second'", "override_begins_when_it_is_made_or_late"),
        ("starts_at = starts_at + interval '1 ms'", "override_begins_and_ends_on_whole_seconds"),
        ("reason = ''", "override_has_a_reason"),
        ("value_given = -1", "override_value_given_in_a_currency"),
        ("currency = ''", "override_value_given_in_a_currency"),
        ("approved_at = created_at, approved_by = 'x'", "override_approved_by_somebody_else"),
        (
            "needs_approval = true, approved_at = created_at, approved_by = created_by",
            "override_approved_by_somebody_else",
        ),
        ("rejected_at = created_at, rejected_by = 'x'", "override_rejected_by_somebody"),
        ("superseded_at = created_at", "override_superseded_by_another"),
        ("revoked_at = created_at", "override_revoked_by_somebody"),
        ("starts_at = created_at", "override_once_at_a_time"),
    ],
)
def test_the_database_refuses_what_cannot_be(
    world: World, shop: str, change: str, constraint: str
) -> None:
    make(world, value=60, expires_at="2025-03-01T00:00:00Z")
    later = Override.objects.get(pk=make(world, value=70, starts_at="2025-03-01T00:00:00Z")["id"])
    which = ids.decode(later.id, prefix="ovr")
    statement = f"UPDATE entitlements_override SET {change} WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('billing.actor', 'test', true)")
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            cursor.execute(statement, [which])


def test_every_write_is_audited(world: World, shop: str) -> None:
    made = make(world, value=60)
    world.post(f"customers/ada/overrides/{made['id']}/revoke", reason="Over.")
    rows = AuditEntry.objects.filter(table_name="entitlements_override").order_by("id")
    assert [(row.operation, row.actor, row.reason) for row in rows] == [
        ("insert", made["created_by"], WHY),
        ("update", made["created_by"], "Over."),
    ]


def test_of_two_at_once_one_wins(committed_world: World) -> None:
    world = committed_world
    customer = world.customer("ada")
    world.zone("ada", "shop.example")
    body = {"feature": "rules", "subject": "shop.example", "value": 60, "reason": WHY}

    def one() -> tuple[int, str]:
        mine = World(Client(), token=world.token)
        answer = mine.client.post(
            "/v1/customers/ada/overrides",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {world.token}"},
        )
        return answer.status_code, answer.json().get("code", "")

    assert sorted(together(*[one] * 4)) == [(201, ""), *[(409, "override_exists")] * 3]
    assert Override.objects.filter(customer=customer).count() == 1
