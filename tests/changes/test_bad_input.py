"""Whatever is sent: refused with a code, and nothing is made of it."""

from typing import Any

import pytest

from changes.models import ChangeSet
from tests.changes.conftest import Changes

PRO = {"change": {"plan": "pro"}}
NOBODY = "sub_01jd0000000000000000000001"


# body, status, code, and the place that is named
REFUSED: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({}, 400, "invalid_input", "/operations"),
    ({"operations": []}, 400, "invalid_input", "/operations"),
    ({"operations": [PRO]}, 400, "invalid_input", ""),
    ({"operations": [PRO], "selector": {}}, 400, "invalid_input", "/selector"),
    (
        {"operations": [PRO], "selector": {"exclude": {"customers": ["ada"]}}},
        400,
        "invalid_input",
        "/selector",
    ),
    (
        {"operations": [PRO], "selector": {"state": "canceled"}},
        400,
        "invalid_input",
        "/selector/state",
    ),
    (
        {"operations": [PRO], "selector": {"colour": "red"}},
        400,
        "unknown_field",
        "/selector/colour",
    ),
    (
        {"operations": [PRO], "selector": {"plan": "pro"}, "subscription": NOBODY},
        400,
        "invalid_input",
        "",
    ),
    (
        {
            "operations": [PRO],
            "selector": {"plan": "pro"},
            "effective_at": "2026-01-10T00:00:00Z",
        },
        400,
        "invalid_input",
        "/effective_at",
    ),
    (
        {"operations": [PRO], "subscription": NOBODY, "all_or_nothing": True},
        400,
        "invalid_input",
        "/all_or_nothing",
    ),
    ({"operations": [PRO], "subscription": "shop"}, 400, "invalid_input", "/subscription"),
    ({"operations": [PRO], "subscription": NOBODY}, 404, "subscription_not_found", None),
    ({"operations": PRO}, 400, "invalid_input", "/operations"),
    ({"operations": ["change"]}, 400, "invalid_input", "/operations/0"),
    ({"operations": [None]}, 400, "invalid_input", "/operations/0"),
    ({"operations": [{}]}, 400, "invalid_input", "/operations/0"),
    ({"operations": [{**PRO, "uncancel": {}}]}, 400, "invalid_input", "/operations/0"),
    ({"operations": [{"delete": {}}]}, 400, "unknown_field", "/operations/0/delete"),
    # what only an undo does is not offered
    (
        {"operations": [{"unschedule": {"kind": "end"}}]},
        400,
        "unknown_field",
        "/operations/0/unschedule",
    ),
    ({"operations": [{"lift": {}}]}, 400, "unknown_field", "/operations/0/lift"),
    ({"operations": [{"change": {}}]}, 400, "invalid_input", "/operations/0/change"),
    (
        {"operations": [{"change": {"plan": "pro", "colour": 1}}]},
        400,
        "unknown_field",
        "/operations/0/change/colour",
    ),
    (
        {"operations": [{"quantity": {"quantity": 0}}]},
        400,
        "invalid_input",
        "/operations/0/quantity/quantity",
    ),
    ({"operations": [PRO] * 11}, 400, "invalid_input", "/operations"),
    (
        {"operations": [PRO, {"subscribe": {"customer": "ada", "plan": "pro"}}]},
        400,
        "invalid_input",
        "/operations",
    ),
    (
        {"operations": [{"subscribe": {"customer": "carl", "plan": "pro"}}]},
        404,
        "customer_not_found",
        None,
    ),
    (
        {"operations": [{"subscribe": {"customer": "ada", "plan": "pro"}}]},
        422,
        "wrong_owner",
        None,
    ),
    (
        {"operations": [{"subscribe": {"customer": "ada", "subject": "no", "plan": "pro"}}]},
        404,
        "subject_not_found",
        None,
    ),
    (
        {
            "operations": [{"subscribe": {"customer": "ada", "plan": "pro"}}],
            "subscription": NOBODY,
        },
        400,
        "invalid_input",
        "",
    ),
]


@pytest.fixture
def ada(world: Changes) -> Changes:
    world.starts_on("2026-01-10")
    world.customer("ada")
    return world


def test_a_body_that_is_not_as_documented(ada: Changes) -> None:
    for body, status, code, pointer in REFUSED:
        problem = ada.post("change-sets", status=status, **body)
        assert problem["code"] == code, body
        if pointer is not None:
            assert pointer in [each["pointer"] for each in problem["errors"]], problem
    assert not ChangeSet.objects.exists()


def test_what_is_in_the_way_of_a_preview(ada: Changes) -> None:
    shop = ada.zone("ada")
    subscription = ada.subscription(shop)["id"]

    def refused(status: int, operation: dict[str, Any], **more: Any) -> str:
        body = {"subscription": subscription, "operations": [operation], **more}
        return str(ada.post("change-sets", status=status, **body)["code"])

    assert refused(409, PRO, effective_at="2026-01-09T23:59:59Z") == "instant_passed"
    assert refused(400, {"anchor": {"zone": "Europe/Atlantis"}}) == "unknown_zone"
    assert refused(409, {"resume": {"at": "2026-02-01T00:00:00Z"}}) == "not_paused"
    assert refused(404, {"add_on": {"add_on": "gold"}}) == "add_on_not_found"
    assert refused(400, {"pause": {"mode": "sleep"}}) == "invalid_input"
    assert refused(409, {"cancel": {"when": "period_end"}}) == "already_on_fallback"
    ada.delete(f"customers/ada/subjects/{shop}")
    assert refused(409, PRO) == "subscription_ended"


def test_what_is_not_a_change_set_is_missing(ada: Changes) -> None:
    for name in ("chs_01jd0000000000000000000001", "sub_01jd0000000000000000000001", "x"):
        assert ada.get(f"change-sets/{name}", status=404)["code"] == "change_set_not_found"
        for verb in ("approve", "apply", "pause", "stop", "discard", "undo"):
            missing = ada.post(f"change-sets/{name}/{verb}", status=404)
            assert missing["code"] == "change_set_not_found"
    assert ada.get("change-sets", status=400, colour="red")["code"] == "unknown_parameter"


def test_a_decision_is_on_what_the_caller_has_seen(ada: Changes) -> None:
    shop = ada.zone("ada")
    path = f"change-sets/{ada.preview(shop, PRO)['id']}"

    def tag() -> str:
        headers = {"Authorization": f"Bearer {ada.token}"}
        return str(ada.client.get(f"/v1/{path}", headers=headers).headers["ETag"])

    seen = tag()
    ada.call("POST", f"{path}/approve", status=200, **{"If-Match": seen})
    old = ada.call("POST", f"{path}/apply", status=412, **{"If-Match": seen})
    assert old["code"] == "precondition_failed"
    ada.call("POST", f"{path}/apply", status=200, **{"If-Match": tag()})
    ada.call("POST", f"{path}/apply", status=200, **{"If-Match": tag()})


def test_the_same_request_makes_one_change_set(ada: Changes) -> None:
    shop = ada.zone("ada")
    body = {"subscription": ada.subscription(shop)["id"], "operations": [PRO]}
    key = {"Idempotency-Key": "once"}
    first = ada.call("POST", "change-sets", status=201, body=body, **key)
    again = ada.call("POST", "change-sets", status=201, body=body, **key)
    assert again == first
    assert ChangeSet.objects.count() == 1
    path = f"change-sets/{first['resource']['id']}/apply"
    assert ada.call("POST", path, status=200, **key) == ada.call("POST", path, status=200, **key)
    assert ada.charges(shop) == [("advance", 2500)]
