"""How an attempt's outcome changes where a target stands. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from provisioning import backoff
from provisioning.outcomes import Applied, Outcome, Refused, Retry, Stale

REFUSALS = 3  # tries of a document that the service says it cannot apply


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a target is with its newest generation.

    ``attempts`` and ``refusals`` count since ``trying_since``. ``next_attempt_at`` is set while
    there is something to send; ``ahead_of`` is the generation that the service held although it
    was never sent, which the desired one was raised above.
    """

    desired_generation: int
    applied_generation: int
    attempts: int
    refusals: int
    trying_since: datetime | None
    next_attempt_at: datetime | None
    dead_lettered_at: datetime | None
    ahead_of: int | None
    problem: str
    problem_detail: str


def after(
    standing: Standing, outcome: Outcome, *, generation: int, now: datetime, share: float
) -> Standing:
    """Return where the target stands after an attempt to send ``generation``.

    The desired generation may have risen while the attempt was under way: then a failure to apply
    the old one says nothing about the new one, which is due already. ``share`` is random, 0 to 1.
    """
    match outcome:
        case Applied():
            return _applied(standing, generation)
        case Stale(held):
            return _ahead(standing, held, now, share)
        case _ if generation < standing.desired_generation:
            return standing
        case Retry(problem, detail, retry_after):
            return _again(_with(standing, problem, detail), now, share, retry_after)
        case Refused(problem, detail):
            refused = replace(_with(standing, problem, detail), refusals=standing.refusals + 1)
            if refused.refusals >= REFUSALS:
                return replace(refused, dead_lettered_at=now, next_attempt_at=None)
            return _again(refused, now, share, None)
        case _:  # it is about the service, which is paused; this target waits for it
            return _with(replace(standing, next_attempt_at=now), outcome.problem, "")


def revived(standing: Standing, *, now: datetime) -> Standing:
    """Return where a target stands that has something to send from now on, with all its tries."""
    return replace(
        standing,
        attempts=0,
        refusals=0,
        trying_since=None,
        next_attempt_at=now,
        dead_lettered_at=None,
        problem="",
        problem_detail="",
    )


def _applied(standing: Standing, generation: int) -> Standing:
    applied = max(standing.applied_generation, generation)
    if generation < standing.desired_generation:
        return replace(standing, applied_generation=applied)
    return replace(
        standing,
        applied_generation=applied,
        attempts=0,
        refusals=0,
        trying_since=None,
        next_attempt_at=None,
        dead_lettered_at=None,
        problem="",
        problem_detail="",
    )


def _ahead(standing: Standing, held: int, now: datetime, share: float) -> Standing:
    """The service holds more than we ever sent: one of us came from a backup. Go above it.

    Where the newest document is above it already, that is sent next.
    """
    if held < standing.desired_generation:
        return standing
    raised = replace(
        _with(standing, "ahead", f"the service holds generation {held}"),
        desired_generation=held + 1,
        ahead_of=held,
    )
    return _again(raised, now, share, None)


def _again(
    standing: Standing, now: datetime, share: float, retry_after: timedelta | None
) -> Standing:
    at = backoff.next_attempt(
        attempts=standing.attempts,
        trying_since=standing.trying_since or now,
        now=now,
        share=share,
        retry_after=retry_after,
    )
    if at is None:
        return replace(standing, dead_lettered_at=now, next_attempt_at=None)
    return replace(standing, next_attempt_at=at)


def _with(standing: Standing, problem: str, detail: str) -> Standing:
    return replace(standing, problem=problem, problem_detail=detail)
