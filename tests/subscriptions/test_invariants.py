"""Each invariant of subscriptions, broken on purpose."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from core import acting
from subscriptions.invariants import INVARIANTS
from subscriptions.models import Subscription
from tests.world import World

BREAKS = {
    "periods_tile": "UPDATE subscriptions_subscription SET period_end = period_end"
    " - interval '1 hour', next_due_at = next_due_at - interval '1 hour'"
    " WHERE id = %s AND id = %s",
    "history_begins_with_the_subscription": "UPDATE subscriptions_subscription"
    " SET started_at = started_at - interval '1 day' WHERE id = %s AND id = %s",
    "history_replays_to_state": "UPDATE subscriptions_subscription SET interval = 'year'"
    " WHERE id = %s AND id = %s",
    "subscription_rows_have_one_customer": "UPDATE subscriptions_term SET customer_id ="
    " (SELECT id FROM customers_customer WHERE key = 'other')"
    " WHERE subscription_id = %s AND subscription_id = %s",
    "nothing_outlives_its_owner": "UPDATE customers_subject SET ended_at = created_at WHERE id ="
    " (SELECT subject_id FROM subscriptions_subscription WHERE id = %s AND id = %s)",
    "nothing_pending_after_the_end": "UPDATE subscriptions_subscription"
    " SET state = 'canceled', ended_at = period_end, next_due_at = NULL"
    " WHERE id = %s AND id = %s",
    "subscriptions_know_when_they_are_due": "UPDATE subscriptions_subscription"
    " SET next_due_at = next_due_at + interval '1 second' WHERE id = %s AND id = %s",
    "billing_anchor_iff_paying_monthly": "UPDATE customers_customer SET billing_anchor_at = NULL,"
    " billing_anchor_zone = '', billing_anchor_day = NULL"
    " WHERE id = (SELECT customer_id FROM subscriptions_subscription WHERE id = %s AND id = %s)",
}


@pytest.fixture
def subscription(db: Any) -> Iterator[Subscription]:
    """Free, then Pro from the 5th, one renewal, and an end agreed."""
    world = World(Client())
    world.open()
    world.starts_on("2026-01-01")
    world.customer("other")
    shop = world.zone(world.customer("ada"))
    world.advance_to("2026-01-05")
    world.change(shop, "pro")
    world.advance_to("2026-02-05")
    world.post(f"subscriptions/{world.subscription(shop)['id']}/cancel")
    with acting.acting_as("test"):
        yield Subscription.objects.get(subject_id=shop)


def broken() -> list[str]:
    return [each.name for each in INVARIANTS if list(each.find())]


def test_every_invariant_has_a_way_to_be_broken() -> None:
    assert set(BREAKS) == {each.name for each in INVARIANTS}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_invariant_is_found(subscription: Subscription, name: str) -> None:
    assert broken() == []
    assert subscription.period_start + timedelta(days=28) == subscription.period_end
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('billing.actor', 'test', true)")
        value = Subscription._meta.pk.get_prep_value(subscription.id)
        cursor.execute(BREAKS[name], [value, value])
        assert cursor.rowcount >= 1
    assert name in broken()
