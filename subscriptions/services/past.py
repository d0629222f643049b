"""Correct the past of a subscription, back to the start of its open period."""

from dataclasses import dataclass, replace
from datetime import datetime

from core import clock
from core.errors import Conflict
from core.events import EventType
from subscriptions.agreement import Agreement
from subscriptions.corrections import carried
from subscriptions.loading import Loaded, as_agreement, versions_of
from subscriptions.models import Term
from subscriptions.move import Rewritten, are_same
from subscriptions.planned import aligned
from subscriptions.services.steps import Step
from subscriptions.services.together import written
from subscriptions.writing import Move


class PeriodClosed(Conflict):
    """The past can be corrected back to the start of the open period, and not before."""

    code = "period_closed"


@dataclass(frozen=True, slots=True)
class Past:
    """A subscription at an instant that is over: what ``held`` there, and the terms that came
    ``later``. If a term began at the instant, it is ``replaced``, and ``previous`` is the one
    before."""

    since: datetime
    held: Agreement
    later: tuple[tuple[Term, Agreement], ...]
    replaced: Term | None = None
    previous: tuple[Term, Agreement] | None = None

    @property
    def base(self) -> Agreement:
        """What a change is made from."""
        if self.previous is None or (self.replaced is not None and self.replaced.is_composed):
            return self.held
        return self.previous[1]


def past_of(loaded: Loaded, since: datetime) -> Past:
    """Read a subscription as it was at an instant.

    :raises PeriodClosed: if that is before the start of the open period
    """
    row = loaded.row
    if since < max(row.period_start, row.started_at):
        raise PeriodClosed(f"the open period began at {clock.written(row.period_start)}")
    terms = list(Term.objects.standing().filter(subscription=row).order_by("starts_at"))
    versions = versions_of(terms, [])
    entries = [(term, as_agreement(term, versions)) for term in terms]
    so_far = [(term, _at(held, since)) for term, held in entries if term.starts_at <= since]
    later = tuple(entries[len(so_far) :])
    term, held = so_far[-1]
    if term.starts_at < since:
        return Past(since, held, later)
    return Past(since, held, later, term, so_far[-2] if len(so_far) > 1 else None)


def correct(step: Step, past: Past, after: Agreement, *, event: EventType) -> Move:
    """Write what an agreement was since an instant, carried through what came later."""
    rewritten = [_first(step, past, after)]
    latest = None if rewritten[0].agreement else past.previous and past.previous[0]
    old, new = past.held, after
    for term, agreement in past.later:
        merged = carried(old, agreement, new, starts_at=term.starts_at)
        latest = term
        if merged != agreement:
            latest = None
            rewritten.append(Rewritten(term.starts_at, merged, term.cause, term.decision, term))
        old, new = agreement, merged
    return _write(step, rewritten, latest, new, event)


def end(step: Step, past: Past, after: Agreement, *, event: EventType) -> Move:
    """Write that a subscription ended, or fell back, at an instant: nothing later holds."""
    rewritten = [
        _first(step, past, after),
        *(Rewritten(term.starts_at, None, term.cause, {}, term) for term, _ in past.later),
    ]
    return _write(step, rewritten, None, after, event)


def _first(step: Step, past: Past, after: Agreement) -> Rewritten:
    is_undone = past.previous is not None and are_same(past.previous[1], after)
    kept = None if is_undone else after
    return Rewritten(past.since, kept, step.cause, step.decision, past.replaced)


def _write(
    step: Step,
    rewritten: list[Rewritten],
    latest: Term | None,
    after: Agreement,
    event: EventType,
) -> Move:
    loaded = step.loaded
    after = _at(after, step.at)
    kept = aligned(step.planned, after)
    known = {each.id: each for each in loaded.planned}
    move = Move(
        loaded.row,
        loaded.agreement,
        after,
        step.at,
        [event],
        step.cause,
        decision=step.decision,
        resolved=step.resolved,
        planned=kept,
        moved=[each for each in kept if each != known[each.id]],
        rewritten=rewritten,
        latest=latest,
    )
    return written(move)


def _at(agreement: Agreement, at: datetime) -> Agreement:
    return replace(agreement, period=agreement.period_at(at))
