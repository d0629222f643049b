"""The billing anchor that a customer's paid monthly subscriptions share."""

from collections.abc import Iterable, Sequence

from core.periods import MONTH, Anchor
from customers import services as customers
from customers.queries import held
from plans import queries as catalog
from subscriptions.models import Subscription
from subscriptions.move import Move
from subscriptions.states import State


def share_anchors(moves: Sequence[Move]) -> None:
    """Keep the customer's billing anchor: set by the first paid monthly subscription, cleared when
    none is left (``docs/explanation/periods.md``)."""
    touched = [
        move
        for move in moves
        if move.after.is_paid_monthly or (move.before is not None and move.before.is_paid_monthly)
    ]
    touched = [move for move in touched if move.has_new_terms]
    if not touched:
        return
    customer_ids = {move.row.customer_id for move in touched}
    sharing = _customers_paying_monthly(customer_ids)
    anchors = {name: each.shared_anchor for name, each in held(customer_ids).items()}
    wanted: dict[str, Anchor | None] = dict(anchors)
    for move in touched:
        customer_id = move.row.customer_id
        if customer_id not in sharing:
            wanted[customer_id] = None
        elif wanted[customer_id] is None and move.after.is_paid_monthly:
            wanted[customer_id] = move.after.cycle.anchor
    customers.set_billing_anchors(
        anchors={each: anchor for each, anchor in wanted.items() if anchor != anchors[each]}
    )


def _customers_paying_monthly(customer_ids: Iterable[str]) -> set[str]:
    rows = list(
        Subscription.objects.current()
        .exclude(state=State.PENDING)
        .filter(customer_id__in=customer_ids, interval=str(MONTH))
        .values_list("customer_id", "plan_version_id", "currency")
    )
    terms = catalog.terms_of(sorted({version_id for _, version_id, _ in rows}))
    return {
        customer_id
        for customer_id, version_id, currency in rows
        if not terms[version_id].is_free(str(MONTH), currency)
    }
