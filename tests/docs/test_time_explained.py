"""The worked example of docs/explanation/time.md, and the numbers on that page."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from core import acting
from core.models import Event
from core.transactions import unit_of_work
from customers import clocks, turns
from customers.models import TestClock
from tests.docs.pages import PROJECT
from tests.world import World, instant


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    made = World(Client())
    made.open()
    yield made
    made.settle()
    call_command("check_invariants", verbosity=0)


def while_no_worker_runs(world: World, text: str) -> None:
    """Let the clock stand somewhere else without anything being done on the way."""
    rows = TestClock.objects.filter(pk=world.clock_id)
    with acting.acting_as("test"):
        unit_of_work(lambda: rows.update(frozen_at=instant(text)))


def on_pro_since_10_january(world: World) -> str:
    world.starts_on("2026-01-10")
    shop = world.zone(world.customer("ada"))
    return str(world.change(shop, "pro")["resource"]["id"])


def happened(kind: str) -> list[str]:
    rows = Event.objects.filter(type=kind).order_by("ordinal")
    return [f"{each.occurred_at:%Y-%m-%d %H:%M:%S}" for each in rows]


def test_a_cancellation_just_after_midnight_finds_the_renewal_done(world: World) -> None:
    subscription = on_pro_since_10_january(world)
    while_no_worker_runs(world, "2026-02-10T00:00:30")

    canceled = world.post(f"subscriptions/{subscription}/cancel")["resource"]

    assert (canceled["period_start"], canceled["period_end"]) == (
        "2026-02-10T00:00:00Z",
        "2026-03-10T00:00:00Z",
    )
    (end,) = canceled["pending"]
    assert (end["kind"], end["effective_at"]) == ("end", "2026-03-10T00:00:00Z")
    assert happened("subscription.scheduled") == ["2026-02-10 00:00:30"]
    assert "2026-02-10 00:00:00" in happened("subscription.renewed")


def test_what_was_missed_is_done_in_order_and_dated_right(world: World) -> None:
    subscription = on_pro_since_10_january(world)
    while_no_worker_runs(world, "2026-04-12T09:00:00")

    canceled = world.post(f"subscriptions/{subscription}/cancel")["resource"]

    (end,) = canceled["pending"]
    assert end["effective_at"] == "2026-05-10T00:00:00Z"
    renewed = Event.objects.filter(
        type="subscription.renewed", data__subscription=subscription
    ).order_by("sequence")
    assert [f"{each.occurred_at:%Y-%m-%d %H:%M:%S}" for each in renewed] == [
        "2026-02-10 00:00:00",
        "2026-03-10 00:00:00",
        "2026-04-10 00:00:00",
    ]
    assert happened("subscription.scheduled") == ["2026-04-12 09:00:00"]


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    page = (PROJECT / "docs/explanation/time.md").read_text()
    assert f"at most {turns.CATCH_UP_STEPS} instants" in page
    ten_years = timedelta(days=3652)
    assert "up to\nten years at once" in page
    assert ten_years <= clocks.LONGEST_ADVANCE
    assert "up to 200 of them" in page
    assert turns.run_due_live.__kwdefaults__ == {"limit": 200}
