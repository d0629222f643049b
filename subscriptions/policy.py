"""What is sold, and how a change happens: the answers that catalog data gives. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from core.errors import Unprocessable
from core.periods import ONCE, Interval
from plans.change_rules import Decision, Situation, compare_ranks, decide
from plans.terms import Terms
from subscriptions.agreement import Agreement


class IntervalNotSold(Unprocessable):
    """The plan is not sold for this interval in the customer's currency."""

    code = "interval_not_sold"


class CurrencyNotSold(Unprocessable):
    """The plan is not sold in the customer's currency."""

    code = "currency_not_sold"


def choose_interval(
    terms: Terms, *, currency: str, wanted: str | None, current: str | None = None
) -> str:
    """Return the interval to sell a plan for: the wanted one, else the current, else its shortest.

    :raises CurrencyNotSold: if there is no price in the currency
    :raises IntervalNotSold: if the wanted one is not sold, or nothing that has periods
    """
    if not terms.intervals(currency):
        raise CurrencyNotSold(f"{terms.plan_key} is not sold in {currency}")
    sold = [each for each in terms.intervals(currency) if each != str(ONCE)]
    if not sold or (wanted is not None and wanted not in sold):
        raise IntervalNotSold(
            f"{terms.plan_key} is subscribed to per {' or '.join(sold) or 'no interval'}", sold=sold
        )
    if wanted is not None:
        return wanted
    return current if current in sold else sold[0]


def decide_change(held: Agreement, terms: Terms, interval: str) -> Decision:
    """Ask the product's change policy how a change of plan or interval happens."""
    situation = Situation(
        rank=compare_ranks(held.terms.rank, terms.rank),
        interval=Interval.parse(interval).compared_with(Interval.parse(held.interval)),
        free_to_paid=held.is_free and not terms.is_free(interval, held.currency),
    )
    return decide(terms.product.change_rules, situation)


def decide_fallback(held: Agreement, fallback: Terms) -> tuple[str, Decision]:
    """Return the interval at which an end falls back to another plan, and how that happens."""
    interval = choose_interval(fallback, currency=held.currency, wanted=None, current=held.interval)
    return interval, decide_change(held, fallback, interval)


def as_data(decision: Decision) -> Mapping[str, Any]:
    """Return a decision as it is kept and shown."""
    return {name: str(value) for name, value in asdict(decision).items()}
