"""Subscriptions of another system go on here; what is billed there is not billed again."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.principals import Scope
from subscriptions.models import Import, Subscription
from tests.world import World


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def import_(world: World, *items: dict[str, Any], status: int = 201, **more: Any) -> dict[str, Any]:
    return world.post("subscriptions/import", status=status, items=list(items), **more)


def imported(world: World, item: dict[str, Any]) -> dict[str, Any]:
    [told] = import_(world, item)["resource"]["data"]
    return dict(told)


def refused(world: World, *items: dict[str, Any]) -> list[tuple[str, str]]:
    """Return pointer and code of each thing that is wrong."""
    told = import_(world, *items, status=422)
    assert told["code"] == "import_refused"
    return [(each["pointer"], each["code"]) for each in told["errors"]]


def charged(world: World, customer: str) -> list[str]:
    """Return a customer's charges in words, oldest first; ``(there)`` was billed elsewhere."""
    found = world.get(f"customers/{customer}/charges", limit=100)["data"]
    rows = sorted(found, key=lambda row: (row["at"], row["amount"]["amount"]))
    return [
        f"{row['at'][:10]} {row['kind']} {row['amount']['amount'] / 100:.2f}"
        + (" (there)" if row["is_imported"] else "")
        for row in rows
    ]


def row_counts() -> dict[str, int]:
    """Return how many rows every table has."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        counts = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = int(cursor.fetchone()[0])
    return counts


# Pro, 25.00 a month, on the 31st, or on the last day of shorter months.
SHOP = {
    "external_id": "old-1",
    "customer": "ada",
    "subject": "shop.example",
    "plan": "pro",
    "interval": "month",
    "started_at": "2024-01-31T00:00:00Z",
    "anchor": {"day_of_month": 31},
    "billed_through": "2026-02-28T00:00:00Z",
}


@pytest.fixture
def shop(world: World) -> str:
    """On 14 February 2026 Ada is here, with a zone on Free."""
    world.starts_on("2026-02-14")
    return world.zone(world.customer("ada"))


def test_what_is_billed_until_28_february_is_charged_again_on_28_february(
    world: World, shop: str
) -> None:
    free = world.subscription(shop)

    told = imported(world, SHOP)

    assert told == {
        "external_id": "old-1",
        "status": "imported",
        "subscription": free["id"],
        "customer": free["customer"],
        "subject": shop,
        "in_place": True,
        "state": "active",
        "started_at": "2024-01-31T00:00:00Z",
        "period_start": "2026-01-31T00:00:00Z",
        "period_end": "2026-02-28T00:00:00Z",
        "billed_through": "2026-02-28T00:00:00Z",
        "first_charge": {"at": "2026-02-28T00:00:00Z", "amount": usd(2500)},
    }
    assert charged(world, "ada") == ["2026-02-14 advance 25.00 (there)"]
    assert world.check("waf_custom_rules", subject=shop, quantity=20)["allowed"]
    assert world.events(free["customer"], shop) == [
        "subject.created",
        "subscription.created",
        "entitlements.changed",
        "subscription.imported",
        "entitlements.changed",
    ]
    now = world.subscription(shop)
    assert (now["plan"], now["anchor_day"], now["version"]) == ("pro", 31, 2)

    world.advance_to("2026-02-28")
    assert charged(world, "ada")[1:] == ["2026-02-28 advance 25.00"]
    world.advance_to("2026-03-31")
    assert charged(world, "ada")[2:] == ["2026-03-31 advance 25.00"]


def test_an_upgrade_credits_what_was_paid_elsewhere(world: World, shop: str) -> None:
    imported(world, SHOP)

    # a quarter of the 28 days is left: 250.00 / 4, and 25.00 / 4 back
    world.advance_to("2026-02-21")
    world.change(shop, "business")
    assert charged(world, "ada")[1:] == [
        "2026-02-21 credit -6.25",
        "2026-02-21 advance 62.50",
    ]
    world.advance_to("2026-02-28")
    assert charged(world, "ada")[3:] == ["2026-02-28 advance 250.00"]


def test_a_dry_run_tells_what_happens_and_changes_nothing(world: World, shop: str) -> None:
    bob = world.customer("bob")
    before, was = row_counts(), world.subscription(shop)
    workers = {
        "external_id": "old-2",
        "customer": bob,
        "plan": "r2_standard",
        "started_at": "2025-12-01T00:00:00Z",
        "billed_through": "2026-03-01T00:00:00Z",
    }

    dry = import_(world, SHOP, workers, status=200, dry_run=True)

    assert row_counts() == before
    assert world.subscription(shop) == was
    assert dry["resource"]["dry_run"] is True
    in_place, new = dry["resource"]["data"]
    assert (new["in_place"], new["subscription"], new["first_charge"]) == (False, None, None)

    wet = import_(world, SHOP, workers)["resource"]["data"]
    assert wet[0] == in_place
    assert {**wet[1], "subscription": None} == new
    assert Subscription.objects.filter(customer=bob, product__key="r2").count() == 1


def test_imported_again_it_is_left_alone(world: World, shop: str) -> None:
    first = imported(world, SHOP)
    world.advance_to("2026-02-20")
    before = row_counts()

    again = imported(world, {**SHOP, "plan": "business", "billed_through": "2026-02-01T00:00:00Z"})

    assert (again["status"], again["subscription"]) == ("already_imported", first["subscription"])
    assert again["first_charge"] is None
    assert row_counts() == before
    twice = import_(world, SHOP, SHOP)["resource"]["data"]
    assert [each["status"] for each in twice] == ["already_imported"] * 2


def test_what_nobody_has_billed_is_charged_at_once(world: World, shop: str) -> None:
    # the other system stopped on 31 January: the period that began then is ours
    told = imported(world, {**SHOP, "billed_through": "2026-01-31T00:00:00Z"})
    assert told["first_charge"] == {"at": "2026-02-14T00:00:00Z", "amount": usd(2500)}
    assert charged(world, "ada") == ["2026-02-14 advance 25.00"]


def test_billed_into_the_open_period_the_rest_of_it_is_charged(world: World, shop: str) -> None:
    # 14 of 28 days are billed
    told = imported(world, {**SHOP, "billed_through": "2026-02-14T00:00:00Z"})
    assert told["first_charge"] == {"at": "2026-02-14T00:00:00Z", "amount": usd(1250)}
    assert charged(world, "ada") == [
        "2026-02-14 advance 12.50",
        "2026-02-14 advance 12.50 (there)",
    ]
    world.advance_to("2026-02-28")
    assert charged(world, "ada")[2:] == ["2026-02-28 advance 25.00"]


def test_an_anchor_that_does_not_fit_shows_in_the_dry_run(world: World, shop: str) -> None:
    # billed to the last of the month, counted from the first: one of 28 days is open
    [told] = import_(world, {**SHOP, "anchor": {"day_of_month": 1}}, status=200, dry_run=True)[
        "resource"
    ]["data"]
    assert told["first_charge"] == {"at": "2026-02-14T00:00:00Z", "amount": usd(89)}


def test_periods_that_were_forgotten_are_charged_from_where_billing_stopped(
    world: World, shop: str
) -> None:
    # 16 of 31 days of the period before the open one, and the open one
    told = imported(world, {**SHOP, "billed_through": "2026-01-15T00:00:00Z"})
    assert told["first_charge"] == {"at": "2026-02-14T00:00:00Z", "amount": usd(1290 + 2500)}
    assert charged(world, "ada") == ["2026-02-14 advance 12.90", "2026-02-14 advance 25.00"]
    assert told["period_start"] == "2026-01-31T00:00:00Z"


def test_without_an_anchor_periods_are_counted_from_the_start(world: World, shop: str) -> None:
    item = {**SHOP, "billed_through": "2026-03-10T09:30:00Z"}
    del item["anchor"]
    told = imported(world, {**item, "started_at": "2023-05-10T09:30:00Z"})
    assert (told["period_start"], told["period_end"]) == (
        "2026-02-10T09:30:00Z",
        "2026-03-10T09:30:00Z",
    )


def test_without_a_start_either_they_end_where_billing_ended(world: World, shop: str) -> None:
    item = {**SHOP, "billed_through": "2026-03-05T00:00:00Z"}
    del item["anchor"], item["started_at"]
    told = imported(world, item)
    assert (told["period_start"], told["started_at"]) == ("2026-02-05T00:00:00Z",) * 2
    assert told["first_charge"] == {"at": "2026-03-05T00:00:00Z", "amount": usd(2500)}


def test_a_trial_goes_on_and_is_spent(world: World, shop: str) -> None:
    world.put("customers/ada/payment-method", on_file=True)
    trial = {
        "external_id": "old-1",
        "customer": "ada",
        "subject": "shop.example",
        "plan": "pro",
        "state": "trialing",
        "started_at": "2026-02-10T00:00:00Z",
        "trial_end": "2026-02-24T00:00:00Z",
    }
    told = imported(world, trial)
    assert (told["state"], told["period_end"]) == ("trialing", "2026-02-24T00:00:00Z")
    assert told["first_charge"] == {"at": "2026-02-24T00:00:00Z", "amount": usd(2500)}

    world.advance_to("2026-02-24")
    assert charged(world, "ada") == ["2026-02-24 advance 25.00"]
    blog = world.zone("ada", "blog.example")
    again = {"customer": "ada", "subject": blog, "plan": "pro", "trial_days": 14}
    assert world.post("subscriptions", status=409, **again)["code"] == "trial_spent"


def test_a_trial_that_was_had_there_is_not_had_again(world: World, shop: str) -> None:
    imported(world, {**SHOP, "trial_spent": True})
    blog = world.zone("ada", "blog.example")
    trial = {"customer": "ada", "subject": blog, "plan": "pro", "trial_days": 14}
    assert world.post("subscriptions", status=409, **trial)["code"] == "trial_spent"


def test_a_cancellation_that_was_announced_there_happens_here(world: World, shop: str) -> None:
    told = imported(world, {**SHOP, "ends_at": "2026-02-28T00:00:00Z"})
    assert told["first_charge"] is None
    (end,) = world.subscription(shop)["pending"]
    assert (end["kind"], end["plan"], end["effective_at"]) == (
        "end",
        "free",
        "2026-02-28T00:00:00Z",
    )
    world.advance_to("2026-03-31")
    assert world.subscription(shop)["plan"] == "free"
    assert charged(world, "ada") == ["2026-02-14 advance 25.00 (there)"]


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
        ({"billed_through": "2024-01-30T00:00:00Z"}, "billed_through", "billed_before_start"),
        ({"billed_through": None}, "billed_through", "billed_through_missing"),
        ({"anchor": {"at": "2026-02-20T00:00:00Z"}}, "billed_through", "billed_beyond_period"),
        ({"ends_at": "2026-02-14T00:00:00Z"}, "ends_at", "date_in_past"),
        ({"quantity": 2}, "quantity", "quantity_not_allowed"),
        ({"add_ons": {"more": 1}}, "add_ons", "add_on_not_found"),
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
        ({"state": "paused"}, "/items/0/state"),
        ({"price": 5}, "/items/0/price"),
    ],
)
def test_what_is_no_item_is_refused(
    world: World, shop: str, wrong: dict[str, Any], pointer: str
) -> None:
    told = import_(world, {**SHOP, **wrong}, status=400)
    assert [each["pointer"] for each in told["errors"]] == [pointer]


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


# --- the command ---


def run(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("import_subscriptions", *arguments, stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def run_refused(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    with pytest.raises(CommandError, match="refused"):
        call_command("import_subscriptions", *arguments, stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def zones(world: World, shop: str) -> list[str]:
    """Names of 120 more zones of Ada's, on Free: more than one batch."""
    keys = [f"zone-{number}.example" for number in range(120)]
    subjects = [{"key": key, "kind": "zone"} for key in keys]
    world.post("customers/ada/subjects/bulk", status=201, subjects=subjects)
    return keys


def items(keys: list[str]) -> list[dict[str, Any]]:
    return [{**SHOP, "external_id": f"old-{key}", "subject": key} for key in keys]


def test_a_file_is_imported_in_batches_and_can_be_given_again(
    world: World, zones: list[str], tmp_path: Path
) -> None:
    lines = [json.dumps(each) for each in items(zones)]
    file = tmp_path / "old.jsonl"
    before = row_counts()
    file.write_text("\n".join(lines))

    dry = run(str(file), "--dry-run")
    assert [each["status"] for each in dry] == ["imported"] * 120
    assert dry[0]["first_charge"] == {"at": "2026-02-28T00:00:00Z", "amount": usd(2500)}
    assert row_counts() == before

    # it stopped after 50; then the whole file comes, with a line that says nonsense in between
    file.write_text("\n".join(lines[:50]))
    assert [each["status"] for each in run(str(file))] == ["imported"] * 50
    broken = json.dumps({**SHOP, "external_id": "old-x", "customer": "nobody"})
    file.write_text("\n".join([*lines[:80], broken, "{", "", *lines[80:]]))
    told = run_refused(str(file))
    assert [each["status"] for each in told] == [
        *["already_imported"] * 50,
        *["imported"] * 30,
        *["refused"] * 2,
        *["imported"] * 40,
    ]
    assert told[80] == {
        "line": 81,
        "external_id": "old-x",
        "status": "refused",
        "errors": [
            {
                "pointer": "/customer",
                "code": "customer_not_found",
                "detail": "there is no such customer",
            }
        ],
    }
    assert (told[81]["line"], told[81]["errors"][0]["code"]) == (82, "malformed_json")
    assert Import.objects.count() == 120
    assert Subscription.objects.filter(plan_version__plan__key="pro").count() == 120
    assert charged(world, "ada") == ["2026-02-14 advance 25.00 (there)"] * 100
    again = run_refused(str(file))
    assert [each["status"] for each in again].count("already_imported") == 120


def test_a_customer_in_the_way_stops_nobody_else(world: World, shop: str, tmp_path: Path) -> None:
    world.zone(world.customer("bob"), "bob.example")
    bob = {**SHOP, "external_id": "old-2", "customer": "bob", "subject": "bob.example"}
    world.delete("customers/bob")
    file = tmp_path / "old.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in (bob, SHOP)))
    told = run_refused(str(file))
    assert [(each["status"], each.get("errors", [{}])[0].get("code")) for each in told] == [
        ("refused", "customer_closed"),
        ("imported", None),
    ]
    assert import_(world, bob, SHOP, status=409)["code"] == "customer_closed"


def test_a_csv_file_says_the_same(world: World, shop: str, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    header = (
        "external_id,customer,subject,plan,interval,quantity,started_at,anchor_day_of_month,"
        "billed_through,trial_spent,metadata.old id"
    )
    good = (
        "old-1,ada,shop.example,pro,month,,2024-01-31T00:00:00Z,31,2026-02-28T00:00:00Z,true,4711"
    )
    bad = "old-2,ada,shop.example,pro,month,many,2024-01-31T00:00:00Z,31,28 February,yes,"
    file.write_text("\n".join([header, good, bad]))
    told = run_refused(str(file))
    assert [(each["line"], each["status"]) for each in told] == [(2, "imported"), (3, "refused")]
    assert [(each["pointer"], each["code"]) for each in told[1]["errors"]] == [
        ("/quantity", "not_an_integer"),
        ("/billed_through", "malformed_instant"),
        ("/trial_spent", "not_a_boolean"),
    ]
    now = world.subscription(shop)
    assert (now["anchor_day"], now["metadata"]) == (31, {"old id": "4711"})

    file.write_text("external_id,customer,price\nold-3,ada,5\n")
    with pytest.raises(CommandError, match="no such columns: price"):
        run(str(file))


def test_a_file_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(CommandError, match=r"cannot read nowhere\.jsonl"):
        run("nowhere.jsonl")
