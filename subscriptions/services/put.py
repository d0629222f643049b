"""Make an owner have a product on a plan, whatever it has now."""

from datetime import datetime

from core.errors import Conflict
from core.transactions import command
from customers.turns import turn
from plans import queries as catalog
from subscriptions.agreement import Planned
from subscriptions.loading import Loaded
from subscriptions.models import Subscription
from subscriptions.services import schedule
from subscriptions.services.change import (
    DifferentProduct,
    Override,
    change_loaded,
    is_same,
    target,
)
from subscriptions.services.results import Result, load_one, owner_of
from subscriptions.services.subscribe import subscribe


class SeveralSubscriptions(Conflict):
    """The owner has several subscriptions to this product; say which one to change."""

    code = "several_subscriptions"


@command
def put(
    *,
    customer_id: str,
    subject_id: str | None,
    product_id: str,
    plan_id: str,
    interval: str | None = None,
    override: bool = False,
) -> Result:
    """Subscribe, or change by policy; wanting what is so, or is agreed for later, does nothing.

    Wanting the present plan takes back whatever was agreed for later.

    :raises DifferentProduct: if the plan is not one of the product
    :raises SeveralSubscriptions: if there is more than one to choose from
    """
    with turn(customer_id) as at:
        if catalog.find_plan(plan_id).product_id != product_id:
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
                plan_id=plan_id,
                interval=interval,
                override=override,
            )
        return _become(load_one(rows[0].id), plan_id, interval, override=override, at=at)


def _become(
    loaded: Loaded, plan_id: str, interval: str | None, *, override: bool, at: datetime
) -> Result:
    rights = Override() if override else None
    terms, chosen = target(loaded, plan_id, interval, rights, at)
    if any(_leads_to(planned, terms.plan_id, chosen) for planned in loaded.planned):
        return Result(loaded.row)
    if is_same(loaded, terms, chosen):
        return schedule.reschedule(loaded, at=at, off=loaded.planned)
    return change_loaded(loaded, terms, chosen, at=at)


def _leads_to(planned: Planned, plan_id: str, interval: str) -> bool:
    """Tell whether this is agreed already, in whichever version, as a change or as an end."""
    terms = planned.terms
    return terms is not None and terms.plan_id == plan_id and planned.interval == interval
