"""Reads about subscriptions that are more than a filter."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from subscriptions.blocks import Block, Effect
from subscriptions.history import History
from subscriptions.models import Block as BlockRow
from subscriptions.models import ChangeKind, PendingChange, Subscription
from subscriptions.reading import lives, lives_of
from subscriptions.spans import Span, spans_of


def spans(
    customer_ids: Collection[str], *, subject_ids: Collection[str] | None = None
) -> list[Span]:
    """Return when the subscriptions of customers hold what, past and agreed future.

    Those of the customers themselves are always there, of the subjects those of ``subject_ids``;
    None: of all. A fixed number of queries, however many owners.
    """
    rows = Subscription.objects.filter(customer_id__in=list(customer_ids))
    if subject_ids is not None:
        rows = rows.filter(Q(subject=None) | Q(subject_id__in=list(subject_ids)))
    return [span for life in lives(rows) for span in spans_of(life.history)]


def histories(
    subscription_ids: Iterable[str], *, known_at: datetime | None = None
) -> list[History]:
    """Return what subscriptions were, are and are agreed to be, in a fixed number of queries.

    ``known_at`` is an instant of the machine's time: what was recorded later is left out, and
    what was put aside later is there. One that was not known then is left out.
    """
    if known_at is None:
        return [life.history for life in lives_of(subscription_ids)]
    rows = Subscription.objects.filter(pk__in=list(subscription_ids))
    return [life.history for life in lives(rows, known_at=known_at)]


def histories_of(customer_ids: Iterable[str], *, known_at: datetime | None = None) -> list[History]:
    """Return the histories of all subscriptions of customers, those of subjects included."""
    rows = Subscription.objects.filter(customer_id__in=list(customer_ids))
    return [life.history for life in lives(rows, known_at=known_at)]


def subjects_with_trials(customer_ids: Collection[str]) -> set[str]:
    """Return the subjects of customers for whom a trial runs, or may begin with what is agreed:
    what follows it depends on the customer's payment method."""
    beginning = PendingChange.objects.pending().filter(
        subscription=OuterRef("pk"), kind__in=[ChangeKind.START, ChangeKind.PLAN]
    )
    rows = Subscription.objects.current().filter(
        Q(term__trial_ends_at__isnull=False) | Exists(beginning),
        customer_id__in=list(customer_ids),
        subject__isnull=False,
    )
    return set(rows.values_list("subject_id", flat=True))


def blocks(customer_ids: Iterable[str], effect: Effect) -> list[Block]:
    """Return the blocks of customers that have an effect: past ones, present ones, those to come.

    One that was lifted before it began has never been.
    """
    rows = BlockRow.objects.with_effect(effect).filter(customer_id__in=list(customer_ids))
    found = [row.value for row in rows.select_related("product").order_by("id")]
    return [each for each in found if each.ends_at is None or each.starts_at < each.ends_at]
