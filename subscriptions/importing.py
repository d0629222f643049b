"""How a subscription that lives elsewhere goes on here. Pure.

``docs/how-to/import-subscriptions.md`` has the rules in words.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import Unprocessable
from core.money import Money
from core.periods import Anchor, Cycle, Interval, Period
from subscriptions.agreement import Agreement, Trial
from subscriptions.anchors import AnchorWish
from subscriptions.counting import open_period
from subscriptions.sales import Sale
from subscriptions.states import State

# Of the plan's interval. What is further away is a mistake, and would be a charge for each period.
_MOST_PERIODS = 366


class NotLiveYet(Unprocessable):
    """What is imported has begun: it started now or earlier."""

    code = "not_live_yet"


class TrialIsOver(Unprocessable):
    """The trial ends now or earlier: what follows it is imported, as active."""

    code = "trial_is_over"


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
class Elsewhere:
    """What another system says. ``trial_ends_at`` is there in a trial that still runs.

    ``billed_through`` is the instant until when everything is billed; in a trial, nothing is.
    """

    started_at: datetime | None = None
    anchor: AnchorWish | None = None
    trial_ends_at: datetime | None = None
    billed_through: datetime | None = None


@dataclass(frozen=True, slots=True)
class FirstCharge:
    """What will be charged first here, and when, if nothing changes until then."""

    at: datetime
    amount: Money


@dataclass(frozen=True, slots=True)
class Brought:
    """What comes of it here: the agreement now, and since when it is known. Before ``since``, it
    is over and billed: nothing here ever looks at it again."""

    agreement: Agreement
    since: datetime
    started_at: datetime

    @property
    def first(self) -> Agreement:
        """The agreement as its history begins, in the period that was open then."""
        held = self.agreement
        if self.since >= held.period.start:
            return held
        return replace(held, period=open_period(held.cycle, held.interval, self.since))


def bring(sale: Sale, there: Elsewhere, *, at: datetime, zone: str) -> Brought:
    """Return how a subscription goes on here from an instant.

    Periods are counted from the anchor that is named, else from the trial's end, from the start or,
    without a start, so that one ends where billing ended.

    :raises NotLiveYet, TrialIsOver, AnchorNotAllowed: as named
    :raises BilledThroughMissing, BilledBeforeStart: as named
    :raises BilledBeyondPeriod, BilledFarAway: as named
    """
    if there.started_at is not None and there.started_at > at:
        raise NotLiveYet("it starts later: subscribe, with access_start", field="started_at")
    cycle = Cycle(_anchor(sale, there, at=at, zone=zone))
    if there.trial_ends_at is not None:
        return _in_trial(sale, there.trial_ends_at, cycle, started_at=there.started_at or at, at=at)
    full = cycle.period_at(Interval.parse(sale.interval), at)
    since = _known_since(sale, there, cycle, full)
    period = Period(max(full.start, there.started_at or full.start), full.end)
    return Brought(_agreement(sale, cycle, period), since, there.started_at or since)


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
    trial = Trial(started_at, ends_at)
    return Brought(replace(held, state=State.TRIALING, trial=trial), started_at, started_at)


def _known_since(sale: Sale, there: Elsewhere, cycle: Cycle, full: Period) -> datetime:
    """Return when history begins: with the open period or, if it is not billed until there, with
    the one in which billing ended. What is paid in arrears is due for all of that one."""
    through = there.billed_through
    if through is None:
        if not _is_free(sale):
            raise BilledThroughMissing("until when is it billed?", field="billed_through")
        through = full.start
    if there.started_at is not None and through < there.started_at:
        raise BilledBeforeStart("it is billed until before it started", field="billed_through")
    every = Interval.parse(sale.interval)
    _check_reach(through, cycle, every, full)
    since = full.start
    if through < full.start:
        since = cycle.period_at(every, through).start
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
