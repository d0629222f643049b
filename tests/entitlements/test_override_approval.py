"""What is given away, and who else has to approve it when that is much."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser

from core.principals import Scope
from entitlements.models import Override
from tests.entitlements.overriding import make, rules
from tests.world import World


@pytest.fixture
def shop(world: World, settings: Any) -> str:
    """Ada's zone, on Pro with 20 rules; a rule is worth 0.50 a month."""
    settings.OVERRIDE_APPROVAL_ABOVE = {"USD": "40.00"}
    world.customer("ada")
    zone = world.zone("ada", "shop.example")
    world.change(zone, "pro")
    return zone


def somebody(world: World) -> str:
    return world.token_for([Scope.OVERRIDES_APPROVE])


def decide(world: World, override: str, verb: str, status: int = 200, **how: Any) -> dict[str, Any]:
    path = f"customers/ada/overrides/{override}/{verb}"
    return world.call("POST", path, status=status, body={}, **how)


def until(month: str) -> dict[str, str]:
    return {"expires_at": f"2025-{month}-31T00:00:00Z"}


@pytest.mark.parametrize(
    ("more", "cents", "waits"),
    [
        ({"value": 60, **until("03")}, 4000, False),  # 40 rules for 2 months: not above
        ({"value": 60, **until("05")}, 8000, True),
        ({"value": 60}, 24000, True),  # for twelve months
        ({"value": 5, "mode": "add"}, 3000, False),
        ({"value": 10, "mode": "set"}, None, False),  # less
        ({"value": 10}, 0, False),  # at least what there is
        ({"value": {"unlimited": True}}, None, True),  # more than any amount
        ({"feature": "regex", "value": True}, None, False),  # no list price
    ],
)
def test_who_gives_away_more_than_the_threshold_waits(
    world: World, shop: str, more: dict[str, Any], cents: int | None, waits: bool
) -> None:
    made = make(world, **more)
    worth = None if cents is None else {"amount": cents, "currency": "USD"}
    assert (made["value_given"], made["needs_approval"]) == (worth, waits)
    assert made["state"] == ("waiting" if waits else "active")


def test_it_has_no_effect_until_somebody_else_approves_it(world: World, shop: str) -> None:
    ada = world.get("customers/ada")["id"]
    told, before = len(world.events(ada)), world.get("customers/ada/entitlements/token")["revision"]
    made = make(world, value=60, **until("05"))
    assert (rules(world), world.events(ada)[told:]) == ("20", ["override.requested"])
    assert world.get("customers/ada/entitlements/token")["revision"] == before
    assert decide(world, made["id"], "approve", status=409)["code"] == "own_override"
    lacking = world.token_for([Scope.OVERRIDES_WRITE])
    refused = decide(world, made["id"], "approve", status=403, token=lacking)
    assert refused["code"] == "scope_missing"

    world.advance_to("2025-02-10")
    answer = decide(world, made["id"], "approve", token=somebody(world))
    assert answer["changes"] == [{"field": "state", "before": "waiting", "after": "active"}]
    approved = answer["resource"]
    assert (approved["starts_at"], approved["approved_at"]) == ("2025-02-10T00:00:00Z",) * 2
    # 40 rules from 10 February to 31 May: 3 months and 21 of the 31 days from 10 May
    assert approved["value_given"] == {"amount": 7355, "currency": "USD"}
    assert approved["approved_by"] != made["created_by"]
    assert (rules(world), world.events(ada)[-2:]) == (
        "60",
        ["override.granted", "entitlements.changed"],
    )
    again = decide(world, made["id"], "approve", status=409, token=somebody(world))
    assert (again["code"], again["state"]) == ("override_not_waiting", "active")


def test_one_that_begins_later_begins_when_it_should(world: World, shop: str) -> None:
    made = make(world, value=60, starts_at="2025-02-20T00:00:00Z", **until("05"))
    assert made["state"] == "waiting"
    approved = decide(world, made["id"], "approve", token=somebody(world))["resource"]
    assert (approved["state"], approved["starts_at"]) == ("scheduled", "2025-02-20T00:00:00Z")
    world.advance_to("2025-02-20")
    assert rules(world) == "60"


def test_one_that_is_rejected_taken_back_or_too_late_never_counts(world: World, shop: str) -> None:
    no, back, late = (make(world, value=60 + n, **until("05")) for n in range(3))
    rejected = decide(world, no["id"], "reject", token=somebody(world))["resource"]
    assert (rejected["state"], rejected["rejected_at"]) == ("rejected", "2025-01-31T00:00:00Z")
    assert decide(world, back["id"], "revoke")["resource"]["state"] == "revoked"
    world.advance_to("2025-05-31")
    for made, state in ((no, "rejected"), (back, "revoked"), (late, "ended")):
        for verb in ("approve", "reject"):
            answer = decide(world, made["id"], verb, status=409, token=somebody(world))
            assert (answer["code"], answer["state"]) == ("override_not_waiting", state)
    assert decide(world, no["id"], "revoke")["resource"]["state"] == "rejected"
    assert rules(world) == "20"


def test_what_is_in_the_way_when_it_is_approved(world: World, shop: str) -> None:
    """One that waits keeps nobody from giving something meanwhile."""
    plain, superseding = (
        make(world, value=60, supersede=supersede, **until("05")) for supersede in (False, True)
    )
    small = make(world, value=21)
    refused = decide(world, plain["id"], "approve", status=409, token=somebody(world))
    assert (refused["code"], refused["override"]) == ("override_exists", small["id"])
    decide(world, superseding["id"], "approve", token=somebody(world))
    assert rules(world) == "60"
    ended = world.get(f"customers/ada/overrides/{small['id']}")
    assert (ended["state"], ended["superseded_by"]) == ("ended", superseding["id"])


def test_what_was_over_before_it_is_approved_is_not_in_the_way(world: World, shop: str) -> None:
    waiting = make(world, value=60, supersede=True, **until("05"))
    small = make(world, value=21, expires_at="2025-02-05T00:00:00Z")
    world.advance_to("2025-02-10")
    decide(world, waiting["id"], "approve", token=somebody(world))
    over = world.get(f"customers/ada/overrides/{small['id']}")
    assert (over["state"], over["superseded_by"], rules(world)) == ("ended", None, "60")


@pytest.fixture
def staff() -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("ada"))
    return browser


PAGE = "/admin/entitlements/override/"


def act(browser: Browser, action: str, override: str) -> str:
    body = {"action": action, "_selected_action": [override], "reason": "Agreed."}
    return browser.post(PAGE, body, follow=True).content.decode()


def test_staff_see_what_is_given_and_decide(world: World, shop: str, staff: Browser) -> None:
    waiting = make(world, value=60, **until("05"))
    make(world, "regex", value=True)
    text = staff.get(PAGE).content.decode()
    assert ("80.00 USD" in text, "120.00 USD" in text) == (True, False)
    assert "done" in act(staff, "approve", waiting["id"])
    assert rules(world) == "60"
    make(world, mode="add", value=20, subject=world.zone("ada", "b.example"), **until("05"))
    text = staff.get(PAGE).content.decode()
    assert "120.00 USD" in text  # 80.00 and 40.00 in all
    for query, found in [
        ({"state": "active"}, 3),
        ({"state": "waiting"}, 0),
        ({"mode": "add"}, 1),
        ({"q": waiting["id"]}, 1),
        ({"q": "ada"}, 3),
        ({"q": "Promised by sales."}, 3),
        ({"q": "nothing like it"}, 0),
    ]:
        listed = staff.get(PAGE, query)
        assert (listed.status_code, len(listed.context["cl"].result_list)) == (200, found), query
    act(staff, "revoke", waiting["id"])
    row = Override.objects.get(pk=waiting["id"])
    assert (row.revoked_by[:6], rules(world)) == ("staff:", "20")
    other = make(world, value=61, **until("05"))
    act(staff, "reject", other["id"])
    assert Override.objects.get(pk=other["id"]).rejected_by == row.revoked_by
    assert "the override is rejected" in act(staff, "approve", other["id"])


def test_staff_who_may_only_look_get_no_actions(world: World, shop: str) -> None:
    make(world, value=21)
    looker = User.objects.create_user("bob", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_override"))
    browser = Browser()
    browser.force_login(looker)
    text = browser.get(PAGE).content.decode()
    assert 'value="revoke"' not in text
    assert browser.get(f"{PAGE}{Override.objects.get().pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("above", "why"),
    [("USD=-1.00", "below zero"), ("USD=much", "an amount is written like"), ("US=1.00", "US")],
)
def test_a_threshold_that_is_no_amount_is_refused_at_the_start(above: str, why: str) -> None:
    started = subprocess.run(
        [sys.executable, "-c", "import billing.settings"],
        env={**os.environ, "OVERRIDE_APPROVAL_ABOVE": above},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 1
    last = started.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured: OVERRIDE_APPROVAL_ABOVE" in last
    assert why in last
