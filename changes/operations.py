"""What a change set can do: one entry per operation, its input and the command that it runs.

An operation is kept as it came in, as JSON; running it reads it again in the same way.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

from rest_framework import serializers

from changes.inputs import (
    AddOnOperationIn,
    BlockOperationIn,
    ChangeBackIn,
    ChangeOperationIn,
    LiftIn,
    OverrideOperationIn,
    QuantityIn,
    SubscribeOperationIn,
    UncancelIn,
    UnscheduleIn,
    WithdrawIn,
)
from core import acting
from core.api.serializers import Input, validated
from core.principals import Scope
from entitlements import override_services as overrides
from entitlements.api.overrides import new_override
from entitlements.models import Override as Given
from entitlements.override_services import OverrideDatesNotAllowed, OverrideNotFound
from plans import queries as catalog
from plans.change_rules import AnchorRule, Proration, Settlement, Timing
from plans.terms import PauseMode
from subscriptions import services
from subscriptions.api.serializers import CancelIn, MoveAnchorIn, PauseIn, ResumeIn
from subscriptions.blocks import Effect
from subscriptions.models import Block, PendingChange
from subscriptions.services import Beginning, Order, Override, Wanted
from subscriptions.services.blocks import BlockNotFound, NewBlock
from subscriptions.services.cancel import ChangeNotFound, When


@dataclass(frozen=True, slots=True)
class Target:
    """Whom an operation is for. ``subscription_id`` is None before there is one. ``may_override``:
    who asked may decide instead of the policy; ``source`` is who that was."""

    customer_id: str
    subject_id: str | None
    subscription_id: str | None
    may_override: bool
    source: str

    @property
    def subscription(self) -> str:
        if self.subscription_id is None:
            raise ValueError("there is no subscription yet")
        return self.subscription_id


Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """``run`` runs the real command in the caller's turn and returns its subscription; verbs that
    are run ``together`` do so for many subscriptions in few statements. ``scope`` is what it needs
    beyond that of change sets. What is not ``offered`` is only part of an undo."""

    input: type[Input]
    run: Callable[[Target, Data], str]
    together: bool = True
    scope: Scope | None = None
    offered: bool = True


def _subscribe(target: Target, data: Data) -> str:
    beginning = None
    if target.may_override:
        beginning = Beginning(
            version_id=data.get("plan_version"),
            anchor=data.get("anchor"),
            trial_days=data.get("trial_days"),
            access_start=data.get("access_start"),
            billing_start=data.get("billing_start"),
            ends_at=data.get("ends_at"),
        )
    result = services.subscribe(
        customer_id=target.customer_id,
        subject_id=target.subject_id,
        order=Order(
            catalog.find_plan(data["plan"]).id,
            data.get("interval"),
            data.get("quantity"),
            data.get("add_ons", {}),
        ),
        beginning=beginning,
    )
    return str(result.subscription.id)


def _change(target: Target, data: Data) -> str:
    result = services.change(
        subscription_id=target.subscription, wanted=_wanted(data), override=_override(target, data)
    )
    return str(result.subscription.id)


def _wanted(data: Data) -> Wanted:
    return Wanted(
        plan_id=catalog.find_plan(data["plan"]).id if "plan" in data else None,
        interval=data.get("interval"),
        quantity=data.get("quantity"),
        add_ons=data.get("add_ons", {}),
    )


def _override(target: Target, data: Data) -> Override | None:
    if not target.may_override:
        return None
    return Override(
        timing=Timing(data["timing"]) if "timing" in data else None,
        anchor=AnchorRule(data["anchor"]) if "anchor" in data else None,
        proration=Proration(data["proration"]) if "proration" in data else None,
        settlement=Settlement(data["settlement"]) if "settlement" in data else None,
        version_id=data.get("plan_version"),
        effective_at=data.get("effective_at"),
        keep_pending=data.get("keep_pending", False),
        keep_higher_limits=data.get("keep_higher_limits", False),
        limits_of=tuple(data["limits_of"]) if "limits_of" in data else None,
    )


def _add_on(target: Target, data: Data) -> str:
    return _change(target, {"add_ons": {data["add_on"]: data["quantity"]}})


def _cancel(target: Target, data: Data) -> str:
    result = services.cancel(
        subscription_id=target.subscription,
        when=When(data["when"]) if "when" in data else data.get("access_end"),
        billing_end=data.get("billing_end"),
        settlement=Settlement(data["settlement"]) if "settlement" in data else None,
    )
    return str(result.subscription.id)


def _uncancel(target: Target, data: Data) -> str:
    return str(services.uncancel(subscription_id=target.subscription).subscription.id)


def _pause(target: Target, data: Data) -> str:
    result = services.pause(
        subscription_id=target.subscription,
        mode=PauseMode(data["mode"]) if "mode" in data else None,
        at=data.get("at"),
        resumes_at=data.get("resumes_at"),
    )
    return str(result.subscription.id)


def _resume(target: Target, data: Data) -> str:
    result = services.resume(subscription_id=target.subscription, at=data.get("at"))
    return str(result.subscription.id)


def _anchor(target: Target, data: Data) -> str:
    if "zone" in data:
        result = services.move_zone(subscription_id=target.subscription, zone=data["zone"])
    else:
        result = services.move_anchor(subscription_id=target.subscription, wish=data["anchor"])
    return str(result.subscription.id)


def _block(target: Target, data: Data) -> str:
    new = NewBlock(
        name=data["name"],
        effects=[Effect(each) for each in data["effects"]],
        subscription_id=target.subscription,
        ends_at=data.get("until"),
        public_reason=data.get("public_reason", ""),
        internal_reason=data.get("internal_reason", ""),
    )
    services.place_block(customer_id=target.customer_id, new=new, source=target.source)
    return target.subscription


def _lift(target: Target, data: Data) -> str:
    found = Block.objects.filter(
        subscription_id=target.subscription,
        lifted_at=None,
        name=data["name"],
        starts_at=data["since"],
    )
    block = found.first()
    if block is None:
        raise BlockNotFound("there is no such block")
    services.lift_block(block_id=block.id, source=target.source, of_others=True)
    return target.subscription


def _give(target: Target, data: Data) -> str:
    feature = catalog.find_feature(data["feature"])
    new = new_override(data, feature, subject_id=target.subject_id)
    overrides.grant(customer_id=target.customer_id, new=new)
    return target.subscription


def _give_back(target: Target, data: Data) -> str:
    """What has expired in the meantime is not given again."""
    with acting.because(acting.current().reason or "taken back"), suppress(OverrideDatesNotAllowed):
        _give(target, {**data, "supersede": True})
    return target.subscription


def _withdraw(target: Target, data: Data) -> str:
    found = Given.objects.not_over().filter(
        customer_id=target.customer_id,
        subject_id=target.subject_id,
        feature__key=data["feature"],
        starts_at=data["since"],
    )
    given = found.first()
    if given is None:
        raise OverrideNotFound("there is no such override")
    overrides.revoke(override_id=given.id)
    return target.subscription


def _unschedule(target: Target, data: Data) -> str:
    found = PendingChange.objects.pending().filter(
        subscription_id=target.subscription, kind=data["kind"], key=data.get("add_on", "")
    )
    change = found.first()
    if change is None:
        raise ChangeNotFound("no such change is planned")
    services.unschedule(subscription_id=target.subscription, change_id=change.id)
    return target.subscription


OPERATIONS: Mapping[str, Operation] = {
    "subscribe": Operation(SubscribeOperationIn, _subscribe, together=False),
    "change": Operation(ChangeOperationIn, _change),
    "quantity": Operation(QuantityIn, _change),
    "add_on": Operation(AddOnOperationIn, _add_on),
    "cancel": Operation(CancelIn, _cancel),
    "uncancel": Operation(UncancelIn, _uncancel),
    "pause": Operation(PauseIn, _pause, scope=Scope.SUBSCRIPTIONS_OVERRIDE),
    "resume": Operation(ResumeIn, _resume, scope=Scope.SUBSCRIPTIONS_OVERRIDE),
    "anchor": Operation(MoveAnchorIn, _anchor, scope=Scope.SUBSCRIPTIONS_OVERRIDE),
    "block": Operation(BlockOperationIn, _block, together=False, scope=Scope.BLOCKS_WRITE),
    "override": Operation(OverrideOperationIn, _give, together=False, scope=Scope.OVERRIDES_WRITE),
    "override_back": Operation(OverrideOperationIn, _give_back, together=False, offered=False),
    "withdraw": Operation(WithdrawIn, _withdraw, together=False, offered=False),
    "lift": Operation(LiftIn, _lift, together=False, offered=False),
    "change_back": Operation(ChangeBackIn, _change, offered=False),
    "unschedule": Operation(UnscheduleIn, _unschedule, offered=False),
}


class OperationIn(Input):
    """One operation: an object with one member, which names it and holds its input."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Name exactly one operation.", code="one_of")
        return attrs


def operation_input() -> type[OperationIn]:
    """Return the shape of an operation, with a member for each that is offered."""
    members: dict[str, Any] = {
        name: each.input(required=False) for name, each in OPERATIONS.items() if each.offered
    }
    return type(
        "OperationIn",
        (OperationIn,),
        {**members, "__doc__": OperationIn.__doc__, "__module__": __name__},
    )


def run_all(
    operations: Mapping[str, Sequence[dict[str, Any]]], targets: Mapping[str, Target]
) -> dict[str, str]:
    """Run each target's operations in their order, those of all targets side by side; return the
    subscriptions they are about. The targets are of different customers; all are by their names."""
    targets = dict(targets)
    for step in range(max((len(each) for each in operations.values()), default=0)):
        waiting = {name: own[step] for name, own in operations.items() if step < len(own)}
        for verb in dict.fromkeys(each for body in waiting.values() for each in body):
            bodies = {name: each[verb] for name, each in waiting.items() if verb in each}
            targets |= _run_verb(OPERATIONS[verb], bodies, targets)
    return {name: target.subscription for name, target in targets.items()}


def _run_verb(
    operation: Operation, bodies: Mapping[str, Any], targets: Mapping[str, Target]
) -> dict[str, Target]:
    """Run one verb for those who ask for it; what many ask for in the same words is read once."""
    said = {id(body): body for body in bodies.values()}
    data = {name: validated(operation.input, body) for name, body in said.items()}
    is_together = operation.together and len(bodies) > 1
    ids = [targets[name].subscription for name in bodies] if is_together else []
    with services.together(ids) if is_together else nullcontext():
        return {
            name: replace(
                targets[name], subscription_id=operation.run(targets[name], data[id(body)])
            )
            for name, body in bodies.items()
        }
