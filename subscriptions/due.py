"""What time alone does to subscriptions: what was agreed, trials' ends, and the next period."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Min

from subscriptions import events
from subscriptions.agreement import Agreement
from subscriptions.arrival import Arrival, Given, arrive
from subscriptions.given import fallbacks, spent_trials, trial_ahead
from subscriptions.loading import Loaded, load
from subscriptions.models import ChangeStatus, Subscription
from subscriptions.states import State
from subscriptions.writing import Move, write


def next_due_at(customer_ids: Sequence[str]) -> dict[str, datetime]:
    """Return the earliest instant at which time changes one of each customer's subscriptions."""
    return {
        customer_id: at
        for customer_id, at in Subscription.objects.filter(
            customer_id__in=customer_ids, next_due_at__isnull=False
        )
        .values_list("customer_id")
        .annotate(at=Min("next_due_at"))
    }


def run_due(due: Mapping[str, datetime]) -> None:
    """Bring every subscription of these customers to its customer's instant."""
    rows = [
        row
        for row in Subscription.objects.filter(customer_id__in=due)
        .due(max(due.values()))
        .select_related("term")
        .order_by("customer_id", "next_due_at", "id")
        if row.next_due_at is not None and row.next_due_at <= due[row.customer_id]
    ]
    write(_moves(load(rows), due))


def _moves(loaded: Sequence[Loaded], due: Mapping[str, datetime]) -> list[Move]:
    trialing = [each for each in loaded if each.agreement.state == State.TRIALING]
    follows = fallbacks({each.row.id: (each, due[each.row.customer_id]) for each in trialing})
    ahead = {each.row.id: trial_ahead(each.agreement, each.planned) for each in loaded}
    spent = spent_trials([each.row for each in loaded if ahead[each.row.id] is not None])
    moves = []
    for each in loaded:
        row, terms = each.row, ahead[each.row.id]
        given = Given(
            row.customer.shared_anchor,
            row.customer.payment_method_on_file,
            follows.get(row.id),
            is_trial_spent=terms is not None and spent.has(terms, row),
            zone=row.customer.zone,
        )
        arrival = arrive(each.agreement, each.planned, at=due[row.customer_id], given=given)
        if arrival is None:
            continue
        move = as_move(each, each.agreement, arrival)
        if move.begins_trial:
            spent.spend(move.after.terms, row)
        moves.append(move)
    return moves


def as_move(loaded: Loaded, before: Agreement, arrival: Arrival) -> Move:
    """Return the step that an arrival is."""
    was = {each.id: each for each in loaded.planned}
    return Move(
        loaded.row,
        before,
        arrival.agreement,
        arrival.at,
        [events.HAPPENED[each] for each in arrival.happened],
        arrival.cause,
        decision=arrival.decision,
        resolved=[
            *((each, ChangeStatus.APPLIED) for each in arrival.applied),
            *((each, ChangeStatus.SUPERSEDED) for each in arrival.superseded),
        ],
        planned=arrival.planned,
        moved=[each for each in arrival.planned if each != was[each.id]],
    )
