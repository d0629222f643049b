"""What must always hold of subscriptions."""

from core.invariants import Invariant, rows
from customers.models import Customer
from plans import queries as catalog
from subscriptions.arrival import next_due
from subscriptions.loading import load
from subscriptions.models import Subscription
from subscriptions.states import BILLABLE

BATCH = 1000


def _not_as_in_history() -> list[str]:
    """The row repeats its latest term, and no later one stands in history."""
    return rows(
        """
        SELECT s.id FROM subscriptions_subscription s
        LEFT JOIN subscriptions_term t ON t.id = s.term_id
        WHERE t.subscription_id IS DISTINCT FROM s.id
            OR t.superseded_at IS NOT NULL
            OR (t.plan_version_id, t.interval, t.currency, t.quantity, t.state)
                IS DISTINCT FROM
                (s.plan_version_id, s.interval, s.currency, s.quantity, s.state)
            OR EXISTS (
                SELECT FROM subscriptions_term later WHERE later.subscription_id = s.id
                AND later.superseded_at IS NULL AND later.starts_at > t.starts_at
            )
        """
    )


def _not_from_the_start() -> list[str]:
    """A subscription that has not begun yet has its first term since it was agreed. Of an imported
    one, what lies before its first term is another system's history."""
    return rows(
        """
        SELECT s.id FROM subscriptions_subscription s
        JOIN LATERAL (
            SELECT min(starts_at) AS first FROM subscriptions_term t
            WHERE t.subscription_id = s.id AND t.superseded_at IS NULL
        ) AS t ON true
        WHERE t.first IS NULL OR t.first > s.started_at AND NOT EXISTS (
            SELECT FROM subscriptions_import i WHERE i.subscription_id = s.id
        )
        """
    )


def _off_its_boundaries() -> list[str]:
    """While it renews, the open period ends at the first boundary after its start."""
    offenders: list[str] = []
    renewing = Subscription.objects.filter(state__in=BILLABLE).order_by("id")
    batch = list(renewing.select_related("term")[:BATCH])
    while batch:
        for each in load(batch):
            held = each.agreement
            if (
                held.cycle.next_boundary(held.every, held.period.start) > held.period.end
                or held.cycle.period_at(held.every, held.period.end).start != held.period.end
            ):
                offenders.append(each.row.id)
        following = renewing.filter(pk__gt=batch[-1].id).select_related("term")
        batch = list(following[:BATCH])
    return offenders


def _wrong_customer() -> list[str]:
    return rows(
        """
        SELECT s.id FROM subscriptions_subscription s
        JOIN customers_subject j ON j.id = s.subject_id WHERE j.customer_id <> s.customer_id
        UNION SELECT t.id FROM subscriptions_term t
        JOIN subscriptions_subscription s ON s.id = t.subscription_id
        WHERE t.customer_id <> s.customer_id
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
    current = Subscription.objects.current().select_related("term").order_by("id")
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
    monthly = Subscription.objects.current().exclude(state="pending").filter(interval="month")
    found = list(monthly.values_list("customer_id", "plan_version_id", "currency"))
    terms = catalog.terms_of({version_id for _, version_id, _ in found})
    paying = {
        customer_id
        for customer_id, version_id, currency in found
        if not terms[version_id].is_free("month", currency)
    }
    anchored = set(Customer.objects.exclude(billing_anchor_at=None).values_list("id", flat=True))
    return sorted(paying ^ anchored)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "periods_tile",
        "A subscription's open period ends where the next one will begin.",
        _off_its_boundaries,
    ),
    Invariant(
        "history_begins_with_the_subscription",
        "The first term begins when the subscription does.",
        _not_from_the_start,
    ),
    Invariant(
        "history_replays_to_state",
        "A subscription is what the latest of its terms says.",
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
