"""What is agreed for later, as it will happen. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.periods import Period
from subscriptions.agreement import Agreement
from subscriptions.arrival import Arrival, Given, arrive, waits
from subscriptions.planned import Planned
from subscriptions.states import State

_SECOND = timedelta(seconds=1)


def foresee(held: Agreement, planned: Sequence[Planned], given: Given) -> list[Arrival]:
    """Return what is agreed for later as it will happen, if nothing else does, renewals left out.

    A trial's end is one of them, whatever follows it; so is what will do nothing any more when its
    instant comes.
    """
    foreseen: list[Arrival] = []
    rest = list(planned)
    while (at := _next_definite(held, rest)) is not None:
        current = replace(held, period=_period_before(held, at))
        arrival = arrive(current, rest, at=at, given=given)
        if arrival is None:
            raise ValueError("what is due does something")
        if arrival.makes_an_entry or arrival.applied or arrival.superseded:
            foreseen.append(arrival)
        held, rest = arrival.agreement, arrival.planned
        if held.state == State.CANCELED:
            break
    return foreseen


def _next_definite(held: Agreement, planned: Sequence[Planned]) -> datetime | None:
    instants = [each.at for each in planned if not waits(each, held)]
    if held.state == State.TRIALING and held.trial is not None:
        instants.append(held.trial.ends_at)
    return min(instants, default=None)


def _period_before(held: Agreement, at: datetime) -> Period:
    """Return the period that is open just before an instant, if it renews until then."""
    return held.period if at <= held.period.end else held.period_at(at - _SECOND)
