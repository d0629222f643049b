"""Make an owner have a product on a plan, whatever it has now."""

from collections.abc import Sequence
from datetime import datetime

from core.errors import Conflict
from core.transactions import command
from customers.turns import turn
from plans import queries as catalog
from subscriptions.agreement import AddOnHeld, Agreement
from subscriptions.loading import Loaded
from subscriptions.models import Cause, ChangeStatus, Subscription
from subscriptions.parts import Target, is_same, plan_differs
from subscriptions.planned import Kind, Planned
from subscriptions.services.change import change_loaded
from subscriptions.services.ends import drop_end
from subscriptions.services.results import Result, load_one, owner_of
from subscriptions.services.steps import Step, take
from subscriptions.services.subscribe import subscribe
from subscriptions.services.targets import DifferentProduct, find_target
from subscriptions.services.wanted import Beginning, Order, Override, Wanted


class SeveralSubscriptions(Conflict):
    """The owner has several subscriptions to this product; say which one to change."""

    code = "several_subscriptions"


@command
def put(
    *,
    customer_id: str,
    subject_id: str | None,
    product_id: str,
    wanted: Wanted,
    override: bool = False,
) -> Result:
    """Subscribe, or change by policy; wanting what is so, or is agreed for later, does nothing.

    Wanting the present plan takes back whatever was agreed for later.

    :raises DifferentProduct: if the plan is not one of the product
    :raises SeveralSubscriptions: if there is more than one to choose from
    """
    with turn(customer_id) as at:
        if catalog.find_plan(wanted.plan_id or "").product_id != product_id:
            raise DifferentProduct("the plan is not one of this product")
        owner_of(customer_id=customer_id, subject_id=subject_id)
        rows = list(
            Subscription.objects.current()
            .of_owner(customer_id=customer_id, subject_id=subject_id)
            .filter(product_id=product_id)
        )
        if len(rows) > 1:
            raise SeveralSubscriptions("change one of them by its id")
        if not rows:
            return subscribe(
                customer_id=customer_id,
                subject_id=subject_id,
                order=Order(wanted.plan_id or "", wanted.interval, wanted.quantity, wanted.add_ons),
                beginning=Beginning() if override else None,
            )
        return _become(load_one(rows[0].id, at=at), wanted, override=override, at=at)


def _become(loaded: Loaded, wanted: Wanted, *, override: bool, at: datetime) -> Result:
    held = loaded.agreement
    rights = Override() if override else None
    target = find_target(held, wanted, rights, at=at, customer_id=loaded.row.customer_id)
    if _is_agreed(loaded, target):
        return Result(loaded.row)
    contrary = [each for each in loaded.planned if _is_contrary(each, target)]
    if is_same(held, target):
        step = Step.on(loaded, at=at, cause=Cause.CHANGED)
        if any(each.kind == Kind.END for each in contrary):
            drop_end(step, ChangeStatus.CANCELED)
        step.drop(contrary, ChangeStatus.CANCELED)
        return take(step)
    return change_loaded(
        loaded, target, at=at, override=rights, contrary=_beside_plan(contrary, held, target)
    )


def _is_agreed(loaded: Loaded, target: Target) -> bool:
    """Tell whether all of it is so, or agreed for later, in whichever version."""
    held = loaded.agreement
    plans = [each for each in loaded.planned if each.kind in (Kind.PLAN, Kind.END)]
    plan = (
        any(_leads_to(each, target) for each in plans) if plans else not plan_differs(held, target)
    )
    quantity = loaded.pending(Kind.QUANTITY)
    count = quantity.quantity if quantity else held.quantity
    return (
        plan
        and target.quantity in (None, count)
        and all(_held_then(loaded, each) == each.quantity for each in target.add_ons)
    )


def _held_then(loaded: Loaded, add_on: AddOnHeld) -> int:
    """Return how many of an add-on there will be by what is agreed."""
    agreed = loaded.pending(Kind.ADD_ON, add_on.key)
    if agreed is not None and agreed.add_on is not None:
        return agreed.add_on.quantity
    held = loaded.agreement.add_on(add_on.key)
    return held.quantity if held else 0


def _leads_to(planned: Planned, target: Target) -> bool:
    terms = planned.terms
    return (
        terms is not None
        and terms.plan_id == target.terms.plan_id
        and planned.interval == target.interval
    )


def _is_contrary(planned: Planned, target: Target) -> bool:
    """Tell whether something planned leads away from what is wanted."""
    if planned.kind in (Kind.PLAN, Kind.END):
        return not _leads_to(planned, target)
    if planned.kind == Kind.QUANTITY:
        return target.quantity not in (None, planned.quantity)
    return planned.kind == Kind.ADD_ON and any(
        each.key == planned.key and each != planned.add_on for each in target.add_ons
    )


def _beside_plan(contrary: Sequence[Planned], held: Agreement, target: Target) -> Sequence[Planned]:
    """A change of plan takes care itself of what it comes in the place of."""
    if plan_differs(held, target):
        return [each for each in contrary if each.kind not in (Kind.PLAN, Kind.END)]
    return contrary
