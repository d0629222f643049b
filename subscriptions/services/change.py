"""Change a subscription's plan, version, interval, quantity or add-ons, as the policy says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.errors import Conflict, Unprocessable
from core.periods import Anchor, Interval
from core.transactions import command
from plans.change_rules import AnchorRule, Decision, Timing
from subscriptions import events
from subscriptions.agreement import Agreement
from subscriptions.loading import Loaded
from subscriptions.models import Cause, ChangeStatus
from subscriptions.parts import Part, Target, changed_now, is_same, parts_of, plan_differs
from subscriptions.planned import Kind, Planned
from subscriptions.policy import as_data, decide_change
from subscriptions.sales import zone_of
from subscriptions.services import beginnings, past
from subscriptions.services.blocks import refuse_more_if_blocked
from subscriptions.services.ends import drop_end
from subscriptions.services.results import Result
from subscriptions.services.steps import Step, answered, take
from subscriptions.services.targets import DifferentProduct as DifferentProduct
from subscriptions.services.targets import NotWhilePaused as NotWhilePaused
from subscriptions.services.targets import check_limits, find_target
from subscriptions.services.together import in_turn
from subscriptions.services.wanted import Beginning, Override, Wanted
from subscriptions.states import State


class NothingToChange(Conflict):
    """The subscription is what is asked for already."""

    code = "nothing_to_change"


class DateRequired(Unprocessable):
    """The change policy leaves the date to the caller: name one in ``effective_at``."""

    code = "effective_at_required"


@command
def change(*, subscription_id: str, wanted: Wanted, override: Override | None = None) -> Result:
    """Change a subscription, each part now or later as the product's policy says.

    Plan and interval follow the policy. Of quantity and add-ons, more acts now and less when the
    subscription renews. The version stays unless the plan changes. A date in the open period
    corrects the past.

    :raises SubscriptionNotFound, AlreadyEnded, NothingToChange, PeriodClosed: as named
    :raises DifferentProduct and other refusals of ``targets.find_target``: as named
    :raises NoLimitsToKeep: if limits are to be kept without another version of the same plan
    """
    with in_turn(subscription_id) as (loaded, at):
        effective_at = override.effective_at if override else None
        if override is not None and effective_at is not None and effective_at < at:
            return _correct(loaded, wanted, override, since=effective_at, at=at)
        target = _target(loaded, wanted, override, at=at)
        return change_loaded(loaded, target, at=at, override=override)


def _target(loaded: Loaded, wanted: Wanted, override: Override | None, *, at: datetime) -> Target:
    customer_id = loaded.row.customer_id
    target = find_target(loaded.agreement, wanted, override, at=at, customer_id=customer_id)
    if is_same(loaded.agreement, target):
        raise NothingToChange("the subscription is what was asked for already")
    check_limits(loaded.agreement, target)
    return target


def change_loaded(
    loaded: Loaded,
    target: Target,
    *,
    at: datetime,
    override: Override | None = None,
    contrary: Sequence[Planned] = (),
) -> Result:
    """Change a subscription that was read under its customer's turn.

    ``contrary`` is what is planned against it, and goes.

    :raises DateRequired: if the policy asks for a date that nobody gave
    :raises Blocked: if it is more, and a block keeps the customer from that
    """
    if override is None:
        refuse_more_if_blocked(loaded, target, at=at)
    held, override = loaded.agreement, override or Override()
    plan = _decide(loaded, target, override, at=at) if plan_differs(held, target) else None
    parts = parts_of(held, target, plan, decided=lambda rule: override.on(rule, at=at))
    step = Step.on(loaded, at=at, cause=Cause.CHANGED)
    if any(each.kind == Kind.END for each in contrary):
        drop_end(step, ChangeStatus.CANCELED)
    step.drop(contrary, ChangeStatus.CANCELED)
    now = [part for part in parts if part.is_now]
    if now:
        _change_now(step, target, now, override)
    for part in parts:
        if not part.is_now:
            _agree(step, target, part, override)
    _begin_with(step, override.beginning)
    decision = as_data(parts[0].decision) if parts else None
    return take(step, decision=decision, parts=_shown(parts, step, at=at))


def _begin_with(step: Step, how: Beginning) -> None:
    """Agree at once to what a subscription begins with that is changed in place."""
    held = step.after
    for each in step.agreed:
        if each.terms is not None:
            held = replace(held, terms=each.terms, interval=each.interval)
    customer_id = step.loaded.row.customer_id
    for planned in beginnings.later(held, how, customer_id=customer_id, start=step.at):
        step.agree(planned)


def _decide(loaded: Loaded, target: Target, override: Override, *, at: datetime) -> Decision:
    """Ask the policy. What has not begun yet changes at once. A change at the instant of another
    moves the anchor as one change of both would.

    :raises AnchorNotAllowed: if an anchor is to be kept that cannot count the interval
    """
    held = loaded.agreement
    decision = decide_change(held, target.terms, target.interval)
    if held.state == State.PENDING:
        decision = replace(decision, timing=Timing.NOW)
    decision = override.on(decision, at=at)
    if override.anchor == AnchorRule.KEEP:
        held.cycle.anchor.require_counts(Interval.parse(target.interval))
    if decision.timing != Timing.NOW or override.anchor is not None:
        return decision
    as_one = decide_change(loaded.base, target.terms, target.interval)
    return replace(decision, anchor=as_one.anchor)


def _change_now(step: Step, target: Target, parts: Sequence[Part], override: Override) -> None:
    """An immediate change of plan takes away the planned plan and end; other plans stay."""
    loaded = step.loaded
    explicit = _explicit(step, target, override, start=step.at)
    after = changed_now(
        loaded.agreement,
        target,
        parts,
        base=loaded.base,
        at=step.at,
        shared=loaded.row.customer.shared_anchor,
        customer_zone=loaded.row.customer.zone,
        explicit=explicit,
    )
    if _has_plan(parts):
        after = beginnings.in_place(after, step, override.beginning, explicit=explicit)
    step.become(after, events.CHANGED)
    step.decision = as_data(parts[0].decision)
    _clear(step, parts, override)


def _clear(step: Step, parts: Sequence[Part], override: Override) -> None:
    """Take off the schedule what the parts of a change come in the place of."""
    for part in parts:
        key = part.add_on.key if part.add_on else ""
        if part.kind != Kind.PLAN:
            step.drop_kind(part.kind, key, status=ChangeStatus.SUPERSEDED)
    if _has_plan(parts) and not override.keep_pending:
        step.drop_kind(Kind.PLAN, status=ChangeStatus.SUPERSEDED)
        drop_end(step, ChangeStatus.SUPERSEDED)


def _agree(step: Step, target: Target, part: Part, override: Override) -> None:
    """What follows the period is one thing: a planned plan replaces a planned end.

    :raises DateRequired: if the policy asks for a date that nobody gave
    """
    decision = as_data(part.decision)
    at, dated = _when(step.loaded.agreement, part, override)
    if part.kind != Kind.PLAN:
        step.agree(
            Planned(
                id="",
                kind=part.kind,
                at=at,
                with_period=not dated,
                quantity=part.quantity,
                add_on=part.add_on,
                decision=decision,
            )
        )
        return
    if not override.keep_pending:
        drop_end(step, ChangeStatus.REPLACED)
    step.agree(
        Planned(
            id="",
            kind=Kind.PLAN,
            at=at,
            with_period=not dated,
            terms=target.terms,
            interval=target.interval,
            anchor=_explicit(step, target, override, start=at),
            trial_days=override.beginning.trial_days,
            keeps_limits=target.keeps_limits,
            decision=decision,
        )
    )


def _explicit(step: Step, target: Target, override: Override, *, start: datetime) -> Anchor | None:
    held, customer = step.loaded.agreement, step.loaded.row.customer
    zone = zone_of(held, target.terms, customer.zone) or held.cycle.zone
    return beginnings.anchor(override.beginning, interval=target.interval, zone=zone, start=start)


def _when(held: Agreement, part: Part, override: Override) -> tuple[datetime, bool]:
    """Return when a part happens that does not happen now, and whether that is a date."""
    if part.decision.timing != Timing.DATE:
        return held.period.end, False
    if override.effective_at is None:
        raise DateRequired(f"the rule {part.decision.rule} asks for a date")
    return override.effective_at, True


def _shown(parts: Sequence[Part], step: Step, *, at: datetime) -> list[Mapping[str, Any]]:
    """Say of each part when it happens, and which rule decided that."""
    agreed = {(each.kind, each.key): each.at for each in step.agreed}
    return [
        {
            "kind": str(part.kind),
            "add_on": (key := part.add_on.key if part.add_on else ""),
            "effective_at": agreed.get((part.kind, key), at),
            **as_data(part.decision),
        }
        for part in parts
    ]


def _has_plan(parts: Sequence[Part]) -> bool:
    return any(part.kind == Kind.PLAN for part in parts)


def _correct(
    loaded: Loaded, wanted: Wanted, override: Override, *, since: datetime, at: datetime
) -> Result:
    """Change the past of the open period, and carry that through what came later. What is agreed
    for later stays: it was decided after that date.

    :raises PeriodClosed: before the start of the open period
    :raises NothingToChange: if it was so then
    """
    before = past.past_of(loaded, since)
    held = before.held
    target = find_target(held, wanted, override, at=since, customer_id=loaded.row.customer_id)
    if is_same(held, target):
        raise NothingToChange("the subscription was what is asked for then")
    check_limits(held, target)
    plan = None
    if plan_differs(held, target):
        plan = override.on(decide_change(held, target.terms, target.interval), at=at)
    parts = parts_of(held, target, plan, decided=lambda rule: override.on(rule, at=at))
    customer = loaded.row.customer
    after = changed_now(
        held,
        target,
        parts,
        base=before.base,
        at=since,
        shared=customer.shared_anchor,
        customer_zone=customer.zone,
    )
    step = Step.on(loaded, at=at, cause=Cause.CHANGED)
    step.decision = as_data(parts[0].decision)
    move = past.correct(step, before, after, event=events.CHANGED)
    shown = _shown(parts, step, at=since)
    return answered(move, decision=as_data(parts[0].decision), parts=shown)
