"""What must always hold of subscriptions."""

from core.invariants import Invariant, rows
from customers.models import Customer
from plans import queries as catalog
from subscriptions.loading import load
from subscriptions.models import Subscription
from subscriptions.writing import next_due

BATCH = 1000


def _gaps_between_periods() -> list[str]:
    return rows(
        """
        SELECT DISTINCT subscription_id FROM (
            SELECT subscription_id, starts_at, lag(ends_at) OVER (
                PARTITION BY subscription_id ORDER BY starts_at, ends_at, id) AS before
            FROM subscriptions_billingperiod
        ) AS p WHERE before IS NOT NULL AND before <> starts_at
        """
    )


def _gaps_between_terms() -> list[str]:
    return rows(
        """
        SELECT DISTINCT subscription_id FROM (
            SELECT subscription_id, starts_at, lag(ends_at) OVER (
                PARTITION BY subscription_id ORDER BY starts_at, ends_at, id) AS before
            FROM subscriptions_term
        ) AS t WHERE before IS NOT NULL AND before <> starts_at
        """
    )


def _not_as_in_history() -> list[str]:
    """The row repeats its open term and its latest period; an ended one has no open term."""
    return rows(
        """
        SELECT s.id FROM subscriptions_subscription s
        LEFT JOIN subscriptions_term t ON t.subscription_id = s.id AND t.ends_at IS NULL
        LEFT JOIN LATERAL (
            SELECT starts_at, ends_at FROM subscriptions_billingperiod p
            WHERE p.subscription_id = s.id ORDER BY starts_at DESC, ends_at DESC LIMIT 1
        ) AS p ON true
        WHERE CASE WHEN s.state = 'canceled'
            THEN t.id IS NOT NULL OR p.ends_at IS DISTINCT FROM s.ended_at
                AND p.ends_at IS DISTINCT FROM least(s.ended_at, s.period_end)
            ELSE t.id IS NULL
                OR (t.plan_version_id, t.interval, t.quantity, t.anchor_at, t.zone)
                    IS DISTINCT FROM
                    (s.plan_version_id, s.interval, s.quantity, s.anchor_at, s.zone)
                OR (p.starts_at, p.ends_at) IS DISTINCT FROM (s.period_start, s.period_end)
            END
        """
    )


def _not_from_the_start() -> list[str]:
    return rows(
        """
        SELECT s.id FROM subscriptions_subscription s
        WHERE s.started_at IS DISTINCT FROM
                (SELECT min(starts_at) FROM subscriptions_term t WHERE t.subscription_id = s.id)
            OR s.started_at IS DISTINCT FROM
                (SELECT min(starts_at) FROM subscriptions_billingperiod p
                 WHERE p.subscription_id = s.id)
        """
    )


def _wrong_customer() -> list[str]:
    return rows(
        """
        SELECT s.id FROM subscriptions_subscription s
        JOIN customers_subject j ON j.id = s.subject_id WHERE j.customer_id <> s.customer_id
        UNION SELECT t.id FROM subscriptions_term t
        JOIN subscriptions_subscription s ON s.id = t.subscription_id
        WHERE t.customer_id <> s.customer_id
        UNION SELECT p.id FROM subscriptions_billingperiod p
        JOIN subscriptions_subscription s ON s.id = p.subscription_id
        WHERE p.customer_id <> s.customer_id
        UNION SELECT c.id FROM subscriptions_pendingchange c
        JOIN subscriptions_subscription s ON s.id = c.subscription_id
        WHERE c.customer_id <> s.customer_id
        """
    )


def _outliving_its_owner() -> list[str]:
    return rows(
        """
        SELECT s.id FROM subscriptions_subscription s
        JOIN customers_customer c ON c.id = s.customer_id
        LEFT JOIN customers_subject j ON j.id = s.subject_id
        WHERE s.ended_at IS NULL AND (j.ended_at IS NOT NULL OR c.closed_at IS NOT NULL)
        """
    )


def _pending_on_an_ended_one() -> list[str]:
    return rows(
        """
        SELECT c.id FROM subscriptions_pendingchange c
        JOIN subscriptions_subscription s ON s.id = c.subscription_id
        WHERE c.status = 'pending' AND s.ended_at IS NOT NULL
        """
    )


def _wrong_next_due_at() -> list[str]:
    offenders: list[str] = []
    current = Subscription.objects.current().order_by("id")
    batch = list(current[:BATCH])
    while batch:
        offenders += [
            each.row.id
            for each in load(batch)
            if each.row.next_due_at != next_due(each.agreement, each.planned)
        ]
        batch = list(current.filter(pk__gt=batch[-1].id)[:BATCH])
    return offenders


def _wrong_billing_anchor() -> list[str]:
    """A customer has a billing anchor exactly while it pays for something monthly."""
    monthly = Subscription.objects.current().filter(interval="month")
    found = list(monthly.values_list("customer_id", "plan_version_id", "currency"))
    terms = catalog.terms_of({version_id for _, version_id, _ in found})
    paying = {
        customer_id
        for customer_id, version_id, currency in found
        if not terms[version_id].is_free("month", currency)
    }
    anchored = set(Customer.objects.exclude(billing_anchor=None).values_list("id", flat=True))
    return sorted(paying ^ anchored)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "periods_tile",
        "A subscription's billing periods follow each other without gap or overlap.",
        _gaps_between_periods,
    ),
    Invariant(
        "terms_tile",
        "A subscription's terms follow each other without gap or overlap.",
        _gaps_between_terms,
    ),
    Invariant(
        "history_begins_with_the_subscription",
        "The first term and the first period begin when the subscription does.",
        _not_from_the_start,
    ),
    Invariant(
        "history_replays_to_state",
        "A subscription is what its open term and its latest period say.",
        _not_as_in_history,
    ),
    Invariant(
        "subscription_rows_have_one_customer",
        "Everything of a subscription belongs to the customer that its subject belongs to.",
        _wrong_customer,
    ),
    Invariant(
        "nothing_outlives_its_owner",
        "No subscription goes on after its subject or customer has ended.",
        _outliving_its_owner,
    ),
    Invariant(
        "nothing_pending_after_the_end",
        "An ended subscription has no pending change.",
        _pending_on_an_ended_one,
    ),
    Invariant(
        "subscriptions_know_when_they_are_due",
        "next_due_at is the period's end or the earliest pending change.",
        _wrong_next_due_at,
    ),
    Invariant(
        "billing_anchor_iff_paying_monthly",
        "A customer has a billing anchor while it has a paid monthly subscription.",
        _wrong_billing_anchor,
    ),
)
