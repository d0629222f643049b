"""The parts of one change, and when each of them happens. Pure.

Plan and interval follow the product's policy. Of quantity and add-ons, more acts now and less when
the subscription renews.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.periods import Anchor
from plans.change_rules import AnchorRule, Decision, Proration, Settlement, Timing
from plans.terms import Terms
from subscriptions import moves
from subscriptions.agreement import AddOnHeld, Agreement
from subscriptions.planned import Kind
from subscriptions.sales import (
    Sale,
    carried_quantity,
    fits,
    kept_add_ons,
    kept_limits,
    sale_of,
    with_add_on,
    zone_of,
)
from subscriptions.states import State


@dataclass(frozen=True, slots=True)
class Target:
    """Where a change leads. ``quantity`` None: nothing was said about it; ``add_ons`` are those
    that shall be different, with 0 where one ends. ``keeps_limits``: where the version that is
    left gives more, that stays; ``limits_of`` names the versions outright, for an undo."""

    terms: Terms
    interval: str
    quantity: int | None = None
    add_ons: tuple[AddOnHeld, ...] = ()
    keeps_limits: bool = False
    limits_of: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a change, and how it happens."""

    kind: Kind
    decision: Decision
    quantity: int | None = None
    add_on: AddOnHeld | None = None

    @property
    def is_now(self) -> bool:
        return self.decision.timing == Timing.NOW


def plan_differs(held: Agreement, target: Target) -> bool:
    return (held.terms.version_id, held.interval) != (target.terms.version_id, target.interval)


def is_same(held: Agreement, target: Target) -> bool:
    """Tell whether an agreement is what a change leads to already."""
    return (
        not plan_differs(held, target)
        and target.quantity in (None, held.quantity)
        and all(_held(held, each) == each.quantity for each in target.add_ons)
    )


def parts_of(
    held: Agreement,
    target: Target,
    plan: Decision | None,
    *,
    decided: Callable[[Decision], Decision],
) -> list[Part]:
    """Return the parts of a change. ``plan`` is how the plan changes, None if it does not;
    ``decided`` puts what somebody decided in the place of a rule."""
    change = _Change(held, target, plan, decided)
    return [*change.plan_part(), *change.quantity_part(), *change.add_on_parts()]


@dataclass(frozen=True, slots=True)
class _Change:
    held: Agreement
    target: Target
    plan: Decision | None
    decided: Callable[[Decision], Decision]

    @property
    def plan_is_now(self) -> bool:
        return self.plan is not None and self.plan.timing == Timing.NOW

    @property
    def costs_nothing_yet(self) -> bool:
        """In a trial, and before the start, less acts now as well."""
        return self.held.trial is not None or self.held.state == State.PENDING

    @property
    def begins_anew(self) -> bool:
        """Whether a new period begins now: that is a renewal."""
        restarts = self.plan is not None and self.plan.anchor == AnchorRule.RESTART
        other = self.held.interval != self.target.interval
        return self.plan_is_now and (restarts or other)

    def plan_part(self) -> Iterator[Part]:
        if self.plan is not None:
            yield Part(Kind.PLAN, self.plan)

    def quantity_part(self) -> Iterator[Part]:
        """What the present plan cannot give comes with the other one."""
        wanted = self.target.quantity
        if wanted is None:
            return
        carried = carried_quantity(self.held, self.target.terms) if self.plan else None
        present = carried if carried is not None and self.plan_is_now else self.held.quantity
        comes_along = self.plan is not None and not self.plan_is_now
        if wanted != present:
            along = comes_along and not self.held.terms.quantity.allows(wanted)
            yield self._part(Kind.QUANTITY, wanted > present, along=along, quantity=wanted)
        elif comes_along and wanted != carried:
            yield self._part(Kind.QUANTITY, True, along=True, quantity=wanted)

    def add_on_parts(self) -> Iterator[Part]:
        for add_on in self.target.add_ons:
            present = _held(self.held, add_on)
            if add_on.quantity != present:
                along = (
                    self.plan is not None
                    and not self.plan_is_now
                    and not fits(add_on, sale_of(self.held))
                )
                more = add_on.quantity > present
                yield self._part(Kind.ADD_ON, more, along=along, add_on=add_on)

    def _part(
        self,
        kind: Kind,
        more: bool,
        *,
        along: bool,
        quantity: int | None = None,
        add_on: AddOnHeld | None = None,
    ) -> Part:
        if along and self.plan is not None:
            return Part(kind, self.plan, quantity, add_on)
        now = more or self.costs_nothing_yet or self.begins_anew
        rule = Decision(
            timing=Timing.NOW if now else Timing.PERIOD_END,
            anchor=AnchorRule.KEEP,
            proration=Proration.SECOND,
            settlement=Settlement.CREDIT,
            rule=f"{kind}_{'up' if more else 'down'}",
        )
        return Part(kind, self.decided(rule), quantity, add_on)


def changed_now(
    held: Agreement,
    target: Target,
    parts: Sequence[Part],
    *,
    base: Agreement,
    at: datetime,
    shared: Anchor | None,
    customer_zone: str,
    explicit: Anchor | None = None,
) -> Agreement:
    """Return the agreement after those parts of a change that act now."""
    plan = next((each for each in parts if each.kind == Kind.PLAN), None)
    sale = sale_of(held)
    if plan is not None:
        quantity = carried_quantity(held, target.terms)
        zone = zone_of(held, target.terms, customer_zone)
        limits = _limits(held, target, base)
        sale = Sale(
            target.terms, target.interval, held.currency, quantity, held.add_ons, zone, limits
        )
    for each in parts:
        if each.quantity is not None:
            sale = replace(sale, quantity=each.quantity)
        if each.add_on is not None:
            sale = replace(sale, add_ons=with_add_on(sale.add_ons, each.add_on))
    return moves.changed(
        held,
        replace(sale, add_ons=kept_add_ons(sale)),
        base=base,
        anchor=plan.decision.anchor if plan else AnchorRule.KEEP,
        at=at,
        shared=shared,
        trial_days=sale.terms.trial.days if plan and sale.terms.trial else None,
        explicit=explicit,
    )


def _limits(held: Agreement, target: Target, base: Agreement) -> tuple[str, ...]:
    """Whoever is back at the instant of a change on the version that was left has what was."""
    if target.limits_of is not None:
        return target.limits_of
    if base.terms.version_id == target.terms.version_id != held.terms.version_id:
        return base.limits_of
    return kept_limits(held, target.terms, keeps=target.keeps_limits)


def _held(held: Agreement, add_on: AddOnHeld) -> int:
    present = held.add_on(add_on.key)
    return present.quantity if present else 0
