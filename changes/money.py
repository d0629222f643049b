"""Read what a change moved in money: the charges of its subscription, and what came of them.

Everything here is read in the transaction in which the change was made, and compared with a mark
that was set before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import clock
from core.money import Money
from invoicing import queries as invoicing
from invoicing.drafts import Kind
from invoicing.models import Charge, RefundIntent

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """What was there before."""

    charges: frozenset[str]
    refunds: frozenset[str]
    balances: dict[str, int]


def mark(*, customer_id: str, subscription_id: str | None) -> Mark:
    """Remember what was charged of a subscription, and what its customer has to its credit."""
    return Mark(
        frozenset(_charges(subscription_id).values_list("pk", flat=True)),
        frozenset(_refunds(subscription_id).values_list("pk", flat=True)),
        _balances(customer_id),
    )


def moved(before: Mark, *, customer_id: str, subscription_id: str, currency: str) -> Row:
    """Return what was charged and credited since: ``due_now`` is what is asked of the customer,
    the sum of the charges where that is not in its favour."""
    charges = _since(before, subscription_id)
    net = _net(charges)
    balance = _balances(customer_id).get(currency, 0) - before.balances.get(currency, 0)
    refunds = _refunds(subscription_id).exclude(pk__in=before.refunds)
    refunded = sum(refunds.values_list("amount", flat=True))
    return {
        "charges": [_shown(each) for each in charges],
        "due_now": _money(max(net, 0), currency),
        "credit_balance_change": _money(balance, currency),
        "refund": _money(refunded, currency),
    }


def next_invoice(before: Mark, *, subscription_id: str, currency: str, at: datetime) -> Row:
    """Return what was charged since, when time had gone on to ``at``."""
    charges = _since(before, subscription_id)
    return {
        "at": clock.written(at),
        "amount": _money(_net(charges), currency),
        "charges": [_shown(each) for each in charges],
    }


def _charges(subscription_id: str | None) -> Any:
    return Charge.objects.filter(subscription_id=subscription_id)


def _refunds(subscription_id: str | None) -> Any:
    return RefundIntent.objects.filter(subscription_id=subscription_id)


def _balances(customer_id: str) -> dict[str, int]:
    return {each.currency: each.amount for each in invoicing.balances(customer_id)}


def _since(before: Mark, subscription_id: str) -> list[Charge]:
    """In an order that does not depend on identifiers."""
    new = _charges(subscription_id).exclude(pk__in=before.charges)
    return sorted(
        new,
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
