"""What an instant does to a subscription: what was agreed for it, the end of a trial, and the next
period. Pure.

Order at one instant: start, ends, the trial's end, then what is planned (plan, quantity, add-ons,
anchor, pause, resume), and at last the period rolls with what results.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from core.periods import Anchor
from plans.change_rules import AnchorRule
from plans.terms import PauseMode, Terms, TrialEnd
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.anchors import counts, next_anchor
from subscriptions.planned import Kind, Planned, aligned
from subscriptions.policy import as_data, decide_fallback
from subscriptions.sales import (
    Sale,
    carried_quantity,
    kept_add_ons,
    kept_limits,
    sale_of,
    with_add_on,
    zone_of,
)
from subscriptions.states import BILLABLE, Action, State, after


@dataclass(frozen=True, slots=True)
class Given:
    """What an arrival depends on beside the subscription: the customer's shared ``billing_anchor``
    and whether it has a payment method, the fallback plan as it is sold at the instant, whether the
    trial was had before, and the customer's zone."""

    shared: Anchor | None = None
    has_payment_method: bool = False
    fallback: Terms | None = None
    is_trial_spent: bool = False
    zone: str | None = None


@dataclass(slots=True)
class Arrival:
    """What an instant did. ``happened`` are names of events, ``applied`` and ``superseded`` what
    became of what was planned."""

    agreement: Agreement
    planned: list[Planned]
    at: datetime
    given: Given
    happened: list[str] = field(default_factory=list)
    applied: list[Planned] = field(default_factory=list)
    superseded: list[Planned] = field(default_factory=list)
    cause: str = "renewed"
    decision: Mapping[str, Any] = field(default_factory=dict)

    def take(self, kind: Kind) -> list[Planned]:
        """Take from what is planned what is of a kind and due now."""
        due = [
            each
            for each in self.planned
            if each.kind == kind and each.at <= self.at and not waits(each, self.agreement)
        ]
        for each in due:
            self.planned.remove(each)
        self.applied += due
        return due

    def become(self, agreement: Agreement, happened: str, *, cause: str) -> None:
        self.agreement = agreement
        self.cause = cause
        if happened not in self.happened:
            self.happened.append(happened)

    def give_up(self, planned: Planned) -> None:
        """What was taken cannot be done any more."""
        self.applied.remove(planned)
        self.superseded.append(planned)

    def drop_planned(self) -> None:
        self.superseded += self.planned
        self.planned.clear()

    @property
    def makes_an_entry(self) -> bool:
        """Whether it does more to the agreement than to renew it."""
        return self.happened not in ([], ["renewed"])

    @property
    def billing_start(self) -> datetime | None:
        """When billing begins, if that is after the instant."""
        starts = [each.at for each in self.planned if each.kind == Kind.BILLING_START]
        return next((at for at in starts if at > self.at), None)


def arrive(
    held: Agreement, planned: Sequence[Planned], *, at: datetime, given: Given
) -> Arrival | None:
    """Return what an instant does to a subscription, or None if it does nothing."""
    arrival = Arrival(held, list(planned), at, given)
    for step in _STEPS:
        step(arrival)
        if arrival.agreement.state == State.CANCELED:
            break
    return arrival if arrival.happened or arrival.applied or arrival.superseded else None


def resume(held: Agreement, planned: Sequence[Planned], *, at: datetime, given: Given) -> Arrival:
    """Return what resuming a paused subscription at an instant does."""
    arrival = Arrival(held, list(planned), at, given)
    _wake(arrival)
    _roll(arrival)
    return arrival


def waits(planned: Planned, held: Agreement) -> bool:
    """Tell whether something waits for the end of a pause: the period's end, and a new anchor."""
    moves_on = planned.with_period or planned.kind == Kind.ANCHOR
    return moves_on and held.state == State.PAUSED


def next_due(held: Agreement, planned: Sequence[Planned]) -> datetime | None:
    """Return when time changes a subscription next; an ended one never, a paused one maybe not."""
    if held.state == State.CANCELED:
        return None
    instants = [each.at for each in planned if not waits(each, held)]
    if held.state in BILLABLE:
        instants.append(held.period.end)
    if held.trial is not None and held.pause is None:
        instants.append(held.trial.ends_at)
    return min(instants, default=None)


def fall_back(
    held: Agreement, fallback: Terms | None, *, at: datetime, shared: Anchor | None
) -> tuple[Agreement, Mapping[str, Any]]:
    """Return what a subscription falls back to, and how that was decided; or its end for good.

    What has not begun yet has nothing to fall back from.
    """
    if fallback is None or held.state == State.PENDING:
        return moves.ended(held), {}
    interval, decision = decide_fallback(held, fallback)
    following = fallen(held, fallback, interval, decision.anchor, at=at, shared=shared)
    return following, as_data(decision)


def fallen(
    held: Agreement,
    fallback: Terms,
    interval: str,
    anchor: AnchorRule,
    *,
    at: datetime,
    shared: Anchor | None,
) -> Agreement:
    """Return the agreement on its fallback plan: as many as that gives without a word, without a
    trial or a pause, and billed like any plan, also if billing had ended before access did."""
    awake = replace(moves.awake(held, at=at), is_billed=True)
    sale = Sale(
        fallback,
        interval,
        held.currency,
        fallback.quantity.default,
        held.add_ons,
        limits_of=kept_limits(held, fallback),
    )
    return moves.sold(awake, sale, anchor, at=at, shared=shared)


def trial_outcome(held: Agreement, *, has_payment_method: bool) -> TrialEnd:
    """Return what follows a trial: paid, paused, or (free, canceled) the fallback or the end."""
    ends = held.terms.trial.ends if held.terms.trial else TrialEnd.PAID_IF_METHOD
    if ends == TrialEnd.PAID_IF_METHOD:
        return TrialEnd.PAID if has_payment_method or held.is_free else TrialEnd.FREE
    return ends


def _start(arrival: Arrival) -> None:
    for planned in arrival.take(Kind.START):
        held = arrival.agreement
        anchor = planned.anchor
        begun = moves.begin(
            sale_of(held),
            at=arrival.at,
            zone=held.cycle.zone,
            shared=arrival.given.shared,
            explicit=anchor if anchor and counts(anchor, held.every) else None,
            trial_ends_at=_new_trial_end(arrival, planned, held.terms),
            billed_from=arrival.billing_start,
        )
        action = Action.START if begun.trial is None else Action.START_TRIAL
        begun = replace(begun, state=after(held.state, action))
        arrival.become(begun, "started", cause="subscribed")


def _new_trial_end(arrival: Arrival, planned: Planned, terms: Terms) -> datetime | None:
    """Return when the trial ends that begins now; None: there is none, or it was had."""
    days = planned.trial_days
    if days is None:
        days = terms.trial.days if terms.trial else 0
    if not days or arrival.given.is_trial_spent:
        return None
    return moves.trial_end(days, at=arrival.at, zone=arrival.agreement.cycle.zone)


def _end(arrival: Arrival) -> None:
    for planned in arrival.take(Kind.END):
        held = arrival.agreement
        arrival.drop_planned()
        arrival.decision = planned.decision
        if planned.terms is None or held.state == State.PENDING:
            arrival.become(moves.ended(held), "ended", cause="canceled")
            return
        following = fallen(
            held,
            planned.terms,
            planned.interval,
            AnchorRule(planned.decision["anchor"]),
            at=arrival.at,
            shared=arrival.given.shared,
        )
        arrival.become(following, "changed", cause="fallback")


def _trial_end(arrival: Arrival) -> None:
    held = arrival.agreement
    if held.state != State.TRIALING or held.trial is None or held.trial.ends_at > arrival.at:
        return
    over = moves.trial_over(held, at=arrival.at)
    outcome = trial_outcome(held, has_payment_method=arrival.given.has_payment_method)
    if outcome == TrialEnd.PAID:
        arrival.become(over, "trial_ended", cause="trial_end")
        return
    arrival.happened.append("trial_ended")
    if outcome == TrialEnd.PAUSED:
        waiting = moves.paused(over, mode=PauseMode.CREDIT, at=arrival.at)
        arrival.become(waiting, "paused", cause="trial_end")
        return
    arrival.drop_planned()
    following, arrival.decision = fall_back(
        over, arrival.given.fallback, at=arrival.at, shared=arrival.given.shared
    )
    gone = following.state == State.CANCELED
    arrival.become(following, "ended" if gone else "changed", cause="trial_end")


def _billing(arrival: Arrival) -> None:
    for planned in arrival.take(Kind.BILLING_END):
        arrival.decision = planned.decision
        arrival.become(moves.billing_over(arrival.agreement), "changed", cause="billing_end")
    if arrival.take(Kind.BILLING_START):
        begun = moves.billing_begun(arrival.agreement, at=arrival.at)
        arrival.become(begun, "changed", cause="billing_start")


def _plan(arrival: Arrival) -> None:
    for planned in arrival.take(Kind.PLAN):
        held = arrival.agreement
        if planned.terms is None:
            raise ValueError("a planned change of plan says where it leads")
        quantity = carried_quantity(held, planned.terms)
        following = moves.sold(
            held,
            Sale(
                planned.terms,
                planned.interval,
                held.currency,
                quantity,
                held.add_ons,
                _zone(arrival, planned.terms),
                kept_limits(held, planned.terms, keeps=planned.keeps_limits),
            ),
            AnchorRule(planned.decision["anchor"]),
            at=arrival.billing_start or arrival.at,
            shared=arrival.given.shared,
            explicit=planned.anchor,
        )
        following = _billed_or_tried(arrival, planned, held, following)
        arrival.decision = planned.decision
        arrival.become(following, "changed", cause="scheduled")


def _zone(arrival: Arrival, terms: Terms) -> str | None:
    given = arrival.given.zone
    return given and zone_of(arrival.agreement, terms, given)


def _billed_or_tried(
    arrival: Arrival, planned: Planned, held: Agreement, following: Agreement
) -> Agreement:
    """What becomes paid gets the trial it still has, and is billed when that was agreed."""
    if not held.is_free or following.is_free or following.state != State.ACTIVE:
        return following
    if arrival.billing_start is not None:
        following = replace(following, is_billed=False)
    ends_at = _new_trial_end(arrival, planned, following.terms)
    if ends_at is None:
        return following
    return moves.trial_begun(
        following,
        at=arrival.at,
        ends_at=ends_at,
        shared=arrival.given.shared,
        explicit=planned.anchor,
    )


def _parts(arrival: Arrival) -> None:
    for planned in (*arrival.take(Kind.QUANTITY), *arrival.take(Kind.ADD_ON)):
        held = arrival.agreement
        sale = sale_of(held)
        if planned.add_on is not None:
            sale = replace(sale, add_ons=with_add_on(held.add_ons, planned.add_on))
        if planned.quantity is not None and held.terms.quantity.allows(planned.quantity):
            sale = replace(sale, quantity=planned.quantity)
        sale = replace(sale, add_ons=kept_add_ons(sale))
        if sale == sale_of(held):
            arrival.give_up(planned)
            continue
        following = moves.sold(
            held, sale, AnchorRule.KEEP, at=arrival.at, shared=arrival.given.shared
        )
        arrival.decision = arrival.decision or planned.decision
        arrival.become(following, "changed", cause="scheduled")


def _anchor(arrival: Arrival) -> None:
    for planned in arrival.take(Kind.ANCHOR):
        held = arrival.agreement
        if planned.zone is not None:
            following = moves.in_zone(held, planned.zone, at=arrival.at)
        elif planned.anchor is not None and counts(planned.anchor, held.every):
            following = moves.reanchored(held, planned.anchor, at=arrival.at)
        else:
            arrival.give_up(planned)
            continue
        arrival.decision = arrival.decision or planned.decision
        arrival.become(following, "changed", cause="scheduled")


def _pause(arrival: Arrival) -> None:
    for planned in arrival.take(Kind.PAUSE):
        if arrival.agreement.pause is None and planned.pause_mode is not None:
            waiting = moves.paused(arrival.agreement, mode=planned.pause_mode, at=arrival.at)
            arrival.decision = planned.decision
            arrival.become(waiting, "paused", cause="scheduled")
    if arrival.take(Kind.RESUME) and arrival.agreement.pause is not None:
        _wake(arrival)


def _wake(arrival: Arrival) -> None:
    """End a pause. A new anchor that came meanwhile applies from its next recurrence on."""
    arrival.become(moves.resumed(arrival.agreement, at=arrival.at), "resumed", cause="resumed")
    every = arrival.agreement.every
    arrival.planned = [
        replace(each, at=next_anchor(each.anchor, every, at=arrival.at))
        if each.anchor and each.kind == Kind.ANCHOR and counts(each.anchor, every)
        else each
        for each in arrival.planned
    ]


def _along(arrival: Arrival) -> None:
    """The open period may end at another instant now: what goes with its end moves with it."""
    arrival.planned = aligned(arrival.planned, arrival.agreement)


def _roll(arrival: Arrival) -> None:
    """What waited for the end of a period that a pause has outlasted comes first, by itself."""
    _along(arrival)
    held = arrival.agreement
    waited = any(each.with_period and each.at <= arrival.at for each in arrival.planned)
    if held.state in BILLABLE and held.period.end <= arrival.at and not waited:
        arrival.agreement = moves.renewed(held)
        if not arrival.happened:
            arrival.happened.append("renewed")
    _along(arrival)


_STEPS: Sequence[Callable[[Arrival], None]] = (
    _start,
    _end,
    _trial_end,
    _billing,
    _plan,
    _parts,
    _anchor,
    _pause,
    _roll,
)
