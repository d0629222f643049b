"""A change of the past, carried through what came after it. Pure.

Each later entry is merged with the correction as if it had been made on top of it: what an entry
changed stays as it is, what it only took over from the one before takes the corrected value. So the
order in which corrections are made does not matter.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from core.periods import Cycle, Period
from plans.terms import Terms
from subscriptions.agreement import AddOnHeld, Agreement
from subscriptions.sales import kept_add_ons, kept_limits, sale_of
from subscriptions.states import State


def carried(old: Agreement, later: Agreement, new: Agreement, *, starts_at: datetime) -> Agreement:
    """Return what an entry that starts at an instant becomes, when ``new`` comes in the place of
    ``old``, the one before it."""
    terms = _pick(old.terms, later.terms, new.terms)
    merged = replace(
        later,
        terms=terms,
        limits_of=_limits(old, later, new, terms),
        interval=_pick(old.interval, later.interval, new.interval),
        quantity=_pick(old.quantity, later.quantity, new.quantity),
        state=_pick(old.state, later.state, new.state),
        cycle=_cycle(old.cycle, later.cycle, new.cycle),
        add_ons=_add_ons(old, later, new),
        trial=_pick(old.trial, later.trial, new.trial),
        pause=_pick(old.pause, later.pause, new.pause),
        is_billed=_pick(old.is_billed, later.is_billed, new.is_billed),
    )
    possible = _possible(merged, later)
    return replace(possible, period=_period(old, later, new, possible, starts_at))


def _pick(old: Any, later: Any, new: Any) -> Any:
    return new if later == old else later


def _cycle(old: Cycle, later: Cycle, new: Cycle) -> Cycle:
    """The anchor is one thing; by how much pauses have moved it adds up."""
    if replace(later, shift_seconds=0) != replace(old, shift_seconds=0):
        return later
    return new.moved_on(later.shift_seconds - old.shift_seconds)


def _add_ons(old: Agreement, later: Agreement, new: Agreement) -> tuple[AddOnHeld, ...]:
    keys = sorted({held.key for each in (old, later, new) for held in each.add_ons})
    picked = (_pick(old.add_on(key), later.add_on(key), new.add_on(key)) for key in keys)
    return tuple(each for each in picked if each is not None)


def _limits(old: Agreement, later: Agreement, new: Agreement, terms: Terms) -> tuple[str, ...]:
    """An entry that kept the limits of the version before it keeps those of the corrected one."""
    if later.terms == old.terms:
        return tuple(_pick(old.limits_of, later.limits_of, new.limits_of))
    if old.terms.version_id in later.limits_of:
        return kept_limits(new, terms, keeps=True)
    return later.limits_of


def _possible(merged: Agreement, later: Agreement) -> Agreement:
    """Return the agreement with what its plan is sold with: parts of two may not fit."""
    if not merged.terms.sells(merged.interval, merged.currency):
        merged = replace(merged, interval=later.interval)
    merged = replace(merged, quantity=merged.terms.quantity.nearest(merged.quantity))
    if merged.trial is None and merged.state == State.TRIALING:
        merged = replace(merged, state=State.ACTIVE)
    return replace(merged, add_ons=kept_add_ons(sale_of(merged)))


def _period(
    old: Agreement, later: Agreement, new: Agreement, merged: Agreement, starts_at: datetime
) -> Period:
    if merged.trial is not None:
        return Period(merged.trial.starts_at, merged.trial.ends_at)
    if later.period.start != old.period.start:
        start = later.period.start
        return Period(start, merged.cycle.next_boundary(merged.every, start))
    moment = merged.pause.since if merged.pause else starts_at
    return Period(new.period.start, merged.cycle.next_boundary(merged.every, moment))
