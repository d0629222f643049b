"""What makes one agreement of another. Pure: values in, values out.

The choice of an anchor and all periods are ``core.periods``; which of these moves a change makes,
and when, ``subscriptions.policy`` decides. The rules in words: ``docs/explanation/periods.md`` and
``docs/explanation/lifecycle.md``.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from core.periods import Anchor, Cycle, Interval, Period
from core.periods import boundary as boundary_of
from plans.change_rules import AnchorRule
from plans.terms import PauseMode
from subscriptions.agreement import Agreement, Pause, Trial
from subscriptions.anchors import counts
from subscriptions.counting import new_cycle, open_period, recurrence
from subscriptions.sales import Sale as Sale  # importable from here too
from subscriptions.sales import kept_add_ons, sale_of
from subscriptions.states import Action, State, after


def begin(
    sale: Sale,
    *,
    at: datetime,
    zone: str,
    shared: Anchor | None,
    explicit: Anchor | None = None,
    trial_ends_at: datetime | None = None,
    billed_from: datetime | None = None,
) -> Agreement:
    """Return a new agreement that grants access from ``at``.

    ``shared`` is the customer's billing anchor, ``explicit`` one that was asked for. Nothing is
    billed before ``billed_from``, which is when counting starts if nothing else anchors it.
    """
    cycle = new_cycle(
        sale, at=billed_from or at, zone=zone, shared=shared, explicit=explicit, trial=trial_ends_at
    )
    first = Agreement(
        terms=sale.terms,
        interval=sale.interval,
        currency=sale.currency,
        quantity=sale.quantity,
        state=State.ACTIVE,
        cycle=cycle,
        period=open_period(cycle, sale.interval, at),
        add_ons=sale.add_ons,
        is_billed=billed_from is None,
        limits_of=sale.limits_of,
    )
    if trial_ends_at is None:
        return first
    trial = Trial(at, trial_ends_at)
    return replace(first, state=State.TRIALING, trial=trial, period=Period(at, trial_ends_at))


def trial_end(days: int, *, at: datetime, zone: str) -> datetime:
    """Return when a trial of so many calendar days that starts at an instant is over."""
    return boundary_of(Anchor(at, zone), Interval("day", days), 1) if days else at


def trial_begun(
    held: Agreement,
    *,
    at: datetime,
    ends_at: datetime,
    shared: Anchor | None,
    explicit: Anchor | None = None,
) -> Agreement:
    """Return an agreement that changes into a trial: its end is what periods are counted from."""
    cycle = new_cycle(
        sale_of(held),
        at=at,
        zone=held.cycle.zone,
        shared=shared,
        explicit=explicit,
        trial=ends_at,
    )
    return replace(
        held,
        state=after(held.state, Action.START_TRIAL),
        trial=Trial(at, ends_at),
        cycle=cycle,
        period=Period(at, ends_at),
    )


def begin_later(agreement: Agreement) -> Agreement:
    """Return what an agreement is until its start: it grants nothing, and owes nothing."""
    return replace(agreement, state=State.PENDING, trial=None)


def changed(
    held: Agreement,
    sale: Sale,
    *,
    base: Agreement,
    anchor: AnchorRule,
    at: datetime,
    shared: Anchor | None,
    trial_days: int | None = None,
    explicit: Anchor | None = None,
) -> Agreement:
    """Return the agreement after a change of plan, version, interval, quantity or add-ons.

    ``base`` is what held just before the instant: another change of plan at the same instant is
    made as if this one had come in its place, so that going up and back leaves no trace, the anchor
    and a trial included. The open period goes on if the anchor is kept and the interval is the
    same; else a new one begins, in a pause where that began. A trial keeps its end, or gets a
    longer one counted from its start, and ends with a plan that is free. An anchor that cannot
    count the interval is given up.
    """
    if base.state == State.TRIALING and base.period.end <= at:
        base = trial_over(base, at=at)
    same = next((each for each in (held, base) if _is_on(sale, each)), None)
    if same is not None and explicit is None:
        return _with(sale, same)
    # What a change of this very instant began is kept: the trial was spent with it.
    following = _with(sale, base if base.trial or not held.trial else held)
    if following.trial is not None and not following.is_free:
        return _in_trial(
            following, sale, trial_days, anchor=anchor, shared=shared, explicit=explicit
        )
    if base.trial is not None or following.trial is not None:
        following = replace(_with(sale, base), trial=None, state=_without_trial(base))
    begins = _begins_at(base, at)
    restarts = anchor == AnchorRule.RESTART and base.state != State.PENDING
    if explicit is not None or restarts or not counts(following.cycle.anchor, following.every):
        cycle = new_cycle(sale, at=begins, zone=base.cycle.zone, shared=shared, explicit=explicit)
        following = replace(following, cycle=cycle)
    elif sale.interval == base.interval and base.trial is None:
        return following
    return replace(following, period=open_period(following.cycle, sale.interval, begins))


def _is_on(sale: Sale, held: Agreement) -> bool:
    return (held.terms.version_id, held.interval) == (sale.terms.version_id, sale.interval)


def _with(sale: Sale, held: Agreement) -> Agreement:
    """Return the agreement with something else sold, in the same count and period."""
    return replace(
        held,
        terms=sale.terms,
        interval=sale.interval,
        quantity=sale.quantity,
        add_ons=sale.add_ons,
        state=after(held.state, Action.CHANGE),
        limits_of=sale.limits_of,
    )


def _begins_at(held: Agreement, at: datetime) -> datetime:
    """In a pause no time passes, and what has not begun begins at its own time."""
    if held.pause is not None:
        return held.pause.since
    return held.period.start if held.state == State.PENDING else at


def _without_trial(held: Agreement) -> State:
    return State.PAUSED if held.pause else State.ACTIVE


def sold(
    held: Agreement,
    sale: Sale,
    anchor: AnchorRule,
    *,
    at: datetime,
    shared: Anchor | None,
    explicit: Anchor | None = None,
) -> Agreement:
    """Return the agreement with something else sold, and the add-ons that can be had there."""
    trial = sale.terms.trial if sale.terms.version_id != held.terms.version_id else None
    return changed(
        held,
        replace(sale, add_ons=kept_add_ons(sale)),
        base=held,
        anchor=anchor,
        at=at,
        shared=shared,
        explicit=explicit,
        trial_days=trial.days if trial else None,
    )


def renewed(held: Agreement) -> Agreement:
    """Return the agreement in its next period, which begins where the last one ends."""
    start = held.period.end
    period = open_period(held.cycle, held.interval, start)
    return replace(held, state=after(held.state, Action.RENEW), period=period)


def trial_moved(held: Agreement, *, ends_at: datetime) -> Agreement:
    """Return the agreement whose trial ends at another instant after its start.

    Periods that are counted from the trial's end are counted from the new one.
    """
    if held.trial is None:
        raise ValueError("only a trial ends at another time")
    period = Period(held.trial.starts_at, ends_at)
    return replace(trial_cut(held, at=ends_at), period=period)


def trial_cut(held: Agreement, *, at: datetime) -> Agreement:
    """Return the agreement whose trial is just over at an instant, maybe the one it began at."""
    if held.trial is None:
        raise ValueError("only a trial ends at another time")
    cycle = held.cycle
    if cycle.anchor.at == cycle.served(held.trial.ends_at):
        cycle = replace(cycle, anchor=Anchor(cycle.served(at), cycle.zone))
    return replace(held, trial=Trial(held.trial.starts_at, at), cycle=cycle)


def trial_over(held: Agreement, *, at: datetime) -> Agreement:
    """Return the agreement that a trial becomes: the same, paid from the trial's end."""
    return replace(
        held,
        state=after(held.state, Action.CONVERT),
        trial=None,
        period=open_period(held.cycle, held.interval, at),
    )


def billing_begun(held: Agreement, *, at: datetime) -> Agreement:
    """Return the agreement from when it is billed, in a period that begins then.

    A trial or a pause that is longer goes on.
    """
    if held.trial is not None or held.pause is not None:
        return replace(held, is_billed=True)
    return replace(held, is_billed=True, period=open_period(held.cycle, held.interval, at))


def billed_later(
    held: Agreement,
    *,
    at: datetime,
    billed_from: datetime,
    shared: Anchor | None,
    explicit: Anchor | None = None,
) -> Agreement:
    """Return the agreement with access from now and billing, from when it is counted, later."""
    cycle = new_cycle(
        sale_of(held), at=billed_from, zone=held.cycle.zone, shared=shared, explicit=explicit
    )
    period = open_period(cycle, held.interval, at)
    return replace(held, is_billed=False, cycle=cycle, period=period)


def billing_over(held: Agreement) -> Agreement:
    """Return the agreement whose access outlives its billing."""
    return replace(held, is_billed=False)


def paused(held: Agreement, *, mode: PauseMode, at: datetime) -> Agreement:
    """Return the agreement in a pause. The count is left as it is until it is resumed.

    A trial costs nothing that could be credited: it is only ever extended.
    """
    mode = mode if held.trial is None else PauseMode.EXTEND
    pause = Pause(at, mode, is_past_due=held.state == State.PAST_DUE)
    return replace(held, state=after(held.state, Action.PAUSE), pause=pause)


def resumed(held: Agreement, *, at: datetime) -> Agreement:
    """Return the agreement after a pause.

    ``extend``: its end and all later boundaries, and a trial's end, move by the paused seconds.
    ``credit``: the new full period starts at the latest recurrence of the anchor's day, weekday or
    time of day; that is the new anchor, and the open period begins at the instant. A pause that
    took no time leaves no trace.
    """
    if held.pause is None:
        raise ValueError("only a paused agreement is resumed")
    following = replace(held, state=after(held.state, _resuming(held)), pause=None)
    waited = at - held.pause.since
    if not waited:
        return following
    if held.pause.mode == PauseMode.CREDIT:
        cycle = Cycle(recurrence(held, at))
        return replace(following, cycle=cycle, period=open_period(cycle, held.interval, at))
    cycle = held.cycle.moved_on(waited // timedelta(seconds=1))
    trial = held.trial and replace(held.trial, ends_at=held.trial.ends_at + waited)
    period = Period(held.period.start, held.period.end + waited)
    return replace(following, cycle=cycle, period=period, trial=trial)


def _resuming(held: Agreement) -> Action:
    if held.trial is not None:
        return Action.RESUME_TRIAL
    overdue = held.pause is not None and held.pause.is_past_due
    return Action.RESUME_PAST_DUE if overdue else Action.RESUME


def reanchored(held: Agreement, anchor: Anchor, *, at: datetime) -> Agreement:
    """Return the agreement counted from another anchor, in a full period that begins at ``at``.

    A trial goes on, and is followed by a piece of the period it ends in.
    """
    cycle = Cycle(anchor)
    if held.trial is not None:
        return replace(held, cycle=cycle)
    return replace(held, cycle=cycle, period=open_period(cycle, held.interval, at))


def in_zone(held: Agreement, zone: str, *, at: datetime | None = None) -> Agreement:
    """Return the agreement whose next period, which begins at ``at`` (unless told: where the open
    one ends), is counted in another zone."""
    start = at or held.period.end
    cycle = held.cycle.in_zone(zone, ended_at=start)
    return replace(held, cycle=cycle, period=open_period(cycle, held.interval, start))


def awake(held: Agreement, *, at: datetime) -> Agreement:
    """Return the agreement without a trial, a pause or anything overdue: what falls back is."""
    period = held.period
    if held.trial is not None or held.pause is not None:
        period = open_period(held.cycle, held.interval, at)
    state = after(held.state, Action.FALL_BACK)
    return replace(held, state=state, trial=None, pause=None, period=period)


def recovered(held: Agreement) -> Agreement:
    """Return the agreement after what was overdue is paid; a pause goes on."""
    pause = held.pause and replace(held.pause, is_past_due=False)
    return replace(held, state=after(held.state, Action.RECOVER), pause=pause)


def payment_failed(held: Agreement) -> Agreement:
    """Return the agreement after a payment for it failed; a pause goes on."""
    pause = held.pause and replace(held.pause, is_past_due=True)
    return replace(held, state=after(held.state, Action.FAIL_PAYMENT), pause=pause)


def ended(held: Agreement) -> Agreement:
    """Return the agreement after its end."""
    return replace(held, state=after(held.state, Action.END), trial=None, pause=None, limits_of=())


def _in_trial(
    held: Agreement,
    sale: Sale,
    trial_days: int | None,
    *,
    anchor: AnchorRule,
    shared: Anchor | None,
    explicit: Anchor | None,
) -> Agreement:
    """Return the agreement in the rest of its trial. Time that a pause added stays added."""
    if held.trial is None:
        raise ValueError("not in a trial")
    if trial_days:
        longer = trial_end(trial_days, at=held.trial.starts_at, zone=held.cycle.zone)
        ends_at = max(held.trial.ends_at, held.cycle.real(longer))
        held = trial_moved(held, ends_at=ends_at)
    if anchor == AnchorRule.KEEP and explicit is None:
        return held
    end = held.period.end
    cycle = new_cycle(
        sale, at=end, zone=held.cycle.zone, shared=shared, explicit=explicit, trial=end
    )
    return replace(held, cycle=cycle)
