"""How a subscription that lives elsewhere goes on here. Pure.

``docs/how-to/import-subscriptions.md`` has the rules in words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import Unprocessable
from core.money import Money
from core.periods import Anchor, Cycle, Interval, Period
from plans.terms import PauseMode
from subscriptions import moves
from subscriptions.agreement import Agreement, Trial
from subscriptions.anchors import AnchorWish
from subscriptions.sales import Sale
from subscriptions.states import State

_SECOND = timedelta(seconds=1)
# Of the plan's interval. What is further away is a mistake, and would be a charge for each period.
_MOST_PERIODS = 366


class NotLiveYet(Unprocessable):
    """What is imported has begun: it started now or earlier."""

    code = "not_live_yet"


class TrialIsOver(Unprocessable):
    """The trial ends now or earlier: what follows it is imported, as active."""

    code = "trial_is_over"


class NotInStateYet(Unprocessable):
    """What is imported is in its state: it was paused, or a payment failed, now or earlier."""

    code = "not_in_state_yet"


class StateBeforeStart(Unprocessable):
    """It was paused at its start or earlier, or a payment for it failed before its start."""

    code = "state_before_start"


class BilledThroughMissing(Unprocessable):
    """Something is charged for this plan: say until when the other system has billed it."""

    code = "billed_through_missing"


class BilledBeyondPeriod(Unprocessable):
    """It is billed beyond the open period, but not until the end of a later one: the anchor, the
    interval or the date is wrong."""

    code = "billed_beyond_period"


class BilledFarAway(Unprocessable):
    """It is billed until more than 366 periods before or after the open one: surely the date is
    wrong."""

    code = "billed_far_away"


class BilledBeforeStart(Unprocessable):
    """It was billed until before it started."""

    code = "billed_before_start"


@dataclass(frozen=True, slots=True)
class PausedThere:
    """A pause that goes on. Without a ``mode`` it does to money what the plan says."""

    since: datetime
    mode: PauseMode | None = None
    resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What another system says. ``trial_ends_at`` is there in a trial that still runs, ``paused``
    in a pause, ``past_due_since`` where a payment has failed; one of them at most.

    ``billed_through`` is the instant until when everything is billed; in a trial, nothing is. In a
    pause it is what it was when that began.
    """

    started_at: datetime | None = None
    anchor: AnchorWish | None = None
    trial_ends_at: datetime | None = None
    billed_through: datetime | None = None
    paused: PausedThere | None = None
    past_due_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class FirstCharge:
    """What will be charged first here, and when, if nothing changes until then."""

    at: datetime
    amount: Money


@dataclass(frozen=True, slots=True)
class Stage:
    """What it is from an instant on, and how it came to that."""

    starts_at: datetime
    agreement: Agreement
    cause: str = "imported"
    decision: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Brought:
    """What comes of it here: the agreement now, and the ``stages`` of its history. Before the first
    of them it is over and billed: nothing here ever looks at it again."""

    agreement: Agreement
    stages: tuple[Stage, ...]
    started_at: datetime

    @property
    def since(self) -> datetime:
        """Since when it is known."""
        return self.stages[0].starts_at

    @property
    def first(self) -> Agreement:
        """The agreement as its history begins, in the period that was open then."""
        return self.stages[0].agreement


def bring(sale: Sale, there: Elsewhere, *, at: datetime, zone: str) -> Brought:
    """Return how a subscription goes on here from an instant.

    Periods are counted from the anchor that is named, else from the trial's end, from the start or,
    without a start, so that one ends where billing ended. In a pause the open one is that in which
    it began.

    :raises NotLiveYet, TrialIsOver, AnchorNotAllowed: as named
    :raises NotInStateYet, StateBeforeStart: as named
    :raises BilledThroughMissing, BilledBeforeStart: as named
    :raises BilledBeyondPeriod, BilledFarAway: as named
    """
    if there.started_at is not None and there.started_at > at:
        raise NotLiveYet("it starts later: subscribe, with access_start", field="started_at")
    _check_state(there, at=at)
    cycle = Cycle(_anchor(sale, there, at=at, zone=zone))
    if there.trial_ends_at is not None:
        return _in_trial(sale, there.trial_ends_at, cycle, started_at=there.started_at or at, at=at)
    now = there.paused.since if there.paused else at
    since = _known_since(sale, there, cycle, now)
    held = _agreement(sale, cycle, _period(cycle, sale.interval, now, since=since))
    first = replace(held, period=_period(cycle, sale.interval, since, since=since))
    started_at = there.started_at or since
    if there.paused is not None:
        waiting = _paused(held, there.paused)
        return Brought(waiting.agreement, (Stage(since, first), waiting), started_at)
    if there.past_due_since is not None:
        stages = _past_due(held, first, there.past_due_since, since=since)
        return Brought(moves.payment_failed(held), stages, started_at)
    return Brought(held, (Stage(since, first),), started_at)


def _check_state(there: Elsewhere, *, at: datetime) -> None:
    """:raises NotInStateYet, StateBeforeStart: as named"""
    start = there.started_at
    pause, failed_at = there.paused, there.past_due_since
    if pause is not None and pause.since > at:
        raise NotInStateYet("it is paused later: agree on that afterwards", field="paused_since")
    if failed_at is not None and failed_at > at:
        raise NotInStateYet("no payment has failed yet", field="past_due_since")
    if pause is not None and start is not None and pause.since <= start:
        raise StateBeforeStart("it was paused after it started", field="paused_since")
    if failed_at is not None and start is not None and failed_at < start:
        raise StateBeforeStart("it started before a payment failed", field="past_due_since")


def _paused(held: Agreement, pause: PausedThere) -> Stage:
    """Return the pause as it would have been begun here."""
    mode = pause.mode or held.terms.pause
    decision = {"settlement": "credit", "rule": f"pause_{mode}"}
    return Stage(pause.since, moves.paused(held, mode=mode, at=pause.since), "paused", decision)


def _past_due(
    held: Agreement, first: Agreement, failed_at: datetime, *, since: datetime
) -> tuple[Stage, ...]:
    """What was past due already when history begins is so from there."""
    if failed_at <= since:
        return (Stage(since, moves.payment_failed(first)),)
    then = replace(held, period=_period(held.cycle, held.interval, failed_at, since=since))
    return Stage(since, first), Stage(failed_at, moves.payment_failed(then), "payment_failed")


def _period(cycle: Cycle, interval: str, at: datetime, *, since: datetime) -> Period:
    """Return the period that was open at an instant, as far as it is known."""
    full = cycle.period_at(Interval.parse(interval), at)
    return Period(max(full.start, since), full.end)


def _anchor(sale: Sale, there: Elsewhere, *, at: datetime, zone: str) -> Anchor:
    start = there.started_at or there.billed_through or at
    if there.anchor is None:
        return Anchor(there.trial_ends_at or start, zone)
    return there.anchor.resolve(interval=Interval.parse(sale.interval), zone=zone, start=start)


def _in_trial(
    sale: Sale, ends_at: datetime, cycle: Cycle, *, started_at: datetime, at: datetime
) -> Brought:
    if ends_at <= at:
        raise TrialIsOver("the trial is over", field="trial_end")
    held = _agreement(sale, cycle, Period(started_at, ends_at))
    trying = replace(held, state=State.TRIALING, trial=Trial(started_at, ends_at))
    return Brought(trying, (Stage(started_at, trying),), started_at)


def _known_since(sale: Sale, there: Elsewhere, cycle: Cycle, now: datetime) -> datetime:
    """Return when history begins: with the period that is open at an instant or, if it is not
    billed until there, with the one in which billing ended. What is paid in arrears is due for all
    of that one.

    A pause that began with a period was held for the one before: what is asked once was asked then.
    """
    every = Interval.parse(sale.interval)
    full = cycle.period_at(every, now)
    through = there.billed_through
    if through is None:
        if not _is_free(sale):
            raise BilledThroughMissing("until when is it billed?", field="billed_through")
        through = full.start
    if there.started_at is not None and through < there.started_at:
        raise BilledBeforeStart("it is billed until before it started", field="billed_through")
    _check_reach(through, cycle, every, full)
    since = full.start
    if through < full.start:
        since = cycle.period_at(every, through).start
    elif there.paused is not None and full.start == now:
        since = cycle.period_at(every, now - _SECOND).start
    return max(since, there.started_at or since)


def _check_reach(through: datetime, cycle: Cycle, every: Interval, full: Period) -> None:
    reach = _MOST_PERIODS * (full.end - full.start)
    if not full.start - reach <= through <= full.end + reach:
        raise BilledFarAway(
            f"the open period is {full.start.isoformat()} to {full.end.isoformat()}",
            field="billed_through",
        )
    if through > full.end and cycle.period_at(every, through).start != through:
        raise BilledBeyondPeriod(
            f"the open period ends at {full.end.isoformat()}, and no later one ends then",
            field="billed_through",
        )


def _is_free(sale: Sale) -> bool:
    """Whether nothing is asked for holding it; a contract's price is elsewhere."""
    offers = (sale.terms, *(each.terms for each in sale.add_ons))
    return all(each.charges_nothing(sale.interval, sale.currency) for each in offers)


def _agreement(sale: Sale, cycle: Cycle, period: Period) -> Agreement:
    return Agreement(
        terms=sale.terms,
        interval=sale.interval,
        currency=sale.currency,
        quantity=sale.quantity,
        state=State.ACTIVE,
        cycle=cycle,
        period=period,
        add_ons=sale.add_ons,
    )
