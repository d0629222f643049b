"""What must always hold of charges and credits; ``manage.py check_invariants``."""

from collections.abc import Iterator

from core.invariants import Invariant, rows
from customers.models import Customer
from invoicing import queries
from invoicing.drafts import assess
from invoicing.holdings import stretches_of
from subscriptions import queries as subscriptions
from subscriptions.history import History
from subscriptions.models import Subscription

BATCH = 500


def _histories() -> Iterator[list[History]]:
    """Yield all subscriptions, some hundred at a time."""
    last: str | None = None
    while True:
        rest = Subscription.objects.order_by("pk")
        if last is not None:
            rest = rest.filter(pk__gt=last)
        ids = list(rest.values_list("pk", flat=True)[:BATCH])
        if not ids:
            return
        yield [each for each in subscriptions.histories(ids) if each.entries]
        last = ids[-1]


def _charged_otherwise() -> list[str]:
    """A look at each subscription, at the last instant of its customer, finds nothing to write."""
    offenders = []
    for batch in _histories():
        billed = queries.billed({each.subscription_id: None for each in batch})
        at = dict(
            Customer.objects.filter(pk__in={each.customer_id for each in batch}).values_list(
                "pk", "last_acted_at"
            )
        )
        offenders += [
            each.subscription_id
            for each in batch
            if assess(
                stretches_of(each),
                agreed=stretches_of(each, with_agreed=True),
                billed=billed[each.subscription_id],
                at=at[each.customer_id],
            )
        ]
    return offenders


def _credited_beyond_billed() -> list[str]:
    return rows(
        """
        SELECT min(id::text) FROM invoicing_charge
        GROUP BY subscription_id, item, served_start, served_end, price_key, version, quantity, part
        HAVING sum(amount) FILTER (WHERE kind <> 'forfeited') < 0
            OR sum(amount) FILTER (WHERE kind = 'forfeited') NOT BETWEEN 0
                AND sum(amount) FILTER (WHERE kind <> 'forfeited')
        """
    )


def _wrong_balances() -> list[str]:
    return rows(
        """
        SELECT coalesce(b.customer_id, e.customer_id) FROM invoicing_creditbalance b
        FULL JOIN (
            SELECT customer_id, currency, sum(amount) AS amount FROM invoicing_creditentry
            GROUP BY customer_id, currency
        ) AS e ON (e.customer_id, e.currency) = (b.customer_id, b.currency)
        WHERE b.amount IS DISTINCT FROM e.amount
        """
    )


def _wrong_customer() -> list[str]:
    return rows(
        """
        SELECT c.id FROM invoicing_charge c
        JOIN subscriptions_subscription s ON s.id = c.subscription_id
        WHERE s.customer_id <> c.customer_id
        UNION SELECT e.id FROM invoicing_creditentry e
        LEFT JOIN subscriptions_subscription s ON s.id = e.subscription_id
        LEFT JOIN invoicing_charge c ON c.id = e.charge_id
        WHERE s.customer_id <> e.customer_id OR c.customer_id <> e.customer_id
        UNION SELECT r.id FROM invoicing_refundintent r
        JOIN subscriptions_subscription s ON s.id = r.subscription_id
        WHERE s.customer_id <> r.customer_id
        """
    )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "charges_are_what_they_should_be",
        "What was charged of a subscription is what its history costs, in every period.",
        _charged_otherwise,
    ),
    Invariant(
        "credits_never_exceed_what_was_billed",
        "No line of charges is below zero, and what is forfeited of it was billed.",
        _credited_beyond_billed,
    ),
    Invariant(
        "credit_balances_are_the_sum_of_their_entries",
        "A customer's credit balance is the sum of its credit entries, per currency.",
        _wrong_balances,
    ),
    Invariant(
        "charge_rows_have_one_customer",
        "Charges, credits and refunds belong to the customer of their subscription.",
        _wrong_customer,
    ),
)
