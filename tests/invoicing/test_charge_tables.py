"""What the database holds, what the invariants find, and what the admin shows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import Error, connection, transaction
from django.test import Client

from core import acting
from core.models import AuditEntry
from core.transactions import unit_of_work
from invoicing.invariants import INVARIANTS
from invoicing.models import Charge, CreditBalance, CreditEntry, NextCharge, RefundIntent
from plans.models import PlanVersion
from tests.invoicing.given import price_list
from tests.world import World


@pytest.fixture
def lived(db: Any, tmp_path: Any) -> Iterator[World]:
    """A zone that was canceled with a credit, one with a refund, and a team paid by the year."""
    world = World(Client())
    world.open(str(price_list(tmp_path)))
    world.starts_on("2025-06-01")
    ada = world.customer("ada")
    world.customer("bob")
    zones = {
        how: world.zone(ada, how, plans={"zone": "pro"}) for how in ("credit", "refund", "none")
    }
    world.post("subscriptions", status=201, customer="ada", plan="crew", interval="year")
    world.advance_to("2025-06-16")
    for how, zone in zones.items():
        path = f"subscriptions/{world.subscription(zone)['id']}"
        world.post(f"{path}/cancel", when="now", settlement=how, reason="asked for")
    with acting.acting_as("test"):
        yield world


def broken() -> list[str]:
    return [each.name for each in INVARIANTS if list(each.find())]


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('billing.actor', 'test', true)")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        (
            "charges_are_what_they_should_be",
            "DELETE FROM invoicing_charge WHERE item = 'plan' AND price_key = 'seats'",
        ),
        (
            "credits_never_exceed_what_was_billed",
            "UPDATE invoicing_charge SET amount = -2501 WHERE kind = 'credit'",
        ),
        (
            "credit_balances_are_the_sum_of_their_entries",
            "UPDATE invoicing_creditbalance SET amount = amount + 1",
        ),
        (
            "charge_rows_have_one_customer",
            "UPDATE invoicing_refundintent SET customer_id ="
            " (SELECT id FROM customers_customer WHERE key = 'bob')",
        ),
    ],
)
def test_each_invariant_finds_what_breaks_it(lived: World, name: str, sql: str) -> None:
    assert broken() == []
    with transaction.atomic():
        run(sql)
        assert name in broken()
        transaction.set_rollback(True)
    assert broken() == []


@pytest.mark.parametrize(
    ("row", "changed", "constraint"),
    [
        (Charge, {"amount": -1, "kind": "advance", "settlement": "none"}, "charge_sign"),
        (Charge, {"amount": 1, "kind": "credit", "settlement": "credit"}, "charge_sign"),
        (Charge, {"amount": 0, "kind": "forfeited", "settlement": "none"}, "charge_sign"),
        (Charge, {"amount": 1, "kind": "advance", "settlement": "refund"}, "charge_settles"),
        (Charge, {"amount": -1, "kind": "credit", "settlement": "none"}, "charge_settles"),
        (Charge, {"part": "one_time"}, "charge_without_end"),
        (Charge, {"period_end": None, "served_end": None}, "charge_without_end"),
        (Charge, {"period_end": None}, "charge_period"),
        (CreditEntry, {"amount": 0}, "credit_is_positive"),
        (CreditEntry, {"kind": "goodwill", "reason": ""}, "credit_names"),
        (CreditEntry, {"subscription": None}, "credit_names"),
        (RefundIntent, {"amount": 0}, "refund_is_positive"),
        (CreditBalance, {"amount": -1, "currency": "EUR"}, "credit_balance_is_not_negative"),
        (CreditBalance, {"amount": 1}, "credit_balance_per_currency"),
    ],
)
def test_the_database_refuses_what_cannot_be(
    lived: World, row: Any, changed: dict[str, Any], constraint: str
) -> None:
    found = row.objects.exclude(kind="credit") if row is Charge else row.objects.all()
    copy = found.order_by("pk").first()
    copy.pk = row._meta.pk.get_default()
    copy._state.adding = True
    for name, value in changed.items():
        setattr(copy, name, value)
    with pytest.raises(Error, match=constraint):
        unit_of_work(lambda: row.objects.bulk_create([copy]))


@pytest.mark.parametrize("row", [Charge, CreditEntry, RefundIntent])
def test_what_was_written_stays_written_and_is_audited(lived: World, row: Any) -> None:
    for change in (lambda: row.objects.update(amount=1), lambda: row.objects.all().delete()):
        with pytest.raises(Error, match="append_only"):
            unit_of_work(change)
    written = AuditEntry.objects.filter(table_name=row._meta.db_table)
    assert written.count() == row.objects.count() > 0


def test_every_page_of_the_admin_opens_and_offers_no_change(lived: World) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("ada"))
    for model in (Charge, CreditEntry, CreditBalance, RefundIntent, NextCharge):
        name, key = model._meta.model_name, model.objects.all()[0].pk
        for url in (f"/admin/invoicing/{name}/", f"/admin/invoicing/{name}/{key}/change/"):
            response = browser.get(url)
            assert response.status_code == 200, url
            assert 'name="_save"' not in response.content.decode()
        assert browser.get(f"/admin/invoicing/{name}/add/").status_code == 403
        assert browser.post(f"/admin/invoicing/{name}/{key}/delete/").status_code == 403
        found = browser.get(f"/admin/invoicing/{name}/", {"q": "ada"})
        assert found.status_code == 200


def test_lists_are_filtered(lived: World) -> None:
    def amounts(**query: Any) -> list[int]:
        rows = lived.get("customers/ada/charges", **query)["data"]
        return sorted(row["amount"]["amount"] for row in rows)

    assert amounts() == [-1250, -1250, 900, 1250, 2500, 2500, 2500]
    assert amounts(kind="forfeited") == [1250]
    assert amounts(item="plan", **{"from": "2025-06-16T00:00:00Z"}) == [-1250, -1250, 1250]
    assert amounts(to="2025-06-16T00:00:00Z") == [900, 2500, 2500, 2500]
    assert amounts(at="2025-06-30T23:59:59Z") == amounts()
    assert amounts(at="2025-07-01T00:00:00Z") == []
    whose = lived.get("customers/ada/charges", kind="forfeited")["data"][0]["subscription"]
    assert amounts(subscription=whose) == [1250, 2500]
    first = lived.get("customers/ada/charges", limit=4)
    rest = lived.get("customers/ada/charges", limit=4, cursor=first["next_cursor"])
    assert (len(first["data"]), len(rest["data"]), rest["next_cursor"]) == (4, 3, None)
    assert not {row["id"] for row in first["data"]} & {row["id"] for row in rest["data"]}
    (credit,) = lived.get("customers/ada/credits", kind="settlement")["data"]
    assert credit["amount"] == {"amount": 1250, "currency": "USD"}
    assert lived.get("customers/ada/credits", kind="goodwill")["data"] == []
    for wrong in ({"kind": "gift"}, {"at": "today"}, {"subscription": "cus_1"}, {"item": "\x00"}):
        lived.get("customers/ada/charges", status=400, **wrong)


def test_a_charge_says_all_about_itself(lived: World) -> None:
    rows = lived.get("customers/ada/charges", kind="credit")["data"]
    row = next(each for each in rows if each["settlement"] == "refund")
    (version,) = {each.id for each in PlanVersion.objects.filter(plan__key="pro")}
    told = {name: value for name, value in row.items() if name not in ("id", "recorded_at")}
    assert told == {
        "customer": lived.get("customers/ada")["id"],
        "subscription": row["subscription"],
        "item": "plan",
        "price": "base",
        "version": version,
        "quantity": 1,
        "part": "fee",
        "kind": "credit",
        "amount": {"amount": -1250, "currency": "USD"},
        "settlement": "refund",
        "period_start": "2025-06-01T00:00:00Z",
        "period_end": "2025-07-01T00:00:00Z",
        "segments": [
            {
                "start": "2025-06-01T00:00:00Z",
                "end": "2025-06-16T00:00:00Z",
                "fraction": "1/2",
                "exact": "1250",
                "amount": {"amount": 1250, "currency": "USD"},
            }
        ],
        "unit_price": "25.00",
        "explanation": "25.00 x 1/2 = 12.50 -> 12.50; 12.50 - 25.00 charged = -12.50",
        "is_imported": False,
        "due_at": "2025-06-16T00:00:00Z",
        "at": "2025-06-16T00:00:00Z",
    }
