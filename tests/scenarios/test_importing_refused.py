"""What cannot be imported, and how each refusal is told."""

from typing import Any

import pytest

from core.api.serializers import validated
from core.principals import Scope
from subscriptions.api.imports import ImportItemIn, as_item
from subscriptions.services import import_each
from tests.scenarios.imports import (
    SHOP,
    ada_with_a_free_zone,
    import_,
    imported,
    refused,
    row_counts,
)
from tests.world import World

PAUSED = {"state": "paused", "paused_since": "2026-02-10T00:00:00Z"}
PAST_DUE = {"state": "past_due", "past_due_since": "2026-02-10T00:00:00Z"}
BEYOND, NOT_YET, TOO_EARLY = "billed_beyond_period", "not_in_state_yet", "state_before_start"
VERSION = "adv_01jd0000000000000000000001"


@pytest.fixture
def shop(world: World) -> str:
    return ada_with_a_free_zone(world)


def test_all_of_them_or_none_and_every_problem_is_named(world: World, shop: str) -> None:
    world.zone("ada", "blog.example", plans={"zone": "pro"})
    world.customer("eva", currency="EUR")
    eva = world.zone("eva", "eva.example")
    before = row_counts()
    other = {**SHOP, "external_id": "old-x"}

    assert refused(
        world,
        SHOP,
        {**other, "customer": "nobody"},
        {**other, "subject": "nothing.example"},
        {**other, "plan": "gold"},
        {**other, "interval": "week"},
        {**other, "subject": "blog.example"},
        {**other, "subject": "shop.example"},
        {**other, "customer": "eva", "subject": eva},
        {**other, "plan": "workers_paid", "subject": "shop.example"},
    ) == [
        ("/items/1/customer", "customer_not_found"),
        ("/items/2/subject", "subject_not_found"),
        ("/items/3/plan", "plan_not_found"),
        ("/items/4/interval", "interval_not_sold"),
        ("/items/5/plan", "already_subscribed"),
        ("/items/6/plan", "already_subscribed"),
        ("/items/7/plan", "currency_not_sold"),
        ("/items/8/subject", "wrong_owner"),
    ]
    assert row_counts() == before


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        ({"started_at": "2026-02-14T00:00:01Z"}, "started_at", "not_live_yet"),
        ({"billed_through": "2026-02-28T00:00:01Z"}, "billed_through", "billed_beyond_period"),
        ({"billed_through": "2062-02-28T00:00:00Z"}, "billed_through", "billed_far_away"),
        ({"anchor": {"at": "2200-12-20T00:00:00Z"}}, "billed_through", "billed_beyond_period"),
        (
            {"plan_version": "plv_01jd0000000000000000000001"},
            "plan_version",
            "plan_version_not_found",
        ),
        ({"billed_through": "2024-01-30T00:00:00Z"}, "billed_through", "billed_before_start"),
        ({"billed_through": None}, "billed_through", "billed_through_missing"),
        ({"anchor": {"at": "2026-02-20T00:00:00Z"}}, "billed_through", "billed_beyond_period"),
        ({"ends_at": "2026-02-14T00:00:00Z"}, "ends_at", "date_in_past"),
        ({"quantity": 2}, "quantity", "quantity_not_allowed"),
        ({"add_ons": {"more": 1}}, "add_ons", "add_on_not_found"),
        ({**PAUSED, "paused_since": "2026-02-14T00:00:01Z"}, "paused_since", "not_in_state_yet"),
        ({**PAUSED, "paused_since": "2024-01-31T00:00:00Z"}, "paused_since", "state_before_start"),
        ({**PAUSED, "resumes_at": "2026-02-14T00:00:00Z"}, "resumes_at", "date_in_past"),
        ({**PAUSED, "billed_through": "2026-03-01T00:00:00Z"}, "billed_through", BEYOND),
        ({**PAST_DUE, "past_due_since": "2026-02-14T00:00:01Z"}, "past_due_since", NOT_YET),
        ({**PAST_DUE, "past_due_since": "2024-01-30T00:00:00Z"}, "past_due_since", TOO_EARLY),
    ],
)
def test_what_does_not_fit_is_refused(
    world: World, shop: str, wrong: dict[str, Any], pointer: str, code: str
) -> None:
    item = {name: value for name, value in {**SHOP, **wrong}.items() if value is not None}
    assert refused(world, item) == [(f"/items/0/{pointer}", code)]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"state": "trialing"}, "/items/0/trial_end"),
        ({"state": "trialing", "trial_end": "2026-02-20T00:00:00Z"}, "/items/0/billed_through"),
        ({"trial_end": "2026-02-20T00:00:00Z"}, "/items/0/trial_end"),
        ({"anchor": {"at": "2026-01-01T00:00:00Z", "day_of_month": 1}}, "/items/0/anchor"),
        ({"external_id": ""}, "/items/0/external_id"),
        ({"state": "pending"}, "/items/0/state"),
        ({"state": "paused"}, "/items/0/paused_since"),
        ({"paused_since": "2026-02-10T00:00:00Z"}, "/items/0/paused_since"),
        ({"pause_mode": "extend"}, "/items/0/pause_mode"),
        ({"resumes_at": "2026-02-20T00:00:00Z"}, "/items/0/resumes_at"),
        ({**PAUSED, "pause_mode": "hard"}, "/items/0/pause_mode"),
        ({**PAUSED, "trial_end": "2026-02-20T00:00:00Z"}, "/items/0/trial_end"),
        ({"state": "past_due"}, "/items/0/past_due_since"),
        ({"past_due_since": "2026-02-10T00:00:00Z"}, "/items/0/past_due_since"),
        ({"add_on_versions": {"more_rules": VERSION}}, "/items/0/add_on_versions"),
        (
            {"add_ons": {"more_rules": 1}, "add_on_versions": {"more_rules": VERSION[4:]}},
            "/items/0/add_on_versions/more_rules",
        ),
        ({"price": 5}, "/items/0/price"),
        ({"billed_through": "9999-12-31T00:00:00Z"}, "/items/0/billed_through"),
        ({"billed_through": "2026-02-28T00:00:00.5Z"}, "/items/0/billed_through"),
        ({"billed_through": "2026-02-28"}, "/items/0/billed_through"),
        ({"anchor": {"day_of_month": 0}}, "/items/0/anchor/day_of_month"),
        ({"anchor": {}}, "/items/0/anchor"),
        ({"add_ons": {"more_rules": -1}}, "/items/0/add_ons/more_rules"),
    ],
)
def test_what_is_no_item_is_refused(
    world: World, shop: str, wrong: dict[str, Any], pointer: str
) -> None:
    told = import_(world, {**SHOP, **wrong}, status=400)
    assert [each["pointer"] for each in told["errors"]] == [pointer]


@pytest.mark.parametrize("state", [PAUSED, PAST_DUE])
def test_what_is_paused_and_past_due_at_once_is_refused_with_a_reason(
    world: World, shop: str, state: dict[str, str]
) -> None:
    told = import_(world, {**SHOP, **PAST_DUE, **PAUSED, **state}, status=400)
    assert told["errors"] == [
        {
            "pointer": "/items/0/past_due_since",
            "code": "paused_and_past_due",
            "detail": "It is one or the other: import it as paused, and report the failed payment.",
        }
    ]


def test_what_is_refused_leaves_the_next_in_its_place_as_it_was(world: World, shop: str) -> None:
    """The trial of Pro was had; what comes after it in the file began later."""
    world.zone("ada", "blog.example")
    had = {**SHOP, "external_id": "old-0", "subject": "blog.example", "trial_spent": True}
    trial = {name: SHOP[name] for name in ("external_id", "customer", "subject", "plan")}
    trial |= {"state": "trialing", "trial_end": "2026-02-20T00:00:00Z"}
    trial |= {"started_at": "2024-01-31T00:00:00Z", "metadata": {"is": "a trial"}}
    later = {**SHOP, "external_id": "old-2", "started_at": "2026-02-05T00:00:00Z"}
    imported(world, had)
    outcomes = import_each(
        items=[as_item(validated(ImportItemIn, each)) for each in (trial, later)]
    )
    assert [each.problem and each.problem.code for each in outcomes] == ["trial_spent", None]
    now = world.subscription(shop)
    assert (now["started_at"], now["metadata"]) == ("2026-02-05T00:00:00Z", {})


def test_a_trial_that_is_over_or_was_had_is_refused(world: World, shop: str) -> None:
    trial = {
        "external_id": "old-1",
        "customer": "ada",
        "subject": "shop.example",
        "plan": "pro",
        "state": "trialing",
        "trial_end": "2026-02-14T00:00:00Z",
    }
    assert refused(world, trial) == [("/items/0/trial_end", "trial_is_over")]
    imported(world, {**SHOP, "trial_spent": True})
    world.zone("ada", "blog.example")
    second = {**trial, "external_id": "old-2", "subject": "blog.example"}
    late = {**second, "trial_end": "2026-02-20T00:00:00Z"}
    assert refused(world, late) == [("/items/0/trial_end", "trial_spent")]


def test_what_was_had_here_after_the_start_is_not_written_over(world: World, shop: str) -> None:
    world.change(shop, "pro")
    world.advance_to("2026-02-20")
    world.post(f"subscriptions/{world.subscription(shop)['id']}/cancel", when="now", reason="moved")
    world.advance_to("2026-02-25")
    late = {**SHOP, "started_at": "2026-02-22T00:00:00Z"}
    assert refused(world, {**late, "started_at": "2026-02-19T00:00:00Z"}) == [
        ("/items/0/started_at", "overlaps_earlier")
    ]
    assert imported(world, late)["status"] == "imported"


def test_more_than_100_at_once_and_none_are_refused(world: World, shop: str) -> None:
    for many in ([SHOP] * 101, []):
        told = import_(world, *many, status=400)
        assert [each["pointer"] for each in told["errors"]] == ["/items"]


def test_only_who_may_override_imports(world: World, shop: str) -> None:
    may_write = world.token_for([Scope.SUBSCRIPTIONS_WRITE])
    body = {"items": [SHOP]}
    path = "subscriptions/import"
    told = world.call("POST", path, status=403, body=body, token=may_write)
    assert told["code"] == "scope_missing"
    ada = world.get("customers/ada")["id"]
    limited = world.token_for([Scope.SUBSCRIPTIONS_OVERRIDE], customer_id=ada)
    told = world.call("POST", path, status=403, body=body, token=limited)
    assert told["code"] == "limited_caller"
