"""Subscriptions from values to rows: one move is one subscription's step, many go at once."""

from collections.abc import Sequence
from datetime import datetime

from core import bulk, clock
from core.events import publish
from subscriptions.arrival import next_due
from subscriptions.facts import facts_of
from subscriptions.given import trial_holder
from subscriptions.loading import as_change, as_columns
from subscriptions.models import Cause, PendingChange, SpentTrial, Subscription, Term
from subscriptions.move import Move as Move  # importable from here too
from subscriptions.move import Rewritten
from subscriptions.reading import shared
from subscriptions.sharing import share_anchors
from subscriptions.states import State

BATCH = 1000


def write(moves: Sequence[Move]) -> None:
    """Write the steps of many subscriptions and publish what happened, in the callers' turns.

    The number of statements does not depend on how many there are.
    """
    if not moves:
        return
    now = clock.system_now()
    added = _plan(moves, now)
    for move in moves:
        _copy(move)
    _write_terms(moves, now)
    fresh = [move.row for move in moves if move.before is None]
    known = [move for move in moves if move.before is not None]
    Subscription.objects.bulk_create(fresh, batch_size=BATCH)
    bulk.write(
        Subscription,
        columns=_COPIED,
        rows=[each.row for each in known if each.has_new_terms or each.rewritten],
    )
    bulk.write(
        Subscription,
        columns=_COPIED_ALWAYS,
        rows=[each.row for each in known if not (each.has_new_terms or each.rewritten)],
    )
    PendingChange.objects.bulk_create(
        [change for rows in added.values() for change in rows], batch_size=BATCH
    )
    for move in moves:
        move.added_ids += [change.id for change in added[move.row.id]]
    _spend_trials(moves)
    share_anchors(moves)
    with shared():
        publish([fact for move in moves for fact in facts_of(move, added[move.row.id])])


# A renewal leaves everything else as it is.
_COPIED_ALWAYS = ["period_start", "period_end", "next_due_at", "version", "updated_at"]
_COPIED = [
    "term", "plan_version", "interval", "quantity", "state", "started_at", "ended_at",
    *_COPIED_ALWAYS,
]  # fmt: skip


def _copy(move: Move) -> None:
    row, after = move.row, move.after
    row.plan_version_id = after.terms.version_id
    row.interval = after.interval
    row.quantity = after.quantity
    row.state = after.state
    row.period_start = after.period.start
    row.period_end = after.period.end
    row.next_due_at = next_due(after, [*move.planned, *move.added])
    gone = after.state == State.CANCELED
    row.ended_at = max(move.effective_at, row.started_at) if gone else None
    row.updated_at = move.at
    if move.before is not None:
        row.version += 1


def _write_terms(moves: Sequence[Move], now: datetime) -> None:
    """Add to histories, and take out of them what began at the same instant or was corrected."""
    changed = [move for move in moves if move.has_new_terms or move.rewritten]
    gone: list[str] = []
    fresh: list[Term] = []
    for move in changed:
        if move.rewritten:
            gone += [each.replaces.id for each in move.rewritten if each.replaces]
            corrected = [_term(move, each, now) for each in move.rewritten if each.agreement]
            fresh += corrected
            move.row.term = move.latest or corrected[-1]
            continue
        if move.before is not None and move.row.term.starts_at == move.at:
            gone.append(move.row.term_id)
        if move.is_undone and move.previous is not None:
            move.row.term = move.previous
            continue
        replaced = move.row.term if gone and gone[-1] == move.row.term_id else None
        step = Rewritten(move.at, move.after, move.cause, move.decision, replaced)
        move.row.term = _term(move, step, now)
        fresh.append(move.row.term)
    Term.objects.filter(pk__in=gone).update(superseded_at=now)
    Term.objects.bulk_create(fresh, batch_size=BATCH)


def _term(move: Move, entry: Rewritten, now: datetime) -> Term:
    if entry.agreement is None:
        raise ValueError("a term holds an agreement")
    return Term(
        customer_id=move.row.customer_id,
        subscription=move.row,
        starts_at=entry.starts_at,
        cause=entry.cause,
        decision=dict(entry.decision),
        recorded_at=now,
        is_composed=_is_composed(move, entry),
        **as_columns(entry.agreement),
    )


def _plan(moves: Sequence[Move], now: datetime) -> dict[str, list[PendingChange]]:
    """Close what was planned and is no longer; return the rows of what is new."""
    resolved = {
        planned.id: (became, move.at, now) for move in moves for planned, became in move.resolved
    }
    bulk.write(PendingChange, columns=["status", "resolved_at", "closed_at"], rows=resolved)
    moved = {planned.id: (planned.at,) for move in moves for planned in move.moved}
    bulk.write(PendingChange, columns=["effective_at"], rows=moved)
    return {
        move.row.id: [as_change(each, move.row, at=move.at, recorded_at=now) for each in move.added]
        for move in moves
    }


def _is_composed(move: Move, entry: Rewritten) -> bool:
    begins = move.before is None
    replaced = entry.replaces
    return (entry.cause != Cause.CHANGED and not begins) or (
        replaced is not None and replaced.is_composed
    )


def _spend_trials(moves: Sequence[Move]) -> None:
    given_back = [move for move in moves if move.gives_trial_back]
    if given_back:
        SpentTrial.objects.filter(
            subscription__in=[move.row for move in given_back],
            starts_at__in={move.at for move in given_back},
        ).delete()
    spent = [_spent(move) for move in moves if move.begins_trial]
    SpentTrial.objects.bulk_create(spent, batch_size=BATCH)


def _spent(move: Move) -> SpentTrial:
    row = move.row
    return SpentTrial(
        customer_id=row.customer_id,
        subject_id=trial_holder(move.after.terms, row.subject_id),
        product_id=row.product_id,
        subscription=row,
        starts_at=move.at,
    )
