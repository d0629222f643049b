"""Overrides at the front door: made, in effect, over, taken back; and what that changes."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from core import ids
from core.models import AuditEntry
from core.principals import Scope
from entitlements.models import Override
from provisioning.models import Target
from tests.racing import together
from tests.world import World

WHY = "Promised by sales."
NOBODY = "ovr_01jd0000000000000000000000"


def make(world: World, feature: str = "rules", status: int = 201, **more: Any) -> dict[str, Any]:
    """Make an override of ada's; of a limit of her shop unless told."""
    body = {"feature": feature, "reason": WHY, **more}
    if feature in ("rules", "regex"):
        body.setdefault("subject", "shop.example")
    answer = world.post("customers/ada/overrides", status=status, **body)
    return dict(answer["resource"]) if status == 201 else answer


def rules(world: World, **query: Any) -> Any:
    return world.check("rules", customer="ada", subject="shop.example", **query)["value"]


@pytest.fixture
def shop(world: World) -> str:
    """Ada's zone, on Pro with 20 rules."""
    world.customer("ada")
    zone = world.zone("ada", "shop.example")
    world.change(zone, "pro")
    return zone


def test_an_override_counts_until_it_expires_and_everything_follows(
    world: World, shop: str
) -> None:
    ada = world.get("customers/ada")["id"]
    told = len(world.events(ada))
    answer = world.post(
        "customers/ada/overrides",
        status=201,
        subject=shop,
        feature="rules",
        value=60,
        expires_at="2025-03-31T00:00:00Z",
        reason=WHY,
    )
    made = answer["resource"]
    assert made == {
        "id": made["id"],
        "customer": ada,
        "subject": shop,
        "feature": "rules",
        "mode": "at_least",
        "value": 60,
        "state": "active",
        "starts_at": "2025-01-31T00:00:00Z",
        "expires_at": "2025-03-31T00:00:00Z",
        "reason": WHY,
        "value_given": {"amount": 4000, "currency": "USD"},  # 40 rules at 0.50 for 2 months
        "created_at": "2025-01-31T00:00:00Z",
        "created_by": made["created_by"],
        "needs_approval": False,
        "approved_at": None,
        "approved_by": None,
        "rejected_at": None,
        "rejected_by": None,
        "superseded_at": None,
        "superseded_by": None,
        "revoked_at": None,
        "revoked_by": None,
    }
    assert made["created_by"].startswith("client:cli_")
    assert rules(world, at_least=answer["revision"]) == "60"
    assert world.events(ada)[told:] == ["override.granted", "entitlements.changed"]
    assert world.get("customers/ada/overrides")["data"] == [made]
    assert world.get(f"customers/ada/overrides/{made['id']}") == made

    world.advance_to("2025-03-30T23:59:59Z")
    assert rules(world) == "60"
    world.advance_to("2025-03-31")
    assert rules(world) == "20"
    assert world.events(ada)[-1] == "entitlements.changed"  # time alone, announced
    assert world.get(f"customers/ada/overrides/{made['id']}")["state"] == "ended"


def test_it_is_listed_checked_explained_and_told_in_words(world: World, shop: str) -> None:
    made = make(world, value=60, expires_at="2025-05-01T00:00:00Z")
    [_, held] = world.get("customers/ada/entitlements", subject=shop)["data"]
    source = {
        "type": "override",
        "id": made["id"],
        "product": None,
        "plan": None,
        "add_on": None,
        "limit_kept_from": None,
    }
    assert (held["value"], held["until"], held["sources"]) == (
        "60",
        "2025-05-01T00:00:00Z",
        [source],
    )
    assert world.check("rules", subject=shop)["valid_until"] == "2025-05-01T00:00:00Z"
    told = world.get("customers/ada/entitlements/explain", feature="rules", subject=shop)
    plan, override = told["steps"]
    assert (plan["value_out"], plan["won"], plan["because"]) == (
        "20",
        False,
        "an override gives more",
    )
    assert {name: override[name] for name in ("step", "rule", "value_in", "value_out", "won")} == {
        "step": "override",
        "rule": "at_least",
        "value_in": "20",
        "value_out": "60",
        "won": True,
    }
    assert override["source"] == source
    assert override["because"] == (
        "an override of at least 60 until 1 May 2025, because Promised by sales"
    )
    assert told["in_words"] == (
        "Zone shop.example may use rules up to 60 rules: an override of at least 60 since "
        "31 January 2025 until 1 May 2025, because Promised by sales. Pro gives 20, but an "
        "override gives more. Not blocked. Falls to 20 on 1 May 2025, when an override ends."
    )
    assert told["next_change"] == {
        "at": "2025-05-01T00:00:00Z",
        "from": "60",
        "to": "20",
        "cause": "override_ended",
    }


def test_one_for_later_begins_by_itself_and_one_that_never_began_is_gone(
    world: World, shop: str
) -> None:
    made = make(world, value=60, starts_at="2025-02-10T00:00:00Z")
    gone = make(world, "regex", value=True, starts_at="2025-02-20T00:00:00Z")
    assert (made["state"], rules(world)) == ("scheduled", "20")
    told = world.get("customers/ada/entitlements/explain", feature="rules", subject=shop)
    assert told["in_words"].endswith("Rises to 60 on 10 February 2025, when an override begins.")
    assert told["next_change"]["cause"] == "override"

    answer = world.post(f"customers/ada/overrides/{gone['id']}/revoke")
    assert answer["changes"] == [{"field": "state", "before": "scheduled", "after": "revoked"}]
    world.advance_to("2025-02-25")
    assert rules(world) == "60"
    assert world.check("regex", subject=shop)["value"] is False
    ended = world.post(f"customers/ada/overrides/{made['id']}/revoke", reason="Done.")["resource"]
    assert (ended["state"], ended["revoked_at"]) == ("revoked", "2025-02-25T00:00:00Z")
    assert (ended["revoked_by"], rules(world)) == (made["created_by"], "20")
    again = world.post(f"customers/ada/overrides/{made['id']}/revoke")
    assert (again["resource"], again["changes"]) == (ended, [])
    past = world.get("customers/ada/entitlements", subject=shop, at="2025-02-24T00:00:00Z")
    assert {each["feature"]: each["value"] for each in past["data"]} == {
        "regex": False,
        "rules": "60",
    }


def test_one_at_a_time_unless_it_supersedes(world: World, shop: str) -> None:
    first = make(world, value=60)
    refused = make(world, status=409, value=70, starts_at="2025-02-10T00:00:00Z")
    assert (refused["code"], refused["override"]) == ("override_exists", first["id"])
    make(world, "regex", value=True)  # of another feature
    second = make(
        world,
        value=70,
        starts_at="2025-02-10T00:00:00Z",
        expires_at="2025-02-20T00:00:00Z",
        supersede=True,
    )
    ends = world.get(f"customers/ada/overrides/{first['id']}")
    assert (ends["state"], ends["superseded_at"], ends["superseded_by"]) == (
        "active",
        "2025-02-10T00:00:00Z",
        second["id"],
    )
    make(world, value=80, starts_at="2025-02-20T00:00:00Z")  # where the other ends
    seen = [rules(world)]
    for day in ("2025-02-10", "2025-02-20"):
        world.advance_to(day)
        seen.append(rules(world))
    assert seen == ["60", "70", "80"]
    listed = world.get("customers/ada/overrides", feature="rules")["data"]
    assert [each["state"] for each in listed] == ["active", "ended", "ended"]


def test_what_is_superseded_before_it_begins_never_counts(world: World, shop: str) -> None:
    later = make(world, value=60, starts_at="2025-03-01T00:00:00Z")
    make(world, value=70, expires_at="2025-03-10T00:00:00Z", supersede=True)
    assert world.get(f"customers/ada/overrides/{later['id']}")["state"] == "ended"
    world.advance_to("2025-03-10")
    assert rules(world) == "20"


@pytest.mark.parametrize(
    ("mode", "value", "result"),
    [("at_least", 60, "60"), ("at_least", 10, "20"), ("set", 10, "10"), ("add", 5, "25")],
)
def test_the_modes(world: World, shop: str, mode: str, value: int, result: str) -> None:
    make(world, mode=mode, value=value)
    assert rules(world) == result


def test_a_feature_that_nothing_else_gives(world: World) -> None:
    world.customer("ada")
    world.post("customers/ada/subjects", status=201, key="cart", kind="basket")
    assert world.check("regex", customer="ada", subject="cart")["reason"] == "not_entitled"
    make(world, "regex", value=True, subject="cart")
    found = world.check("regex", customer="ada", subject="cart")
    assert (found["allowed"], found["value"], found["reason"]) == (True, True, "granted")


def test_a_customers_block_denies_it_and_a_pause_of_the_plan_does_not(
    world: World, shop: str
) -> None:
    make(world, value=60)
    subscription = world.subscription(shop)["id"]
    world.post(f"subscriptions/{subscription}/pause")
    found = world.check("rules", subject=shop)
    assert (found["allowed"], found["value"]) == (True, "60")
    block = world.post("customers/ada/blocks", status=201, name="fraud", effects=["access"])
    found = world.check("rules", subject=shop)
    assert (found["allowed"], found["value"], found["blocked_by"]) == (False, "60", ["fraud"])
    world.post(f"blocks/{block['resource']['id']}/lift")
    assert world.check("rules", subject=shop)["allowed"] is True


def test_it_ends_with_its_owner_in_one_revision(world: World, shop: str) -> None:
    active = make(world, value=60)
    later = make(world, "regex", value=True, starts_at="2025-04-01T00:00:00Z")
    seats = make(world, "seats", value=9)
    before = world.get("customers/ada/entitlements/token")["revision"]
    world.delete("customers/ada/subjects/shop.example")
    assert world.get("customers/ada/entitlements/token")["revision"] == before + 1
    for made in (active, later):
        row = world.get(f"customers/ada/overrides/{made['id']}")
        assert (row["state"], row["revoked_at"]) == ("revoked", "2025-01-31T00:00:00Z")
    assert world.get(f"customers/ada/overrides/{seats['id']}")["state"] == "active"
    world.delete("customers/ada")
    assert world.get(f"customers/ada/overrides/{seats['id']}")["state"] == "revoked"
    assert Override.objects.filter(revoked_at=None).count() == 0


def test_a_product_service_is_told_and_told_again_when_it_is_over(
    world: World, settings: Any
) -> None:
    """Also one of which the owner has nothing else."""
    settings.PRODUCT_SERVICE_NETWORKS = ["127.0.0.1/32"]
    world.put("product-services/edge", url="http://127.0.0.1:9", sandbox=True)
    world.customer("ada")
    zone = world.post("customers/ada/subjects", status=201, key="cart", kind="basket")["resource"]

    def desired() -> Any:
        return Target.objects.get(subject=zone["id"]).desired_content["entitlements"]

    make(world, "rules", value=60, subject="cart", expires_at="2025-03-01T00:00:00Z")
    assert desired() == {
        "rules": {"type": "limit", "value": 60, "until": "2025-03-01T00:00:00Z", "trim": False}
    }
    world.advance_to("2025-03-01")
    assert desired() == {}


# --- who may, and what cannot be --------------------------------------------------------------


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
