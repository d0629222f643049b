"""Move what periods are counted from: to another anchor, or into another zone."""

from datetime import datetime

from core.errors import Conflict
from core.periods.zones import zone_info
from core.transactions import command
from plans.change_rules import AnchorRule, Decision, Proration, Settlement, Timing
from subscriptions import events, moves
from subscriptions.agreement import Agreement
from subscriptions.anchors import AnchorWish, next_anchor
from subscriptions.loading import Loaded
from subscriptions.models import Cause, ChangeStatus
from subscriptions.planned import Kind, Planned
from subscriptions.policy import as_data
from subscriptions.services.results import Result
from subscriptions.services.steps import Step, take
from subscriptions.services.targets import NotWhilePaused
from subscriptions.services.together import in_turn
from subscriptions.states import State


class NotStarted(Conflict):
    """The subscription has not begun yet: it has no periods that could be counted anew."""

    code = "subscription_not_started"


@command
def move_anchor(*, subscription_id: str, wish: AnchorWish) -> Result:
    """Count periods from another anchor, from its next recurrence at or after now.

    The open period is cut there and its rest credited; a full new period begins. In a trial
    nothing is cut: the periods after it are counted so.

    :raises SubscriptionNotFound, AlreadyEnded, NotStarted, NotWhilePaused: as named
    :raises AnchorNotAllowed: if the interval cannot be counted so
    """
    with in_turn(subscription_id) as (loaded, at):
        held = _counted(loaded)
        anchor = wish.resolve(interval=held.every, zone=held.cycle.zone, start=at)
        when = next_anchor(anchor, held.every, at=at)
        decision = _decision("anchor")
        if when == at or held.trial is not None:
            step = Step.on(loaded, at=at, cause=Cause.REANCHORED)
            step.drop_kind(Kind.ANCHOR, status=ChangeStatus.SUPERSEDED)
            after = moves.reanchored(held, anchor, at=at)
            if after != held:
                step.become(after, events.CHANGED)
                step.decision = decision
            return take(step)
        return _agree(loaded, Planned("", Kind.ANCHOR, when, anchor=anchor, decision=decision), at)


@command
def move_zone(*, subscription_id: str, zone: str) -> Result:
    """Count periods in another zone, from the end of the open one on.

    :raises SubscriptionNotFound, AlreadyEnded, NotStarted, NotWhilePaused: as named
    :raises UnknownZone: if there is no such zone
    """
    zone_info(zone)
    with in_turn(subscription_id) as (loaded, at):
        held = _counted(loaded)
        if held.cycle.zone == zone:
            step = Step.on(loaded, at=at, cause=Cause.REANCHORED)
            step.drop(
                [each for each in loaded.planned if each.zone is not None], ChangeStatus.CANCELED
            )
            return take(step)
        end = held.period.end
        decision = _decision("zone")
        return _agree(
            loaded,
            Planned("", Kind.ANCHOR, end, with_period=True, zone=zone, decision=decision),
            at,
        )


def _counted(loaded: Loaded) -> Agreement:
    """:raises NotStarted, NotWhilePaused: if no periods are counted now"""
    if loaded.agreement.state == State.PENDING:
        raise NotStarted("this subscription has not begun yet")
    if loaded.agreement.pause is not None:
        raise NotWhilePaused("periods are counted anew when it goes on")
    return loaded.agreement


def _agree(loaded: Loaded, planned: Planned, at: datetime) -> Result:
    present = loaded.pending(Kind.ANCHOR)
    if present is not None and _are_same(present, planned):
        return Result(loaded.row)
    step = Step.on(loaded, at=at, cause=Cause.REANCHORED)
    step.agree(planned)
    return take(step)


def _are_same(one: Planned, other: Planned) -> bool:
    return (one.at, one.anchor, one.zone) == (other.at, other.anchor, other.zone)


def _decision(rule: str) -> dict[str, str]:
    decision = Decision(
        timing=Timing.PERIOD_END,
        anchor=AnchorRule.RESTART,
        proration=Proration.SECOND,
        settlement=Settlement.CREDIT,
        rule=rule,
    )
    return dict(as_data(decision))
