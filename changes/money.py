"""Read what changes moved in money: the charges of their subscriptions, and what came of them.

Everything here is read in the transaction in which the changes were made, and compared with a mark
that was set before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core import clock
from core.money import Money
from invoicing.drafts import Kind
from invoicing.models import Charge, CreditBalance, RefundIntent

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """What was there before: identifiers of charges and refunds, and each customer's balances."""

    charges: Set[str]
    refunds: Set[str]
    balances: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Since:
    """What came after a mark, by subscription, and the balances of customers before and now."""

    charges: Mapping[str, Sequence[Charge]]
    refunded: Mapping[str, int]
    before: Mapping[str, Mapping[str, int]]
    now: Mapping[str, Mapping[str, int]]

    def moved(self, *, customer_id: str, subscription_id: str, currency: str) -> Row:
        """Return what was charged and credited: ``due_now`` is what is asked of the customer, the
        sum of the charges where that is not in its favour."""
        charges = _in_order(self.charges.get(subscription_id, ()))
        was = self.before.get(customer_id, {}).get(currency, 0)
        becomes = self.now.get(customer_id, {}).get(currency, 0)
        return {
            "charges": [_shown(each) for each in charges],
            "due_now": _money(max(_net(charges), 0), currency),
            "credit_balance_change": _money(becomes - was, currency),
            "refund": _money(self.refunded.get(subscription_id, 0), currency),
        }

    def next_invoice(self, *, subscription_id: str, currency: str, at: datetime) -> Row:
        """Return what was charged when time had gone on to ``at``."""
        charges = _in_order(self.charges.get(subscription_id, ()))
        return {
            "at": clock.written(at),
            "amount": _money(_net(charges), currency),
            "charges": [_shown(each) for each in charges],
        }


def mark(*, customer_ids: Collection[str], subscription_ids: Collection[str]) -> Mark:
    """Remember what was charged of subscriptions, and what their customers have to their credit."""
    return Mark(
        set(Charge.objects.filter(subscription__in=subscription_ids).values_list("pk", flat=True)),
        set(_refunds(subscription_ids).values_list("pk", flat=True)),
        _balances(customer_ids),
    )


def since(
    before: Mark, *, customer_ids: Collection[str], subscription_ids: Collection[str]
) -> Since:
    """Read what came after a mark."""
    charges: dict[str, list[Charge]] = {}
    new = Charge.objects.filter(subscription__in=subscription_ids).exclude(pk__in=before.charges)
    for each in new:
        charges.setdefault(each.subscription_id, []).append(each)
    refunded: dict[str, int] = {}
    for refund in _refunds(subscription_ids).exclude(pk__in=before.refunds):
        known = refunded.get(refund.subscription_id, 0)
        refunded[refund.subscription_id] = known + refund.amount
    return Since(charges, refunded, before.balances, _balances(customer_ids))


def _refunds(subscription_ids: Collection[str]) -> QuerySet[RefundIntent]:
    return RefundIntent.objects.filter(subscription__in=subscription_ids)


def _balances(customer_ids: Collection[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in CreditBalance.objects.filter(customer__in=customer_ids):
        found.setdefault(row.customer_id, {})[row.currency] = row.amount
    return found


def _in_order(charges: Iterable[Charge]) -> list[Charge]:
    """In an order that does not depend on identifiers."""
    return sorted(
        charges,
        key=lambda each: (
            each.item,
            each.price_key,
            each.period_start,
            each.amount,
            each.quantity,
            each.kind,
            each.version,
        ),
    )


def _net(charges: Sequence[Charge]) -> int:
    return sum(each.amount for each in charges if each.kind != Kind.FORFEITED)


def _shown(charge: Charge) -> Row:
    return {
        "item": charge.item,
        "price": charge.price_key,
        "version": charge.version,
        "quantity": charge.quantity,
        "part": str(charge.part),
        "kind": str(charge.kind),
        "amount": _money(charge.amount, charge.currency),
        "settlement": str(charge.settlement),
        "period_start": clock.written(charge.period_start),
        "period_end": charge.period_end and clock.written(charge.period_end),
        "unit_price": charge.unit_price,
        "explanation": charge.explanation,
        "due_at": clock.written(charge.due_at),
    }


def _money(amount: int, currency: str) -> Row:
    money = Money(amount, currency)
    return {"amount": money.amount, "currency": money.currency}
