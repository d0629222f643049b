"""Reads about charges and credits that are more than a filter."""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from core import ids
from core.money import Money
from invoicing.drafts import Billed, Kind
from invoicing.holdings import stretches_of
from invoicing.importing import first_charge
from invoicing.models import Charge, CreditBalance
from invoicing.targets import LineKey, Part, Slot
from subscriptions import queries as subscriptions
from subscriptions.importing import FirstCharge

Lines = Mapping[LineKey, Billed]
_BILLED = """
    WITH wanted AS (
        SELECT * FROM unnest(%s::uuid[], %s::timestamptz[]) AS wanted (subscription_id, since)
    ), given AS (
        SELECT charge_id, sum(amount) AS amount
        FROM invoicing_creditentry JOIN wanted USING (subscription_id)
        WHERE charge_id IS NOT NULL GROUP BY charge_id
    )
    SELECT subscription_id, item, served_start, served_end, price_key, version, quantity, part,
        coalesce(sum(c.amount) FILTER (WHERE kind <> 'forfeited'), 0),
        coalesce(sum(c.amount) FILTER (WHERE kind = 'forfeited'), 0),
        coalesce(sum(given.amount), 0), min(currency), max(period_start), max(period_end)
    FROM invoicing_charge c
    JOIN wanted USING (subscription_id)
    LEFT JOIN given ON given.charge_id = c.id
    WHERE since IS NULL OR served_end IS NULL OR served_end > since
    GROUP BY subscription_id, item, served_start, served_end, price_key, version, quantity, part
"""


def billed(since: Mapping[str, datetime | None]) -> dict[str, dict[LineKey, Billed]]:
    """Return what was billed of subscriptions, by line, in full periods that end after an instant
    of served time (None: in all), in one query."""
    found: dict[str, dict[LineKey, Billed]] = {each: {} for each in since}
    with connection.cursor() as cursor:
        cursor.execute(
            _BILLED, [[ids.decode(each, prefix="sub") for each in since], list(since.values())]
        )
        for row in cursor.fetchall():
            subscription, item, start, end, price, version, quantity, part, *sums = row
            key = LineKey(Slot(item, start, end), price, version, quantity, Part(part))
            amount, forfeited, goodwill, currency, period_start, period_end = sums
            found[ids.encode("sub", subscription)][key] = Billed(
                amount=int(amount),
                forfeited=int(forfeited),
                goodwill=int(goodwill),
                currency=currency,
                period_start=period_start,
                period_end=period_end,
            )
    return found


def line_of(charge: Charge) -> LineKey:
    """Return the line that a charge is part of."""
    slot = Slot(charge.item, charge.served_start, charge.served_end)
    return LineKey(slot, charge.price_key, charge.version, charge.quantity, Part(charge.part))


def first_charges(at: Mapping[str, datetime]) -> dict[str, FirstCharge]:
    """Return what subscriptions are charged first here, at or after an instant each, if nothing
    changes; those that never will be are left out. What was imported is not charged here."""
    if not at:
        return {}
    found: dict[str, FirstCharge] = {}
    own = Charge.objects.filter(subscription_id__in=at, is_imported=False)
    for charge in own.exclude(kind=Kind.FORFEITED):
        if charge.at == at[charge.subscription_id]:
            before = found.get(charge.subscription_id)
            total = charge.money + before.amount if before else charge.money
            found[charge.subscription_id] = FirstCharge(charge.at, total)
    waiting = {each: None for each in at if each not in found}
    so_far = billed(waiting)
    for history in subscriptions.histories(waiting):
        name = history.subscription_id
        stretches = stretches_of(history, with_agreed=True)
        following = first_charge(stretches, billed=so_far[name], at=at[name])
        if following is not None:
            instant, amount = following
            found[name] = FirstCharge(instant, Money(amount, stretches[0].price.currency))
    return found


def balances(customer_id: str) -> list[Money]:
    """Return what a customer has to its credit, by currency."""
    rows = CreditBalance.objects.filter(customer_id=customer_id).order_by("currency")
    return [row.money for row in rows]
